"""Memory: what results share with arguments and with each other; what is written in place, through views, by out=.

In: a table of functions. Out: each gives and leaves what it gives and leaves without a program, or is refused by name.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.core.trees import leaves

from .against import Cases, arrays, check

case = Cases()
S0, V, U, W, M = (arrays(s) for s in ((), (3,), (4,), (5,), (3, 3)))


# ---- aliasing
@case(V, V)
def identity(x):
    return x


@case(V, V)
def twice_same(x):
    y = x * 2
    return y, y


@case(V, V)
def view_and_whole(x):
    y = x * 2
    return y, y[1:], y[:1]


@case(V, V)
def view_of_input(x):
    return x[1:], x * 2


@case(arrays((2, 3)), arrays((2, 3)))
def transposed(x):
    return x.T, x.reshape(-1), x.ravel(), np.ravel(x), x.reshape(3, 2)


@case(V, V)
def asarray_(x):
    return np.asarray(x) * 2


@case(V, V)
def equal_results(x):
    return x * 2, x * 2


@case(V, V)
def same_constant(x):
    c = np.ones(3)
    return c, c, x + 1


@case(V, V)
def constants(x):
    return np.arange(3.0), 1.0, np.float32(2), "a", None, 3, True, [1, 2]


@case(V, V)
def copy_(x):
    return x.copy(), np.copy(x), np.array(x), +x


@case(V, V)
def multiplied_by_one(x):
    return x * 1, x * 1.0, x / 1, x - 0


@case(V, V)
def astype_(x):
    return x.astype(float), x.astype(np.float32), x.astype(float, copy=False)


@case(M, M)
def diag_(x):
    return np.diag(x), np.diagonal(x), x.flat[0]


@case(M, M)
def splitted(x):
    return np.split(x, 3), np.array_split(x, 2), x[:, None]


@case(V, V)
def broadcasted(x):
    return np.broadcast_to(x, (2, 3))


@case(V, V)
def squeezed(x):
    return x[None].squeeze(0), np.expand_dims(x, 0)


@case(arrays((3,), (3,)), arrays((3,), (3,)))
def one_of_them(x, y):
    return y


# ---- writes
@case(V, V, V)
def writes(x):
    x[0] = 5.0
    x *= 2
    return x.sum()


@case(U, U, U)
def writes_view(x):
    v = x[1:3]
    v += 1
    v[0] = 7
    return x * 2


@case(U, U, U)
def read_write_read(x):
    s = np.sum(x)
    x += 1
    t = np.sum(x)
    return s, t


@case(
    lambda r: (lambda x: (x, x))(r.normal(size=3)),
    arrays((3,), (3,)),
    lambda r: (lambda x: (x, x))(r.normal(size=3)),
    refused="share",
)
def same_passed_twice(x, y):
    x += 1
    return y * 2


@case(arrays((3,), (3,)), lambda r: (lambda x: (x, x))(r.normal(size=3)), arrays((3,), (3,)), refused="share")
def same_passed_twice_later(x, y):
    u = y * 2
    x += 1
    return u + y * 2


@case(
    arrays((3,), (3,)),
    lambda r: (lambda x: (x[:3], x[1:]))(r.normal(size=4)),
    arrays((3,), (3,)),
    refused="other numbers",
)
def overlapping_later(x, y):
    u = y * 2
    x += 1
    return u + y * 2


@case(
    lambda r: (lambda x: (x[:3], x[1:]))(r.normal(size=4)),
    lambda r: (lambda x: (x[:3], x[1:]))(r.normal(size=4)),
    arrays((3,), (3,)),
    refused="other numbers",
)
def overlapping_first(x, y):
    u = y * 2
    x += 1
    return u + y * 2


@case(lambda r: (lambda x: (x, x))(r.normal(size=3)), arrays((3,), (3,)))
def same_twice_read(x, y):
    return x * y, x, y


@case(arrays((3,), (3,)), lambda r: (lambda x: (x, x))(r.normal(size=3)))
def same_twice_read_later(x, y):
    return x * y, x, y


@case(W, W, W)
def write_before_result(x):
    y = x * 2
    z = y[1:]
    z += 1
    return y, z


@case(W, W, W)
def write_to_temp_then_reuse(x):
    y = x * 2
    z = y + 1
    y[0] = 0
    w = y + 1
    return z, w


@case(W, W, W)
def out_into_input(x):
    return np.multiply(x, 2, out=x)


@case(arrays((5,), (5,)), arrays((5,), (5,)))
def out_into_other(x, y):
    np.add(x, 1, out=y)
    return y


@case(W, W)
def add_at(x):
    z = np.zeros(3)
    np.add.at(z, np.array([0, 1, 1, 2, 0]), x)
    return z


@case(W, W)
def swap(x):
    x[[0, 1]] = x[[1, 0]]
    return x


@case(W, W)
def overlap_write(x):
    x[1:] = x[:-1]
    return x + 0


@case(W, W)
def overlap_iadd(x):
    x[1:] += x[:-1]
    return x + 0


@case(W, W)
def fill_zero(x):
    y = np.empty_like(x)
    y.fill(3)
    y[2] = x[2]
    return y


@case(W, W)
def buffer_loop(x):
    y = np.zeros(5)
    for i in range(5):
        y[i] = x[i] ** 2
    return y


@case(W, W)
def writes_constant(x):
    y = np.ones(5)
    z = y
    z[0] = x[0]
    return y


G = np.arange(3.0)


@case(V, V, V, state=lambda: G)
def writes_global(x):
    G[:] = x * 2
    return G.sum()


@pytest.mark.parametrize(("f", "calls", "options"), [r[1:] for r in case.rows], ids=[r[0] for r in case.rows])
def test_replayed(f: Any, calls: Any, options: Any) -> None:
    check(f, calls, options)


def test_a_donated_result_is_written_over_and_the_others_are_not() -> None:
    f = gm.value_and_grad(lambda x: np.sum(np.sin(x) ** 2))
    own, donated = gm.replay(f), gm.replay(f, donate=True)
    xs = [np.linspace(0, k + 1.0, 5) for k in range(4)]
    kept = [own(x)[1] for x in xs]
    seen = [donated(x)[1].copy() for x in xs]
    for a, b, x in zip(kept, seen, xs, strict=True):
        np.testing.assert_allclose(a, np.sin(2 * x))
        np.testing.assert_allclose(b, np.sin(2 * x))
    assert len({id(a) for a in kept}) == 4
    assert donated(xs[0])[1] is donated(xs[1])[1]


def test_what_is_left_in_places_is_not_donated() -> None:
    w = gm.tensor([1.0, 2.0], requires_grad=True)

    @gm.replay(donate=True)
    def step(x):
        w.grad = None
        (w * x * x).sum().backward()
        return x * 2

    found = []
    for k in range(4):
        step(gm.tensor([1.0, float(k)]))
        found.append(w.grad)
    np.testing.assert_array_equal([g.numpy()[1] for g in found], [0, 1, 4, 9])


def test_many_views_of_what_is_broadcast_are_told_apart() -> None:
    """Who looks into whose memory is filed after some hundred views: what is broadcast ends the way to the owner."""

    def f(x):
        return sum(np.sum(np.broadcast_to(x[k % 3], (3,)) * k) for k in range(400))

    r = gm.replay(gm.grad(f))
    r(np.ones(3))
    np.testing.assert_allclose(r(np.ones(3)), gm.grad(f)(np.ones(3)))
    assert r.served == 1


CONSTANTS: dict[str, Any] = {
    "of a tensor": lambda x: gm.tensor([1.0, 2.0]) * 2,
    "a tensor": lambda x: gm.tensor(np.array([1.0, 2.0])),
    "zeros": lambda x: np.zeros(3),
    "no axes": lambda x: np.array(2.0),
    "a part": lambda x: np.arange(3.0)[1:],
    "one twice": lambda x: (lambda a: (a, a))(np.ones(2)),
    "text": lambda x: np.array(["a", "b"]),
    "columns": lambda x: np.ones((2, 3), order="F"),
    "turned": lambda x: np.array([[1.0, 2.0, 3.0]] * 2).T,
}


@pytest.mark.parametrize("f", CONSTANTS.values(), ids=CONSTANTS)
def test_what_is_the_same_at_every_call_is_the_callers_to_write_into(f: Any) -> None:
    replayed = gm.replay(f)
    for _ in range(4):
        want, got = f(1.0), replayed(1.0)
        assert repr(want) == repr(got)
        parts = [[getattr(p, "array", p) for p in leaves(given)] for given in (want, got)]
        assert [p.strides for p in parts[0]] == [p.strides for p in parts[1]]
        for part in itertools.chain(*parts):
            part[...] = part.dtype.type(9)
    assert replayed.served == 3
