"""A sweep that is recorded: whatever the order of constant and graph-carrying contributions, nothing is lost."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import gradmagic as gm

# Terms of a loss by the leaf a: the term, its slope at a, and the slope's slope.
TERMS = {
    "constant slope": (lambda a: 3 * a, lambda v: 3 + 0 * v, lambda v: 0 * v),
    "the leaf itself": (lambda a: a, lambda v: 1 + 0 * v, lambda v: 0 * v),
    "square": (lambda a: a**2, lambda v: 2 * v, lambda v: 2 + 0 * v),
    "product with a constant": (lambda a: a * np.float32(2) * a, lambda v: 4 * v, lambda v: 4 + 0 * v),
    "sine": (gm.sin, np.cos, lambda v: -np.sin(v)),
    "an entry": (lambda a: a[0] * a[0], lambda v: 2 * v * _first(v), lambda v: 2 * _first(v)),
    "an entry, times a constant": (lambda a: 5 * a[0], lambda v: 5 * _first(v), lambda v: 0 * v),
}


def _first(v):
    return (np.arange(v.size) == 0) * 1.0


several = st.lists(st.sampled_from(sorted(TERMS)), min_size=1, max_size=5)


@given(several, st.sampled_from([1, 3, 5000]))  # beyond 4,096 entries a sweep adds in place
def test_every_contribution_keeps_its_graph(names, n):
    v = np.linspace(0.5, 1.5, n)
    a = gm.tensor(v, requires_grad=True)
    sum((TERMS[name][0](a).sum() for name in names), start=0 * a.sum()).backward(create_graph=True)
    np.testing.assert_allclose(a.grad.detach().numpy(), sum(TERMS[name][1](v) for name in names))
    curved = sum(TERMS[name][2](v) for name in names)
    assert a.grad.requires_grad or not np.any(curved)
    if a.grad.requires_grad:
        (twice,) = gm.autograd.grad((a.grad * 2).sum(), a)
        np.testing.assert_allclose(twice.numpy(), 2 * curved)


@given(several, st.sampled_from([1, 3, 5000]))
def test_so_does_one_that_comes_with_another_backward(names, n):
    v = np.linspace(0.5, 1.5, n)
    a = gm.tensor(v, requires_grad=True)
    seen = []
    for name in names:
        TERMS[name][0](a).sum().backward(create_graph=True)
        seen.append((a.grad, np.copy(a.grad.detach().numpy())))
    for grad, then in seen:  # a gradient that stands in a graph does not change any more
        np.testing.assert_array_equal(grad.detach().numpy(), then)
    if a.grad.requires_grad:
        (twice,) = gm.autograd.grad(a.grad.sum(), a)
        np.testing.assert_allclose(twice.numpy(), sum(TERMS[name][2](v) for name in names))


CONSTANT = {
    "a linear function": (lambda x: gm.sum(3 * x), 3.0),
    "a tensor of its own": (lambda x: gm.tensor(2.0), 0.0),
    "a number": (lambda x: 2.0, 0.0),
}


@pytest.mark.parametrize("make", [np.array, gm.tensor], ids=["Array", "Tensor"])
@pytest.mark.parametrize("name", CONSTANT)
def test_what_does_not_depend_on_the_input_has_derivatives_of_zero(name, make):
    f, slope = CONSTANT[name]
    x = make([2.0, 3.0])
    zeros = np.zeros(2)

    def plain(v):
        return np.asarray(v.detach().numpy() if hasattr(v, "detach") else v)

    np.testing.assert_array_equal(plain(gm.grad(f)(x)), zeros + slope)
    np.testing.assert_array_equal(plain(gm.elementwise_grad(f)(x)), zeros + slope)
    np.testing.assert_array_equal(plain(gm.jacobian(f)(x)), zeros + slope)
    np.testing.assert_array_equal(plain(gm.jvp(f, (x,), (x,))[1]), 5 * slope)
    np.testing.assert_array_equal(plain(gm.grad(lambda x: gm.grad(f)(x).sum())(x)), zeros)
    np.testing.assert_array_equal(plain(gm.hessian(f)(x)), np.zeros((2, 2)))
    np.testing.assert_array_equal(plain(gm.hvp(f, x, x)), zeros)


def test_the_second_derivative_of_a_line_is_0():
    assert gm.grad(gm.grad(lambda x: 3 * x))(gm.tensor(2.0)).item() == 0
    assert gm.grad(gm.grad(lambda x: 3 * x))(2.0) == 0


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("n", [3, 5000])
def test_a_number_for_all_entries_is_an_array_where_one_is_asked_for(n, create_graph):
    weights = np.linspace(1, 2, 3)[:, None]  # of fewer entries than the result
    x = gm.tensor(np.ones((3, n)), requires_grad=True)
    for loss, slope in [
        (lambda: np.sum(x), 1 + 0 * weights),
        (lambda: -np.mean(x * weights), -weights / (3 * n)),
        (lambda: np.sum(2 * x * weights) + np.sum(x), 2 * weights + 1),
        (lambda: np.sum(np.reshape(3 * x, (n, 3))) + x[0].sum() + np.sum(x * x), 5 + (weights == 1)),
    ]:
        x.grad = None
        loss().backward(create_graph=create_graph)
        assert x.grad.shape == x.shape and x.grad.detach().numpy().flags.writeable
        np.testing.assert_allclose(x.grad.detach().numpy(), np.broadcast_to(slope, (3, n)))


def test_gradients_by_some_of_the_leaves_are_those_by_all():
    x, w = gm.tensor([1.0, 2.0], requires_grad=True), gm.tensor([3.0, 4.0], requires_grad=True)
    y = np.sum(x * w * x)
    both = gm.autograd.grad(y, [x, w], retain_graph=True)
    for one, t in zip(both, (x, w), strict=True):
        np.testing.assert_array_equal(one.numpy(), gm.autograd.grad(y, t, retain_graph=True)[0].numpy())
    assert x.grad is None and w.grad is None
