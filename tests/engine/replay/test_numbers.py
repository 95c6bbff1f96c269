"""Programs of numbers: NumPy's scalars and Python's."""

import numpy as np

import gradmagic as gm


def test_the_larger_of_two_numbers_has_the_gradient():
    """True + True of a dtype is 2, where Python's + of two truth values is True."""
    f = gm.value_and_grad(lambda x, w: np.maximum(x, w) * 0.9, argnums=(0, 1))
    made = gm.replay(f, backend="numpy")
    for x, w in ((0.7, 0.3), (0.3, 0.7), (0.5, 0.5)):
        assert made(np.float64(x), np.float64(w)) == f(np.float64(x), np.float64(w))
    assert made.served == 2
