"""Forward mode from the same declarations: against differences, against reverse mode, and through itself."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import gradmagic as gm
from tests.draws import draws
from tests.engine.derivatives import numeric
from tests.engine.derivatives.cases import CASES, Case
from tests.engine.derivatives.test_tables import drawn, kinds_of

each_case = pytest.mark.parametrize("case", CASES, ids=repr)


def products(ys: object, ws: object) -> float:
    """The real inner product in which reverse mode is the transpose of forward mode."""
    return float(numeric.loss([numeric.raw(y) for y in ys], ws))


@pytest.mark.slow
@each_case
@settings(max_examples=draws(4))
@given(st.data())
def test_tangents_are_those_that_differences_give(case: Case, data: st.DataObject) -> None:
    args, call = drawn(case, data, data.draw(kinds_of(case)), empty=False)
    ways = [numeric.weights([a], 20 + i)[0] for i, a in enumerate(args)]
    with np.errstate(all="ignore"):
        values, moved = gm.jvp(lambda *xs: tuple(numeric.outputs(call(*xs))), tuple(args), tuple(ways))
        ws = numeric.weights([np.asarray(y) for y in values], 1)
        expected = numeric.slope(lambda *xs: numeric.loss(numeric.outputs(call(*xs)), ws), args, ways)
    for y, t in zip(values, moved, strict=True):
        assert np.shape(t) == np.shape(y)
    np.testing.assert_allclose(products(moved, ws), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@each_case
@settings(max_examples=draws(2))
@given(st.data())
def test_forward_over_forward_is_reverse_over_reverse(case: Case, data: st.DataObject) -> None:
    args, call = drawn(case, data, "f", empty=False)
    ways = tuple(numeric.weights([a], 30 + i)[0] for i, a in enumerate(args))
    with np.errstate(all="ignore"):
        ys = numeric.outputs(call(*args))
        ws = numeric.weights([np.asarray(y) for y in ys], 1)
        f = lambda *xs: numeric.loss(numeric.outputs(call(*xs)), ws)
        once = lambda *xs: gm.jvp(f, xs, ways)[1]
        twice = gm.jvp(once, tuple(args), ways)[1]
        mixed = gm.grad(once, tuple(range(len(args))))(*args)
        products_of_hessian = gm.hvp(f, tuple(args), ways)
    for m, h in zip(mixed, products_of_hessian, strict=True):
        np.testing.assert_allclose(m, h, rtol=1e-6, atol=1e-7)
    along = sum(float(np.sum(h * w)) for h, w in zip(products_of_hessian, ways, strict=True))
    np.testing.assert_allclose(float(twice), along, rtol=1e-6, atol=1e-7)
