"""NumPy's functions that write into their first argument, on tracked arrays: values, gradients, the user's array."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.faces.numpy.array import Array

WRITES = {
    "put": lambda x: np.put(x, [0], 9.0),
    "copyto": lambda x: np.copyto(x, [1.0, 2.0, 3.0]),
    "putmask": lambda x: np.putmask(x, [True, False, False], 9.0),
    "place": lambda x: np.place(x, [True, False, False], [9.0]),
    "put_along_axis": lambda x: np.put_along_axis(x, np.array([0]), 9.0, 0),
}


@pytest.mark.parametrize("name", WRITES)
def test_what_was_overwritten_has_no_gradient_and_the_users_array_is_written(name):
    start = np.array([1.3, 2.6, 3.7])
    plain, mine = start.copy(), start.copy()
    WRITES[name](plain)
    x = Array.lift(mine)
    WRITES[name](x)
    assert mine.tolist() == plain.tolist() == x.array.tolist()

    def f(x):
        WRITES[name](x)
        return np.sum(x * x)

    kept = plain == start
    assert gm.grad(f)(start.copy()).tolist() == np.where(kept, 2 * start, 0.0).tolist()


def test_fill_diagonal():
    def f(x):
        np.fill_diagonal(x, 9.0)
        return np.sum(x * x)

    assert gm.grad(f)(np.ones((2, 2))).tolist() == [[0.0, 2.0], [2.0, 0.0]]


TRACKED = {
    "put": lambda x, v: np.put(x, [0, 2], v),
    "copyto": lambda x, v: np.copyto(x, v[0], where=np.array([True, False, True])),
    "putmask": lambda x, v: np.putmask(x, [True, False, True], v),
    "place": lambda x, v: np.place(x, np.array([True, False, True]), v),
    "put_along_axis": lambda x, v: np.put_along_axis(x, np.array([2, 0]), v, 0),
}


@pytest.mark.parametrize("name", TRACKED)
def test_what_was_written_has_the_gradient_of_its_place(name):
    def f(x, v):
        y = x * 1.0
        TRACKED[name](y, v)
        return np.sum(y * np.array([1.0, 10.0, 100.0]))

    start = [np.array([1.3, 2.6, 3.7]), np.array([0.4, 0.7])]
    for got, k in zip(gm.grad(f, (0, 1))(*start), (0, 1), strict=True):
        steps = np.eye(start[k].size) * 1e-6
        ends = [[f(*(a + sign * s * (i == k) if i == k else a for i, a in enumerate(start))) for s in steps]
                for sign in (1, -1)]  # fmt: skip
        np.testing.assert_allclose(got, (np.array(ends[0]) - ends[1]) / 2e-6, atol=1e-7)


def test_add_at_adds_twice_where_an_entry_is_named_twice():
    def f(x):
        np.add.at(x, [0, 0], x[1])
        return np.sum(x * x)

    start = np.array([1.3, 2.6, 3.7])
    grad = gm.grad(f)(start)
    steps = np.eye(3) * 1e-6
    numeric = [(f((start + s).copy()) - f((start - s).copy())) / 2e-6 for s in steps]
    np.testing.assert_allclose(grad, numeric, rtol=1e-6)


def test_a_cast_to_whole_numbers_ends_the_gradient():
    assert gm.grad(lambda x: np.sum(x.astype(int) * x))(np.array([1.3, 2.6])).tolist() == [1.0, 2.0]
