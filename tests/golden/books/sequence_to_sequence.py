"""Encoder and decoder with embeddings, a masked loss, teacher forcing, and greedy decoding."""
import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self, vocab_size, embed_size, num_hiddens):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_size, padding_idx=0)
        self.rnn = nn.GRU(embed_size, num_hiddens)

    def forward(self, X):
        return self.rnn(self.embedding(X.t().type(torch.int64)))


class Decoder(nn.Module):
    def __init__(self, vocab_size, embed_size, num_hiddens):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = nn.GRU(embed_size + num_hiddens, num_hiddens)
        self.dense = nn.Linear(num_hiddens, vocab_size)

    def forward(self, X, state):
        X = self.embedding(X.t().type(torch.int64))
        context = state[-1].repeat(X.shape[0], 1, 1)
        output, state = self.rnn(torch.cat((X, context), -1), state)
        return self.dense(output).swapaxes(0, 1), state


def sequence_mask(X, valid_len, value=0):
    maxlen = X.size(1)
    mask = torch.arange((maxlen), dtype=torch.float32)[None, :] < valid_len[:, None]
    X[~mask] = value
    return X


class MaskedSoftmaxCELoss(nn.CrossEntropyLoss):
    def forward(self, pred, label, valid_len):
        weights = torch.ones_like(label)
        weights = sequence_mask(weights, valid_len)
        self.reduction = "none"
        unweighted_loss = super().forward(pred.permute(0, 2, 1), label)
        return (unweighted_loss * weights).mean(dim=1)


torch.manual_seed(15)
X = torch.tensor([[1, 2, 3], [4, 5, 6]])
print(sequence_mask(X.clone(), torch.tensor([1, 2])))
print(MaskedSoftmaxCELoss()(torch.ones(3, 4, 10), torch.ones((3, 4), dtype=torch.long), torch.tensor([4, 2, 0])))
enc, dec = Encoder(10, 8, 16), Decoder(10, 8, 16)
for m in (enc, dec):
    for p in m.parameters():
        if p.dim() > 1:
            nn.init.xavier_uniform_(p)
src = torch.tensor([[3, 4, 5, 0], [6, 7, 2, 1]])
tgt = torch.tensor([[1, 5, 4, 3], [1, 2, 7, 6]])
loss = MaskedSoftmaxCELoss()
opt = torch.optim.Adam([*enc.parameters(), *dec.parameters()], lr=0.05)
for epoch in range(30):
    opt.zero_grad()
    _, state = enc(src)
    Y_hat, _ = dec(tgt[:, :-1], state)
    l = loss(Y_hat, tgt[:, 1:], torch.tensor([3, 3]))
    l.sum().backward()
    nn.utils.clip_grad_norm_(enc.parameters(), 1.0)
    opt.step()
    if epoch % 10 == 9:
        print(epoch, f"{l.sum().item():.4f}")
print(enc.embedding.weight.grad[0].abs().sum())
dec.eval()
with torch.no_grad():
    _, state = enc(src)
    token, out = torch.tensor([[1], [1]]), []
    for _ in range(3):
        Y, state = dec(token, state)
        token = Y.argmax(dim=2)
        out.append(token)
print(torch.cat(out, 1))
