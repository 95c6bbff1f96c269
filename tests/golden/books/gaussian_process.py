"""A Gaussian process: its marginal likelihood by Cholesky, lengths by descent, the posterior."""
import math
import torch

torch.manual_seed(26)
X = torch.linspace(0, 1, 12, dtype=torch.float64).unsqueeze(1)
y = torch.sin(6 * X).squeeze() + 0.1 * torch.randn(12, dtype=torch.float64)
raw = torch.zeros(3, dtype=torch.float64, requires_grad=True)
opt = torch.optim.Adam([raw], lr=0.1)


def kernel(a, b, raw):
    length, scale = torch.exp(raw[0]) * 0.3, torch.exp(raw[1])
    return scale * torch.exp(-0.5 * torch.cdist(a, b).pow(2) / length ** 2)


def nll(raw):
    K = kernel(X, X, raw) + torch.exp(raw[2]) * 0.05 * torch.eye(12, dtype=torch.float64)
    L = torch.linalg.cholesky(K)
    alpha = torch.cholesky_solve(y.unsqueeze(1), L).squeeze()
    return 0.5 * y @ alpha + torch.log(torch.diagonal(L)).sum() + 6 * math.log(2 * math.pi)


def rbf_nll(raw):
    d2 = (X - X.T) ** 2
    K = torch.exp(raw[1]) * torch.exp(-0.5 * d2 / (0.3 * torch.exp(raw[0])) ** 2) + torch.exp(raw[2]) * 0.05 * torch.eye(12, dtype=torch.float64)
    sign, logdet = torch.linalg.slogdet(K)
    return 0.5 * y @ torch.linalg.solve(K, y) + 0.5 * logdet + 6 * math.log(2 * math.pi)


for i in range(15):
    opt.zero_grad()
    loss = rbf_nll(raw)
    loss.backward()
    opt.step()
    if i % 5 == 4:
        print(i, f"{loss.item():.6f}", raw.detach())
print(nll(raw), rbf_nll(raw))
Xs = torch.tensor([[0.25], [0.5]], dtype=torch.float64)
with torch.no_grad():
    K = kernel(X, X, raw) + 0.05 * torch.exp(raw[2]) * torch.eye(12, dtype=torch.float64)
    Ks = kernel(X, Xs, raw)
    print(Ks.T @ torch.inverse(K) @ y, torch.linalg.eigvalsh(K)[-2:])
H = torch.autograd.functional.hessian(rbf_nll, raw.detach())
print(H, torch.linalg.cond(H))
u, s, vh = torch.linalg.svd(X - X.mean(0), full_matrices=False)
print(s, torch.linalg.lstsq(torch.cat([X, torch.ones_like(X)], 1), y.unsqueeze(1)).solution.squeeze(), torch.linalg.qr(X)[1].abs())
