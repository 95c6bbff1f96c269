"""Siamese networks: contrastive and triplet losses, pairwise distances, hard negatives."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(23)
net = nn.Sequential(nn.Linear(5, 8), nn.PReLU(), nn.Linear(8, 3))
x = torch.randn(12, 5)
labels = torch.arange(12) % 3
x[:, 0] += labels.float()


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=2.0):
        super().__init__()
        self.margin = margin

    def forward(self, a, b, label):
        d = F.pairwise_distance(a, b, keepdim=True)
        return torch.mean((1 - label) * torch.pow(d, 2) + label * torch.pow(torch.clamp(self.margin - d, min=0.0), 2))


opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
contrast, triplet = ContrastiveLoss(), nn.TripletMarginLoss(margin=1.0, p=2)
for step in range(12):
    e = net(x)
    dist = torch.cdist(e, e)
    same = labels[:, None] == labels[None, :]
    pos = (dist * same.float()).argmax(1)
    neg = dist.masked_fill(same, float("inf")).argmin(1)
    loss = triplet(e, e[pos], e[neg]) + contrast(e[:6], e[6:], (labels[:6] != labels[6:]).float().unsqueeze(1))
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 4 == 3:
        print(step, f"{loss.item():.4f}")
e = F.normalize(net(x), dim=1)
print((e @ e.T)[0, :4], net[1].weight, nn.CosineEmbeddingLoss(margin=0.2)(e[:3], e[3:6], torch.tensor([1, -1, 1])))
print(F.margin_ranking_loss(torch.tensor([0.3, 0.9]), torch.tensor([0.5, 0.1]), torch.tensor([1.0, 1.0]), margin=0.1))
