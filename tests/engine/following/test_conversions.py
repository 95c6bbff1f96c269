"""NumPy's conversions and new arrays, followed while gm.grad runs: gradients, and everything as it was afterwards."""

from __future__ import annotations

import contextlib
import threading
import types

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.faces.numpy.array import Array
from gradmagic.engine.faces.numpy.buffer import Buffer
from tests.counting import calls

X = np.array([1.0, 2.0, 3.0])


def entries(x):
    x = np.asarray(x)
    out = np.zeros(3)
    for i in range(3):
        out[i] = x[i] ** 2
    return out.sum()


def rows(x):
    a = np.eye(3) * 2
    a[0, 1] = x[0]
    b = a.T  # looks into a
    b[2, 2] = x[1] * a[0, 1]
    return np.linalg.det(a)


def views(x):
    v = np.zeros(6)
    w = v[::2]
    w[:] = x  # seen by v
    v[1] = w[2] * 2
    return np.sum(v * np.arange(6.0))


def steps(x):
    out = np.empty_like(x)
    out[0] = x[0]
    out[1:] = x[:2]
    out += x
    out[out > 2] *= 2
    return out.sum()


def trajectory(x):
    path = np.zeros((4, 3))
    path[0] = x
    for k in range(3):
        path[k + 1] = path[k] + 0.1 * np.sin(path[k])
    return np.sum(path[-1] ** 2)


def outs(x):
    a, b = np.zeros(3), np.ones(3)
    np.multiply(x, 2, out=a)
    np.copyto(b, a * x)
    np.add.at(b, [0, 0], x[1])
    return np.sum(a * b)


def given_matrix(x):
    a = np.array([[2.0, 1.0], [0.0, 1.0]])
    a[0, 1] = x[0]
    b = np.copy(GIVEN)
    b[1] = x[1] * a[0, 1]
    c = np.asarray([0.0, 1.0])
    c += x[:2]
    return np.linalg.det(a + np.diag(b)) * c.sum()


GIVEN = np.array([3.0, 4.0])


def helper_writes(x):
    def put(target, value):
        target[0] = value * 5

    out = np.zeros(2)
    put(out, x[0])
    return out.sum()


PROGRAMS = [
    entries, rows, views, steps, trajectory, outs, given_matrix, helper_writes,
    lambda x: np.sum(np.array([x[0] * x[1], x[2]])),
    lambda x: np.linalg.det(np.array([[2, x[0], 0], [0, 2, 0], [0, 0, x[1] * x[0]]])),
    lambda x: np.sum(np.asarray([x, 2 * x]) @ x),
    lambda x: np.sum(np.asanyarray(x) * np.ascontiguousarray(x[::-1])),
    lambda x: np.sum(np.array(x, ndmin=2) ** 2),
    lambda x: np.sum(np.full(3, x[1]) * x) + np.sum(np.full((2, 2), x[0])) + np.sum(np.full_like(np.ones(4), x[2])),
    lambda x: np.mean([x[0], x[1] ** 2]) * np.sum([x[0], 2.0]) + np.prod([x[1], x[2]]) + np.max([x[0], x[1]]),
    lambda x: np.dot([x[0], x[1]], [x[1], 2.0]) + np.sum(np.cumsum([x[2], x[0]])),
    lambda x: np.sum(np.r_[x, x[0], 1.0] * np.arange(5.0)) + np.sum(np.c_[x, x] * [[1.0, 2.0]]),
    lambda x: np.sum(np.vectorize(lambda t: t**2)(x)),
    lambda x: np.sum(np.fromiter((t * t for t in x), float)),
    lambda x: np.sum(np.linspace(x[0], x[1], 4) ** 2),
    lambda x: np.sum(np.arange(x[0], x[2] * 2, x[1] / 4) ** 2) + np.sum(np.arange(x[0], step=0.1) ** 2),
    lambda x: np.linalg.norm([x[0], x[1]]) * np.linalg.det([[x[0], 1], [2, x[1]]]) + np.linalg.inv([[x[1]]])[0, 0],
    lambda x: np.sum(np.append(x, [x[0]]) ** 2) + np.sum(np.insert(x, 1, [x[1] * 2])) + np.sum(np.tile([x[0]], 3)),
    lambda x: np.sum(np.vstack([[x[0], x[1]], [1, x[2]]]) ** 2) * np.sum(np.concatenate([x, [x[0] * 2, 1.0]]) ** 2),
    lambda x: np.average(x, weights=[x[0], 1, x[2]]) + np.polyval([x[0], x[1]], 2.0),
    lambda x: np.einsum("i,i", [x[0], 1], x[1:]) + np.sum((x[:2] * [x[0], x[1]]) / (x[0], 2)),
    lambda x: np.sum(x @ [[x[0]], [1.0], [x[1]]]),
    lambda x: np.ones_like(x).sum() * x[0] + np.zeros((2, 2)).sum(),
]  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_the_gradient_is_that_of_differences_in_every_mode(f):
    assert f(X) == gm.value_and_grad(f)(X)[0]
    gm.check_grads(f, (np.array([1.1, 2.13, 3.29]),))


def test_a_number_becomes_an_array_without_dimensions():
    seen = []
    assert gm.grad(lambda x: seen.append(np.asarray(x).shape) or np.asarray(x) * 2)(3.0) == 2.0
    assert seen == [()]


def test_asarray_is_the_value_itself_and_array_a_copy():
    def f(x):
        assert np.asarray(x) is x
        y = np.array(x)
        y[0] = 7.0
        return np.sum(x * y)

    assert gm.grad(f)(X).tolist() == [7.0, 4.0, 6.0]


@pytest.mark.parametrize("convert", [
    np.asarray, np.asanyarray, np.ascontiguousarray, lambda z: np.array(z, copy=None), lambda z: np.asarray(z, float),
    lambda z: np.array(z, copy=None, ndmin=2),
])  # fmt: skip
def test_what_looks_into_a_new_array_sees_what_is_written_there_later(convert):
    def f(x):
        z = np.zeros(3)
        into = convert(z)
        z[:] = x
        into[..., 0] = 2 * x[1]
        return np.sum(into * z)

    value, gradient = gm.value_and_grad(f)(X)
    assert value == f(X)
    np.testing.assert_allclose(gradient, [0.0, 8 * X[1] + 2 * X[1], 2 * X[2]])


def test_what_numpy_refuses_is_refused():
    with pytest.raises(ValueError, match="inhomogeneous"):
        gm.grad(lambda x: np.array([x, [x[0]]]).sum())(X)


def test_new_arrays_are_arrays_to_everybody():
    def f(x):
        out = np.zeros(3)
        assert isinstance(out, np.ndarray) and out.dtype == float and out.sum() == 0.0
        assert type(out[0]) is np.float64 and type(np.zeros(2, int)) is np.ndarray
        assert np.shares_memory(np.asarray(out), out.array) and memoryview(np.asarray(out).data)
        np.random.default_rng(0).normal(size=3)  # compiled code gets NumPy's own arrays
        return x.sum()

    assert gm.grad(f)(X).tolist() == [1.0, 1.0, 1.0]


def test_results_and_aux_are_plain():
    _, aux = gm.grad(lambda x: (x.sum(), np.zeros(3) + 1), has_aux=True)(X)
    assert type(aux) is np.ndarray
    value, _ = gm.vjp(lambda x: np.zeros(2), X)
    assert type(value) is np.ndarray


def test_everything_is_put_back_also_after_errors_and_within_nests():
    names = {n: getattr(np, n) for n in ("asarray", "zeros", "array", "r_", "mean")}
    for f in (entries, lambda x: 1 / 0):
        with contextlib.suppress(ZeroDivisionError):
            gm.grad(f)(X)
        assert type(np) is types.ModuleType
        assert all(getattr(np, n) is value for n, value in names.items())
    inner = gm.grad(lambda x: gm.grad(entries)(x)[0] + np.array([x[1], x[2]]).sum())
    assert inner(X).tolist() == [2.0, 1.0, 1.0]
    assert type(np) is types.ModuleType


def test_other_threads_see_numpy_as_it_is():
    kinds = []

    def other():
        kinds.append(type(np.zeros(2)))

    def f(x):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        return x.sum() + np.zeros(1).sum()

    gm.grad(f)(X)
    assert kinds == [np.ndarray]


def test_a_users_own_replacement_of_a_function_stays():
    def f(x, monkey):
        monkey.setattr(np, "zeros", lambda n: np.ones(n))
        return np.sum(np.zeros(3) * x)

    with pytest.MonkeyPatch.context() as monkey:
        assert gm.grad(lambda x: f(x, monkey))(X).tolist() == [1.0, 1.0, 1.0]
    assert np.zeros(1)[0] == 0.0


def test_no_grad_gives_plain_arrays():
    def f(x):
        with gm.no_grad():
            constant = np.array([x[0], x[1]])
            assert type(constant) is np.ndarray
        return x.sum() * constant[0]

    assert gm.grad(f)(X).tolist() == [1.0, 1.0, 1.0]


def test_a_read_before_the_write_keeps_its_value():
    def f(x):
        out = np.ones(3)
        y = out * x  # the tape keeps out
        out[0] = x[1] * 10
        return np.sum(y) + out[0]

    assert gm.grad(f)(X).tolist() == [1.0, 11.0, 1.0]


def test_loops_over_entries_cost_in_proportion():
    def loop(n):
        x = np.ones(n)

        def f(x):
            out = np.zeros(n)
            for i in range(n):
                out[i] = x[i] * 2.0
            return out.sum()

        assert gm.grad(f)(x).tolist() == [2.0] * n
        return calls(lambda: gm.grad(f)(x))

    short, long = loop(50), loop(400)
    assert long.total() < 9 * short.total()  # eight times as long
    # An array made for every entry would cost by the square: none is, going forward or back.
    assert short["copy"] + short["zeros"] == long["copy"] + long["zeros"] < 10


def test_a_buffer_is_a_buffer_only_until_it_is_tracked():
    kinds = []

    def f(x):
        out = np.zeros(3)
        kinds.append((type(out), out.node is None))
        out[:] = x
        kinds.append((type(out * 1), out.node is None))
        return out.sum()

    gm.grad(f)(X)
    assert kinds == [(Buffer, True), (Array, False)]


def test_scipys_functions_that_do_not_dispatch_are_followed():
    linalg = pytest.importorskip("scipy.linalg", reason="SciPy is not installed")
    special = pytest.importorskip("scipy.special", reason="SciPy is not installed")
    before = linalg.inv, special.logsumexp
    A = np.array([[2.0, 0.5], [0.1, 1.0]])
    programs = [
        lambda x: np.sum(linalg.inv(A * x[0])),
        lambda x: np.sum(linalg.expm(A * x[1]) @ x[:2]),
        lambda x: special.logsumexp(x) + special.softmax(x)[0],
        lambda x: np.sum(linalg.solve(A, x[:2]) ** 2),
    ]
    for f in programs:
        assert f(X) == gm.value_and_grad(f)(X)[0]
        gm.check_grads(f, (X,))
    assert (linalg.inv, special.logsumexp) == before and type(linalg) is type(special) is types.ModuleType


def test_a_new_array_can_be_resized_as_long_as_nothing_looks_into_it():
    def f(x):
        out = np.zeros(2)
        out.resize(3)
        view = out[:1]
        with pytest.raises(ValueError, match="resize"):
            out.resize(4)
        out[2] = x[0] * 2
        return np.sum(out) + np.sum(view)

    assert gm.grad(f)(X).tolist() == [2.0, 0.0, 0.0]
