"""Threes against sevens, in the manner of a first course: a baseline by means, then a learner by hand."""
import torch
from torch import tensor
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader

torch.manual_seed(37)
three = (torch.rand(20, 6, 6) > 0.5).float()
seven = (torch.rand(20, 6, 6) > 0.5).float()
three[:, :, 0] = 1
seven[:, 0, :] = 1
mean3, mean7 = three.mean(0), seven.mean(0)
a_3 = three[1]
print((a_3 - mean3).abs().mean(), ((a_3 - mean3) ** 2).mean().sqrt(), F.l1_loss(a_3, mean7), F.mse_loss(a_3, mean7).sqrt())


def mnist_distance(a, b):
    return (a - b).abs().mean((-1, -2))


def is_3(x):
    return mnist_distance(x, mean3) < mnist_distance(x, mean7)


print(is_3(three).float().mean(), (1 - is_3(seven).float()).mean())
train_x = torch.cat([three, seven]).view(-1, 36)
train_y = tensor([1] * len(three) + [0] * len(seven)).unsqueeze(1)
dset = list(zip(train_x, train_y))
x, y = dset[0]
print(x.shape, y)


def init_params(size, std=1.0):
    return (torch.randn(size) * std).requires_grad_()


def mnist_loss(predictions, targets):
    predictions = predictions.sigmoid()
    return torch.where(targets == 1, 1 - predictions, predictions).mean()


def batch_accuracy(xb, yb):
    preds = xb.sigmoid()
    correct = (preds > 0.5) == yb
    return correct.float().mean()


weights, bias = init_params((36, 1)), init_params(1)
dl = DataLoader(dset, batch_size=8, shuffle=True)
lr = 1.0
for epoch in range(4):
    for xb, yb in dl:
        loss = mnist_loss(xb @ weights + bias, yb)
        loss.backward()
        for p in (weights, bias):
            p.data -= p.grad * lr
            p.grad.zero_()
    accs = [batch_accuracy(xb @ weights + bias, yb) for xb, yb in dl]
    print(round(torch.stack(accs).mean().item(), 4), end=" ")
print()


class BasicOptim:
    def __init__(self, params, lr):
        self.params, self.lr = list(params), lr

    def step(self, *args, **kwargs):
        for p in self.params:
            p.data -= p.grad.data * self.lr

    def zero_grad(self, *args, **kwargs):
        for p in self.params:
            p.grad = None


simple_net = nn.Sequential(nn.Linear(36, 10), nn.ReLU(), nn.Linear(10, 1))
opt = BasicOptim(simple_net.parameters(), 0.1)
for epoch in range(3):
    for xb, yb in dl:
        loss = mnist_loss(simple_net(xb), yb)
        loss.backward()
        opt.step()
        opt.zero_grad()
    print(f"{loss.item():.4f}")
w, b = simple_net[0].parameters()
print(w.shape, b.shape, w[0].view(6, 6)[0])
