"""`gm.grad`, `gm.value_and_grad`, `gm.autograd.grad`: kinds of arguments, nesting, higher order."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.errors import NoGradError, NonScalarError


def test_plain_arguments_give_plain_results():
    value, grad = gm.value_and_grad(lambda x: np.sum(x * x))(np.array([1.0, 2.0]))
    assert type(value) is float and type(grad) is np.ndarray
    assert value == 5.0 and grad.tolist() == [2.0, 4.0]


def test_the_argument_is_left_as_it_was():
    x = np.array([1.0, 2.0])

    def f(x):
        x[0] = 7.0
        return np.sum(x * x)

    grad = gm.grad(f)(x)
    assert grad.tolist() == [0.0, 4.0] and x.tolist() == [1.0, 2.0]


def test_a_python_number_stays_one_inside():
    seen = []

    def f(x):
        seen.append((isinstance(x, float), type((x * 2).array)))
        return x * x

    assert gm.grad(f)(3.0) == 6.0
    assert seen == [(True, float)]


def test_an_int_works_as_a_number_of_its_own():
    assert gm.grad(lambda n: n * n * 1.0)(3) == 6.0


def test_several_arguments():
    f = lambda x, y: np.sum(x * y)
    gx, gy = gm.grad(f, (0, 1))(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    assert (gx.tolist(), gy.tolist()) == ([3.0, 4.0], [1.0, 2.0])
    assert gm.grad(f, 1)(np.array([1.0, 2.0]), np.array([3.0, 4.0])).tolist() == [1.0, 2.0]


def test_derivatives_of_derivatives():
    f = lambda x: x**4
    for expected in (32.0, 48.0, 48.0, 24.0):
        f = gm.grad(f)
        assert f(2.0) == pytest.approx(expected)


def test_an_inner_gradient_over_an_outer_value():
    # d/dx (d/dy x*y*y at y = x) = d/dx 2 x*x = 4 x
    assert gm.grad(lambda x: gm.grad(lambda y: x * y * y)(x))(3.0) == pytest.approx(12.0)


def test_no_perturbation_confusion():
    # d/dx x * (d/dy (x + y) at y = 1) = 1
    assert gm.grad(lambda x: x * gm.grad(lambda y: x + y)(1.0))(5.0) == pytest.approx(1.0)


def test_a_closure_over_a_tensor_stays_differentiable():
    w = gm.tensor(3.0, requires_grad=True)
    g = gm.grad(lambda x: w * x * x)(2.0)
    g.backward()
    assert w.grad.item() == pytest.approx(4.0)


def test_an_output_that_does_not_depend_on_the_argument_gives_zeros():
    assert gm.grad(lambda x: 1.0)(3.0) == 0.0
    assert gm.grad(lambda x, y: np.sum(y), 0)(np.ones(3), np.ones(2)).tolist() == [0.0, 0.0, 0.0]


def test_several_numbers_are_refused():
    with pytest.raises(NonScalarError, match=r"shape \(3,\).*np\.sum"):
        gm.grad(np.sin)(np.ones(3))


def test_what_is_no_number_is_refused_by_its_position():
    with pytest.raises(TypeError, match=r"argument 1 of <lambda> is text: .*argnums"):
        gm.grad(lambda x, y: x, 1)(1.0, "two")
    with pytest.raises(TypeError, match=r"argument 0 .* holds no array and no number"):
        gm.grad(lambda x: 1.0)(["one", None])
    with pytest.raises(TypeError, match=r"an array of dtype bool"):
        gm.grad(np.sum)(np.array([True]))


def test_autograd_grad_writes_no_grad():
    x = gm.tensor([1.0, 2.0], requires_grad=True)
    (g,) = gm.autograd.grad((x * x).sum(), x)
    assert g.tolist() == [2.0, 4.0] and x.grad is None


def test_create_graph_gives_second_derivatives():
    x = gm.tensor([1.0, 2.0], requires_grad=True)
    (g,) = gm.autograd.grad((x**3).sum(), x, create_graph=True)
    (h,) = gm.autograd.grad(g.sum(), x)
    np.testing.assert_allclose(h.numpy(), [6.0, 12.0])


def test_create_graph_through_backward():
    x = gm.tensor([1.0, 2.0], requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    (g,) = gm.autograd.grad(x.grad.sum(), x)
    np.testing.assert_allclose(g.numpy(), [6.0, 12.0])


def test_an_unused_input_is_an_error_or_none():
    x, y = (gm.tensor([1.0], requires_grad=True) for _ in range(2))
    with pytest.raises(NoGradError, match=r"not have been used.*allow_unused"):
        gm.autograd.grad(x.sum(), [x, y])
    assert gm.autograd.grad(x.sum(), [x, y], allow_unused=True)[1] is None


def test_several_outputs_add_up():
    x = gm.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    (g,) = gm.autograd.grad([y.sum(), y.mean()], x)
    np.testing.assert_allclose(g.numpy(), [3.0, 6.0])


def test_gradients_are_arrays_of_their_own():
    big = gm.grad(np.sum)(np.ones(10_000))
    big += 1  # a sum's gradient would otherwise be one number, seen everywhere
    gx, gy = gm.grad(lambda x, y: np.sum(x + y), (0, 1))(np.ones(3), np.ones(3))
    gx += 1
    assert gy.tolist() == [1.0, 1.0, 1.0]
    w = np.ones(3)
    gm.vjp(lambda x: x, np.ones(3))[1](w)[0][0] = 7.0
    assert w.tolist() == [1.0, 1.0, 1.0]
    x, y = (gm.tensor([1.0], requires_grad=True) for _ in range(2))
    dx, dy = gm.autograd.grad((x + y).sum(), [x, y])
    assert dx.array is not dy.array
