"""Two graph convolutions by a normalised adjacency, sparse labels, accuracy on a mask."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(24)
edges = torch.tensor([[0, 1], [1, 2], [2, 0], [3, 4], [4, 5], [5, 3], [2, 3]]).t()
n = 6
A = torch.zeros(n, n)
A[edges[0], edges[1]] = 1
A = torch.maximum(A, A.t()) + torch.eye(n)
d = A.sum(1)
D = torch.diag(d.pow(-0.5))
A_hat = D @ A @ D
print(A_hat)


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass):
        super().__init__()
        self.w1 = nn.Parameter(torch.empty(nfeat, nhid))
        self.w2 = nn.Parameter(torch.empty(nhid, nclass))
        nn.init.kaiming_uniform_(self.w1, mode="fan_in", nonlinearity="relu")
        nn.init.orthogonal_(self.w2)

    def forward(self, x, adj):
        h = F.relu(adj @ (x @ self.w1))
        h = F.dropout(h, 0.1, training=self.training)
        return F.log_softmax(adj @ (h @ self.w2), dim=1)


x, y = torch.eye(n), torch.tensor([0, 0, 0, 1, 1, 1])
mask = torch.tensor([True, False, False, False, False, True])
model = GCN(n, 4, 2)
opt = torch.optim.Adam(model.parameters(), lr=0.1, weight_decay=5e-4)
for epoch in range(20):
    model.train()
    opt.zero_grad()
    loss = F.nll_loss(model(x, A_hat)[mask], y[mask])
    loss.backward()
    opt.step()
    if epoch % 5 == 4:
        model.eval()
        acc = model(x, A_hat).max(1)[1].eq(y).double().mean()
        print(f"Epoch {epoch:03d} loss {loss.item():.4f} accuracy {acc:.4f}")
agg = torch.zeros(n, 2).index_add_(0, edges[1], torch.arange(14.0).view(7, 2))
print(agg, torch.zeros(n).scatter_add(0, edges[0], torch.ones(7)))
