"""A GRU and an LSTM written out, deep and bidirectional ones by nn, batch first, packed by mask."""
import torch
from torch import nn

torch.manual_seed(14)


class GRUScratch(nn.Module):
    def __init__(self, num_inputs, num_hiddens, sigma=0.1):
        super().__init__()
        init_weight = lambda *shape: nn.Parameter(torch.randn(*shape) * sigma)
        triple = lambda: (init_weight(num_inputs, num_hiddens), init_weight(num_hiddens, num_hiddens), nn.Parameter(torch.zeros(num_hiddens)))
        self.W_xz, self.W_hz, self.b_z = triple()
        self.W_xr, self.W_hr, self.b_r = triple()
        self.W_xh, self.W_hh, self.b_h = triple()

    def forward(self, inputs, H):
        outputs = []
        for X in inputs:
            Z = torch.sigmoid(torch.matmul(X, self.W_xz) + torch.matmul(H, self.W_hz) + self.b_z)
            R = torch.sigmoid(torch.matmul(X, self.W_xr) + torch.matmul(H, self.W_hr) + self.b_r)
            H_tilde = torch.tanh(torch.matmul(X, self.W_xh) + torch.matmul(R * H, self.W_hh) + self.b_h)
            H = Z * H + (1 - Z) * H_tilde
            outputs.append(H)
        return outputs, H


gru = GRUScratch(3, 4)
X = torch.randn(6, 2, 3)
outputs, H = gru(X, torch.zeros(2, 4))
print(len(outputs), H)
H.pow(2).sum().backward()
print(gru.W_xz.grad, gru.b_h.grad)
deep = nn.LSTM(3, 5, num_layers=2, bidirectional=True, batch_first=True, dropout=0.0)
out, (h, c) = deep(X.transpose(0, 1))
print(out.shape, h.shape, c.shape, out[0, 0])
out.mean().backward()
print([name for name, _ in deep.named_parameters()])
print(deep.weight_ih_l1_reverse.grad.norm(), deep)
cell = nn.LSTMCell(3, 4)
h = c = torch.zeros(2, 4)
for t in range(3):
    h, c = cell(X[t], (h, c))
print(h)
mask = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
print((out[:, :3] * mask.unsqueeze(-1)).sum(1)[:, :3])
