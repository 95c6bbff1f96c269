"""What nn is, step by step: from tensors to Module, optim, Dataset, DataLoader."""
import math
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
n, c = 128, 20
x_train, y_train = torch.rand(n, c), torch.randint(0, 4, (n,))
weights = torch.randn(c, 4) / math.sqrt(c)
weights.requires_grad_()
bias = torch.zeros(4, requires_grad=True)


def log_softmax(x):
    return x - x.exp().sum(-1).log().unsqueeze(-1)


def model(xb):
    return log_softmax(xb @ weights + bias)


def nll(input, target):
    return -input[range(target.shape[0]), target].mean()


def accuracy(out, yb):
    preds = torch.argmax(out, dim=1)
    return (preds == yb).float().mean()


bs, lr = 32, 0.5
xb, yb = x_train[0:bs], y_train[0:bs]
print(model(xb)[0], nll(model(xb), yb), accuracy(model(xb), yb))
for epoch in range(2):
    for i in range((n - 1) // bs + 1):
        start_i = i * bs
        xb, yb = x_train[start_i : start_i + bs], y_train[start_i : start_i + bs]
        loss = nll(model(xb), yb)
        loss.backward()
        with torch.no_grad():
            weights -= weights.grad * lr
            bias -= bias.grad * lr
            weights.grad.zero_()
            bias.grad.zero_()
print(F.cross_entropy(xb @ weights + bias, yb), nll(model(xb), yb))


class Mnist_Logistic(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(c, 4)

    def forward(self, xb):
        return self.lin(xb)


class Lambda(nn.Module):
    def __init__(self, func):
        super().__init__()
        self.func = func

    def forward(self, x):
        return self.func(x)


model = Mnist_Logistic()
opt = optim.SGD(model.parameters(), lr=lr)
loss_func = F.cross_entropy
train_ds = TensorDataset(x_train, y_train)
train_dl = DataLoader(train_ds, batch_size=bs, shuffle=True)


def loss_batch(model, loss_func, xb, yb, opt=None):
    loss = loss_func(model(xb), yb)
    if opt is not None:
        loss.backward()
        opt.step()
        opt.zero_grad()
    return loss.item(), len(xb)


for epoch in range(3):
    model.train()
    losses, nums = zip(*[loss_batch(model, loss_func, xb, yb, opt) for xb, yb in train_dl])
    print(epoch, f"{sum(l * k for l, k in zip(losses, nums)) / sum(nums):.4f}")
print(train_ds[0:2][1], len(train_dl))
cnn = nn.Sequential(
    Lambda(lambda x: x.view(-1, 1, 4, 5)), nn.Conv2d(1, 8, kernel_size=3, stride=2, padding=1), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), Lambda(lambda x: x.view(x.size(0), -1)), nn.Linear(8, 4),
)
opt = optim.SGD(cnn.parameters(), lr=0.1, momentum=0.9)
for xb, yb in train_dl:
    print(f"{loss_batch(cnn, loss_func, xb, yb, opt)[0]:.4f}")
