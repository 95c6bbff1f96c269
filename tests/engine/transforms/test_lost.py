"""Under gm.grad no report names a lost gradient: what would lose it is an error, or a warning for a number."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.faces.numpy.array import Array
from gradmagic.errors import ArgumentError, ConversionError

X = np.array([1.0, 2.0, 3.0])
GIVEN = np.zeros(3)  # made before: others know it as a plain array


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(GIVEN.__iadd__(x)),
        lambda x: np.sum(np.random.default_rng(0).normal(x)),
    ],
    ids=["an array of others", "compiled code"],
)
def test_a_value_that_becomes_a_plain_array_is_an_error(f: object) -> None:
    with pytest.raises(ConversionError, match=r"of shape \(3,\).*line"):
        gm.grad(f)(X)


def test_the_call_that_takes_it_apart_is_named_with_what_to_write() -> None:
    rng, A = (
        np.random.default_rng(0),
        np.eye(3).view(np.recarray),
    )  # of a class of its own: its dot is not ours
    with pytest.raises(ConversionError, match=r"plain in rng\.normal\(\.\.\.\).*Draw plain numbers"):
        gm.grad(lambda x: np.sum(rng.normal(x)))(X)
    with pytest.raises(
        ConversionError, match=r"line \d+ of test_lost.py, becomes plain in A\.dot\(.*Write A @ x"
    ):
        gm.grad(lambda x: A.dot(x)[0])(X)
    with pytest.raises(ConversionError, match=r"plain in np\.ma\.masked_less\(.*gm\.numeric.*gm\.custom"):
        gm.grad(lambda x: np.ma.masked_less(x, 2.0).sum())(X)


def test_an_operator_of_a_sparse_matrix_is_named() -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    S = sparse.csr_array(np.eye(3))
    with pytest.raises(
        ConversionError, match=r"plain in S @ x .*If S is a sparse matrix, write S\.toarray\(\)"
    ):
        gm.grad(lambda x: (S @ x).sum())(X)
    assert gm.grad(lambda x: (S.toarray() @ x).sum())(X).tolist() == [1, 1, 1]


def test_a_function_without_a_derivative_is_an_error_that_names_it() -> None:
    with pytest.raises(ArgumentError, match=r"np\.nextafter has no derivative"):
        gm.grad(lambda x: np.sum(np.nextafter(x, 9.0)))(X)


def test_a_number_is_given_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="no gradient"):
        assert gm.grad(lambda x: x * math.sin(float(x)))(2.0) == math.sin(2.0)


def test_decisions_shapes_and_prints_lose_nothing_and_say_nothing() -> None:
    def f(x: np.ndarray) -> object:
        text = f"{x[0]:.2f} {x!r}"
        if text and x[0] > 0 and bool(np.all(np.isfinite(x))):
            return sum(x[i] for i in range(len(x))) * x.shape[0]
        return 0.0

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gm.grad(f)(X).tolist() == [3, 3, 3]


def test_values_that_the_gradient_does_not_pass_through_are_free() -> None:
    y = gm.grad(lambda x: np.sum(x * np.asarray(X)))(X)
    assert y.tolist() == X.tolist()


def test_places_from_where_are_constants() -> None:
    assert gm.grad(lambda x: np.sum(x[np.where(x > 1)]))(X).tolist() == [0, 1, 1]


def test_several_arrays_in_a_keyword_are_followed() -> None:
    assert gm.grad(lambda x: np.sum(np.stack(arrays=[x, 2 * x])))(X).tolist() == [3, 3, 3]


def test_where_and_out_together_divide_only_where_asked() -> None:
    x = np.array([1.0, 2.0, 4.0])
    d = np.array([2.0, 0.0, 4.0])

    def f(x: np.ndarray, d: np.ndarray) -> np.ndarray:
        return np.divide(x, d, out=np.full(3, -1.0), where=d != 0)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gm.grad(lambda x: np.sum(f(x, d)))(x).tolist() == [0.5, 0, 0.25]
        assert gm.grad(lambda d: np.sum(f(x, d)))(d).tolist() == [-0.25, 0, -0.25]
    assert f(Array.lift(x), d).tolist() == f(x, d).tolist() == [0.5, -1, 1]


def test_an_array_that_others_know_cannot_carry_a_gradient() -> None:
    def f(x: np.ndarray) -> object:
        np.add(x, x, out=GIVEN)
        return np.sum(x * GIVEN)

    with pytest.raises(ConversionError, match="out="):
        gm.grad(f)(X)


def test_what_numpy_would_hide_is_said() -> None:
    def f(x: np.ndarray) -> object:
        GIVEN[0] = x[1] * 2
        return np.sum(GIVEN * x)

    with pytest.raises(
        ConversionError, match=r"line \d+ of test_lost\.py.*by assignment.*np\.zeros.*np\.stack"
    ):
        gm.grad(f)(X)
    with pytest.raises(ConversionError, match=r"np\.stack\(\[\.\.\.\]\)"):
        gm.grad(lambda x: np.sum(np.exp([x[0], x[1]])))(X)
