"""Softmax regression with initialisers applied to modules, and accuracy counted by hand."""
import torch
from torch import nn

torch.manual_seed(8)
X = torch.randn(60, 1, 4, 4)
y = (X.flatten(1)[:, :3]).argmax(1)
net = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))


def init_weights(m):
    if type(m) == nn.Linear:
        nn.init.normal_(m.weight, std=0.01)


print(net.apply(init_weights))
print(net[1].weight[0, :4])
loss = nn.CrossEntropyLoss(reduction="none")
trainer = torch.optim.SGD(net.parameters(), lr=0.5)
for epoch in range(4):
    for i in range(0, 60, 20):
        y_hat = net(X[i : i + 20])
        l = loss(y_hat, y[i : i + 20])
        trainer.zero_grad()
        l.mean().backward()
        trainer.step()
    y_hat = net(X)
    cmp = y_hat.argmax(axis=1).type(y.dtype) == y
    print(epoch, float(cmp.type(y.dtype).sum()) / len(y), float(l.sum()))
X_prob = torch.softmax(net(X[:2]), dim=1)
print(X_prob, X_prob.sum(1), X_prob[[0, 1], y[:2]])
x = torch.arange(-3.0, 3.0, 0.5, requires_grad=True)
for f in (torch.relu, torch.sigmoid, torch.tanh):
    out = f(x)
    if x.grad is not None:
        x.grad.data.zero_()
    out.backward(torch.ones_like(x), retain_graph=True)
    print(x.grad)
