"""gm.custom, gm.checkpoint, gm.stop_gradient."""

from __future__ import annotations

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.tape.nodes import walk
from gradmagic.errors import ArgumentError, RecomputeError, ShapeError

X = np.array([0.3, -0.7, 1.1])
V = np.array([1.0, 2.0, -1.0])

by_vjp = gm.custom(
    lambda x, y: np.asarray(np.sin(x) * y), vjp=lambda g, z, x, y: (g * np.cos(x) * y, np.sum(g * np.sin(x)))
)
by_jvp = gm.custom(
    lambda x, y: np.asarray(np.sin(x) * y), jvp=lambda t, z, x, y: t[0] * np.cos(x) * y + np.sin(x) * t[1]
)
plain = lambda x, y: np.sin(x) * y

each = pytest.mark.parametrize("f", [by_vjp, by_jvp], ids=["vjp", "jvp"])


@each
def test_one_of_the_two_serves_both_modes(f):
    for got, expected in zip(gm.vjp(f, X, 2.0)[1](V), gm.vjp(plain, X, 2.0)[1](V), strict=True):
        np.testing.assert_allclose(got, expected)
    got, expected = (gm.jvp(h, (X, 2.0), (V, 0.5))[1] for h in (f, plain))
    np.testing.assert_allclose(got, expected)


@each
def test_higher_orders_go_through_the_rule_itself(f):
    h, expected = (gm.hessian(lambda x, g=g: np.sum(g(x, 2.0) ** 2))(X) for g in (f, plain))
    np.testing.assert_allclose(h, expected, rtol=1e-12)
    d, expected = (gm.jvp(gm.grad(lambda x, g=g: np.sum(g(x, x[0]))), (X,), (V,))[1] for g in (f, plain))
    np.testing.assert_allclose(d, expected, rtol=1e-12)


def test_the_function_itself_may_be_opaque():
    seen = []

    @gm.custom(vjp=lambda g, y, x: 3 * g * x**2)
    def cube(x):
        seen.append(type(x))
        return np.array([float(v) ** 3 for v in x])  # a list of numbers: no tracing

    np.testing.assert_allclose(gm.grad(lambda x: np.sum(cube(x)))(X), 3 * X**2)
    assert seen == [np.ndarray] and cube(X).tolist() == (X**3).tolist()


def test_custom_works_on_tensors_under_its_own_name():
    t = gm.tensor([1.0, 2.0], requires_grad=True)
    double = gm.custom(lambda x: 2 * x, vjp=lambda g, y, x: 2 * g)
    y = double(t)
    assert isinstance(y, gm.Tensor)
    y.sum().backward()
    assert t.grad.tolist() == [2.0, 2.0]

    @gm.custom(vjp=lambda g, y, x: g)
    def clipped_gradient(x):
        return x + 0

    assert "ClippedGradientBackward0" in repr(clipped_gradient(t))


def test_several_outputs():
    f = gm.custom(lambda x: (np.sin(x), np.cos(x)), vjp=lambda g, out, x: g[0] * out[1] - g[1] * out[0])
    h = lambda x: np.sum(f(x)[0] * 2 + f(x)[1] * 3)
    np.testing.assert_allclose(gm.grad(h)(X), 2 * np.cos(X) - 3 * np.sin(X))
    np.testing.assert_allclose(gm.jvp(f, (X,), (V,))[1][1], -np.sin(X) * V)
    np.testing.assert_allclose(gm.hessian(h)(X), np.diag(-2 * np.sin(X) - 3 * np.cos(X)), atol=1e-15)


def test_a_wrong_derivative_is_named():
    wrong = gm.custom(np.square, vjp=lambda g, y, x: g[:2])
    with pytest.raises(
        ShapeError, match=r"vjp of square gave an array of shape \(2,\) for argument 0 of shape \(3,\)"
    ):
        gm.grad(lambda x: np.sum(wrong(x)))(X)
    with pytest.raises(ShapeError, match="gave 1 cotangents for 2 arguments"):
        gm.grad(lambda x: np.sum(gm.custom(np.add, vjp=lambda g, *_: g)(x, x)))(X)
    with pytest.raises(ShapeError, match=r"jvp of add gave .* output 0"):
        gm.jvp(gm.custom(np.add, jvp=lambda t, *_: 1.0), (X, X), (V, V))
    with pytest.raises(ArgumentError, match="argument of its own"):
        gm.grad(lambda x: gm.custom(lambda xs: xs[0], vjp=lambda g, *_: g)([x]))(1.0)
    with pytest.raises(TypeError, match="give vjp="):
        gm.custom(np.sin)


def test_none_stands_for_no_derivative():
    f = gm.custom(lambda x, n: x * n, vjp=lambda g, y, x, n: (g * n, None))
    assert gm.grad(f, (0, 1))(2.0, 3.0) == (3.0, 0.0)


# ---- checkpoint ----------------------------------------------------------------------------------------------


def test_a_checkpoint_has_the_derivatives_of_its_function():
    f = lambda x: np.sum(np.tanh(np.outer(x, x)) ** 2)
    c = gm.checkpoint(f)
    np.testing.assert_array_equal(gm.grad(c)(X), gm.grad(f)(X))
    np.testing.assert_allclose(gm.hessian(c)(X), gm.hessian(f)(X), rtol=1e-12)
    np.testing.assert_allclose(gm.jvp(c, (X,), (V,))[1], gm.jvp(f, (X,), (V,))[1], rtol=1e-12)
    np.testing.assert_allclose(gm.jvp(gm.grad(c), (X,), (V,))[1], gm.hvp(f, X, V), rtol=1e-12)
    np.testing.assert_allclose(gm.grad(lambda x: gm.jvp(c, (x,), (V,))[1])(X), gm.hvp(f, X, V), rtol=1e-12)


def test_a_checkpoint_computes_again_and_keeps_nothing():
    calls = []

    def f(x):
        calls.append(1)
        return np.sin(np.exp(x))

    t = gm.tensor([1.0, 2.0], requires_grad=True)
    y = gm.checkpoint(f, t)
    assert len(calls) == 1
    assert [node.rule.name for node in walk(y.node) if node.rule is not None] == ["output", "f"]
    y.sum().backward()
    assert len(calls) == 2
    np.testing.assert_allclose(t.grad.numpy(), np.cos(np.exp(t.array)) * np.exp(t.array))


def test_what_a_checkpoint_closes_over_gets_its_gradient():
    w = gm.tensor(3.0, requires_grad=True)
    x = gm.tensor(2.0, requires_grad=True)
    gm.checkpoint(lambda x: w * x * x)(x).backward()
    assert (w.grad.item(), x.grad.item()) == (4.0, 12.0)


def test_containers_go_in_and_out_of_a_checkpoint():
    f = gm.checkpoint(lambda p: {"a": p["x"] * p["y"], "b": "text"})
    assert gm.grad(lambda p: f(p)["a"])({"x": 2.0, "y": 3.0}) == {"x": 3.0, "y": 2.0}
    assert gm.checkpoint(lambda n: n + 1)(1) == 2  # nothing to differentiate


# The global generator is what is tested here.
# ruff: noqa: NPY002
def test_global_generators_draw_the_same_again():
    gm.manual_seed(0)
    np.random.seed(0)
    f = lambda t: (t * gm.rand(3) * np.random.rand(3)).sum()
    t = gm.ones(3).requires_grad_()
    y = gm.checkpoint(f)(t)
    y.backward()
    assert t.grad.sum().item() == pytest.approx(y.item())
    after = np.random.rand()
    np.random.seed(0)
    np.random.rand(3)
    assert after == np.random.rand()  # the sweep has not disturbed them


def test_other_values_the_second_time_are_an_error():
    rng = np.random.default_rng(0)
    with pytest.raises(RecomputeError, match=r"gave other values.*as an argument"):
        gm.grad(gm.checkpoint(lambda x: np.sum(x * rng.normal(size=3))))(X)


def test_changing_the_input_afterwards_does_not_matter_or_is_an_error():
    def f(x):
        y = gm.checkpoint(np.sin)(x)
        x = x * 0
        return np.sum(y + x)

    np.testing.assert_allclose(gm.grad(f)(X), np.cos(X))
    t = gm.ones(3).requires_grad_() * 1
    y = gm.checkpoint(np.sin)(t)
    t += 1
    with pytest.raises(gm.GradmagicError, match=r"modified|gave other values"):
        y.sum().backward()


# ---- stop_gradient -------------------------------------------------------------------------------------------


def test_stop_gradient_cuts_every_order():
    assert gm.grad(lambda x: gm.stop_gradient(x) * x)(3.0) == 3.0
    assert gm.grad(gm.grad(lambda x: gm.stop_gradient(x * x) * x))(3.0) == 0.0
    assert gm.jvp(gm.stop_gradient, (3.0,), (1.0,)) == (3.0, 0.0)
    t = gm.tensor([1.0], requires_grad=True)
    assert not gm.stop_gradient(t * 2).requires_grad
    assert gm.stop_gradient({"a": 1.0, "b": [X]})["b"][0] is X
