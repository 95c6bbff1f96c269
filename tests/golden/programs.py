"""Programs written for PyTorch. With their import lines changed, and nothing else, gradmagic prints the same.

The first six compute what shared textbooks compute (parabola, root of 2, a graph of two paths, one layer, four small
ones, three errors); the rest is where gradients go wrong, and what else a program meets.
"""

PROGRAMS = {
    "parabola": """
import numpy as np
import torch

x = torch.arange(-2, 2.25, 0.25, requires_grad=True)
print(x)
y = 2 * x**2 + 2
print(y)
z = y.sum()
print(z)
z.backward()
print(x.grad)
z = (2 * x**2 + 2).sum()
z.backward()
print(x.grad)
x.grad.zero_()
z = torch.max(2 * x**2 + 2)
print(z)
z.backward()
print(x.grad)
print(x.detach().numpy(), x.grad.numpy().dtype, len(x), y.shape, x.data[0], z.item())
t = torch.tensor(np.arange(-2, 2.25, 0.25, dtype=np.float32), requires_grad=True)
torch.sum(2 * t**2 + 2).backward()
print(torch.equal(t.grad, 4 * t), type(z.grad_fn).__name__ != "", z.is_leaf, x.is_leaf)
""",
    "root of 2": """
import torch
from torch import nn, optim

x = torch.tensor([1.0], requires_grad=True)
target = torch.tensor([0.0])
loss_of = nn.MSELoss()
optimizer = optim.SGD([x], lr=0.01)
for i in range(100):
    y = x**2 - 2
    loss = loss_of(y, target)
    optimizer.zero_grad()
    loss.backward()
    if i < 3 or i > 97:
        print(f"{i}: {x.item():.7f} {y.item():.7f} {x.grad.item():.7f}")
    optimizer.step()
print(x, f"{x.item():.7f}", loss)
""",
    "two paths": """
import torch

a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(1.0, requires_grad=True)
c = a + b
d = b + 1
e = c * d
c.retain_grad()
d.retain_grad()
print(c, d, e)
e.backward()
print(a.grad, b.grad, c.grad, d.grad)
print(e)
print(e.grad_fn.next_functions[0][0].name(), e.grad_fn.next_functions[1][0].name())
""",
    "one layer": """
import torch

torch.manual_seed(0)
x = torch.ones(5)
y = torch.zeros(3)
w = torch.randn(5, 3, requires_grad=True)
b = torch.randn(3, requires_grad=True)
z = torch.matmul(x, w) + b
loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
print(str(z.grad_fn).split(" ")[0], str(loss.grad_fn).split(" ")[0])
loss.backward()
print(torch.allclose(b.grad, torch.sigmoid(z) / 3), torch.allclose(w.grad, b.grad.expand(5, 3)), w.grad.shape)
z = torch.matmul(x, w) + b
print(z.requires_grad)
with torch.no_grad():
    z = torch.matmul(x, w) + b
print(z.requires_grad)
z = torch.matmul(x, w) + b
print(z.detach().requires_grad)
""",
    "one layer, given numbers": """
import torch
import torch.nn.functional as F

x = torch.ones(5)
y = torch.zeros(3)
w = (torch.arange(15).reshape(5, 3) / 8 - 0.75).requires_grad_()
b = torch.tensor([0.5, -0.25, 0.0], requires_grad=True)
z = x @ w + b
loss = F.binary_cross_entropy_with_logits(z, y)
print(z)
print(loss)
loss.backward()
print(w.grad)
print(b.grad)
""",
    "four small ones": """
import torch

a = torch.tensor([[0.4537, 0.2061], [-0.5527, -2.7338], [-0.1388, 1.5524]], requires_grad=True)
s = torch.sum(a * a)
print(s)
s.backward()
print(a.grad)
a = torch.tensor([[1.0, 2, 3], [4, 5, 6]], requires_grad=True)
m = a.mean()
print(m)
m.backward()
print(a.grad)
a = torch.tensor([[1.0, 2, 3], [5, 6, 4]], requires_grad=True)
m = a.max()
print(m)
m.backward()
print(a.grad)
a = torch.tensor([[1.0, 3], [4, 2]], requires_grad=True)
p = torch.mm(a.t(), a)
print(p)
m = torch.mean(p)
print(m)
m.backward()
print(a.grad)
""",
    "three errors": """
import re
import torch

def first_sentence(act):
    try:
        act()
    except RuntimeError as error:
        print(re.split("[.:,;(]", str(error))[0].strip())

x = torch.tensor([1.0, 2.0])
first_sentence(lambda: x.sum().backward())
first_sentence(lambda: torch.tensor([1, 2, 3], requires_grad=True) and None)
y = torch.tensor([1.0, 2.0], requires_grad=True)
first_sentence(lambda: (2 * y).backward())
z = (y * y).sum()
z.backward()
first_sentence(lambda: z.backward())
first_sentence(lambda: y.add_(1))
print(y)
""",
    "where a gradient goes wrong": """
import torch

x = torch.tensor([0.0, 4.0], requires_grad=True)
torch.where(x > 0, torch.sqrt(x), x).sum().backward()
print(x.grad)
x = torch.tensor([0.0, 120.0], requires_grad=True)
torch.log(torch.softmax(x, 0)).sum().backward()
print(x.grad)
x = torch.tensor([0.0, 120.0], requires_grad=True)
torch.log_softmax(x, 0).sum().backward()
print(x.grad)
x = torch.tensor(1.0, requires_grad=True)
y = x
for _ in range(10):
    y = torch.sigmoid(y)
y.backward()
print(y, x.grad, x.grad < 1e-5)
x, unused = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
(x * 3).sum().backward()
print(x.grad, unused.grad)
try:
    torch.ones(2, 3) @ (torch.ones(3, 4) @ torch.ones(4, 2, requires_grad=True)) @ torch.ones(3)
except (RuntimeError, ValueError) as error:
    print("shapes")
x = torch.tensor(1.0, requires_grad=True)
y = x
for _ in range(10000):
    y = y * 1.0001
y.backward()
print(y, x.grad)
""",
    "a small network": """
import torch
from torch import nn, optim
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 4)
        self.second = nn.Linear(4, 2)

    def forward(self, x):
        return self.second(F.relu(self.first(x)))

net = Net()
print(net)
with torch.no_grad():
    for i, p in enumerate(net.parameters()):
        p.copy_((torch.arange(p.numel()).reshape(p.shape) % 5 - 2) / 4.0)
x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([0, 1, 1, 0])
for optimizer in (optim.SGD(net.parameters(), lr=0.5, momentum=0.9), optim.Adam(net.parameters(), lr=0.05)):
    for step in range(40):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        if step % 20 == 0:
            print(step, loss)
print(net(x).argmax(1), sum(p.numel() for p in net.parameters()))
print(net.second.bias.grad is not None, [n for n, _ in net.named_parameters()])
net.eval()
with torch.no_grad():
    print(net(x).requires_grad)
""",
    "images": """
import torch
from torch import nn

net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))
with torch.no_grad():
    for p in net.parameters():
        p.copy_((torch.arange(p.numel()).reshape(p.shape) % 7 - 3) / 8.0)
x = (torch.arange(32).reshape(2, 1, 4, 4) % 9) / 4
loss = nn.CrossEntropyLoss()(net(x), torch.tensor([2, 0]))
print(net)
print(loss)
loss.backward()
print(net[0].weight.grad)
print(net[0].bias.grad, net[4].bias.grad)
""",
    "derivatives of derivatives": """
import torch

x = torch.tensor(2.0, requires_grad=True)
(g,) = torch.autograd.grad(x**3, x, create_graph=True)
print(g)
(h,) = torch.autograd.grad(g, x)
print(h)
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = (x**3).sum()
y.backward(create_graph=True)
penalty = (x.grad**2).sum()
print(torch.autograd.grad(penalty, x)[0])
y = 2 * x
y.backward(gradient=torch.tensor([1.0, 0.5]), retain_graph=True)
y = x * x
y.retain_grad()
y.register_hook(lambda g: g * 10)
x.grad = None
y.sum().backward()
print(x.grad)
""",
}


def with_gradmagic(source: str) -> str:
    """Change the import lines, and nothing else."""
    lines = source.splitlines()
    for old, new in (
        ("import torch.nn.functional as F", "import gradmagic.nn.functional as F"),
        ("from torch import", "from gradmagic import"),
        ("import torch", "import gradmagic as torch"),
    ):
        lines = [line.replace(old, new, 1) if line.startswith(old) else line for line in lines]
    return "\n".join(lines)
