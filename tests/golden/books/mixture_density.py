"""A mixture density network: logsumexp, softplus, Categorical and Normal, and quantile regression."""
import torch
from torch import nn
from torch.distributions import Categorical, MixtureSameFamily, Normal
import torch.nn.functional as F

torch.manual_seed(31)
y = torch.linspace(-1, 1, 80).unsqueeze(1)
x = y + 0.3 * torch.sin(2 * 3.1416 * y) + 0.05 * torch.randn(80, 1)


class MDN(nn.Module):
    def __init__(self, n_hidden, n_gaussians):
        super().__init__()
        self.z_h = nn.Sequential(nn.Linear(1, n_hidden), nn.Tanh())
        self.z_pi = nn.Linear(n_hidden, n_gaussians)
        self.z_mu = nn.Linear(n_hidden, n_gaussians)
        self.z_sigma = nn.Linear(n_hidden, n_gaussians)

    def forward(self, x):
        z_h = self.z_h(x)
        return F.log_softmax(self.z_pi(z_h), -1), self.z_mu(z_h), F.softplus(self.z_sigma(z_h)) + 1e-3


model = MDN(10, 3)
opt = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(30):
    log_pi, mu, sigma = model(x)
    log_prob = Normal(mu, sigma).log_prob(y)
    loss = -torch.logsumexp(log_pi + log_prob, dim=1).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if epoch % 10 == 9:
        print(epoch, f"{loss.item():.4f}")
gmm = MixtureSameFamily(Categorical(logits=log_pi), Normal(mu, sigma))
print(gmm.log_prob(y.squeeze(1)).mean(), gmm.mean[:3], Categorical(logits=log_pi).entropy().mean())
q = torch.tensor([0.1, 0.5, 0.9])
b = torch.zeros(3, requires_grad=True)
for _ in range(50):
    e = y - b
    l = torch.max(q * e, (q - 1) * e).mean()
    l.backward()
    with torch.no_grad():
        b -= 0.5 * b.grad
        b.grad = None
print(b.detach()[::2], y.squeeze().quantile(q))
