"""nn.TransformerEncoder classifies sequences; a small vision transformer made of patches; class tokens."""
import torch
from torch import nn

torch.manual_seed(33)


class Classifier(nn.Module):
    def __init__(self, vocab, d=16, classes=2):
        super().__init__()
        self.emb = nn.Embedding(vocab, d, padding_idx=0)
        self.pos = nn.Parameter(torch.randn(1, 6, d) * 0.02)
        layer = nn.TransformerEncoderLayer(d_model=d, nhead=2, dim_feedforward=32, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.head = nn.Linear(d, classes)

    def forward(self, tokens):
        mask = tokens == 0
        h = self.encoder(self.emb(tokens) + self.pos[:, : tokens.size(1)], src_key_padding_mask=mask)
        h = h.masked_fill(mask.unsqueeze(-1), 0).sum(1) / (~mask).sum(1, keepdim=True)
        return self.head(h)


tokens = torch.tensor([[1, 2, 3, 0, 0, 0], [4, 2, 1, 3, 0, 0], [5, 6, 7, 8, 5, 6], [8, 7, 6, 5, 0, 0]])
labels = torch.tensor([0, 0, 1, 1])
model = Classifier(9)
opt = torch.optim.AdamW(model.parameters(), lr=5e-3, betas=(0.9, 0.98), eps=1e-9)
for step in range(8):
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)(model(tokens), labels)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 3 == 0:
        print(step, f"{loss.item():.4f}")
print(model(tokens).argmax(1), sum(p.numel() for p in model.parameters() if p.requires_grad))
decoder = nn.TransformerDecoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
mask = nn.Transformer.generate_square_subsequent_mask(3)
out = decoder(torch.randn(1, 3, 16), torch.randn(1, 5, 16), tgt_mask=mask)
print(mask, out[0, :, :4])


class ViT(nn.Module):
    def __init__(self, dim=12):
        super().__init__()
        self.patch = nn.Conv2d(1, dim, kernel_size=4, stride=4)
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, 3, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(dim, 24), nn.GELU(), nn.Linear(24, dim))
        self.head = nn.Linear(dim, 3)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.size(0), -1, -1), x], dim=1)
        n = self.norm1(x)
        x = x + self.attn(n, n, n, need_weights=False)[0]
        x = x + self.mlp(self.norm2(x))
        return self.head(x[:, 0])


vit = ViT()
y = vit(torch.randn(2, 1, 8, 8))
y.sum().backward()
print(y, vit.cls.grad[0, 0, :4])
