"""Denoising diffusion of two-dimensional points: a schedule, a loss, one way back."""
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(19)
T = 20
betas = torch.linspace(1e-4, 0.2, T)
alphas = 1.0 - betas
alphas_cumprod = torch.cumprod(alphas, dim=0)
alphas_cumprod_prev = F.pad(alphas_cumprod[:-1], (1, 0), value=1.0)
sqrt_recip_alphas = torch.sqrt(1.0 / alphas)
posterior_variance = betas * (1.0 - alphas_cumprod_prev) / (1.0 - alphas_cumprod)
print(alphas_cumprod[-3:], posterior_variance[:3])


def extract(a, t, x_shape):
    batch_size = t.shape[0]
    out = a.gather(-1, t)
    return out.reshape(batch_size, *((1,) * (len(x_shape) - 1)))


class SinusoidalPositionEmbeddings(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, time):
        half_dim = self.dim // 2
        embeddings = math.log(10000) / (half_dim - 1)
        embeddings = torch.exp(torch.arange(half_dim) * -embeddings)
        embeddings = time[:, None] * embeddings[None, :]
        return torch.cat((embeddings.sin(), embeddings.cos()), dim=-1)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.time = nn.Sequential(SinusoidalPositionEmbeddings(8), nn.Linear(8, 16), nn.GELU())
        self.inp = nn.Linear(2, 16)
        self.out = nn.Sequential(nn.SiLU(), nn.Linear(16, 2))

    def forward(self, x, t):
        return self.out(self.inp(x) + self.time(t))


model = Denoiser()
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
data = torch.stack([torch.cos(torch.arange(64) / 10), torch.sin(torch.arange(64) / 10)], 1)
for step in range(30):
    t = torch.randint(0, T, (64,)).long()
    noise = torch.randn_like(data)
    x_noisy = extract(torch.sqrt(alphas_cumprod), t, data.shape) * data + extract(torch.sqrt(1 - alphas_cumprod), t, data.shape) * noise
    loss = F.smooth_l1_loss(noise, model(x_noisy, t))
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 10 == 9:
        print(step, f"{loss.item():.4f}")


@torch.no_grad()
def p_sample(x, t, t_index):
    model_mean = extract(sqrt_recip_alphas, t, x.shape) * (
        x - extract(betas, t, x.shape) * model(x, t) / extract(torch.sqrt(1 - alphas_cumprod), t, x.shape))
    if t_index == 0:
        return model_mean
    return model_mean + torch.sqrt(extract(posterior_variance, t, x.shape)) * torch.randn_like(x)


x = torch.randn(3, 2)
for i in reversed(range(0, T)):
    x = p_sample(x, torch.full((3,), i, dtype=torch.long), i)
print(x)
