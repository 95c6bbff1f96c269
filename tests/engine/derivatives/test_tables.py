"""Every derivative that is declared, against differences: drawn shapes, axes, strides, dtypes; orders one and two."""

from __future__ import annotations

import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings

from gradmagic.engine.derivatives import ordered
from gradmagic.engine.derivatives.composed import writes
from gradmagic.engine.derivatives.nn import functions as networks
from gradmagic.engine.derivatives.numpy import constants, decompositions, partials
from gradmagic.engine.dispatch import primitives
from gradmagic.engine.dispatch.protocols import COMPOSED
from gradmagic.engine.rules.declare import RULES
from gradmagic.engine.rules.rule import CONSTANT, PICK
from tests.draws import draws

from . import numeric
from .cases import CASES, Case

each_case = pytest.mark.parametrize("case", CASES, ids=repr)


def drawn(case: Case, data: st.DataObject, kind: str, empty: bool = True) -> tuple[list[np.ndarray], object]:
    """Draw arguments and settings that the NumPy function itself accepts."""
    shapes = numeric.shapes_of(case, data.draw, empty)
    options = numeric.settings_of(case, data.draw, len(shapes[0]))
    args = numeric.arguments_of(case, shapes, data.draw(st.integers(0, 9), label="seed"), kind)

    def call(*xs: object) -> object:
        return case.call(*xs, **options)

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # empty slices
        try:
            call(*args)
        except ValueError:  # no maximum of nothing
            assume(False)
    return args, call


def kinds_of(case: Case) -> st.SearchStrategy[str]:
    return st.sampled_from(case.kinds)


@pytest.mark.slow
@each_case
@settings(max_examples=draws(5))
@given(st.data())
def test_the_cotangents_are_those_that_differences_give(case: Case, data: st.DataObject) -> None:
    args, call = drawn(case, data, data.draw(kinds_of(case)))
    layout = numeric.LAYOUTS[data.draw(st.sampled_from(list(numeric.LAYOUTS)), label="layout")]
    args = [layout(a) for a in args]
    with np.errstate(all="ignore"):
        _, ys, got = numeric.pulled(call, args, lambda ys: numeric.weights(ys, 1))
        ws = numeric.weights([numeric.raw(y) for y in ys], 1)
        expected = numeric.differences(lambda *xs: numeric.loss(numeric.outputs(call(*xs)), ws), args)
    for a, c, e in zip(args, got, expected, strict=True):
        c = np.zeros_like(a) if c is None else c
        assert c.shape == a.shape
        assert c.dtype == a.dtype
        np.testing.assert_allclose(c, e, rtol=1e-6, atol=1e-7)


@pytest.mark.slow
@each_case
@settings(max_examples=draws(3))
@given(st.data())
def test_the_cotangents_can_be_differentiated_again(case: Case, data: st.DataObject) -> None:
    args, call = drawn(case, data, data.draw(kinds_of(case)), empty=False)
    ways = [numeric.weights([a], 10 + i)[0] for i, a in enumerate(args)]

    def along(*xs: np.ndarray) -> float:
        _, _, cs = numeric.pulled(call, xs, lambda ys: numeric.weights(ys, 1))
        return float(
            sum(np.sum(np.real(np.conj(w) * c)) for w, c in zip(ways, cs, strict=True) if c is not None)
        )

    with np.errstate(all="ignore"):
        lifted, _, cs = numeric.pulled(call, args, lambda ys: numeric.weights(ys, 1), create_graph=True)
        reached = [(c, w) for c, w in zip(cs, ways, strict=True) if c is not None]
        second = numeric.cotangents(numeric.loss(*zip(*reached, strict=True)) if reached else 0, lifted)
        expected = numeric.slope(along, args, ways)
    got = sum(
        float(np.sum(np.real(np.conj(w) * c))) for w, c in zip(ways, second, strict=True) if c is not None
    )
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@each_case
@settings(max_examples=draws(3))
@given(st.data())
def test_single_and_half_precision_are_kept(case: Case, data: st.DataObject) -> None:
    real = ["float32"] + ["float16"] * case.low
    names = real * ("f" in case.kinds) + ["complex64"] * ("c" in case.kinds)
    dtype = np.dtype(data.draw(st.sampled_from(names), label="dtype"))
    args, call = drawn(case, data, dtype.kind)
    small = [np.asarray(a, dtype) for a in args]
    with np.errstate(all="ignore"):
        _, ys, got = numeric.pulled(call, small, lambda ys: numeric.weights(ys, 1))
        assume(all(np.isfinite(numeric.raw(y)).all() for y in ys))  # SciPy's modfresnelp gives NaN in float32
        _, _, expected = numeric.pulled(call, [np.asarray(a, "D" if dtype.kind == "c" else "d") for a in small],
                                        lambda ys: numeric.weights(ys, 1))  # fmt: skip
    tolerance = 0.05 if dtype == np.float16 else 2e-3
    if case.rule is np.float_power:
        assert all(numeric.raw(y).dtype == np.float64 for y in ys)
    for a, c, e in zip(small, got, expected, strict=True):
        if c is not None:
            assert c.dtype == a.dtype
            assert c.shape == a.shape
            np.testing.assert_allclose(c, e, rtol=tolerance, atol=tolerance)


@each_case
def test_values_are_those_of_numpy_bit_for_bit(case: Case) -> None:
    shapes = [
        (2, 3) if isinstance(s, str) else s for s in case.shapes for _ in range(2 if s == "pair" else 1)
    ]
    for kind in case.kinds:
        args = numeric.arguments_of(case, shapes, 0, kind)
        _, ys, _ = numeric.pulled(case.call, args, lambda ys: numeric.weights(ys, 1))
        for y, e in zip(ys, numeric.outputs(case.call(*args)), strict=True):
            y = numeric.raw(y)
            assert (type(y), y.dtype, y.shape) == (type(e), e.dtype, e.shape)
            if case.rule.__name__ == "lstsq":  # LAPACK's last bits depend on where in memory the input lies
                np.testing.assert_allclose(y, e, rtol=1e-13)
            else:
                assert y.tobytes() == e.tobytes()
                assert (y.flags.c_contiguous, y.flags.f_contiguous) == (
                    e.flags.c_contiguous,
                    e.flags.f_contiguous,
                )


HOME = "gradmagic.engine.derivatives.scipy."


def test_every_declared_derivative_has_a_case() -> None:
    declared = {f for f, rule in RULES.items() if rule is not CONSTANT and rule is not PICK} | set(COMPOSED)
    # nn.functional records cross_entropy by hand; moving needs two devices: tests of nn and faces/test_devices.py.
    declared -= {networks.cross_entropy, networks.cross_entropy_there, primitives.move}
    # What rules at degenerate points are made of: test_degenerate.py.
    declared -= {decompositions.apart, partials.away}
    declared -= set(writes.WRITES)  # they write and give nothing: test_writes.py
    declared -= set(ordered.REFUSED)  # each is a message: test_scipy.py
    declared -= {f for f in declared if str(getattr(f, "__module__", "")).startswith(HOME)}  # tests of scipy/
    assert not {getattr(f, "__name__", f) for f in declared - {case.rule for case in CASES}}


# Those of files, and of new arrays by like=, in test_coverage.py.
STEPS = [f for f, r in RULES.items() if r is CONSTANT and f not in constants.FILES and f not in constants.NEW]


@pytest.mark.parametrize("function", STEPS, ids=lambda f: f.__name__)
def test_a_function_without_a_derivative_gives_a_constant(function: object) -> None:
    x = numeric.Array.lift(np.array([3.0, 1.0, 2.0]), share=False)
    whole = numeric.Array.lift(np.array([3.0, 1.0, 2.0]), share=False).astype(int)
    one = whole if "bitwise" in function.__name__ or function in _OF_WHOLE else x
    args = [one, *_SECOND.get(function, [one] * (getattr(function, "nin", 1) - 1))]
    try:
        function(*(numeric.raw(a) for a in args))
    except (TypeError, ValueError) as error:  # no function of these numbers: of dates, of text
        with pytest.raises(type(error)):
            function(*args)
        return
    for y in numeric.outputs(function(*args)):
        assert not isinstance(y, numeric.Tracked)


_OF_WHOLE = {np.invert, np.left_shift, np.right_shift, np.gcd, np.lcm, np.bincount}
_SECOND = {np.argpartition: [1], np.digitize: [[0, 2]]} | {
    f: [np.ones(3)]
    for f in (np.isclose, np.allclose, np.array_equal, np.array_equiv, np.searchsorted, np.may_share_memory,
              np.shares_memory, np.isin)
}  # fmt: skip
