"""What a derivative is where there is none, or more than one: PyTorch's conventions, written down."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.dispatch import primitives
from gradmagic.engine.rules.declare import RULES
from gradmagic.engine.tape.modes import watch
from gradmagic.engine.watch.recorder import Recorder
from gradmagic.errors import ArgumentError

from . import numeric


def gradient(f: Any, *args: Any) -> Any:
    """Give the gradients of sum(f(*args))."""
    args = tuple(np.asarray(a, dtype=float) for a in args)
    _, _, cs = numeric.pulled(f, args, lambda ys: [np.ones_like(y) for y in ys])
    return (
        [None if c is None else np.asarray(c).tolist() for c in cs]
        if len(cs) > 1
        else np.asarray(cs[0]).tolist()
    )


def twice(f: Any, x: Any) -> Any:
    """Give the gradient of the sum of the gradient of sum(f(x))."""
    lifted, _, cs = numeric.pulled(f, [np.asarray(x, float)], lambda ys: [np.ones_like(y) for y in ys], True)
    (c,) = numeric.cotangents(np.sum(cs[0]), lifted)
    return np.asarray(c).tolist()


def test_a_python_zero_divides_as_numpys_does() -> None:
    with np.errstate(all="ignore"):
        slope = gm.grad(lambda x: np.sum(x / 0))(np.array([1.0, -2.0]))
        assert slope.tolist() == [np.inf, np.inf]
        assert gm.grad(lambda x: np.divide(x, 0))(2.0) == np.inf == gm.grad(np.log)(0.0)
        assert gm.grad(lambda x: np.float_power(x, -1))(0.0) == -np.inf
        assert gm.jvp(lambda x: x / 0.0, (np.ones(2),), (np.ones(2),))[1].tolist() == [np.inf, np.inf]


def test_entries_that_tie_for_the_largest_share_evenly() -> None:
    assert gradient(np.max, [1, 3, 3]) == [0, 0.5, 0.5]
    assert gradient(lambda x: np.min(x, axis=1), [[2, 2], [1, 0]]) == [[0.5, 0.5], [0, 1]]
    assert gradient(lambda x: np.linalg.norm(x, np.inf), [2, -2, 1]) == [0.5, -0.5, 0]


def test_two_that_tie_share_by_halves() -> None:
    assert gradient(np.maximum, [1, 2, 3], [2, 2, 2]) == [[0, 0.5, 1], [1, 0.5, 0]]
    assert gradient(np.minimum, [1, 2, 3], [2, 2, 2]) == [[1, 0.5, 0], [0, 0.5, 1]]


def test_a_bound_that_is_just_reached_lets_the_gradient_through() -> None:
    assert gradient(lambda x: np.clip(x, -1, 1), [-2, -1, 0, 1, 2]) == [0, 1, 1, 1, 0]


def test_fmax_gives_the_gradient_to_the_number_and_not_to_nan() -> None:
    assert gradient(np.fmax, [np.nan, 1], [2, np.nan]) == [[0, 1], [1, 0]]


def test_of_two_that_tie_fmax_takes_the_first() -> None:
    assert gradient(np.fmax, [2, 3], [2, 1]) == [[1, 1], [0, 0]]
    assert gradient(np.fmin, [2, 3], [2, 1]) == [[1, 0], [0, 1]]


def test_a_nan_that_is_the_result_gets_the_gradient() -> None:
    assert gradient(np.max, [np.nan, 1, 2]) == [1, 0, 0]
    assert gradient(lambda x: np.min(x, axis=1), [[np.nan, np.nan], [1, 2]]) == [[0.5, 0.5], [1, 0]]
    assert gradient(np.maximum, [np.nan, 1], [1, 0]) == [[1, 1], [1, 0]]


def test_of_entries_that_tie_the_last_is_the_largest_so_far() -> None:
    assert gradient(np.maximum.accumulate, [1, 1, 0, 2]) == [1, 2, 0, 1]
    assert gradient(np.minimum.accumulate, [1, 1, 2, 0]) == [1, 2, 0, 1]


def test_roots_logarithms_and_quotients_at_0_are_infinite() -> None:
    with np.errstate(divide="ignore"):
        assert gradient(np.sqrt, [0, 4]) == [np.inf, 0.25]
        assert gradient(np.log, [0, 4]) == [np.inf, 0.25]
        assert gradient(lambda x: x**0.5, [0, 4]) == [np.inf, 0.25]


def test_steps_and_signs_have_slope_0() -> None:
    assert gradient(lambda x: np.copysign(x, -1.0), [0, 2]) == [0, -1]
    assert gradient(lambda x: np.remainder(x, 2.0), [0, 2]) == [1, 1]
    assert gradient(lambda x: np.sign(x) * x, [0, -2]) == [0, -1]


def test_absolute_norm_and_hypot_have_slope_0_at_0() -> None:
    assert gradient(np.absolute, [-1, 0, 1]) == [-1, 0, 1]
    assert gradient(np.linalg.norm, [0, 0]) == [0, 0]
    assert gradient(np.hypot, 0, 0) == [0, 0]
    assert gradient(np.std, [2, 2]) == [0, 0]
    assert gradient(np.arctan2, 0, 0) == [0, 0]


def test_powers_at_0() -> None:
    assert gradient(lambda x: x**0, [0, 2]) == [0, 0]
    assert gradient(lambda x: x**1, [0, 2]) == [1, 1]
    assert gradient(lambda x: x**2, [0, 2]) == [0, 4]
    assert gradient(lambda x: np.power(x, 3.0), [0, -2]) == [0, 12]
    assert gradient(np.power, [0, 0], [2, 0]) == [[0, 0], [0, 0]]
    assert gradient(lambda y: 2**y, [0]) == [np.log(2)]
    assert gradient(lambda y: 0**y, [1, 2]) == [0, 0]
    assert twice(lambda x: x**2, [0.0]) == [2]
    assert twice(lambda x: x**1, [0.0]) == [0]


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_products_with_zeros_among_the_factors(zeros: int) -> None:
    x = np.array([2.0, 3.0, 5.0, 7.0])
    x[1 : 1 + zeros] = 0
    exact = [float(np.prod(np.delete(x, i))) for i in range(4)]
    assert gradient(np.prod, x) == exact
    w = np.arange(1.0, 5)
    expected = numeric.differences(lambda a: float(np.sum(w * np.cumprod(a))), [x])[0]
    np.testing.assert_allclose(gradient(lambda a: w * np.cumprod(a), x), expected, atol=1e-9)
    hessian = [float(sum(np.prod(np.delete(x, [i, j])) for j in range(4) if j != i)) for i in range(4)]
    assert twice(np.prod, x) == hessian


def test_sinc_has_all_derivatives_at_0() -> None:
    assert gradient(np.sinc, [0.0]) == [0]
    np.testing.assert_allclose(twice(np.sinc, [0.0]), [-(np.pi**2) / 3])
    for x in (0.0099, 0.0101):  # the series and the quotient agree where they meet
        np.testing.assert_allclose(
            gradient(np.sinc, x), (np.cos(np.pi * x) - np.sinc(x)) / x, rtol=1e-10
        )  # fmt: skip


def test_what_was_not_chosen_gets_0_and_not_nan() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert gradient(lambda x: np.sqrt(np.where(x > 0, x, 0)), [-1, 4]) == [0, 0.25]
        assert gradient(lambda x: np.sqrt(np.maximum(x, 0)), [-1, 4]) == [0, 0.25]
        assert gradient(lambda x: np.sqrt(np.clip(x, 0, None)), [-1, 4]) == [0, 0.25]
        assert gradient(lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 1)), 0), [-1, 4]) == [0, 0.25]


def test_nan_to_num_and_nansum_stop_at_nan() -> None:
    assert gradient(np.nan_to_num, [np.nan, 1, np.inf]) == [0, 1, 0]
    assert gradient(np.nansum, [np.nan, 1]) == [0, 1]
    assert gradient(np.nanmax, [np.nan, 1, 2]) == [0, 0, 1]
    assert gradient(np.nanmean, [np.nan, 1, 2]) == [0, 0.5, 0.5]


def test_equal_entries_keep_their_order_in_a_sort() -> None:
    assert gradient(lambda x: np.sort(x) * np.array([1, 2, 3]), [2, 1, 1]) == [3, 1, 2]


def test_a_place_that_is_read_twice_gets_both_and_one_that_is_written_twice_the_last() -> None:
    twice_read = np.array([0, 0, 2])
    assert gradient(lambda x: x[twice_read] * np.array([1, 10, 100]), [1, 2, 3]) == [11, 0, 100]
    weights = np.array([1, 10, 100])
    assert gradient(lambda v: primitives.set_item(np.zeros(3), twice_read, v) * weights, [1, 2, 3]) == [
        0,
        1,
        100,
    ]


def test_the_determinant_of_a_singular_matrix_has_a_gradient() -> None:
    np.testing.assert_allclose(gradient(np.linalg.det, [[1, 2], [2, 4]]), [[4, -2], [-2, 1]])
    np.testing.assert_allclose(gradient(np.linalg.det, np.zeros((2, 2))), np.zeros((2, 2)))


def test_equal_eigenvalues_give_no_nan() -> None:
    assert gradient(np.linalg.eigvalsh, np.eye(2)) == [[1, 0], [0, 1]]
    assert np.isfinite(gradient(lambda a: np.linalg.eigh(a)[0], np.eye(3))).all()
    assert np.isfinite(gradient(lambda a: np.linalg.svd(a, full_matrices=False)[1], np.eye(3))).all()


def test_complex_gradients_point_uphill() -> None:
    """df/dRe + i df/dIm, PyTorch's convention: a step along it increases f."""
    z = np.array([3 + 4j])
    _, _, (c,) = numeric.pulled(lambda z: np.absolute(z) ** 2, [z], lambda ys: [np.ones(1)])
    np.testing.assert_allclose(c, 2 * z)
    _, _, (c,) = numeric.pulled(lambda x: np.exp(1j * x), [np.array([0.3])], lambda ys: [np.ones(1, complex)])
    assert c.dtype == np.float64  # real inputs have real gradients
    np.testing.assert_allclose(c, [-np.sin(0.3)])


WITHOUT_DERIVATIVE = [
    lambda x: np.pad(x, 1, mode=lambda row, width, axis, options: None),
    lambda x: np.linalg.svd(x[:, :1]),
    lambda x: np.linalg.qr(x[:, :1], "complete"),
    lambda x: np.polyfit(x[0], x[1], 1, cov="unscaled")[0],
    lambda x: np.nextafter(x, 2.0),
]


@pytest.mark.parametrize("f", WITHOUT_DERIVATIVE)
def test_what_has_no_derivative_is_an_error_under_grad(f: Any) -> None:
    with pytest.raises(ArgumentError):
        gm.grad(lambda x: sum(np.sum(y) for y in numeric.outputs(f(x))))(np.eye(2))


@pytest.mark.parametrize("f", WITHOUT_DERIVATIVE)
def test_what_has_no_derivative_computes_in_a_cell_and_is_noted(f: Any) -> None:
    recorder = Recorder()
    with watch(recorder):
        got = f(numeric.Array.lift(np.eye(2), share=False))
    for y, e in zip(numeric.outputs(got), numeric.outputs(f(np.eye(2))), strict=True):
        np.testing.assert_array_equal(y, e)
    assert len(recorder.cuts) == 1


@pytest.mark.parametrize("order", ["A", "K"])
def test_an_order_is_that_of_the_memory(order: str) -> None:
    weights = np.arange(4.0)
    assert gradient(lambda x: np.ravel(x.T, order=order) * weights, np.eye(2)) == [[0, 1], [2, 3]]


def test_formulas_read_as_in_a_textbook() -> None:
    assert RULES[np.square].formula(0) == ("2 * x", ("y", "x"))
    assert RULES[np.multiply].formula(0)[0] == "y"
    assert RULES[np.power].formula(0)[0] == "y * x**(y - 1)"
    assert RULES[np.tanh].formula(0)[0] == "1 - y * y"
    assert RULES[np.subtract].formula(1)[0] == "-1"
    assert RULES[np.absolute].formula(0)[0] == "np.sign(x)"
    assert RULES[np.hypot].formula(0)[0] == "x / z"
    assert RULES[np.arctan2].formula(1)[0] == "-y / (x * x + y * y)"
    assert RULES[np.maximum].formula(0)[0] == "x > y"
    assert RULES[np.where].formula(2)[0] == "np.logical_not(c)"
    assert RULES[primitives.clip].formula(0)[0] == "lo <= x <= hi"


def test_names_are_those_of_pytorch() -> None:
    names = {
        np.add: "AddBackward0", np.subtract: "SubBackward0", np.multiply: "MulBackward0", np.divide: "DivBackward0",
        np.power: "PowBackward0", np.negative: "NegBackward0", np.exp: "ExpBackward0", np.log: "LogBackward0",
        np.sin: "SinBackward0", np.tanh: "TanhBackward0", np.sum: "SumBackward0", np.mean: "MeanBackward0",
        np.matmul: "MmBackward0", np.absolute: "AbsBackward0", np.sqrt: "SqrtBackward0", np.dot: "DotBackward0",
    }  # fmt: skip
    assert {f: RULES[f].torch for f in names} == names


def test_at_a_tie_the_second_derivative_sees_both():
    slope = lambda x, v: gm.jvp(lambda x: np.maximum(x, x), (x,), (v,))[1]
    assert gm.jvp(slope, (1.0, 2.0), (0.0, 1.0)) == (2.0, 1.0)
    assert gm.vjp(slope, 1.0, 2.0)[1](1.0) == (0.0, 1.0)


def test_conditions_of_where_are_true_where_they_are_not_0():
    for c in ([2, 0], np.array([0.3, 0.0]), np.array([-1j, 0])):
        np.testing.assert_array_equal(
            gm.grad(lambda x, c=c: np.sum(np.where(c, x, 2 * x)))(np.ones(2)), [1.0, 2.0]
        )
    f = lambda x: np.where(x, x, 2 * x)
    np.testing.assert_array_equal(gm.jvp(f, (np.array([3.0, 0.0]),), (np.ones(2),))[1], [1.0, 2.0])


def test_forward_mode_gives_0_where_nothing_depends():
    assert gm.jvp(lambda y: np.copysign(0.3, y) * 2, (0.8,), (1.0,)) == (0.6, 0.0)
    assert gm.jvp(lambda y: np.copysign(0.3, y) + y, (0.8,), (1.0,)) == (1.1, 1.0)


def test_spread_over_equal_numbers_is_flat():
    for f in (np.std, np.nanstd):
        np.testing.assert_array_equal(gm.grad(f)(np.full(3, 2.0)), [0.0, 0.0, 0.0])


def test_a_complex_result_has_no_gradient_without_gradient():
    for f in (lambda x: x * (1 + 2j), lambda x: np.fft.fft(np.stack([x, x]))[1]):
        with pytest.raises(gm.GradmagicError, match=r"only for real scalar outputs.*np\.real"):
            gm.grad(f)(1.0)
    z = gm.tensor(np.array(1 + 1j), requires_grad=True)
    with pytest.raises(RuntimeError, match="only for real scalar outputs"):
        (z * 2).backward()
    (z * 2).backward(gradient=gm.tensor(np.array(1 + 0j)))
    assert z.grad.item() == 2
