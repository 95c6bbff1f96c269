"""gm.autograd.Function and gm.autograd.functional: programs written for PyTorch's run as they are."""

from __future__ import annotations

import numpy as np
import pytest

import gradmagic as torch
from gradmagic.errors import ShapeError, StaleError


class LegendrePolynomial3(torch.autograd.Function):  # from PyTorch's own tutorial
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.exp(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


class Scale(torch.autograd.Function):
    @staticmethod
    def forward(x, factor):
        return x * factor, x.detach() * 0

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.factor = inputs[1]
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx, g, _):
        assert ctx.needs_input_grad == (True, False)
        return g * ctx.factor, None


def leaf(*values):
    return torch.tensor(values, requires_grad=True)


def test_the_tutorial_runs():
    x = leaf(0.5, -1.0)
    y = LegendrePolynomial3.apply(x)
    assert y.grad_fn.name() == "LegendrePolynomial3Backward"
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 1.5 * (5 * x.detach().numpy() ** 2 - 1), rtol=1e-6)


@pytest.mark.parametrize("f", [LegendrePolynomial3.apply, Exp.apply], ids=["input kept", "output kept"])
def test_a_function_has_higher_orders_and_forward_mode(f):
    plain = torch.exp if f == Exp.apply else lambda x: 0.5 * (5 * x**3 - 3 * x)
    x, v = torch.tensor([0.5, -1.0]), torch.tensor([1.0, 2.0])
    for order in (torch.autograd.functional.hessian, lambda h, x: torch.autograd.functional.hvp(h, x, v)[1]):
        got, expected = (order(lambda x, g=g: (g(x) ** 2).sum(), x) for g in (f, plain))
        np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-5)
    got, expected = (torch.jvp(g, (x,), (v,))[1] for g in (f, plain))
    np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-5)


def test_several_outputs_and_settings():
    x = leaf(1.0, 2.0)
    y, constant = Scale.apply(x, 3.0)
    assert y.requires_grad and not constant.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_nothing_is_recorded_where_nothing_is_wanted():
    assert not LegendrePolynomial3.apply(torch.tensor([1.0])).requires_grad
    with torch.no_grad():
        assert not LegendrePolynomial3.apply(leaf(1.0)).requires_grad


def test_a_wrong_backward_is_named():
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            return g

    with pytest.raises(ShapeError, match=r"Wrong\.backward gave 1 gradients for 2 arguments"):
        Wrong.apply(leaf(1.0), leaf(2.0)).backward()

    class Short(Wrong):
        @staticmethod
        def backward(ctx, g):
            return g[:1], None

    with pytest.raises(ShapeError, match=r"shape \(1,\) for argument 0 of shape \(2,\)"):
        Short.apply(leaf(1.0, 2.0), leaf(2.0)).sum().backward()


def test_a_saved_tensor_that_changed_is_an_error():
    x = leaf(1.0, 2.0) * 1
    y = LegendrePolynomial3.apply(x)
    x += 1
    with pytest.raises(StaleError):
        y.sum().backward()


def test_functional_takes_one_tensor_or_a_tuple():
    F = torch.autograd.functional
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    j = F.jacobian(lambda x, y: x * y, (x, y))
    assert j[0].tolist() == [[3.0, 0.0], [0.0, 4.0]] and j[1].tolist() == [[1.0, 0.0], [0.0, 2.0]]
    value, (gx, gy) = F.vjp(lambda x, y: (x * y).sum(), (x, y))
    assert value.item() == 11.0 and (gx.tolist(), gy.tolist()) == ([3.0, 4.0], [1.0, 2.0])
    assert F.jvp(lambda x, y: x * y, (x, y), (torch.ones(2), torch.zeros(2)))[1].tolist() == [3.0, 4.0]
    assert F.hvp(lambda x: (x**3).sum(), x, torch.ones(2))[1].tolist() == [6.0, 12.0]
    assert not F.jacobian(lambda t: t * t, x.requires_grad_()).requires_grad
    assert F.jacobian(lambda t: t * t, x, create_graph=True).requires_grad
