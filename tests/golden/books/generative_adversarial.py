"""Two networks against each other: points on a line made from noise."""
import torch
from torch import nn

torch.manual_seed(17)
X = torch.normal(0.0, 1, (200, 2))
A = torch.tensor([[1, 2], [-0.1, 0.5]])
b = torch.tensor([1, 2])
data = torch.matmul(X, A) + b
print(torch.matmul(A.T, A), data.mean(0))
net_G = nn.Sequential(nn.Linear(2, 2))
net_D = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 1))
loss = nn.BCEWithLogitsLoss(reduction="sum")
for w in net_D.parameters():
    nn.init.normal_(w, 0, 0.02)
for w in net_G.parameters():
    nn.init.normal_(w, 0, 0.02)
trainer_D = torch.optim.Adam(net_D.parameters(), lr=0.05)
trainer_G = torch.optim.Adam(net_G.parameters(), lr=0.005)
for epoch in range(3):
    for i in range(0, 200, 20):
        x = data[i : i + 20]
        Z = torch.normal(0, 1, size=(20, 2))
        ones, zeros = torch.ones((20,)), torch.zeros((20,))
        trainer_D.zero_grad()
        fake = net_G(Z)
        real_Y, fake_Y = net_D(x), net_D(fake.detach())
        loss_D = (loss(real_Y, ones.reshape(real_Y.shape)) + loss(fake_Y, zeros.reshape(fake_Y.shape))) / 2
        loss_D.backward()
        trainer_D.step()
        trainer_G.zero_grad()
        fake_Y = net_D(net_G(Z))
        loss_G = loss(fake_Y, ones.reshape(fake_Y.shape))
        loss_G.backward()
        trainer_G.step()
    print(f"loss_D {loss_D.item() / 20:.3f}, loss_G {loss_G.item() / 20:.3f}")
print(net_G(torch.zeros(1, 2)))
G = nn.Sequential(nn.ConvTranspose2d(4, 3, 4, 1, 0, bias=False), nn.BatchNorm2d(3), nn.ReLU(True), nn.ConvTranspose2d(3, 1, 4, 2, 1), nn.Tanh())
img = G(torch.randn(2, 4, 1, 1))
img.mean().backward()
print(img.shape, img[0, 0, 0], G[0].weight.grad[0, 0])
D = nn.Sequential(nn.Conv2d(1, 4, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True), nn.Flatten(), nn.Linear(64, 1), nn.Sigmoid())
print(D(img.detach()).view(-1))
