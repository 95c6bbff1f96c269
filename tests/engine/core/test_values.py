"""A value as plain data: exact for what is small, summarised for what is large, whole for what is odd."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradmagic.engine.core import arrays
from gradmagic.engine.core.values import PICTURE, SHOWN, Summaries, Value, summarise
from tests.engine import strict

finite = st.floats(-1e6, 1e6, width=64)


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=8), elements=finite))
def test_statistics_are_numpys(array):
    value = summarise(array)
    assert (value.shape, value.size, value.dtype) == (array.shape, array.size, "float64")
    assert value.low == array.min()
    assert value.high == array.max()
    assert value.mean == pytest.approx(array.mean(), abs=1e-6)
    assert value.norm == pytest.approx(np.linalg.norm(array), abs=1e-6)
    assert value.zeros == np.count_nonzero(array == 0)
    if array.size <= SHOWN:
        np.testing.assert_array_equal(np.array(value.items).reshape(array.shape), array)
        assert value.picture == ()
    else:
        assert value.items is None
        assert len(value.picture) == PICTURE


@pytest.mark.parametrize(
    ("number", "dtype", "python"),
    [(2, "int", True), (2.5, "float", True), (True, "bool", True), (1 + 2j, "complex", True),
     (np.float32(2.5), "float32", False), (np.int64(3), "int64", False), (np.bool_(False), "bool", False)],
)  # fmt: skip
def test_a_number_is_kept(number, dtype, python):
    value = summarise(number)
    assert (value.shape, value.size, value.items) == ((), 1, number)
    assert (value.dtype, value.python) == (dtype, python)
    assert value.norm == pytest.approx(abs(complex(number)))


def test_a_zero_dimensional_array_is_a_number():
    assert summarise(np.array(3.0)).items == 3.0


def test_what_is_not_finite_is_counted_and_left_out_of_the_statistics():
    value = summarise(np.array([1.0, np.nan, np.inf, -np.inf, 3.0]))
    assert (value.low, value.high, value.mean, value.nans, value.infs) == (1.0, 3.0, 2.0, 1, 2)
    large = summarise(np.concatenate([np.ones(500), [np.nan, np.inf]]))
    assert (large.low, large.high, large.mean, large.nans, large.infs) == (1.0, 1.0, 1.0, 1, 1)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_a_number_that_is_not_finite_has_no_range(number):
    value = summarise(number)
    assert value.low is value.high is value.mean is None
    assert value.nans + value.infs == 1


def test_an_empty_array_has_a_shape_and_no_range():
    value = summarise(np.zeros((0, 3)))
    assert (value.shape, value.size, value.low, value.norm) == ((0, 3), 0, None, 0.0)


def test_complex_numbers_have_a_norm_and_no_order():
    value = summarise(np.array([3 + 4j, 0]))
    assert (value.low, value.norm, value.zeros) == (None, 5.0, 1)
    assert summarise(np.full(200, 3 + 4j)).picture[0] == 5.0


def test_extremes_neither_overflow_nor_vanish():
    assert summarise(np.full(1000, 1e200)).norm == pytest.approx(1e200 * math.sqrt(1000))
    assert summarise(np.full(1000, 1e-200)).norm == pytest.approx(1e-200 * math.sqrt(1000))
    assert summarise(np.full(4, 1.7e308)).mean == pytest.approx(1.7e308)
    assert summarise(np.full(1000, 6e4, np.float16)).mean == pytest.approx(6e4, rel=1e-2)
    assert summarise(10**400).items == 10**400


def test_a_picture_has_both_ends():
    picture = summarise(np.linspace(-1, 1, 12_345)).picture
    assert (picture[0], picture[-1]) == (-1, 1)
    strided = summarise(np.linspace(-1, 1, 12_345)[::-3]).picture
    assert strided[0] == 1


def test_what_is_no_number_is_shown_as_text():
    assert summarise(np.array(["a", "b"])).items == ("a", "b")
    assert summarise(np.datetime64("2026-11-21")).items == "2026-11-21"


def test_a_value_is_hashable_and_comparable():
    assert isinstance(summarise(1.0), Value)
    assert summarise(np.arange(3.0)) == summarise(np.arange(3.0))
    assert hash(summarise(np.arange(3.0))) == hash(summarise(np.arange(3.0)))


@pytest.mark.parametrize("make", [
    lambda n: np.linspace(-3, 4, n), lambda n: np.full(n, np.nan), lambda n: np.arange(n) - 7,
    lambda n: np.linspace(-3, 4, n) + 1j,
    lambda n: np.where(np.arange(n) % 3 == 0, np.inf, np.linspace(1e200, 3e200, n)),
    lambda n: np.zeros(n, np.float32), lambda n: np.arange(n) % 2 == 0,
])  # fmt: skip
@pytest.mark.parametrize("n", [5, SHOWN + 1, 5000])
def test_on_a_device_it_is_reckoned_without_waiting(make, n, monkeypatch):
    monkeypatch.setitem(arrays.KINDS, strict.StrictArray, strict.module)
    array = make(n).reshape(-1, 1)
    kept, waited = Summaries(), len(strict.synchronised)
    kept.keep(1, strict.asarray(array))
    kept.keep(2, (None, strict.asarray(array)))
    assert len(strict.synchronised) == waited
    kept.bring_home()
    expected = summarise(array)
    for value in (kept.kept[1], kept.kept[2][1]):
        for field in Value.__slots__:
            one, other = getattr(value, field), getattr(expected, field)
            exact = field in ("shape", "dtype", "size", "zeros", "nans", "infs", "python")
            same = (
                one == other if exact or one is None else np.allclose(one, other, rtol=1e-12, equal_nan=True)
            )
            assert same, (field, one, other)
