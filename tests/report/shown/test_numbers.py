"""Numbers are written alike everywhere: four digits that count, no more than needed, aligned in columns."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradmagic.engine.core.values import summarise
from gradmagic.report.shown.numbers import aligned, brief, number, samples, sign, sparkline


@pytest.mark.parametrize(
    ("x", "written"),
    [(0.0, "0"), (-0.0, "0"), (2, "2"), (-1.5, "-1.5"), (1 / 3, "0.3333"), (12345.6, "12346"), (1e-7, "1e-7"),
     (-4.046e-6, "-4.046e-6"), (1e300, "1e300"), (math.nan, "NaN"), (-math.inf, "-inf"), (True, "True"),
     (1 - 2j, "1-2j"), (9.9999, "9.9999"), (9.9999999, "10"), (1.0001, "1.0001"), ("text", "text")],
)  # fmt: skip
def test_a_number_has_four_digits_and_no_more_than_it_needs(x, written):
    assert number(x) == written


@given(st.floats(-1e308, 1e308))
def test_a_written_number_is_near_the_number(x):
    assert float(number(x)) == pytest.approx(x, rel=1e-3, abs=1e-300)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20))
def test_a_column_is_aligned(numbers):
    written = aligned(numbers)
    assert len({len(text) for text in written}) == 1
    peak = max(map(abs, numbers))
    for text, x in zip(written, numbers, strict=True):
        assert float(text) == pytest.approx(x, abs=max(peak * 1e-2, 1e-300))


def test_a_column_has_as_few_decimals_as_are_exact():
    assert aligned([1.0, 2.0]) == ["1", "2"]
    assert aligned([0.25, -2.0]) == [" 0.25", "-2.00"]
    assert aligned([1.0, math.nan]) == ["  1", "NaN"]
    assert aligned([-1e-9, 1.0]) == ["0", "1"]


@pytest.mark.parametrize(
    ("array", "written"),
    [(np.arange(17.0), "0 .. 16"), (np.full((3, 3), 0.5), "0.5 everywhere"), (np.array([1.0, 2.0]), "[1, 2]"),
     (np.full(5, np.nan), "NaN everywhere"), (np.zeros((0, 2)), "empty"), (np.float32(2.5), "2.5"),
     (np.array([1.0, np.nan, np.inf, 2, 3, 4, 5]), "1 .. 5, 1 of 7 NaN, 1 of 7 inf"), (np.array([3 + 4j, 0]), "norm 5"),
     (np.array([7.0]), "[7]")],
)  # fmt: skip
def test_a_value_in_a_few_words(array, written):
    assert brief(summarise(array)) == written


def test_the_sign_of_a_value():
    signs = [sign(summarise(np.array(x))) for x in ([1.0, 0], [-1.0, 0], [0.0, 0], [1.0, -1], [np.nan, 1])]
    assert signs == ["+", "-", "0", "±", "!"]
    assert sign(None) == ""


def test_a_sparkline_is_as_wide_as_asked_and_marks_what_is_not_finite():
    assert sparkline(range(8)) == "▁▂▃▄▅▆▇█"
    assert len(sparkline(range(1000), 40)) == 40
    assert sparkline([1.0, math.nan, 2.0]) == "▁?█"
    assert sparkline([5.0, 5.0]) == "▁▁"
    assert sparkline([-1.7e308, 1.7e308]) == "▁█"
    assert sparkline([]) == ""
    assert sparkline([1.0, 2.0, 3.0], 1) == "▁"


def test_samples_are_the_elements_in_order():
    assert samples(summarise(np.array([[1.0, 2.0], [3.0, 4.0]]))) == (1, 2, 3, 4)
    assert samples(summarise(np.arange(1000.0)))[-1] == 999
