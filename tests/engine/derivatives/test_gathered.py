"""What cotangents are gathered in: every dtype of a leaf, every way to pick from it, both faces, all modes.

The derivatives by a leaf of any dtype are those by the same numbers in double precision, up to the dtype's rounding.
"""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import gradmagic as gm

REALS = "float16 float32 float64".split()
WHOLE = "int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()
COMPLEX = "complex64 complex128".split()
EXACT = {"float16": 4e-3, "float32": 1e-6, "complex64": 1e-6}  # relative; the others are gathered in double

numbers = st.integers(-4, 3)
slices = st.builds(slice, st.none() | numbers, st.none() | numbers, st.sampled_from([None, 1, 2, -1]))
lists = st.lists(numbers, min_size=1, max_size=6)
masks = st.lists(st.booleans(), min_size=4, max_size=4)

# An array of shape (4, 3) comes in; anything made of its entries goes out.
WAYS = {
    "a row": numbers.map(lambda i: lambda x: x[i]),
    "an entry": numbers.map(lambda i: lambda x: x[i, 1]),
    "an entry, by hand": numbers.map(lambda i: lambda x: x[i][2]),
    "a slice": slices.map(lambda s: lambda x: x[s]),
    "a slice of columns": slices.map(lambda s: lambda x: x[..., s]),
    "a new axis": slices.map(lambda s: lambda x: x[s, None]),
    "numbers": lists.map(lambda i: lambda x: x[i]),
    "numbers as an array": lists.map(lambda i: lambda x: x[np.array(i), 1]),
    "pairs of numbers": lists.map(lambda i: lambda x: x[np.array(i), np.zeros(len(i), int)]),
    "a mask": masks.map(lambda m: lambda x: x[np.array(m)]),
    "a mask of entries": masks.map(lambda m: lambda x: x[np.array(m)[:, None] & (np.arange(3) < 2)]),
    "take": lists.map(lambda i: lambda x: np.take(x, i, axis=0)),
    "take of all": lists.map(lambda i: lambda x: np.take(x, i)),
    "take_along_axis": lists.map(lambda i: lambda x: np.take_along_axis(x, np.array(i)[:, None] % 4, 0)),
    "compress": masks.map(lambda m: lambda x: np.compress(m, x, axis=0)),
    "extract": masks.map(lambda m: lambda x: np.extract(np.array(m), x[:, 0])),
    "delete": numbers.map(lambda i: lambda x: np.delete(x, i, axis=0)),
    "insert": numbers.map(lambda i: lambda x: np.insert(x, i, x[0], axis=0)),
    "choose": lists.map(lambda i: lambda x: np.choose(np.array(i) % 4, [x[k, 0] for k in range(4)])),
    "repeat": st.integers(0, 3).map(lambda n: lambda x: np.repeat(x, n, axis=1)),
    "repeat by counts": st.just(lambda x: np.repeat(x, [0, 1, 2, 3], axis=0)),
    "pad": st.sampled_from(["wrap", "reflect", "edge", "symmetric"]).map(lambda m: lambda x: np.pad(x, 2, mode=m)),
    "diagonal": st.integers(-2, 2).map(lambda k: lambda x: np.diagonal(x, k)),
    "diag": st.integers(-2, 2).map(lambda k: lambda x: np.diag(x, k)),
    "split": st.sampled_from([1, 2, 4]).map(lambda n: lambda x: np.split(x, n)[-1]),
    "sort": st.just(lambda x: np.sort(x * np.arange(1, 4), axis=None)),
    "loop": st.just(lambda x: sum(x[i] * (i + 1) for i in range(4))),
    "iterated": st.just(lambda x: sum(row * (i + 1) for i, row in enumerate(x))),
}  # fmt: skip
picked = st.sampled_from(sorted(WAYS)).flatmap(lambda name: st.tuples(st.just(name), WAYS[name]))


def leaf(dtype: str, seed: int) -> Any:
    """Give twelve different small numbers, positive so that unsigned integers hold them."""
    x = (np.random.default_rng(seed).permutation(12) + 1.0).reshape(4, 3)
    return (x + 1j * x[::-1]).astype(dtype) if dtype in COMPLEX else x.astype(dtype)


def loss(pick: Any, seed: int) -> Any:
    def f(x: Any) -> Any:
        y = pick(x)
        w = np.random.default_rng(seed).uniform(
            0.25, 1.0, np.shape(y)
        )  # no whole number: an int would lose it
        y = np.real(y * np.conj(y)) if np.iscomplexobj(y) else y * y
        return np.sum(y * w)

    return f


def exact(dtype: str) -> dict[str, float]:
    rtol = EXACT.get(dtype, 1e-12)
    return {"rtol": rtol, "atol": 60 * rtol}


@given(picked, st.sampled_from(REALS + WHOLE + COMPLEX), st.integers(0, 2**16))
def test_a_leaf_of_any_dtype_gets_what_the_same_numbers_in_double_precision_get(way, dtype, seed):
    _, pick = way
    f, x = loss(pick, seed), leaf(dtype, seed)
    wide = x.astype("complex128" if dtype in COMPLEX else "float64")
    expected = gm.grad(f)(wide)
    got = gm.grad(f)(x)
    assert got.dtype == (x.dtype if x.dtype.kind in "fc" else np.float64)
    np.testing.assert_allclose(got, expected, **exact(dtype))

    t = np.random.default_rng(seed + 1).uniform(-1, 1, x.shape)
    moved = gm.jvp(f, (x,), (t.astype(got.dtype),))[1]
    np.testing.assert_allclose(moved, np.sum(t * np.real(expected)), **exact(dtype))
    if dtype not in COMPLEX:
        np.testing.assert_allclose(gm.hessian(f)(x), gm.hessian(f)(wide), **exact(dtype))
        np.testing.assert_allclose(gm.hvp(f, x, t.astype(got.dtype)), gm.hvp(f, wide, t), **exact(dtype))


@given(picked, st.sampled_from(REALS), st.integers(0, 2**16), st.booleans())
def test_a_tensor_of_any_dtype_does_too(way, dtype, seed, create_graph):
    _, pick = way
    f, x = loss(pick, seed), leaf(dtype, seed)
    expected = gm.grad(f)(x.astype(float))
    t = gm.tensor(x, requires_grad=True)
    f(t).backward(create_graph=create_graph)
    assert t.grad.array.dtype == dtype
    np.testing.assert_allclose(t.grad.detach().numpy(), expected, **exact(dtype))
    if create_graph:
        twice = gm.autograd.grad(t.grad.sum(), t)[0]
        wanted = gm.grad(lambda v: np.sum(gm.grad(f)(v)))(x.astype(float))
        np.testing.assert_allclose(twice.detach().numpy(), wanted, **exact(dtype))


@given(picked, st.sampled_from([*WHOLE, "float32"]), st.integers(0, 2**16))
def test_a_cotangent_that_is_given_is_not_rounded_to_the_leafs_dtype(way, dtype, seed):
    _, pick = way
    x = leaf(dtype, seed)
    y, pull = gm.vjp(pick, x)
    g = np.random.default_rng(seed).uniform(0.25, 0.75, np.shape(y))
    np.testing.assert_allclose(pull(g)[0], gm.vjp(pick, x.astype(float))[1](g)[0], **exact(dtype))


# ---- counts and sums that float16 does not hold: it ends at 65504, and 2048 + 1 is 2048 there ------------------------

MANY = {
    "mean": (np.mean, 70_000, 1 / 70_000),
    "mean where": (lambda x: np.mean(x, where=np.ones(x.shape, bool)), 70_000, 1 / 70_000),
    "nanmean": (np.nanmean, 70_000, 1 / 70_000),
    "mean along an axis": (lambda x: np.mean(np.reshape(x, (-1, 1)), axis=0)[0], 70_000, 1 / 70_000),
    "var": (np.var, 70_000, None),
    "std": (np.std, 70_000, None),
    "mse": (lambda x: gm.nn.functional.mse_loss(x, x * 0), 70_000, None),
    "largest of equal ones": (lambda x: np.max(np.reshape(x * 0, (-1, 1)) + x[0], axis=0)[0], 5_000, None),
    "a bias": (lambda x: np.sum(np.zeros((5_000, 2), np.float32) + x), 2, 5_000),
    "a bias in float16": (lambda x: np.sum((np.zeros((5_000, 2), np.float16) + x).astype("f")), 2, 5_000),
    "one entry many times": (lambda x: np.sum(x[np.zeros(5_000, int)].astype("f")), 1, 5_000),
    "taken many times": (lambda x: np.sum(np.take(x, np.zeros(5_000, int)).astype("f")), 1, 5_000),
    "repeat": (lambda x: np.sum(np.repeat(x, 5_000).astype("f")), 2, 5_000),
    "repeat by counts": (lambda x: np.sum(np.repeat(x, [5_000, 0]).astype("f")), 2, [5_000, 0]),
    "tile": (lambda x: np.sum(np.tile(x, 5_000).astype("f")), 2, 5_000),
    "broadcast_to": (lambda x: np.sum(np.broadcast_to(x, (5_000, 2)).astype("f")), 2, 5_000),
    "cumsum": (lambda x: np.sum(np.cumsum(x * 1).astype("f")), 5_000, np.arange(5_000, 0, -1)),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("name", MANY)
def test_counts_beyond_float16_divide_and_add_all_the_same(name):
    f, n, expected = MANY[name]
    x = (np.linspace(0.5, 1, n) if n > 2 else np.ones(n)).astype(np.float16)
    got = gm.grad(f)(x)
    assert got.dtype == np.float16
    if expected is None:
        expected = gm.grad(f)(x.astype(float))
    tiny = float(np.finfo(np.float16).smallest_subnormal)
    np.testing.assert_allclose(got.astype(float), np.broadcast_to(expected, x.shape), rtol=4e-3, atol=tiny)
