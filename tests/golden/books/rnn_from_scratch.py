"""A character model from scratch: one-hot inputs, a state by hand, clipped gradients, perplexity; then nn.RNN and GRU."""
import math
import torch
from torch import nn
from torch.nn import functional as F

text = "the time traveller for so it will be convenient to speak of him was expounding a recondite matter to us "
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
corpus = torch.tensor([stoi[c] for c in text])
V, H = len(chars), 24
torch.manual_seed(13)


def get_params():
    def normal(shape):
        return torch.randn(size=shape) * 0.1

    params = [normal((V, H)), normal((H, H)), torch.zeros(H), normal((H, V)), torch.zeros(V)]
    for p in params:
        p.requires_grad_(True)
    return params


def rnn(inputs, state, params):
    W_xh, W_hh, b_h, W_hq, b_q = params
    (H,) = state
    outputs = []
    for X in inputs:
        H = torch.tanh(torch.mm(X, W_xh) + torch.mm(H, W_hh) + b_h)
        outputs.append(torch.mm(H, W_hq) + b_q)
    return torch.cat(outputs, dim=0), (H,)


def grad_clipping(params, theta):
    norm = torch.sqrt(sum(torch.sum((p.grad ** 2)) for p in params))
    if norm > theta:
        for param in params:
            param.grad[:] *= theta / norm
    return norm


params = get_params()
loss = nn.CrossEntropyLoss()
steps = 13
for epoch in range(4):
    state, total, n = (torch.zeros(1, H),), 0.0, 0
    for i in range(0, len(corpus) - steps - 1, steps):
        for s in state:
            s.detach_()
        x, y = corpus[i : i + steps], corpus[i + 1 : i + steps + 1]
        inputs = F.one_hot(x, V).type(torch.float32).reshape(steps, 1, V)
        y_hat, state = rnn(inputs, state, params)
        l = loss(y_hat, y.long()).mean()
        l.backward()
        norm = grad_clipping(params, 1)
        with torch.no_grad():
            for p in params:
                p -= 0.5 * p.grad
                p.grad.zero_()
        total, n = total + float(l) * y.numel(), n + y.numel()
    print(epoch, f"perplexity {math.exp(total / n):.2f}, norm {norm:.3f}")
for kind in (nn.RNN, nn.GRU, nn.LSTM):
    layer = kind(V, H)
    state = None
    Y, state = layer(F.one_hot(corpus[:5], V).float().unsqueeze(1), state)
    Y.sum().backward()
    print(layer, Y.shape, Y[-1, 0, :4], layer.weight_hh_l0.grad[0, :4])
