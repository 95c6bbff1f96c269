"""The same polynomial by nn and optim, and with a function whose derivative is given: Legendre's third."""
import math
import torch

torch.manual_seed(2)
x = torch.linspace(-math.pi, math.pi, 200)
y = torch.sin(x)
p = torch.tensor([1, 2, 3])
xx = x.unsqueeze(-1).pow(p)
model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
loss_fn = torch.nn.MSELoss(reduction="sum")
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
for t in range(300):
    y_pred = model(xx)
    loss = loss_fn(y_pred, y)
    if t % 100 == 99:
        print(t, f"{loss.item():.3f}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
linear_layer = model[0]
print(linear_layer.bias, linear_layer.weight)
print(model)


class LegendrePolynomial3(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input ** 3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input ** 2 - 1)


a = torch.full((), 0.0, requires_grad=True)
b = torch.full((), -1.0, requires_grad=True)
P3 = LegendrePolynomial3.apply
for t in range(100):
    loss = (a + b * P3(0.3 + 0.1 * x) - y).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        a -= 5e-6 * a.grad
        b -= 5e-6 * b.grad
        a.grad = b.grad = None
print(a.item(), b.item(), type(P3(x).grad_fn).__name__, P3(x + b).grad_fn.name())
