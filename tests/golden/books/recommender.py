"""Matrix factorisation with biases, a dot product of embeddings, sigmoid range, weight decay."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class DotProductBias(nn.Module):
    def __init__(self, n_users, n_movies, n_factors, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.user_bias = nn.Embedding(n_users, 1)
        self.movie_factors = nn.Embedding(n_movies, n_factors)
        self.movie_bias = nn.Embedding(n_movies, 1)
        self.y_range = y_range

    def forward(self, x):
        users = self.user_factors(x[:, 0])
        movies = self.movie_factors(x[:, 1])
        res = (users * movies).sum(dim=1, keepdim=True)
        res += self.user_bias(x[:, 0]) + self.movie_bias(x[:, 1])
        lo, hi = self.y_range
        return torch.sigmoid(res) * (hi - lo) + lo


torch.manual_seed(21)
x = torch.stack([torch.randint(0, 8, (120,)), torch.randint(0, 6, (120,))], 1)
y = ((x[:, 0] + 2 * x[:, 1]) % 5 + 1).float()
train, valid = random_split(TensorDataset(x, y), [100, 20])
print(len(train), len(valid), valid.indices[:5])
model = DotProductBias(8, 6, 4)
opt = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
for epoch in range(4):
    for xb, yb in DataLoader(train, batch_size=32, shuffle=True):
        loss = nn.functional.mse_loss(model(xb).squeeze(1), yb)
        loss.backward()
        opt.step()
        opt.zero_grad()
    with torch.inference_mode():
        v = torch.cat([(model(xb).squeeze(1) - yb) ** 2 for xb, yb in DataLoader(valid, batch_size=16)]).mean()
    print(epoch, f"{loss.item():.4f} {v.item():.4f}")
movie_bias = model.movie_bias.weight.squeeze()
print(movie_bias.argsort(descending=True)[:3], movie_bias.sort().values)
