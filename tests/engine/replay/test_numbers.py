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


@pytest.mark.parametrize(
    "shaped",
    [
        lambda x: np.asarray(x),
        np.transpose,
        np.ravel,
        lambda x: np.reshape(x, (1, 1)),
        lambda x: np.swapaxes(np.atleast_2d(x), 0, 1),
    ],
)
def test_a_number_has_no_methods_of_arrays(shaped):
    f = lambda x: shaped(x * 1.5).sum()
    for g in (f, gm.value_and_grad(f)):
        replayed = gm.replay(g, backend="numpy")
        for x in (0.5, 1.5, 2.5):
            assert replayed(x) == g(x)
        assert not replayed.refused and replayed.served == 2


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


CONVERSIONS = {
    "dtype": lambda x: np.asarray(x, dtype=float),
    "dtype by name": lambda x: np.asanyarray(x, "f8"),
    "array": lambda x: np.array(x, dtype=float),
    "astype": lambda x: x.astype(float),
    "complex": lambda x: np.asarray(x, dtype=complex),
    "order": lambda x: np.asarray(x, order="F"),
    "ravelled": lambda x: np.ravel(x, order="F"),
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, int])
@pytest.mark.parametrize("convert", CONVERSIONS.values(), ids=CONVERSIONS)
def test_what_is_converted_is_computed_in_its_new_dtype(convert, dtype):
    """And laid out anew; to the last bit, where a first call would let rounding pass."""
    for f in (lambda x: np.multiply(convert(x), 0.1).astype(complex), convert):
        replayed = gm.replay(f, backend="numpy")
        for k in range(3):
            x = np.random.default_rng(k).normal(size=(2, 3), scale=9).astype(dtype)
            got, want = replayed(x), f(x)
            assert got.dtype == want.dtype and got.strides == want.strides
            np.testing.assert_array_equal(got, want)
            assert np.shares_memory(got, x) == np.shares_memory(want, x)
        assert replayed.served == 2


def test_factors_of_two_are_one_factor_where_all_else_has_the_shape():
    """A number between them comes with the array that it is multiplied with."""
    w = np.full(3, 0.5)
    f = gm.grad(lambda x: np.sum(x * 2 * w[0] * 2))
    replayed = gm.replay(f, backend="numpy")
    for k in range(3):
        w[0] = k
        np.testing.assert_array_equal(replayed(np.ones(3)), f(np.ones(3)))
    assert not replayed.refused and replayed.served == 2
