"""Programs of numbers: NumPy's scalars and Python's."""

import pickle

import numpy as np
import pytest

import gradmagic as gm


def test_the_larger_of_two_numbers_has_the_gradient():
    """True + True of a dtype is 2, where Python's + of two truth values is True."""
    f = gm.value_and_grad(lambda x, w: np.maximum(x, w) * 0.9, argnums=(0, 1))
    made = gm.replay(f, backend="numpy")
    for x, w in ((0.7, 0.3), (0.3, 0.7), (0.5, 0.5)):
        assert made(np.float64(x), np.float64(w)) == f(np.float64(x), np.float64(w))
    assert made.served == 2


def test_an_unpickled_array_is_an_array_like_others():
    made = gm.replay(lambda x: x * 2, backend="numpy")
    x = np.ones(2, np.float32)
    for value in (x, x, pickle.loads(pickle.dumps(x)), pickle.loads(pickle.dumps(x))):
        assert made(value).tolist() == [2.0, 2.0]
    assert len(made.programs) == 1


@pytest.mark.parametrize(
    ("raises", "starts"),
    [(lambda m: np.sum(np.linalg.cholesky(np.eye(2) * m)), -1.0), (lambda m: 1 / m, 0.0)],
)
def test_a_handled_error_is_no_program(raises, starts):
    """Its other way out hangs on values that nothing would look at again."""

    def f(m):
        try:
            return raises(m)
        except (np.linalg.LinAlgError, ZeroDivisionError):
            return 0.5 * (m - 1) ** 2

    g = gm.replay(f)
    with pytest.warns(gm.errors.ReplayWarning, match=r"raises (LinAlgError|ZeroDivisionError) \(line \d+"):
        g(starts)
    assert g(starts) == f(starts) and g(4.0) == f(4.0)
