"""Hold gradmagic's gradients against JAX's and PyTorch's, on the same calls and the same data. For developers.

In: nothing; run `python tests/outside/compare.py` with jax and torch installed. Out: a table of the calls that differ;
the exit status is their number. Pytest does not collect it.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

import gradmagic as gm

RNG = np.random.default_rng(0)
DATA: dict[str, Any] = {
    "x": RNG.uniform(-2, 2, (3, 4)), "y": RNG.uniform(-2, 2, (3, 4)), "p": RNG.uniform(0.3, 3, (3, 4)),
    "u": RNG.uniform(-0.8, 0.8, (3, 4)), "v": RNG.uniform(-2, 2, 4), "w": RNG.uniform(0.5, 2, 4),
    "m": RNG.uniform(-1, 1, (4, 4)) + np.diag([1.0, 3, 5, 7]), "n": np.array([[np.nan, 1, 2], [3, np.nan, 0.5]]),
    "t": RNG.uniform(-2, 2, (2, 3, 4)), "a": RNG.uniform(1.2, 3, (3, 4)),
    "z": RNG.uniform(-1, 1, (3, 4)) + 1j * RNG.uniform(-1, 1, (3, 4)),
}  # fmt: skip

# ruff: noqa: E501
# Each line: expressions of one kind, between semicolons; xp stands for numpy and for jax.numpy.
CALLS = """
xp.negative(x); xp.square(x); xp.exp(x); xp.exp2(x); xp.expm1(x); xp.log(p); xp.log2(p); xp.log10(p); xp.log1p(p)
xp.sqrt(p); xp.cbrt(p); xp.reciprocal(p); xp.absolute(x); xp.fabs(x); xp.sin(x); xp.cos(x); xp.tan(u); xp.sinc(x)
xp.arcsin(u); xp.arccos(u); xp.arctan(x); xp.sinh(x); xp.cosh(x); xp.tanh(x); xp.arcsinh(x); xp.arccosh(a); xp.arctanh(u)
xp.deg2rad(x); xp.rad2deg(x); xp.i0(x); xp.nan_to_num(x); xp.unwrap(4 * v); xp.frexp(x)[0]; xp.ldexp(x, 2)
xp.add(x, y); xp.subtract(x, y); xp.multiply(x, y); xp.divide(x, p); xp.power(p, y); xp.float_power(p, y)
xp.maximum(x, y); xp.minimum(x, y); xp.fmax(x, y); xp.fmin(x, y); xp.hypot(x, y); xp.arctan2(x, y)
xp.logaddexp(x, y); xp.logaddexp2(x, y); xp.copysign(x, y); xp.remainder(x, p); xp.fmod(x, p); xp.modf(x)[0]
xp.where(x > 0, x, y); xp.clip(x, -1, 1); xp.select([x > 1, y > 0], [x * y, x], 0.5)
xp.piecewise(v, [v < 0, v >= 0], [lambda q: q * q, xp.exp])
xp.sum(x, axis=0); xp.sum(x, axis=(0, 1), keepdims=True); xp.prod(x, axis=1); xp.mean(x, axis=-1); xp.var(x, ddof=1)
xp.sum(x, axis=1, where=(y > 0), initial=2.0); xp.max(x, axis=1, initial=0.0, where=(y > 0)); xp.std(x, axis=0)
xp.prod(x, axis=0, where=(y > 0), initial=2.0); xp.mean(x, where=(y > -1)); xp.var(x, axis=1, where=(y > -1.5))
xp.max(x); xp.min(x, axis=0); xp.ptp(x, axis=1); xp.cumsum(x, axis=1); xp.cumprod(x, axis=0); xp.cumsum(x)
xp.median(x); xp.median(x, axis=1); xp.quantile(x, 0.3, axis=0); xp.percentile(x, 35.0); xp.average(x, axis=1, weights=w)
xp.quantile(x, 0.3, axis=1, method="lower"); xp.quantile(x, 0.3, method="midpoint"); xp.percentile(x, 40, method="higher")
xp.nansum(n); xp.nanprod(n, axis=1); xp.nanmean(n, axis=0); xp.nanmax(n, axis=1); xp.nanmin(n); xp.nancumsum(n)
xp.nanvar(n); xp.nanstd(n, axis=1); xp.nanmedian(n, axis=1); xp.nanquantile(n, 0.4); xp.nancumprod(n)
xp.cov(x); xp.corrcoef(x); xp.cov(v, w); xp.diff(x); xp.diff(x, n=2, axis=0); xp.ediff1d(v); xp.gradient(v)
xp.trapezoid(x, axis=1); xp.trapezoid(v, xp.cumsum(w)); xp.interp(v, xp.cumsum(w) - 3, w); xp.convolve(v, w)
xp.convolve(v, w[:2], "same"); xp.convolve(v, w[:2], "valid"); xp.correlate(v, w[:3], "full")
xp.polyval(v, w); xp.polyadd(v, w); xp.polymul(v, w); xp.polyder(v); xp.polyint(v); xp.vander(v, 3); xp.roots(w)[0]
xp.linspace(v, w, 5); xp.logspace(v[0], w[0], 4); xp.geomspace(w[0], w[1], 4); xp.polyfit(xp.cumsum(w), v, 2)
xp.reshape(x, (4, 3)); xp.ravel(x); xp.transpose(t, (2, 0, 1)); xp.moveaxis(t, 0, -1); xp.swapaxes(t, 0, 2); xp.roll(x, 2)
xp.flip(x, 0); xp.rot90(x); xp.tile(x, (2, 1)); xp.repeat(x, 2, axis=1); xp.squeeze(t[:1]); xp.expand_dims(x, 1)
xp.concatenate([x, y]); xp.stack([x, y], -1); xp.vstack([x, y]); xp.hstack([x, y]); xp.dstack([x, y]); xp.block([[x, y]])
xp.column_stack([v, w]); xp.append(v, w); xp.insert(v, 1, w[0]); xp.delete(v, 1); xp.split(v, 2)[0]; xp.array_split(v, 3)[1]
xp.pad(x, 1); xp.pad(x, 2, mode="edge"); xp.pad(x, 1, mode="reflect"); xp.pad(x, 1, mode="symmetric"); xp.pad(x, 1, mode="wrap")
xp.pad(x, 1, mode="mean"); xp.pad(x, 1, mode="maximum"); xp.pad(x, 2, mode="linear_ramp"); xp.pad(x, 1, mode="median")
xp.triu(m); xp.tril(m, -1); xp.diag(v); xp.diag(m, 1); xp.diagonal(t, 0, 1, 2); xp.trace(m); xp.meshgrid(v, w)[0]
xp.take(x, xp.array([0, 2, 2]), axis=1); xp.take_along_axis(x, xp.argsort(y, axis=1), axis=1); xp.sort(x, axis=0); xp.sort(x)
xp.partition(v, 1); x[1]; x[:, ::-2]; x[xp.array([0, 0, 2])]; xp.unique(v); xp.compress(xp.array([1, 0, 1]), x, axis=0)
xp.choose(xp.array([0, 1, 0, 1]), [v, w], mode="clip"); xp.bincount(xp.array([0, 2, 2, 1]), w)
xp.dot(x, v); xp.vdot(x, y); xp.inner(x, y); xp.outer(v, w); xp.matmul(x, m); xp.tensordot(t, x.T, axes=[[2], [0]])
xp.einsum("ij,kj->ik", x, y); xp.einsum("ii->i", m); xp.einsum("...i,i->...", t, v); xp.kron(v, w); xp.cross(v[:3], w[:3])
xp.vecdot(x, y); xp.matvec(x, v); xp.vecmat(v, m); xp.apply_along_axis(xp.sum, 0, x); xp.apply_over_axes(xp.sum, t, [0, 2])
xp.linalg.inv(m); xp.linalg.pinv(x); xp.linalg.det(m); xp.linalg.slogdet(m)[1]; xp.linalg.solve(m, v)
xp.linalg.cholesky(m @ m.T); xp.linalg.qr(m)[1]; xp.linalg.svd(x, full_matrices=False)[1]; xp.linalg.eigvalsh(m + m.T)
xp.linalg.matrix_power(m, 3); xp.linalg.norm(x); xp.linalg.norm(x, 1); xp.linalg.norm(x, 2); xp.linalg.norm(x, "nuc")
xp.linalg.norm(v, 3); xp.linalg.norm(v, xp.inf); xp.linalg.norm(x, xp.inf, axis=1); xp.linalg.cond(m); xp.linalg.multi_dot([x, m, v])
xp.linalg.lstsq(x.T, w)[0]; xp.linalg.tensorinv(m, ind=1); xp.linalg.vector_norm(x, axis=1); xp.linalg.matrix_norm(t)
xp.real(xp.linalg.eigvals(m)); xp.fft.fft(x); xp.fft.ifft(x, 6); xp.fft.rfft(x); xp.fft.irfft(z); xp.fft.fft2(t); xp.fft.rfftn(t)
xp.fft.hfft(z); xp.fft.ihfft(x); xp.fft.irfftn(z); xp.fft.fftshift(x); xp.fft.fftn(t, axes=(0, 2))
xp.exp(z); xp.log(z); xp.sqrt(z); xp.absolute(z); xp.real(z); xp.imag(z); xp.conj(z); xp.angle(z); z * z; z / (z + 2); xp.sin(z)
xp.prod(z, axis=1); xp.cumprod(z, axis=0); xp.matmul(z, m); xp.tanh(z); xp.arcsinh(z); xp.power(z, 3)
xp.logaddexp.reduce(x, axis=1); xp.multiply.reduce(x, axis=1); xp.add.accumulate(x, axis=1); xp.subtract.outer(v, w)
"""

# Where the function has a kink, a tie or a zero: what PyTorch gives there is ours. gradmagic's call, PyTorch's call, x.
KINKS = (
    ("np.absolute(x)", "torch.abs(x)", [-1.0, 0.0, 2.0]),
    ("np.maximum(x, 1.0)", "torch.maximum(x, torch.ones(3, dtype=x.dtype))", [0.0, 1.0, 2.0]),
    ("np.minimum(x, 1.0)", "torch.minimum(x, torch.ones(3, dtype=x.dtype))", [0.0, 1.0, 2.0]),
    ("np.max(x)", "torch.amax(x)", [1.0, 3.0, 3.0]), ("np.min(x)", "torch.amin(x)", [1.0, 1.0, 3.0]),
    ("np.clip(x, -1, 1)", "torch.clamp(x, -1, 1)", [-1.0, 0.0, 1.0]), ("x**0", "x**0", [0.0, 1.0]),
    ("x**1", "x**1", [0.0, 1.0]), ("x**2.0", "x**2.0", [0.0, -1.0]), ("x**0.5", "x**0.5", [0.0, 4.0]),
    ("0.0**x", "torch.tensor(0.0, dtype=x.dtype)**x", [0.0, 1.0, 2.0]), ("np.sqrt(x)", "torch.sqrt(x)", [0.0, 4.0]),
    ("np.linalg.norm(x)", "torch.linalg.norm(x)", [0.0, 0.0]), ("np.hypot(x, 0.0)", "torch.hypot(x, x * 0)", [0.0, 1.0]),
    ("np.linalg.norm(x, 1)", "torch.linalg.norm(x, 1)", [0.0, 2.0]),
    ("np.linalg.norm(x, 3)", "torch.linalg.norm(x, 3)", [0.0, 0.0]),
    ("np.linalg.norm(x, np.inf)", "torch.linalg.norm(x, float('inf'))", [2.0, -2.0, 1.0]),
    ("np.std(x)", "torch.std(x, correction=0)", [2.0, 2.0]), ("np.prod(x)", "torch.prod(x)", [0.0, 2.0, 0.0]),
    ("np.cumprod(x)", "torch.cumprod(x, 0)", [2.0, 0.0, 3.0]), ("np.sinc(x)", "torch.sinc(x)", [0.0, 0.5]),
    ("np.maximum.accumulate(x)", "torch.cummax(x, 0)[0]", [1.0, 1.0, 0.0, 2.0]),
    ("np.minimum.accumulate(x)", "torch.cummin(x, 0)[0]", [1.0, 1.0, 2.0, 0.0]),
    ("np.nan_to_num(x)", "torch.nan_to_num(x)", [np.nan, 1.0, np.inf]), ("np.nansum(x)", "torch.nansum(x)", [np.nan, 1.0]),
    ("np.fmax(x, 1.0)", "torch.fmax(x, torch.ones(3, dtype=x.dtype))", [np.nan, 1.0, 2.0]),
    ("np.max(x)", "torch.max(x)", [np.nan, 1.0]),
    ("np.maximum(x, 1.0)", "torch.maximum(x, torch.ones(2, dtype=x.dtype))", [np.nan, 1.0]),
    ("np.sort(x) * np.arange(3.0)", "torch.sort(x, stable=True)[0] * torch.arange(3)", [1.0, 1.0, 0.0]),
    ("np.arctan2(x, 0.0)", "torch.atan2(x, x * 0)", [0.0, 1.0]), ("np.sign(x) * x", "torch.sign(x) * x", [0.0, 1.0]),
    ("np.copysign(x, -1.0)", "torch.copysign(x, torch.tensor(-1.0, dtype=x.dtype))", [0.0, 2.0]),
    ("np.remainder(x, 2.0)", "torch.remainder(x, 2.0)", [0.0, 2.0]), ("np.logaddexp(x, x)", "torch.logaddexp(x, x)", [0.0]),
    ("np.logaddexp.reduce(x)", "torch.logsumexp(x, 0)", [1.0, 1.0, -np.inf]),
    ("np.median(x)", "torch.quantile(x, .5)", [1.0, 1.0, 2.0]),
    ("np.var(x)", "torch.var(x, correction=0)", [3.0, 3.0]), ("np.log(x)", "torch.log(x)", [0.0, 1.0]),
    ("np.tanh(x)", "torch.tanh(x)", [0.0, 400.0]), ("np.cbrt(x)", "torch.pow(x, 1/3)", [1.0, 8.0]),
    ("np.reciprocal(x)", "torch.reciprocal(x)", [0.0, 2.0]),
    ("x * np.log(x + (x == 0))", "torch.xlogy(x, x + (x == 0))", [0.0, 2.0]),
)  # fmt: skip


def names_of(call: str) -> list[str]:
    """List the data that a call is differentiated by."""
    code = compile(call, "call", "eval")
    return [n for n in DATA if n in code.co_names]


def total(xp: Any, values: Any) -> Any:
    """Give a number that weighs every entry differently."""
    k = xp.reshape(xp.cos(xp.arange(float(np.size(values)))), np.shape(values))
    return xp.sum(xp.real(values) * k) + xp.sum(xp.imag(values) * k * 0.5)


def ours(call: str, names: list[str]) -> Any:
    def f(*args: Any) -> Any:
        y = eval(call, {"xp": np, **dict(zip(names, args, strict=True))})
        k = np.reshape(np.cos(np.arange(float(np.size(y)))), np.shape(y))
        return np.sum(np.real(y) * k) + np.sum(np.imag(y) * k * 0.5)

    made = gm.grad(f, tuple(range(len(names))))(*(DATA[n].copy() for n in names))
    return [np.asarray(g) for g in made]


def jaxs(call: str, names: list[str]) -> Any:
    import jax
    import jax.numpy as jnp

    def f(*args: Any) -> Any:
        return total(jnp, eval(call, {"xp": jnp, **dict(zip(names, args, strict=True))}))

    made = jax.grad(f, tuple(range(len(names))))(*(jnp.asarray(DATA[n]) for n in names))
    return [np.conj(np.asarray(g)) for g in made]  # JAX gives df/dRe - i df/dIm


def kink(call: str, theirs: str, x: list[float]) -> tuple[Any, Any]:
    import torch

    mine = np.asarray(gm.grad(lambda x: np.sum(eval(call, {"np": np, "x": x})))(np.array(x)))
    leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    torch.sum(eval(theirs, {"torch": torch, "x": leaf})).backward()
    return mine, leaf.grad.numpy()


def main() -> int:
    import jax

    jax.config.update("jax_enable_x64", True)
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    differ = done = 0
    for line in CALLS.strip().splitlines():
        for call in map(str.strip, line.split(";")):
            names = names_of(call)
            try:
                expected = jaxs(call, names)
            except Exception as error:
                print(
                    f"{'not in JAX':14}{call}: {str(error).splitlines()[0][:70] if str(error) else type(error).__name__}"
                )
                continue
            done += 1
            try:
                got = ours(call, names)
                bad = [n for n, g, e in zip(names, got, expected, strict=True)
                       if not np.allclose(g, e, rtol=1e-7, atol=1e-9, equal_nan=True)]  # fmt: skip
            except Exception as error:
                bad = [f"{type(error).__name__}: {error}"]
            if bad:
                differ += 1
                print(f"{'differs':14}{call}: by {', '.join(bad)}")
    for call, theirs, x in KINKS:
        done += 1
        try:
            mine, other = kink(call, theirs, x)
            same = np.allclose(mine, other, equal_nan=True)
        except Exception as error:
            mine, other, same = error, None, False
        if not same:
            differ += 1
            print(f"{'differs':14}{call} at {x}: {mine} here, {other} in PyTorch")
    print(f"{done} calls, {differ} differ")
    return differ


if __name__ == "__main__":
    sys.exit(main())
