"""NumPy's calls on tracked values: faces, options, methods of ufuncs, what must not pass in silence."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.array import Array
from gradmagic.engine.errors import ArgumentError, ConversionError, UnknownFunctionError


@pytest.fixture
def t():
    return gm.tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)


def grad_of(z, *leaves):
    return [g.tolist() for g in gm.autograd.grad(z, leaves)]


def test_the_result_has_the_face_of_its_inputs_and_tensor_wins(t):
    a = Array.lift(np.ones(3))
    assert type(np.exp(t)) is gm.Tensor
    assert type(np.exp(a)) is gm.Array
    assert type(np.add(a, t)) is gm.Tensor
    assert type(np.add(t, a)) is gm.Tensor


def test_what_carries_no_gradient_is_plain_on_one_face_and_a_tensor_on_the_other(t):
    assert type(Array.lift(np.ones(3)) > 0) is np.ndarray
    assert type(t > 0) is gm.Tensor
    assert not (t > 0).requires_grad


def test_keyword_arguments_are_differentiated_too(t):
    (g,) = grad_of(np.sum(np.subtract(1.0, np.clip(a=np.array([0.0, 5.0, 9.0]), a_min=t, a_max=None))), t)
    assert g == [-1.0, 0.0, 0.0]


def test_outer_reduce_and_accumulate(t):
    assert grad_of(np.sum(np.multiply.outer(t, np.array([1.0, 10.0]))), t) == [[11.0, 11.0, 11.0]]
    assert grad_of(np.add.reduce(t), t) == [[1.0, 1.0, 1.0]]
    assert grad_of(np.multiply.reduce(t), t) == [[6.0, 3.0, 2.0]]
    assert grad_of(np.sum(np.add.accumulate(t)), t) == [[3.0, 2.0, 1.0]]


def test_dtype_of_a_ufunc_casts_first(t):
    z = np.sum(np.multiply(t, t, dtype=np.float32))
    assert z.array.dtype == np.float32
    assert grad_of(z, t) == [[2.0, 4.0, 6.0]]


def test_out_may_be_a_tensor_but_no_plain_array(t):
    y = t * 0
    np.multiply(t, t, out=y)
    assert grad_of(y.sum(), t) == [[2.0, 4.0, 6.0]]
    buffer = np.empty(3)
    with pytest.raises(ConversionError, match="out="):
        np.multiply(t, t, out=buffer)


def test_where_without_a_rule_is_refused_by_name(t):
    with pytest.raises(ArgumentError, match=r"where=.*np\.where\(mask"):
        np.exp(t, where=np.array([True, False, True]))


def test_an_unknown_function_is_named_with_variable_and_line(t):
    with pytest.raises(
        UnknownFunctionError, match=r"np\.packbits .*'t' \(of shape \(3,\)\), line \d+ of test_dispatch"
    ):
        np.packbits(t)


def test_an_unknown_function_of_untracked_tensors_just_computes():
    assert np.busday_count(np.datetime64("2026-11-01"), np.datetime64("2026-11-05")) >= 0
    assert np.bincount(gm.tensor([0, 1, 1])).tolist() == [1, 2]


def test_a_method_of_a_ufunc_without_a_rule_is_refused(t):
    with pytest.raises(UnknownFunctionError, match=r"np\.exp\.at|np\.add\.at|reduceat"):
        np.add.reduceat(t, [0, 1])


def test_lists_beside_tensors_are_taken_as_arrays(t):
    assert grad_of(np.sum(np.multiply(t, [1.0, 2.0, 3.0])), t) == [[1.0, 2.0, 3.0]]


def test_operators_with_arrays_on_the_left(t):
    a = np.array([1.0, 2.0, 3.0])
    assert grad_of((a * t + a - t / a).sum(), t) == [[0.0, 1.5, 3 - 1 / 3]]
    with pytest.raises(TypeError, match="unsupported operand"):
        t + "text"


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("f", [np.sum, np.mean])
def test_the_short_way_to_a_sum_gives_the_same_bits(f, dtype):
    a = np.random.default_rng(0).uniform(0, 100, 5000).astype(dtype)
    assert f(gm.tensor(a, requires_grad=True)).item() == f(a).item()
