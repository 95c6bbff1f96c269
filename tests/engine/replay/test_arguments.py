"""Arguments of every kind: numbers, containers, dtypes, layouts, empty arrays; and functions of NumPy's, by the dozen.

In: a table of functions. Out: each gives and leaves what it gives and leaves without a program, or is refused by name.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.errors import ReplayWarning

from .against import Cases, arrays, check

case = Cases()
S0, V, U, W, M = (arrays(s) for s in ((), (3,), (4,), (5,), (3, 3)))


@dataclasses.dataclass
class D:
    a: np.ndarray
    k: float


class NT(NamedTuple):
    a: np.ndarray
    b: float


class Sub(np.ndarray):
    pass


# ---- arguments
@case(
    lambda r: (r.normal(size=3), 2.0),
    lambda r: (r.normal(size=3), 3.0),
    lambda r: (r.normal(size=3), 3),
    lambda r: (r.normal(size=3), np.float32(3)),
    lambda r: (r.normal(size=3).astype(np.float32), np.float64(3)),
    lambda r: (r.normal(size=3).astype(np.float32), 3.0),
)
def scalars(x, k):
    return x * k, k + 1, k * k, k**2, -k, k / 3, 2**k, k > 2.5


@case(lambda r: (2.0,), lambda r: (3.0,), lambda r: (0.5,))
def only_float(k):
    return k * 2 + 1, np.sin(k), k // 2, k % 2, abs(k), divmod(k, 2)


@case(lambda r: (np.float32(2.0),), lambda r: (np.float32(0.3),))
def only_f32(k):
    return k * 2 + 1, np.sin(k), k * np.float64(2), k * 2.0, k + np.ones(2)


@case(
    lambda r: {"x": r.normal(size=3), "k": 2.0},
    lambda r: {"x": r.normal(size=3), "k": 3.0},
    lambda r: {"k": 1.0, "x": r.normal(size=3)},
)
def kwargs_(x, *, k=1.0):
    return x * k


@case(lambda r: (r.normal(size=3),), lambda r: (r.normal(size=3), 2.0), lambda r: (r.normal(size=3),))
def defaults(x, k=3.0):
    return x * k


@case(
    lambda r: ([r.normal(size=3), r.normal(size=2)],),
    lambda r: ([r.normal(size=3), r.normal(size=2)],),
    lambda r: ([r.normal(size=3)],),
    lambda r: ((r.normal(size=3),),),
)
def lists(l):
    return sum(np.sum(x) for x in l), [x * 2 for x in l], l


@case(
    lambda r: ({"a": r.normal(size=3), "b": 2.0},),
    lambda r: ({"a": r.normal(size=3), "b": 3.0},),
    lambda r: ({"b": r.normal(size=3), "a": 3.0},),
)
def dicts(d):
    return {k: v * 2 for k, v in d.items()}


@case(lambda r: (D(r.normal(size=3), 1.0),), lambda r: (D(r.normal(size=3), 2.0),))
def dataclass_(d):
    return d.a * d.k


@case(lambda r: (D(r.normal(size=3), 1.0),), lambda r: (D(r.normal(size=3), 2.0),))
def dataclass_out(d):
    return D(d.a * 2, d.k)


@case(lambda r: (D(r.normal(size=3), 1.0),), lambda r: (D(r.normal(size=3), 2.0),), refused="something else")
def dataclass_written(d):
    d.a = d.a * 2
    return d.a + 1


@case(lambda r: (NT(r.normal(size=3), 1.0),), lambda r: (NT(r.normal(size=3), 2.0),))
def namedtuple_(d):
    return NT(d.a * d.b, d.b + 1)


@case(lambda r: ([r.normal(size=3)],), lambda r: ([r.normal(size=3)],), refused="something else")
def list_written(l):
    l[0] = l[0] * 2
    l.append(1)
    return l[0] + 1


@case(lambda r: ([r.normal(size=3)],), lambda r: ([r.normal(size=3)],))
def list_same(l):
    return l


@case(lambda r: ({"a": r.normal(size=3)},), lambda r: ({"a": r.normal(size=3)},), refused="something else")
def dict_written(d):
    d["b"] = d["a"] * 2
    return d["b"]


@case(lambda r: (r.normal(size=3).view(Sub),), lambda r: (r.normal(size=3).view(Sub),), refused="subclass")
def subclass(x):
    return x * 2


@case(
    lambda r: (np.ma.array(r.normal(size=3), mask=[0, 1, 0]),),
    lambda r: (np.ma.array(r.normal(size=3), mask=[0, 1, 1]),),
    refused="subclass",
)
def masked(x):
    return x * 2


@case(lambda r: (r.normal(size=3), "a"), lambda r: (r.normal(size=3), "b"), lambda r: (r.normal(size=3), "a"))
def text(x, s):
    return x * 2 if s == "a" else x * 3


@case(
    lambda r: (r.normal(size=3), None),
    lambda r: (r.normal(size=3), 1),
    lambda r: (r.normal(size=3), True),
    lambda r: (r.normal(size=3), 1.0),
)
def none_or(x, k):
    return x if k is None else x * k


@case(
    lambda r: (r.normal(size=3), np.sin),
    lambda r: (r.normal(size=3), np.cos),
    lambda r: (r.normal(size=3), np.sin),
)
def functions(x, f):
    return f(x)


@case(lambda r: (r.normal(size=3), lambda y: y * 2), lambda r: (r.normal(size=3), lambda y: y * 3))
def lambdas(x, f):
    return f(x)


@case(
    lambda r: (r.normal(size=(4, 3)), np.int64(1)),
    lambda r: (r.normal(size=(4, 3)), np.int64(2)),
    lambda r: (r.normal(size=(4, 3)), np.int64(1)),
)
def np_int(x, n):
    return x[n], x[:n], x.sum(axis=n - 1), np.repeat(x, n, axis=0), np.tile(x, n)


@case(lambda r: (r.normal(size=(4, 3)), 1), lambda r: (r.normal(size=(4, 3)), 2))
def py_int(x, n):
    return x[n], x[:n], x * n, np.zeros(n)


@case(
    lambda r: (r.normal(size=(4, 3)), np.array([0, 2])),
    lambda r: (r.normal(size=(4, 3)), np.array([3, 1])),
    lambda r: (r.normal(size=(4, 3)), np.array([7, 1])),
    lambda r: (r.normal(size=(4, 3)), np.array([-1, 1])),
    raises=IndexError,
)
def indices(x, i):
    return x[i], np.take(x, i, 0), x[i].sum()


@case(
    lambda r: (r.normal(size=4), np.array([0, 2, 1, 1])), lambda r: (r.normal(size=4), np.array([3, 0, 0, 1]))
)
def counts(x, i):
    return np.repeat(x, i), np.bincount(i, x), np.unique(i)


@case(
    lambda r: (r.normal(size=4), np.array([True, False, True, True])),
    lambda r: (r.normal(size=4), np.array([True, False, False, True])),
    lambda r: (r.normal(size=4), np.array([False, True, True, True])),
)
def bools(x, m):
    return x[m], np.where(m, x, 0), x[~m].sum(), m & (x > 0), np.compress(m, x)


@case(lambda r: (r.integers(0, 9, 5),), lambda r: (r.integers(0, 9, 5),))
def ints(x):
    return (
        x * 2,
        x / 2,
        x.sum(),
        x.mean(),
        x // 2,
        x % 3,
        x**2,
        -x,
        x.astype(float) * 1.5,
        np.sqrt(x),
        x * 0.5,
        x.max(),
        x << 1,
    )


@case(
    lambda r: (r.integers(0, 250, 5).astype(np.uint8),), lambda r: (r.integers(0, 250, 5).astype(np.uint8),)
)
def uint8(x):
    return x * 2, x + x, x.sum(), x.mean(), -x, x / 2, x.sum(dtype=float), x.cumsum(), x.prod()


@case(
    lambda r: ((r.normal(size=4) + 1j * r.normal(size=4)),),
    lambda r: ((r.normal(size=4) + 1j * r.normal(size=4)),),
)
def complexes(x):
    return x * 2, x.real, x.imag, x.conj(), abs(x), x.sum(), x * 1j, x**2, np.angle(x), x.real.sum(), x.T


@case(arrays((5,), dtype=np.float16), arrays((5,), dtype=np.float16))
def f16(x):
    return x * 2, x.sum(), x.mean(), x * x, np.exp(x), x / 3, x * 2.5, x**2, np.var(x), x @ x, np.tanh(x)


@case(arrays((5,), dtype=np.float32), arrays((5,), dtype=np.float32))
def f32(x):
    return (
        x * 2,
        x.sum(),
        x.mean(),
        x * np.pi,
        np.float64(2) * x,
        x * np.float64(3),
        x + np.ones(5),
        x / 7,
        x**0.5,
        x.astype(np.float64).sum(),
    )


@case(arrays((0,)), arrays((0,)))
def empty(x):
    return x * 2, x.sum(), x.prod(), x.mean(), np.concatenate([x, x])


@case(arrays((0, 3)), arrays((0, 3)))
def empty2(x):
    return x.sum(0), x.sum(1), x.T @ x, x.max(0, initial=0)


@case(arrays((0,)), arrays((0,)), raises=ValueError)
def empty_max(x):
    return x.max()


@case(S0, S0)
def zero_d(x):
    return x * 2, x + 1.0, np.sin(x), x[()], x.sum(), x * np.ones(2), x.reshape(1), x**2, -x, np.maximum(x, 0)


@case(S0, S0)
def zero_d_in_place(x):
    x += 1
    x[...] = x * 2
    return x * 1


@case(
    lambda r: (r.normal(size=(4, 6))[::2, ::3],),
    lambda r: (r.normal(size=(4, 6))[::2, ::3],),
    lambda r: (np.asfortranarray(r.normal(size=(2, 2))),),
    lambda r: (r.normal(size=(2, 2)),),
)
def strided(x):
    return (
        x * 2,
        x.T,
        x.reshape(-1),
        x.ravel(order="K"),
        x.flatten(),
        x.copy(),
        np.exp(x).T.reshape(-1),
        x.ravel("F"),
        x.sum(0),
    )


@case(lambda r: (np.asfortranarray(r.normal(size=(3, 2))),), lambda r: (r.normal(size=(3, 2)),))
def layout_results(x):
    y = x * 2
    return y.ravel(order="K"), y.flags.c_contiguous, y.strides[0]


@case(lambda r: (r.normal(size=3)[::-1],), lambda r: (r.normal(size=3)[::-1],))
def negative_strides(x):
    return x * 2, x[::-1], x.copy()


@case(
    lambda r: (np.broadcast_to(r.normal(size=3), (2, 3)),),
    lambda r: (np.broadcast_to(r.normal(size=3), (2, 3)),),
)
def broadcast_in(x):
    return x * 2


def ro(r):
    x = r.normal(size=3)
    x.flags.writeable = False
    return (x,)


@case(ro, V, ro, raises=ValueError)
def readonly(x):
    x[0] = 1
    return x * 2


@case(V, ro, V, raises=ValueError)
def readonly_later(x):
    x[0] = 1
    return x * 2


@case(V, U, V, arrays((2, 3)), V)
def shapes(x):
    return x * 2, len(x), x.shape, x.ndim, x.size, x.dtype, x.nbytes


@case(lambda r: (np.array([1.0, np.nan, np.inf]),), lambda r: (np.array([np.nan, 1.0, -np.inf]),))
def nonfinite(x):
    return x * 2, np.nansum(x), np.isfinite(x), np.maximum(x, 0), x.max(), np.nanmax(x), np.sort(x), x * 0


@case(lambda r: (np.array([0.0, -0.0, 1.0]),), lambda r: (np.array([-0.0, 0.0, 1.0]),))
def signed_zeros(x):
    return (
        1 / (x + 0),
        1 / (x * 1),
        1 / (0 - x),
        1 / (-x),
        np.copysign(1, x - 0),
        np.copysign(1, x + 0.0),
        np.copysign(1, x * -1),
    )


@case(V, V)
def python_sum(x):
    return sum(x), max(x), list(x), tuple(x), [v * 2 for v in x]


@case(V, V)
def iterate(x):
    s = 0.0
    for v in x:
        s += v * v
    return s


@case(V, V)
def enumerate_(x):
    return [i * v for i, v in enumerate(x)], dict(zip("abc", x, strict=True))


@case(M, M)
def many(x):
    return (
        np.linalg.inv(x),
        np.linalg.det(x),
        np.linalg.eigvals(x),
        np.linalg.svd(x),
        np.linalg.qr(x),
        np.fft.fft(x),
        np.linalg.norm(x),
        np.linalg.eigh(x + x.T),
        np.linalg.slogdet(x),
    )


@case(M, M)
def many2(x):
    return (
        np.sort(x),
        np.argsort(x),
        np.cumsum(x),
        np.diff(x),
        np.gradient(x),
        np.histogram(x, 3),
        np.percentile(x, [10, 20]),
        np.median(x),
        np.std(x, ddof=1),
        np.var(x, 0),
        np.ptp(x),
        np.clip(x, -1, 1),
        np.round(x, 1),
        np.roll(x, 1),
        np.flip(x),
        np.kron(x, x),
        np.outer(x, x),
        np.trace(x),
        np.tril(x),
        np.einsum("ij,jk", x, x),
        np.tensordot(x, x, 1),
        np.meshgrid(x[0], x[1]),
        np.unravel_index(2, (3, 3)),
        np.searchsorted(x[0], 0),
        np.interp(0.5, [0, 1], x[0, :2]),
        np.convolve(x[0], x[1]),
        np.average(x, weights=abs(x)),
        np.cov(x),
        np.corrcoef(x),
        np.nanmean(x),
        np.digitize(x, [-1, 0, 1]),
        np.pad(x, 1),
        np.split(x, 3),
        np.stack([x, x]),
        np.block([[x, x]]),
        np.select([x > 0], [x]),
        np.lexsort(x),
    )


@case(M, M)
def methods(x):
    return (
        x.sum(0),
        x.mean(1),
        x.std(),
        x.var(0),
        x.max(0),
        x.argmax(),
        x.cumsum(),
        x.dot(x),
        x.clip(0, 1),
        x.round(1),
        x.T,
        x.trace(),
        x.diagonal(),
        x.take([0, 1]),
        x.repeat(2),
        x.squeeze(),
        x.swapaxes(0, 1),
        x.ravel(),
        x.flatten(),
        x.conj(),
        x.all(),
        x.any(),
        x.nonzero(),
        x.prod(),
        x.min(),
        x.argsort(),
        x.compress([True, False, True], 0),
        x.transpose(1, 0),
        x.reshape(9, 1),
    )


@case(M, M)
def method_sort(x):
    x.sort(0)
    return x * 1


@case(M, M)
def method_fill(x):
    x.fill(2.0)
    return x * 1


@case(M, M)
def method_put(x):
    np.put(x, [0, 1], [5.0, 6.0])
    np.fill_diagonal(x, 1.0)
    np.copyto(x[0], 3.0)
    return x * 1


@case(V, V)
def method_resize(x):
    return np.resize(x, 5)


@case(U, U)
def views_dtype(x):
    return x.view(np.int64), x.view(complex), x.view()


@case(U, U)
def warnings_(x):
    return np.log(x), np.sqrt(x), x / 0


def in_order(r):
    return ({"a": r.normal(size=3), "b": r.normal(size=3)},)


def in_another_order(r):
    return ({"b": r.normal(size=3), "a": r.normal(size=3)},)


@case(in_order, in_order, in_another_order, in_another_order, programs=2)
def order_of_a_dict(d):
    return [v * i for i, v in enumerate(d.values())]


@pytest.mark.parametrize(("f", "calls", "options"), [r[1:] for r in case.rows], ids=[r[0] for r in case.rows])
def test_replayed(f: Any, calls: Any, options: Any) -> None:
    check(f, calls, options)


@pytest.mark.parametrize(
    "given", [lambda: [np.ones(2), 2.0], lambda: {"a": np.ones(2)}, lambda: ([np.ones(2)],)]
)
def test_a_container_that_is_given_back_is_the_same_one(given: Any) -> None:
    @gm.replay
    def same(tree: Any) -> Any:
        return tree, [tree]

    for _ in range(3):
        tree = given()
        one, (other,) = same(tree)
        assert one is tree and other is tree
    assert same.served == 2


@pytest.mark.gpu
def test_an_array_on_a_device_is_refused_and_computed() -> None:
    import cupy

    r = gm.replay(lambda x: x * 2)
    with pytest.warns(ReplayWarning, match="lies on a device"):
        assert cupy.asnumpy(r(cupy.ones(3))).tolist() == [2, 2, 2]
