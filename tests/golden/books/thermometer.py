"""An unknown thermometer: a line fitted by hand, normalised inputs, autograd, optimisers, a validation set, a network."""
from collections import OrderedDict
import torch
import torch.nn as nn
import torch.optim as optim

torch.set_printoptions(edgeitems=2, linewidth=75)
t_c = torch.tensor([0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0])
t_u = torch.tensor([35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4])


def model(t_u, w, b):
    return w * t_u + b


def loss_fn(t_p, t_c):
    return ((t_p - t_c) ** 2).mean()


w, b = torch.ones(()), torch.zeros(())
print(loss_fn(model(t_u, w, b), t_c))
delta = 0.1
rate = (loss_fn(model(t_u, w + delta, b), t_c) - loss_fn(model(t_u, w - delta, b), t_c)) / (2.0 * delta)
print(rate)


def grad_fn(t_u, t_c, t_p, w, b):
    dloss_dtp = 2 * (t_p - t_c) / t_p.size(0)
    return torch.stack([(dloss_dtp * t_u).sum(), (dloss_dtp * 1.0).sum()])


def training_loop(n_epochs, learning_rate, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        w, b = params
        t_p = model(t_u, w, b)
        loss = loss_fn(t_p, t_c)
        grad = grad_fn(t_u, t_c, t_p, w, b)
        params = params - learning_rate * grad
        if epoch in {1, 2, 100}:
            print("Epoch %d, Loss %f" % (epoch, float(loss)), params, grad)
    return params


t_un = 0.1 * t_u
training_loop(100, 1e-2, torch.tensor([1.0, 0.0]), t_un, t_c)
params = torch.tensor([1.0, 0.0], requires_grad=True)
print(params.grad is None)
loss = loss_fn(model(t_u, *params), t_c)
loss.backward()
print(params.grad)
n_samples = t_u.shape[0]
n_val = int(0.2 * n_samples)
torch.manual_seed(38)
shuffled_indices = torch.randperm(n_samples)
train_indices, val_indices = shuffled_indices[:-n_val], shuffled_indices[-n_val:]
print(train_indices, val_indices)
for optimizer_class, lr in ((optim.SGD, 1e-2), (optim.Adam, 1e-1)):
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = optimizer_class([params], lr=lr)
    for epoch in range(1, 301):
        train_loss = loss_fn(model(t_un[train_indices], *params), t_c[train_indices])
        with torch.set_grad_enabled(False):
            val_loss = loss_fn(model(t_un[val_indices], *params), t_c[val_indices])
            assert val_loss.requires_grad == False
        optimizer.zero_grad()
        train_loss.backward()
        optimizer.step()
        if epoch in (1, 300):
            print(f"Epoch {epoch}, Training loss {train_loss.item():.4f}, Validation loss {val_loss.item():.4f}")
    print(params)
seq_model = nn.Sequential(OrderedDict([
    ("hidden_linear", nn.Linear(1, 8)), ("hidden_activation", nn.Tanh()), ("output_linear", nn.Linear(8, 1))]))
print(seq_model)
print([param.shape for param in seq_model.parameters()], seq_model.output_linear.bias)
optimizer = optim.SGD(seq_model.parameters(), lr=1e-3)
for epoch in range(1, 101):
    loss = nn.MSELoss()(seq_model(t_un[train_indices].unsqueeze(1)), t_c[train_indices].unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"{loss.item():.4f}")
print("hidden", seq_model.hidden_linear.weight.grad[:3])
