"""Programs written for PyTorch. With their import lines changed, and nothing else, gradmagic prints the same.

The first six compute what shared textbooks compute (parabola, root of 2, a graph of two paths, one layer, four small
ones, three errors); the rest is where gradients go wrong, and what else a program meets.
"""

import re

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
    "updates by hand": """
import torch

x = torch.linspace(0, 1, 5).unsqueeze(1)
y = 3 * x - 1
w = torch.zeros(1, 1, requires_grad=True)
b = torch.zeros(1)
b.requires_grad = True
for step in range(3):
    loss = ((x @ w + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.5 * w.grad
        b -= 0.5 * b.grad
    w.grad.zero_()
    b.grad = None
    print(f"step {step}: loss {loss:.4f}, {loss.item():.4f}, w {w.item():.4f}")
print(w, b)
loss = ((x @ w + b - y) ** 2).mean()
loss.backward()
w.data -= 0.5 * w.grad.data
b.data = b.data - 0.5 * b.grad
print(w, b, w.grad, b.is_leaf)
with torch.no_grad():
    w.sub_(0.1 * w.grad)
    b.add_(b.grad, alpha=-0.1)
    b.copy_(b * 2).mul_(0.5)
print(w, b)
w = w.detach().clone().requires_grad_(True)
(w * 2).sum().backward()
print(w.grad, w.grad.data, torch.is_grad_enabled())
y = w * 2
y[0, 0] = 5.0
y += w
y.sum().backward()
print(y, w.grad)
print(w.data.numpy(), (w * 2).detach().numpy())
""",
    "data and metrics": """
import numpy as np
import torch

a = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.5]])
x = torch.from_numpy(a).float()
y = torch.tensor([0, 1, 1])
z = torch.tensor(a, dtype=torch.float32)
print(x.dtype, y.dtype, torch.tensor(a).dtype, x.size(0), x.shape[1], len(x))
for row in x:
    print(row, row[0].item())
scores = torch.stack([x[:, 0] - 2, x[:, 1] - 3], dim=1)
pred = torch.argmax(scores, dim=1)
print(pred, (pred == y).float().mean(), (pred == y).sum().item() / len(y), pred.eq(y).all())
print(x.mean(dim=0), x.std(dim=0), (x - x.mean(0)) / x.std(0))
values, indices = torch.max(scores, 1)
print(values, indices)
print(torch.max(scores, 1))
print(int(y[1]), bool(y[0]), float(x[0, 0]), y.tolist(), x[y == 1])
print(torch.cat([x, x], dim=0).shape, x.view(-1).shape, x.reshape(2, -1).size(), x.t().shape)
print(torch.zeros(2, dtype=torch.long), torch.ones(2).type(torch.DoubleTensor if False else torch.float64))
print(x[1:, 0], x[-1], x[[0, 2]], x.max(), x.min().item(), x.sum(1), torch.sum(x * x), x.numel())
print(x + a.astype(np.float32)[0, 0], 2 * x[0], x[0] / 3, -x[0], x[0] ** 2, x[0] > 1.5, x[0] // 2, x[0] % 2)
print(torch.where(x > 2, x, torch.zeros_like(x)), x.clamp(min=2), torch.clamp(x, 2, 4))
x[0, 0] = 10
x[1] = torch.tensor([7.0, 8.0])
x[:, 1] += 1
x[x > 8] = 0
print(x)
print(torch.sqrt(torch.tensor(2.0)), torch.exp(torch.tensor([0.0, 1.0])), torch.pi)
print(torch.tensor([1e-8, 1.0]), torch.tensor([1e5, 1.0]), torch.rand(3).shape, torch.randint(0, 3, (2, 2)).max() < 3)
""",
    "devices": """
import torch

device = torch.device("cuda" if torch.cuda.is_available() and False else "cpu")
x = torch.ones(2, device=device, requires_grad=True)
y = torch.tensor([1.0, 2.0]).to(device)
print(device, x.device, device.type, x.device == device, (x * y).sum().to("cpu"), repr(device))
model = torch.nn.Linear(2, 1).to(device)
print(next(model.parameters()).device, next(model.parameters()).is_cuda)

@torch.no_grad()
def evaluate(x):
    return model(x).requires_grad

print(evaluate(x), model(x).requires_grad)
with torch.inference_mode():
    print(model(x).requires_grad)
with torch.set_grad_enabled(False):
    print((x * 2).requires_grad)
print(isinstance(x, torch.Tensor), torch.is_tensor(x), type(x).__name__)
""",
}


def with_gradmagic(source: str) -> str:
    """Change the import lines, and nothing else."""
    source = re.sub(r"^(import|from) torch(?=\.| import)", r"\1 gradmagic", source, flags=re.MULTILINE)
    return re.sub(r"^import torch$", "import gradmagic as torch", source, flags=re.MULTILINE)
