"""A variational autoencoder: reparametrised samples, KL by formula and by distributions."""
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self):
        super(VAE, self).__init__()
        self.fc1 = nn.Linear(12, 10)
        self.fc21 = nn.Linear(10, 2)
        self.fc22 = nn.Linear(10, 2)
        self.fc3 = nn.Linear(2, 10)
        self.fc4 = nn.Linear(10, 12)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 12))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, 12), reduction="sum")
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD


torch.manual_seed(18)
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
data = torch.bernoulli(torch.full((32, 3, 4), 0.3))
for epoch in range(20):
    optimizer.zero_grad()
    recon, mu, logvar = model(data)
    loss = loss_function(recon, data, mu, logvar)
    loss.backward()
    optimizer.step()
    if epoch % 5 == 4:
        print(f"Train Epoch: {epoch} Loss: {loss.item() / len(data):.4f}")
q, p = Normal(mu, torch.exp(0.5 * logvar)), Normal(torch.zeros(2), torch.ones(2))
print(kl_divergence(q, p).sum(), -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()))
with torch.no_grad():
    print(model.decode(torch.randn(1, 2))[0, :4])
