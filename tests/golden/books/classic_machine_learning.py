"""K-means, principal components, logistic regression, a support vector machine and a spiral, all in tensors."""
import torch
from torch import nn

torch.manual_seed(35)
blobs = torch.cat([torch.randn(20, 2) * 0.3 + c for c in torch.tensor([[0.0, 0.0], [2.0, 2.0], [0.0, 2.0]])])
centers = blobs[torch.randperm(60)[:3]].clone()
for _ in range(5):
    assign = torch.cdist(blobs, centers).argmin(1)
    for k in range(3):
        if (assign == k).any():
            centers[k] = blobs[assign == k].mean(0)
print(centers[centers[:, 0].argsort()], torch.bincount(assign, minlength=3).sort().values)
Z = blobs - blobs.mean(0)
cov = Z.t() @ Z / (len(Z) - 1)
vals, vecs = torch.linalg.eigh(cov)
print(vals, vecs.abs(), (Z @ vecs[:, -1]).var())
y = (blobs[:, 0] > 1).float()
w, b = torch.zeros(2, requires_grad=True), torch.zeros(1, requires_grad=True)
for i in range(100):
    p = torch.sigmoid(blobs @ w + b)
    loss = -(y * torch.log(p + 1e-8) + (1 - y) * torch.log(1 - p + 1e-8)).mean() + 0.01 * w.dot(w)
    loss.backward()
    with torch.no_grad():
        for q in (w, b):
            q.sub_(0.5 * q.grad)
            q.grad.zero_()
print(w, b, f"{loss:.4f}", ((p > 0.5) == y.bool()).sum())
svm = nn.Linear(2, 1)
opt = torch.optim.SGD(svm.parameters(), lr=0.1)
for i in range(30):
    opt.zero_grad()
    out = svm(blobs).squeeze()
    loss = torch.clamp(1 - (2 * y - 1) * out, min=0).mean() + 0.01 * svm.weight.pow(2).sum()
    loss.backward()
    opt.step()
print(f"{loss.item():.4f}", svm.weight.data)
N, D, K = 20, 2, 3
Xs, ys = torch.zeros(N * K, D), torch.zeros(N * K, dtype=torch.uint8)
for j in range(K):
    r = torch.linspace(0.0, 1, N)
    t = torch.linspace(j * 4, (j + 1) * 4, N) + torch.randn(N) * 0.2
    Xs[j * N : (j + 1) * N] = torch.stack([r * torch.sin(t), r * torch.cos(t)], 1)
    ys[j * N : (j + 1) * N] = j
net = nn.Sequential(nn.Linear(D, 16), nn.ReLU(), nn.Linear(16, K))
opt = torch.optim.Adam(net.parameters(), lr=0.05, weight_decay=1e-4)
for i in range(40):
    loss = nn.functional.cross_entropy(net(Xs), ys.long())
    opt.zero_grad()
    loss.backward()
    opt.step()
print(f"{loss.item():.4f}", (net(Xs).argmax(1) == ys).float().mean())
