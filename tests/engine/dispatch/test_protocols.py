"""NumPy's calls on tracked values: faces, options, methods of ufuncs, what must not pass in silence."""

import numpy as np
import pytest
from numpy._core.overrides import array_function_dispatch  # numpy has no public name for it

import gradmagic as gm
from gradmagic.engine.faces.numpy.array import Array
from gradmagic.errors import ArgumentError, ConversionError, UnknownFunctionError


@pytest.fixture
def t():
    return gm.tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)


@array_function_dispatch(lambda x: (x,), module="my_library")
def smoothed(x):
    """A function of a library that speaks NumPy's protocol."""
    return np.asarray(x)


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
        UnknownFunctionError,
        match=r"my_library\.smoothed .*'t' \(of shape \(3,\)\), line \d+ of test_protocols",
    ):
        smoothed(t)


def test_an_unknown_function_of_untracked_tensors_just_computes():
    assert np.busday_count(np.datetime64("2026-11-01"), np.datetime64("2026-11-05")) >= 0
    assert np.bincount(gm.tensor([0, 1, 1])).tolist() == [1, 2]


AT = {
    "add": (np.add, [0, 2, 0], [3.0, 5.0, 7.0]),
    "subtract": (np.subtract, [0, 2, 0], [3.0, 5.0, 7.0]),
    "multiply": (np.multiply, [0, 2, 0], [3.0, 5.0, 7.0]),
    "divide": (np.divide, [0, 2, 0], [3.0, 5.0, 7.0]),
    "power": (np.power, [0, 2, 0], [0.5, 2.0, 1.5]),
    "maximum": (np.maximum, [0, 2, 0], [3.0, 1.0, 2.5]),
    "exp": (np.exp, [0, 2, 0]),
    "negative": (np.negative, slice(0, 2)),
}


@pytest.mark.parametrize("name", AT)
def test_at_changes_an_entry_as_often_as_it_is_named(name):
    ufunc, index, *values = AT[name]
    start = [np.array([1.3, 2.1, 1.7]), *(np.array(v) for v in values)]

    def f(x, *vs):
        y = x * 1.0
        ufunc.at(y, index, *vs)
        return np.sum(y * np.array([1.0, 10.0, 100.0]))

    got = np.atleast_2d(gm.grad(f, tuple(range(len(start))))(*start))
    for i, g in enumerate(got):
        steps = [[s * (k == i) for k in range(len(start))] for s in np.eye(3) * 1e-6]
        moved = [[[a + k * s for a, s in zip(start, step, strict=True)] for step in steps] for k in (1, -1)]
        up, down = ([f(*args) for args in side] for side in moved)
        np.testing.assert_allclose(g, (np.array(up) - down) / 2e-6, rtol=1e-6)


def test_at_writes_the_users_own_array_with_the_bits_of_numpy():
    mine, plain = np.array([1.3, 2.1, 1.7]), np.array([1.3, 2.1, 1.7])
    np.multiply.at(Array.lift(mine), [0, 0, 1], 1.1)
    np.multiply.at(plain, [0, 0, 1], 1.1)
    assert mine.tobytes() == plain.tobytes()


def test_several_outputs_may_each_have_an_out(t):
    part = t * 0
    _, whole = np.modf(t + 0.5, out=(part, None))
    assert whole.tolist() == [1.0, 2.0, 3.0]
    assert part.tolist() == [0.5, 0.5, 0.5]
    assert grad_of(part.sum(), t) == [[1.0, 1.0, 1.0]]


def test_the_mask_of_a_reduction_with_out_is_the_reductions():
    mask = np.array([True, False, True])

    def f(x):
        total = x[:1] * 0
        np.add.reduce(x, where=mask, out=total, keepdims=True)
        return total[0]

    assert f(np.array([1.0, 2.0, 4.0])) == 5.0
    assert gm.grad(f)(np.array([1.0, 2.0, 4.0])).tolist() == [1.0, 0.0, 1.0]


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
