"""Affine couplings: log-determinants, exact likelihood, sampling through the inverse."""
import math
import torch
import torch.nn as nn
from torch import distributions

torch.manual_seed(28)


class RealNVP(nn.Module):
    def __init__(self, mask, prior):
        super().__init__()
        self.prior = prior
        self.mask = nn.Parameter(mask, requires_grad=False)
        net_s = lambda: nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(), nn.Linear(8, 2), nn.Tanh())
        net_t = lambda: nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(), nn.Linear(8, 2))
        self.t = torch.nn.ModuleList([net_t() for _ in range(len(mask))])
        self.s = torch.nn.ModuleList([net_s() for _ in range(len(mask))])

    def g(self, z):
        x = z
        for i in range(len(self.t)):
            x_ = x * self.mask[i]
            s = self.s[i](x_) * (1 - self.mask[i])
            t = self.t[i](x_) * (1 - self.mask[i])
            x = x_ + (1 - self.mask[i]) * (x * torch.exp(s) + t)
        return x

    def f(self, x):
        log_det_J, z = x.new_zeros(x.shape[0]), x
        for i in reversed(range(len(self.t))):
            z_ = self.mask[i] * z
            s = self.s[i](z_) * (1 - self.mask[i])
            t = self.t[i](z_) * (1 - self.mask[i])
            z = (1 - self.mask[i]) * (z - t) * torch.exp(-s) + z_
            log_det_J -= s.sum(dim=1)
        return z, log_det_J

    def log_prob(self, x):
        z, logp = self.f(x)
        return self.prior.log_prob(z).sum(1) + logp


masks = torch.tensor([[0.0, 1.0], [1.0, 0.0]] * 2)
prior = distributions.Normal(torch.zeros(2), torch.ones(2))
flow = RealNVP(masks, prior)
angle = torch.rand(64) * math.pi
data = torch.stack([torch.cos(angle), torch.sin(angle)], 1) + 0.1 * torch.randn(64, 2)
optimizer = torch.optim.Adam([p for p in flow.parameters() if p.requires_grad], lr=1e-2)
for t in range(15):
    loss = -flow.log_prob(data).mean()
    optimizer.zero_grad()
    loss.backward(retain_graph=True)
    optimizer.step()
    if t % 5 == 4:
        print(f"iter {t}: loss = {loss.item():.3f}")
z, _ = flow.f(data[:2])
print(torch.allclose(flow.g(z), data[:2], atol=1e-5), flow.g(torch.zeros(1, 2)))
