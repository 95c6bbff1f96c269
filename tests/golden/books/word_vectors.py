"""Skip-gram with negative sampling, then nearest words by cosine."""
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(20)
sentences = [s.split() for s in ("the king rules the land", "the queen rules the land", "a dog eats a bone", "a cat eats a fish")]
vocab = sorted({w for s in sentences for w in s})
idx = {w: i for i, w in enumerate(vocab)}
pairs = [(idx[s[i]], idx[s[j]]) for s in sentences for i in range(len(s)) for j in range(max(0, i - 2), min(len(s), i + 3)) if i != j]
center, context = map(torch.tensor, zip(*pairs))
net = nn.Sequential(nn.Embedding(len(vocab), 6), nn.Embedding(len(vocab), 6))


class SigmoidBCELoss(nn.Module):
    def forward(self, inputs, target, mask=None):
        out = nn.functional.binary_cross_entropy_with_logits(inputs, target, weight=mask, reduction="none")
        return out.mean(dim=1)


loss = SigmoidBCELoss()
print(loss(torch.tensor([[1.1, -2.2, 3.3, -4.4]] * 2), torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0]]), torch.tensor([[1.0, 1, 1, 1], [1, 1, 0, 0]])))
opt = torch.optim.Adam(net.parameters(), lr=0.05)
for epoch in range(10):
    negatives = torch.randint(0, len(vocab), (len(pairs), 3))
    words = torch.cat([context[:, None], negatives], dim=1)
    labels = torch.zeros(words.shape)
    labels[:, 0] = 1
    pred = torch.bmm(net[0](center).unsqueeze(1), net[1](words).permute(0, 2, 1)).squeeze(1)
    l = loss(pred, labels).mean()
    opt.zero_grad()
    l.backward()
    opt.step()
    if epoch % 3 == 0:
        print(epoch, f"{l.item():.4f}")
W = net[0].weight.data
x = W[idx["king"]]
cos = torch.mv(W, x) / torch.sqrt(torch.sum(W * W, dim=1) * torch.sum(x * x) + 1e-9)
topk = torch.topk(cos, k=3)
for i, v in zip(topk.indices, topk.values):
    print(f"cosine sim={float(v):.3f}: {vocab[i]}")
print(F.cosine_similarity(W[0], W[1], dim=0), F.embedding(torch.tensor([1, 2]), W)[:, :2])
