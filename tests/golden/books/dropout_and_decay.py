"""Dropout written by hand and by nn; parameter groups with and without weight decay; gradients that vanish."""
import torch
from torch import nn


def dropout_layer(X, dropout):
    assert 0 <= dropout <= 1
    if dropout == 1:
        return torch.zeros_like(X)
    if dropout == 0:
        return X
    mask = (torch.rand(X.shape) > dropout).float()
    return mask * X / (1.0 - dropout)


torch.manual_seed(9)
X = torch.arange(16, dtype=torch.float32).reshape((2, 8))
print(X, dropout_layer(X, 0.0), dropout_layer(X, 0.5), dropout_layer(X, 1.0), sep="\n")
net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2))
net.eval()
print(net(X / 16))
trainer = torch.optim.SGD(
    [{"params": [p for n, p in net.named_parameters() if n.endswith("weight")], "weight_decay": 3e-2},
     {"params": [p for n, p in net.named_parameters() if n.endswith("bias")]}], lr=0.1,
)
print(trainer)
for _ in range(5):
    l = (net(X / 16) - 1).pow(2).mean()
    trainer.zero_grad()
    l.backward()
    trainer.step()
print(l, net[0].weight.norm().item())
x = torch.arange(-8.0, 8.0, 2.0, requires_grad=True)
y = torch.sigmoid(x)
y.backward(torch.ones_like(x))
print(x.grad)
M = torch.normal(0, 1, size=(4, 4))
print("one matrix", M)
for i in range(10):
    M = torch.mm(M, torch.normal(0, 1, size=(4, 4)))
print("after", M)
