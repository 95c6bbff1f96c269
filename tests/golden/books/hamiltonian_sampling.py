"""Hamiltonian Monte Carlo over a correlated Gaussian, gradients by autograd, acceptance counted."""
import torch

torch.manual_seed(29)
cov = torch.tensor([[1.0, 0.8], [0.8, 1.0]])
prec = torch.linalg.inv(cov)


def log_prob(x):
    return -0.5 * x @ prec @ x


def grad_log_prob(x):
    x = x.detach().requires_grad_()
    (g,) = torch.autograd.grad(log_prob(x), x)
    return g


x, samples, accepted = torch.zeros(2), [], 0
for i in range(60):
    p = torch.randn(2)
    q, r = x.clone(), p.clone()
    for _ in range(8):
        r = r + 0.1 * grad_log_prob(q)
        q = q + 0.2 * r
        r = r + 0.1 * grad_log_prob(q)
    log_accept = (log_prob(q) - 0.5 * r @ r) - (log_prob(x) - 0.5 * p @ p)
    if torch.rand(()).log() < log_accept:
        x, accepted = q, accepted + 1
    samples.append(x)
s = torch.stack(samples)
print(accepted, s.mean(0), torch.cov(s.T), torch.corrcoef(s.T)[0, 1], s.quantile(0.5, dim=0), sep="\n")
from torch.distributions import MultivariateNormal, Uniform

m = MultivariateNormal(torch.zeros(2), cov)
print(m.log_prob(torch.tensor([0.5, -0.5])), Uniform(0.0, 2.0).log_prob(torch.tensor(1.0)), m.sample().shape)
