"""NumPy's functions that write into their first argument, on tracked arrays: values, gradients, the user's array."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.array import Array

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
