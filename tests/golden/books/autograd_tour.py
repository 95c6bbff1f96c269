"""An hour with autograd: leaves, grad_fn, accumulation, no_grad, detach, Jacobians, hooks."""
import torch

x = torch.ones(5)
y = torch.zeros(3)
torch.manual_seed(0)
w = torch.randn(5, 3, requires_grad=True)
b = torch.randn(3, requires_grad=True)
z = torch.matmul(x, w) + b
loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
print("Gradient function for z =", type(z.grad_fn).__name__)
print(z, loss)
loss.backward()
print(w.grad, b.grad, sep="\n")
z = torch.matmul(x, w) + b
print(z.requires_grad)
with torch.no_grad():
    z = torch.matmul(x, w) + b
print(z.requires_grad, (torch.matmul(x, w) + b).detach().requires_grad)
inp = torch.eye(4, 5, requires_grad=True)
out = (inp + 1).pow(2).t()
out.backward(torch.ones_like(out), retain_graph=True)
print(f"First call\n{inp.grad}")
out.backward(torch.ones_like(out), retain_graph=True)
print(f"\nSecond call\n{inp.grad}")
inp.grad.zero_()
out.backward(torch.ones_like(out))
print(f"\nCall after zeroing gradients\n{inp.grad}")
a = torch.tensor([2.0, 3.0], requires_grad=True)
b = torch.tensor([6.0, 4.0], requires_grad=True)
Q = 3 * a ** 3 - b ** 2
Q.backward(gradient=torch.tensor([1.0, 1.0]))
print(9 * a ** 2 == a.grad, -2 * b == b.grad, a.grad)
u = torch.tensor(1.0, requires_grad=True)
v = (u * 3) ** 2
seen = []
v.register_hook(lambda g: seen.append(g.item()))
u.register_hook(lambda g: g * 2)
v.backward()
print(seen, u.grad, v.is_leaf, u.is_leaf, v.grad_fn.next_functions[0][0].name())
print(torch.autograd.functional.jacobian(lambda t: t ** 2, torch.tensor([1.0, 2.0])))
print(torch.autograd.functional.hessian(lambda t: (t ** 3).sum(), torch.tensor([1.0, 2.0])))
(g,) = torch.autograd.grad(u ** 4, u, create_graph=True)
print(g, torch.autograd.grad(g, u))
try:
    v.backward()
except RuntimeError as e:
    print(str(e)[:60])
try:
    u.add_(1)
except RuntimeError as e:
    print(str(e)[:74])
