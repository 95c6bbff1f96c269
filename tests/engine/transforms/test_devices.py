"""Every transform, and NumPy in traced functions, on a device: the numbers of the host, in arrays of the device."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.core import arrays

C = np.array([0.5, 1.25, 2.0])
M = np.arange(9.0).reshape(3, 3) + 1
SCALARS = {
    "products": lambda x, p: np.sum(np.tanh(x) * p(C)) + x @ p(M) @ x,
    "orders": lambda x, p: np.sum(np.sort(x)[::-1] * p(C)) + np.median(x) + np.max(x) * np.min(x),
    "sums": lambda x, p: np.sum(np.cumprod(x)) + np.std(x) + np.var(x) + np.prod(x),
    "masks": lambda x, p: np.sum(x[x > 1] ** 2) + np.sum(np.where(x > 1, x * x, 0)),
    "shapes": lambda x, p: np.sum(np.pad(x, 1) ** 2) + np.sum(np.roll(x, 1) * x) + np.sum(np.tile(x, 2)),
    "matrices": lambda x, p: np.sum(np.linalg.inv(np.outer(x, x) + p(np.diag(C)))) + np.linalg.norm(x),
    "entries": lambda x, p: sum(v * v for v in x) + x[0] * x[-1],
    "complex": lambda x, p: np.sum(np.abs(np.fft.fft(x)) ** 2),
    "reductions": lambda x, p: np.add.reduce(x) * np.multiply.reduce(x) + np.sum(np.multiply.outer(x, x)),
    "checkpoint": lambda x, p: np.sum(gm.checkpoint(lambda y: np.exp(y) * y)(x)),
    "stopped": lambda x, p: np.sum(gm.stop_gradient(x) * x),
    "custom": lambda x, p: np.sum(_cube(x)),
    "branches": lambda x, p: np.sum(x) if x[0] > 0 else -np.sum(x),
    "inner gradient": lambda x, p: np.sum(gm.grad(lambda y: np.sum(y**4))(x)),
}  # fmt: skip
_cube = gm.custom(lambda x: x**3, vjp=lambda g, y, x: 3 * g * x**2)
TRANSFORMS = {
    "grad": lambda f, x, v: gm.grad(f)(x),
    "value and grad": lambda f, x, v: gm.value_and_grad(f)(x),
    "hessian": lambda f, x, v: gm.hessian(f)(x),
    "hvp": lambda f, x, v: gm.hvp(f, (x,), (v,)),
    "jvp": lambda f, x, v: gm.jvp(f, (x,), (v,)),
    "vjp": lambda f, x, v: gm.vjp(f, x)[1](np.sum(v)),
    "jacobian": lambda f, x, v: gm.jacobian(lambda x: x * f(x))(x),
    "elementwise": lambda f, x, v: gm.elementwise_grad(lambda x: np.sin(x) * x)(x),
    "of a dict": lambda f, x, v: list(gm.grad(lambda d: f(d["a"]) * np.sum(d["b"][0]))({"a": x, "b": [v]}).values()),
    "grad of grad": lambda f, x, v: gm.grad(lambda x: np.sum(gm.grad(f)(x) * v))(x),
}  # fmt: skip


def parts(found):
    return [p for f in found for p in parts(f)] if isinstance(found, (tuple, list)) else [found]


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", SCALARS)
def test_the_numbers_of_the_host(name, transform, put, device):
    f, of = SCALARS[name], TRANSFORMS[transform]
    expected = parts(of(lambda x: f(x, np.copy), C.copy(), C[::-1].copy()))
    found = parts(of(lambda x: f(x, put), put(C), put(C[::-1].copy())))
    for e, g in zip(expected, found, strict=True):
        assert type(g) is device.kind
        np.testing.assert_allclose(arrays.to_host(g), e, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    "start", [np.arange(3), C.astype("f4"), C.astype("f2"), np.zeros(0), np.array(3.0), C + 1j]
)
def test_dtypes(start, put):
    f = lambda x: np.sum(np.real(x * np.conj(x) * 2.5))
    found, expected = gm.grad(f)(put(start)), gm.grad(f)(start)
    assert arrays.on_device(found) and found.dtype == expected.dtype
    np.testing.assert_allclose(arrays.to_host(found), expected, rtol=1e-3)
