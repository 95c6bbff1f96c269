"""Distillation, accumulated gradients, moving averages, early stopping, checkpoints of optimisers, frozen layers, hooks."""
import copy
import io
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(34)
X, Y = torch.randn(64, 6), torch.randint(0, 3, (64,))
teacher = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
student = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
opt = torch.optim.Adam(teacher.parameters(), lr=0.02)
for i in range(20):
    loss = F.cross_entropy(teacher(X), Y) / 4
    loss.backward()
    if (i + 1) % 4 == 0:
        norm = nn.utils.clip_grad_norm_(teacher.parameters(), 0.5)
        opt.step()
        opt.zero_grad()
print(f"{loss.item() * 4:.4f} {norm:.4f}")
T = 2.0
ema = copy.deepcopy(student)
opt = torch.optim.SGD(student.parameters(), lr=0.2, momentum=0.9)
best, wait = float("inf"), 0
for epoch in range(15):
    with torch.no_grad():
        soft = F.softmax(teacher(X) / T, dim=-1)
    logits = student(X)
    kd = F.kl_div(F.log_softmax(logits / T, dim=-1), soft, reduction="batchmean") * T ** 2
    loss = 0.7 * kd + 0.3 * F.cross_entropy(logits, Y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    with torch.no_grad():
        for a, b in zip(ema.parameters(), student.parameters()):
            a.mul_(0.9).add_(b, alpha=0.1)
    if loss.item() < best - 1e-3:
        best, wait = loss.item(), 0
    else:
        wait += 1
        if wait >= 3:
            break
print(epoch, f"{best:.4f}", ema[0].weight[0])
buffer = io.BytesIO()
torch.save({"epoch": epoch, "model": student.state_dict(), "opt": opt.state_dict()}, buffer)
buffer.seek(0)
checkpoint = torch.load(buffer)
student.load_state_dict(checkpoint["model"])
opt.load_state_dict(checkpoint["opt"])
print(checkpoint["epoch"] == epoch, sorted(checkpoint["opt"]["param_groups"][0])[:4])
for p in student[0].parameters():
    p.requires_grad = False
student[2] = nn.Linear(4, 2)
opt = torch.optim.SGD(filter(lambda p: p.requires_grad, student.parameters()), lr=0.1)
F.cross_entropy(student(X), Y % 2).backward()
print([p.grad is None for p in student.parameters()], sum(len(g["params"]) for g in opt.param_groups))
activation = {}


def get_activation(name):
    def hook(model, input, output):
        activation[name] = output.detach()

    return hook


handle = student[1].register_forward_hook(get_activation("relu"))
student(X[:2])
handle.remove()
print(activation["relu"].shape, len(student[1]._forward_hooks))
for name, module in student.named_modules():
    print(name or "(root)", type(module).__name__)
print(student.training, student.eval().training, [n for n, _ in student.named_children()])
vec = nn.utils.parameters_to_vector(student.parameters())
nn.utils.vector_to_parameters(vec * 0, student.parameters())
print(vec.shape, student(X[:1]))
