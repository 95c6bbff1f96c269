"""A neural ODE by Runge-Kutta steps, and a network that solves an equation by its derivatives (PINN)."""
import torch
import torch.nn as nn

torch.manual_seed(25)
true_A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])


def rk4(f, y, h):
    k1 = f(y)
    k2 = f(y + h / 2 * k1)
    k3 = f(y + h / 2 * k2)
    k4 = f(y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def odeint(f, y0, steps, h=0.1):
    ys = [y0]
    for _ in range(steps):
        ys.append(rk4(f, ys[-1], h))
    return torch.stack(ys)


y0 = torch.tensor([[2.0, 0.0]])
with torch.no_grad():
    truth = odeint(lambda y: torch.mm(y, true_A), y0, 10)
func = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
opt = torch.optim.RMSprop(func.parameters(), lr=1e-2)
for it in range(15):
    opt.zero_grad()
    loss = torch.mean(torch.abs(odeint(func, y0, 10) - truth))
    loss.backward()
    opt.step()
    if it % 5 == 4:
        print(it, f"{loss.item():.4f}")
net = nn.Sequential(nn.Linear(1, 10), nn.Tanh(), nn.Linear(10, 1))
opt = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=5)
t = torch.linspace(0, 1, 20).view(-1, 1).requires_grad_(True)


def closure():
    opt.zero_grad()
    u = net(t)
    (du,) = torch.autograd.grad(u, t, torch.ones_like(u), create_graph=True)
    (d2u,) = torch.autograd.grad(du, t, grad_outputs=torch.ones_like(du), create_graph=True)
    loss = ((d2u + u) ** 2).mean() + (u[0] - 1).pow(2).squeeze() + du[0].pow(2).squeeze()
    loss.backward()
    return loss


for it in range(3):
    print(it, f"{opt.step(closure).item():.4f}")
