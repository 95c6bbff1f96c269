"""Batch normalisation by hand beside nn's, then a small LeNet with it, and a residual block."""
import torch
from torch import nn
from torch.nn import functional as F


def batch_norm(X, gamma, beta, moving_mean, moving_var, eps, momentum):
    if not torch.is_grad_enabled():
        X_hat = (X - moving_mean) / torch.sqrt(moving_var + eps)
    else:
        assert len(X.shape) in (2, 4)
        if len(X.shape) == 2:
            mean = X.mean(dim=0)
            var = ((X - mean) ** 2).mean(dim=0)
        else:
            mean = X.mean(dim=(0, 2, 3), keepdim=True)
            var = ((X - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
        X_hat = (X - mean) / torch.sqrt(var + eps)
        moving_mean = (1.0 - momentum) * moving_mean + momentum * mean
        moving_var = (1.0 - momentum) * moving_var + momentum * var
    Y = gamma * X_hat + beta
    return Y, moving_mean.data, moving_var.data


class BatchNorm(nn.Module):
    def __init__(self, num_features, num_dims):
        super().__init__()
        shape = (1, num_features) if num_dims == 2 else (1, num_features, 1, 1)
        self.gamma = nn.Parameter(torch.ones(shape))
        self.beta = nn.Parameter(torch.zeros(shape))
        self.moving_mean = torch.zeros(shape)
        self.moving_var = torch.ones(shape)

    def forward(self, X):
        if self.moving_mean.device != X.device:
            self.moving_mean = self.moving_mean.to(X.device)
        Y, self.moving_mean, self.moving_var = batch_norm(
            X, self.gamma, self.beta, self.moving_mean, self.moving_var, eps=1e-5, momentum=0.1)
        return Y


torch.manual_seed(12)
X = torch.randn(4, 3, 5, 5) * 2 + 1
print(BatchNorm(3, 4)(X)[0, 0, 0], nn.BatchNorm2d(3)(X)[0, 0, 0])
bn = nn.BatchNorm2d(3)
bn(X)
print(bn.running_mean, bn.running_var, bn.num_batches_tracked)
bn.eval()
print(bn(X)[0, 0, 0])
net = nn.Sequential(
    nn.Conv2d(3, 6, kernel_size=3), nn.BatchNorm2d(6), nn.Sigmoid(), nn.AvgPool2d(kernel_size=3, stride=1),
    nn.Flatten(), nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Sigmoid(), nn.Linear(8, 2))
y = torch.tensor([0, 1, 1, 0])
opt = torch.optim.SGD(net.parameters(), lr=0.9)
for i in range(4):
    opt.zero_grad()
    l = F.cross_entropy(net(X), y)
    l.backward()
    opt.step()
    print(f"{l.item():.4f}")
print(net[1].weight.reshape((-1,)), net[1].bias.reshape((-1,)))


class Residual(nn.Module):
    def __init__(self, input_channels, num_channels, use_1x1conv=False, strides=1):
        super().__init__()
        self.conv1 = nn.Conv2d(input_channels, num_channels, kernel_size=3, padding=1, stride=strides)
        self.conv2 = nn.Conv2d(num_channels, num_channels, kernel_size=3, padding=1)
        self.conv3 = nn.Conv2d(input_channels, num_channels, kernel_size=1, stride=strides) if use_1x1conv else None
        self.bn1 = nn.BatchNorm2d(num_channels)
        self.bn2 = nn.BatchNorm2d(num_channels)

    def forward(self, X):
        Y = F.relu(self.bn1(self.conv1(X)))
        Y = self.bn2(self.conv2(Y))
        if self.conv3:
            X = self.conv3(X)
        Y += X
        return F.relu(Y)


blk = Residual(3, 6, use_1x1conv=True, strides=2)
out = blk(X)
out.sum().backward()
print(out.shape, out[0, 0], blk.conv1.weight.grad[0, 0])
