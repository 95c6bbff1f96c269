"""A convolutional autoencoder and upsampling, trained on drawn bars."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(22)
images = torch.zeros(16, 1, 8, 8)
for i in range(16):
    if i % 2:
        images[i, 0, i // 2, :] = 1
    else:
        images[i, 0, :, i // 2] = 1


class AE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 8, 3, stride=2, padding=1))
        self.decoder = nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(8, 4, 3, padding=1), nn.ReLU(),
                                     nn.ConvTranspose2d(4, 1, 2, stride=2), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))


model = AE()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(15):
    perm = torch.randperm(16)
    for k in range(0, 16, 8):
        batch = images[perm[k : k + 8]]
        loss = F.mse_loss(model(batch + 0.05 * torch.randn_like(batch)), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        print(epoch, f"{loss.item():.4f}")
z = model.encoder(images[:2])
print(z.shape, model(images[:1])[0, 0, 0], model)
up = F.interpolate(torch.arange(4.0).view(1, 1, 2, 2), size=(4, 4), mode="bilinear", align_corners=False)
print(up, F.interpolate(torch.arange(4.0).view(1, 1, 2, 2), scale_factor=2, mode="bilinear", align_corners=True))
print(F.pad(torch.arange(4.0).view(1, 1, 2, 2), (1, 1, 1, 1), mode="reflect")[0, 0], F.unfold(images[:1], 4, stride=4).shape)
