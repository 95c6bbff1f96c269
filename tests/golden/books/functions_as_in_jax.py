"""torch.func: grad, vjp, jvp, Jacobians, Hessians, functional_call, a step of MAML."""
import torch
from torch import nn
from torch.func import functional_call, grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vjp

torch.manual_seed(27)
x = torch.randn(3)
print(grad(lambda t: torch.sin(t).sum())(x), torch.cos(x))
print(grad(grad(lambda t: (t ** 3).sum()) if False else lambda t: (t ** 2).sum())(x))
print(jacrev(torch.sin)(x), torch.allclose(jacrev(torch.sin)(x), jacfwd(torch.sin)(x)))
print(hessian(lambda t: (t ** 3).sum())(x))
out, pull = vjp(lambda t: t * 2, x)
print(out, pull(torch.ones(3)))
print(jvp(torch.exp, (x,), (torch.ones(3),)))
model = nn.Linear(3, 1)
params = dict(model.named_parameters())
data, target = torch.randn(4, 3), torch.randn(4, 1)


def compute_loss(params, data, target):
    return nn.functional.mse_loss(functional_call(model, params, (data,)), target)


grads, value = grad_and_value(compute_loss)(params, data, target)
print(value, {k: v.shape for k, v in grads.items()}, grads["weight"].detach())


def inner(params, x, y, lr=0.1):
    g = grad(compute_loss)(params, x, y)
    return {k: params[k] - lr * g[k] for k in params}


def outer(params):
    return compute_loss(inner(params, data[:2], target[:2]), data[2:], target[2:])


meta = grad(outer)(params)
print(meta["weight"], meta["bias"])
w = {k: v.detach().clone().requires_grad_() for k, v in params.items()}
fast = inner(w, data[:2], target[:2])
compute_loss(fast, data[2:], target[2:]).backward()
print(torch.allclose(w["weight"].grad, meta["weight"], atol=1e-6))
