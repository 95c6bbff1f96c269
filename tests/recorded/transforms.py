"""`torch.func`: transforms of functions, and transforms within transforms."""

import numpy as np


def t(torch, *shape):
    rng = np.random.RandomState(sum(shape) + len(shape))
    return torch.tensor(np.round(rng.standard_normal(shape), 3))


def network(torch):
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()


def per_example(torch):
    """Gradients of each example's loss, as the tutorial of that name has it."""
    model = network(torch)
    params = {k: p.detach() for k, p in model.named_parameters()}

    def loss(params, x, y):
        out = torch.func.functional_call(model, params, (x.unsqueeze(0),))
        return torch.nn.functional.cross_entropy(out, y.unsqueeze(0))

    x, y = t(torch, 5, 3), torch.tensor([0, 1, 1, 0, 1])
    return torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(params, x, y)


def ensemble(torch):
    models = [network(torch) for _ in range(3)]
    params, buffers = torch.func.stack_module_state(models)
    call = lambda p, b, x: torch.func.functional_call(models[0], (p, b), (x,))
    return torch.func.vmap(call, in_dims=(0, 0, None))(params, buffers, t(torch, 5, 3))


def quadratic(x, y):
    return (x.sin() * y).sum() + (x**2 * y).prod()


CASES = {
    "grad": lambda torch: torch.func.grad(quadratic)(t(torch, 3), t(torch, 3)),
    "grad of both": lambda torch: torch.func.grad(quadratic, argnums=(0, 1))(t(torch, 3), t(torch, 3)),
    "grad with aux": lambda torch: torch.func.grad(lambda x: (x.exp().sum(), x * 2), has_aux=True)(t(torch, 3)),
    "grad_and_value": lambda torch: torch.func.grad_and_value(quadratic)(t(torch, 3), t(torch, 3)),
    "grad of grad": lambda torch: torch.func.grad(torch.func.grad(torch.sin))(torch.tensor(1.0)),
    "vjp": lambda torch: [(v := torch.func.vjp(lambda a, b: (a @ b).sin(), t(torch, 2, 3), t(torch, 3)))[0],
                          v[1](t(torch, 2))],
    "jvp": lambda torch: torch.func.jvp(lambda a, b: (a @ b).sin(), (t(torch, 2, 3), t(torch, 3)),
                                        (t(torch, 2, 3) * 2, t(torch, 3) + 1)),
    "jacrev": lambda torch: torch.func.jacrev(lambda x: x.cumsum(0).tanh())(t(torch, 4)),
    "jacfwd": lambda torch: torch.func.jacfwd(lambda x: torch.outer(x, x), argnums=0)(t(torch, 3)),
    "jacrev of a dict": lambda torch: torch.func.jacrev(lambda p: p["a"] * p["b"])(
        {"a": t(torch, 2), "b": t(torch, 2)}),
    "jacrev with aux": lambda torch: torch.func.jacrev(lambda x: (x**2, x + 1), has_aux=True)(t(torch, 2)),
    "hessian": lambda torch: torch.func.hessian(lambda x: (x.sin() * x.sum()).sum())(t(torch, 3)),
    "vmap": lambda torch: torch.func.vmap(torch.dot, in_dims=(0, 1))(t(torch, 4, 3), t(torch, 3, 4)),
    "vmap out_dims": lambda torch: torch.func.vmap(lambda x: (x * 2, x.sum()), out_dims=(1, 0))(t(torch, 4, 3)),
    "vmap of a dict": lambda torch: torch.func.vmap(lambda p: p["a"] @ p["b"])(
        {"a": t(torch, 4, 2, 3), "b": t(torch, 4, 3)}),
    "vmap of vmap": lambda torch: torch.func.vmap(torch.func.vmap(torch.dot, (None, 0)), (0, None))(
        t(torch, 2, 3), t(torch, 4, 3)),
    "vmap of hessian": lambda torch: torch.func.vmap(torch.func.hessian(lambda x: (x**3).sum()))(t(torch, 2, 3)),
    "grad of vmap": lambda torch: torch.func.grad(lambda w: torch.func.vmap(lambda x: (x * w).sum().tanh())(
        t(torch, 4, 3)).sum())(t(torch, 3)),
    "vmap draws": lambda torch: torch.func.vmap(lambda x: x + torch.zeros(3), randomness="different")(t(torch, 2, 3)),
    "per example": per_example, "ensemble": ensemble,
    "vmap top": lambda torch: torch.vmap(torch.sin)(t(torch, 2, 3)),
}  # fmt: skip
