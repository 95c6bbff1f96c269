"""Descent, momentum, Adagrad, RMSProp, Adadelta and Adam written out, beside torch.optim on the same hill."""
import torch


def f(x):
    return 0.1 * x[0] ** 2 + 2 * x[1] ** 2


def run(step, states, n=20):
    x = torch.tensor([-5.0, -2.0], requires_grad=True)
    for t in range(1, n + 1):
        f(x).backward()
        with torch.no_grad():
            step(x, states, t)
            x.grad.zero_()
    return x.detach()


def momentum(x, s, t):
    s[0][:] = 0.5 * s[0] + x.grad
    x[:] -= 0.4 * s[0]


def adagrad(x, s, t):
    s[0][:] += torch.square(x.grad)
    x[:] -= 0.4 * x.grad / torch.sqrt(s[0] + 1e-6)


def rmsprop(x, s, t):
    s[0][:] = 0.9 * s[0] + 0.1 * torch.square(x.grad)
    x[:] -= 0.4 * x.grad / torch.sqrt(s[0] + 1e-6)


def adam(x, s, t):
    v, r = s
    v[:] = 0.9 * v + 0.1 * x.grad
    r[:] = 0.999 * r + 0.001 * torch.square(x.grad)
    x[:] -= 0.4 * (v / (1 - 0.9 ** t)) / (torch.sqrt(r / (1 - 0.999 ** t)) + 1e-6)


for step in (momentum, adagrad, rmsprop, adam):
    print(step.__name__, run(step, [torch.zeros(2), torch.zeros(2)]))
for make in (
    lambda p: torch.optim.SGD(p, lr=0.4, momentum=0.5), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    lambda p: torch.optim.Adagrad(p, lr=0.4), lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.9, centered=True),
    lambda p: torch.optim.Adadelta(p, lr=1.0), lambda p: torch.optim.Adam(p, lr=0.4, amsgrad=True),
    lambda p: torch.optim.AdamW(p, lr=0.4, weight_decay=0.1), lambda p: torch.optim.Adamax(p, lr=0.4),
    lambda p: torch.optim.NAdam(p, lr=0.4), lambda p: torch.optim.RAdam(p, lr=0.4),
    lambda p: torch.optim.Rprop(p, lr=0.1), lambda p: torch.optim.ASGD(p, lr=0.1),
):
    x = torch.tensor([-5.0, -2.0], requires_grad=True)
    opt = make([x])
    for _ in range(20):
        opt.zero_grad()
        f(x).backward()
        opt.step()
    print(type(opt).__name__, x.detach())
x = torch.tensor([-1.5, 2.0], requires_grad=True)
opt = torch.optim.LBFGS([x], lr=1, max_iter=20, line_search_fn="strong_wolfe")


def closure():
    opt.zero_grad()
    loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    loss.backward()
    return loss


for _ in range(3):
    print(f"{opt.step(closure).item():.5f}")
print(x)
