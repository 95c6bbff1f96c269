"""Windows over a series, an LSTM and a temporal convolution, predictions fed back, a lower learning rate on a plateau."""
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

torch.manual_seed(32)
series = torch.sin(torch.arange(0, 12, 0.2)) + 0.05 * torch.randn(60)
windows = series.unfold(0, 11, 1)
X, Y = windows[:, :10].unsqueeze(-1), windows[:, 10]
print(windows.shape, X[0, :3, 0], Y[:3])


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 8, batch_first=True)
        self.linear = nn.Linear(8, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.linear(out[:, -1, :]).squeeze(-1)


for model in (Forecaster(), nn.Sequential(nn.Flatten(1), nn.Unflatten(1, (1, 10)), nn.Conv1d(1, 4, 3, dilation=2), nn.ELU(),
                                          nn.AdaptiveMaxPool1d(2), nn.Flatten(), nn.Linear(8, 1), nn.Flatten(0))):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    scheduler = ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
    for epoch in range(8):
        model.train()
        loss = nn.functional.huber_loss(model(X[:40]), Y[:40], delta=0.5)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.1)
        optimizer.step()
        model.eval()
        with torch.no_grad():
            valid = nn.functional.l1_loss(model(X[40:]), Y[40:])
        scheduler.step(valid)
        if epoch % 3 == 2:
            print(epoch, f"{loss.item():.5f} {valid.item():.5f} {optimizer.param_groups[0]['lr']:.4f}")
    window = series[-10:].clone()
    for _ in range(3):
        with torch.no_grad():
            window = torch.cat([window[1:], model(window.view(1, 10, 1))])
    print(window[-3:])
