"""Gradients by the input: the fast gradient sign method, saliency, a projected attack."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(30)
model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3))
for p in model.parameters():
    p.requires_grad_(False)
image = torch.rand(2, 1, 8, 8)
target = torch.tensor([0, 2])


def fgsm_attack(image, epsilon, data_grad):
    sign_data_grad = data_grad.sign()
    perturbed_image = image + epsilon * sign_data_grad
    return torch.clamp(perturbed_image, 0, 1)


data = image.clone()
data.requires_grad = True
output = model(data)
init_pred = output.max(1, keepdim=True)[1]
loss = F.nll_loss(F.log_softmax(output, dim=1), target)
model.zero_grad()
loss.backward()
print(loss, init_pred.squeeze().tolist(), data.grad.abs().mean())
for epsilon in (0.0, 0.1, 0.3):
    adv = fgsm_attack(image, epsilon, data.grad.data)
    print(epsilon, f"{F.cross_entropy(model(adv), target).item():.4f}", model(adv).argmax(1))
delta = torch.zeros_like(image, requires_grad=True)
for _ in range(5):
    F.cross_entropy(model(image + delta), target).backward()
    delta.data = (delta + 0.05 * delta.grad.detach().sign()).clamp(-0.2, 0.2)
    delta.grad.zero_()
print(F.cross_entropy(model(image + delta), target), delta.abs().max())
x = torch.zeros(1, 1, 8, 8, requires_grad=True)
opt = torch.optim.Adam([x], lr=0.1)
for _ in range(10):
    opt.zero_grad()
    (-model(x)[0, 1] + 0.01 * x.norm() ** 2).backward()
    opt.step()
print(model(x)[0], x.detach()[0, 0, :2, :3])
saliency, _ = torch.max(data.grad.data.abs(), dim=1)
print(saliency.shape, saliency[0, 0])
