"""A traced call gives what NumPy gives, its errors too; and a derivative, or a word that there is none."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import gradmagic as gm
from gradmagic.engine.faces.numpy.array import Array
from gradmagic.errors import ArgumentError

X = np.array([1.0, 2.0, 3.0])
RIM = np.pad(np.arange(1.0, 5.0).reshape(2, 2), ((1, 2), (0, 1)))
newer = pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.2.0", reason="axis= came with NumPy 2.2")

CALLS = {
    "trim_zeros": (np.trim_zeros, np.array([0.0, 0, 1, 0, 2, 0])),
    "trim_zeros, front": (lambda x: np.trim_zeros(x, "F"), np.array([0.0, 0, 1, 0, 2, 0])),
    "trim_zeros of nothing": (np.trim_zeros, np.zeros(3)),
    "lstsq of ints": (lambda x: np.linalg.lstsq(np.array([[1, 2], [3, 4], [5, 6]]), x)[0], X),
    "lstsq of lists": (lambda x: np.linalg.lstsq([[1, 2], [3, 4], [5, 6]], x)[0], X),
    "lstsq of bools": (lambda x: np.linalg.lstsq(np.eye(3, 2, dtype=bool), x)[0], X),
    "lstsq, ints on the right": (lambda x: np.linalg.lstsq(np.outer(x, x) + np.eye(3), [1, 2, 3])[0], X),
    "median of nothing": (np.median, np.ones(0)),
    "median of nothing, by columns": (lambda x: np.median(x, axis=0), np.ones((0, 2))),
    "insert nothing": (lambda x: np.insert(x, [], []), X),
    "convolve by number": (lambda x: np.convolve(x, x, 2), X),
    "correlate by number": (lambda x: np.correlate(x, [1, 2], 1), X),
    "interp in bools": (lambda x: np.interp(x / 4, np.array([False, True]), np.array([True, False])), X),
    "interp in unsigned": (lambda x: np.interp(x + 0.3, np.arange(5, dtype=np.uint8), np.uint8([9, 3, 7, 1, 2])), X),
    "gradient by unsigned places": (lambda x: np.gradient(x, np.array([0, 1, 3], np.uint8)), X),
    "sum as ints": (lambda x: np.sum(x * 1.5, dtype=int) + x, X),
    "diff, traced ends": (lambda x: np.diff(x, prepend=x[:1], append=x[-1] ** 2), X),
    "diff, a traced number": (lambda x: np.diff([4.0, 5.0], prepend=x[0]), X),
    "diff along an axis": (lambda x: np.diff(np.outer(x, x), axis=0, append=x[None] * 2), X),
    "sign": (np.sign, X - 2),
    "take_along_axis, broadcast": (lambda x: np.take_along_axis(np.outer(x, x), np.array([[2, 0]]), 1), X),
}  # fmt: skip


def differences(f: Any, x: Any) -> Any:
    found = np.zeros(x.shape)
    for at in np.ndindex(*x.shape):
        e = np.zeros(x.shape)
        e[at] = 1e-6
        found[at] = (np.sum(f(x + e)) - np.sum(f(x - e))) / 2e-6
    return found


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", CALLS)
def test_values_and_slopes(name):
    f, x = CALLS[name]
    plain = f(x)
    value, pull = gm.vjp(f, x)
    assert np.asarray(value).dtype == np.asarray(plain).dtype
    np.testing.assert_array_equal(value, plain)
    (got,) = pull(np.ones(np.shape(plain)))
    if x.size and not name.startswith(("trim", "sign", "sum")):  # which step, or lose an entry, when moved
        np.testing.assert_allclose(got, differences(f, x), rtol=1e-5, atol=1e-6)


@newer
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1)])
@pytest.mark.parametrize("trim", ["fb", "f", "b"])
def test_trim_zeros_of_two_dimensions(trim, axis):
    value, slope = gm.value_and_grad(lambda x: np.sum(np.trim_zeros(x, trim, axis) ** 2))(RIM)
    assert value == np.sum(RIM**2)
    np.testing.assert_array_equal(slope, 2 * RIM)
    shape = gm.vjp(lambda x: np.trim_zeros(x, trim, axis), RIM)[0].shape
    assert shape == np.trim_zeros(RIM, trim, axis).shape


def test_where_numpy_has_a_value_and_there_is_no_derivative_a_word_is_said():
    singular = np.ones((2, 2))
    with pytest.raises(ArgumentError, match=r"np.linalg.cond .* Singular matrix"):
        gm.grad(lambda x: np.linalg.cond(x, 1))(singular)


# ---- out= ----------------------------------------------------------------------------------------------------------

WRITING = {
    "add": lambda x, out: np.add(x, 1.0, out=out),
    "sum": lambda x, out: np.sum(x, axis=0, out=out),
    "cumsum": lambda x, out: np.cumsum(x, axis=0, out=out),
    "reduce": lambda x, out: np.multiply.reduce(x, out=out),
    "mean": lambda x, out: np.mean(x, axis=1, out=out),
    "matmul": lambda x, out: np.matmul(x, x.T, out=out),
    "fft": lambda x, out: np.fft.fft(x, out=out),
    "clip": lambda x, out: np.clip(x, 0, 1, out=out),
}


def outcome(call: Any, x: Any, out: Any) -> Any:
    try:
        call(x, out)
    except (TypeError, ValueError) as error:
        return type(error), str(error)
    return out.tolist()


@pytest.mark.filterwarnings("ignore")
@given(
    st.sampled_from(sorted(WRITING)),
    st.sampled_from([(), (2,), (3,), (2, 3), (2, 2), (2, 2, 3), (1, 3)]),
    st.sampled_from(["int8", "int64", "float16", "float32", "float64", "complex128", "bool"]),
    st.booleans(),
)
def test_out_of_any_shape_and_dtype_gets_numpys_values_or_numpys_error(name, shape, dtype, writeable):
    x = np.array([[0.5, 1.5, -2.0], [3.0, 0.25, 1.0]])
    outs = [np.zeros(shape, dtype) for _ in range(2)]
    for out in outs:
        out.flags.writeable = writeable
    plain = outcome(WRITING[name], x, outs[0])
    assert outcome(WRITING[name], Array.lift(x, share=False), outs[1]) == plain


@pytest.mark.filterwarnings("ignore")
def test_a_running_sum_into_an_array_without_axes_is_an_error_and_no_crash():
    # np.cumsum(np.zeros(3), 0, out=np.zeros(())) ends the process in NumPy 2.4.
    with pytest.raises(ValueError):
        np.cumsum(Array.lift(np.arange(3.0), share=False), 0, out=np.zeros(()))
