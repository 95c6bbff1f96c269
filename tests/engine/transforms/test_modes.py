"""vjp, jvp, jacobian, hessian, hvp, elementwise_grad; containers; nesting in every combination."""

from __future__ import annotations

import itertools
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.errors import ArgumentError, NonScalarError, ShapeError

A = np.random.default_rng(0).normal(size=(4, 3))
X = np.array([0.3, -0.7, 1.1])
V = np.array([1.0, 2.0, -1.0])


def layer(x):
    return np.tanh(A @ x)


def energy(x):
    return np.sum(np.exp(np.sin(x) * x[::-1])) + np.linalg.norm(A @ x)


def central(f, x, v, h=1e-4):
    return (8 * (f(x + h * v) - f(x - h * v)) - (f(x + 2 * h * v) - f(x - 2 * h * v))) / (12 * h)


# ---- one derivative ------------------------------------------------------------------------------------------


def test_vjp_is_the_transpose_of_jvp():
    value, pull = gm.vjp(layer, X)
    same, moved = gm.jvp(layer, (X,), (V,))
    assert type(value) is np.ndarray and value.tolist() == same.tolist() == layer(X).tolist()
    g = np.array([1.0, -1.0, 0.5, 2.0])
    (c,) = pull(g)
    assert c @ V == pytest.approx(g @ moved)
    np.testing.assert_array_equal(pull(g)[0], c)  # as often as one likes


def test_a_tangent_is_what_differences_give():
    np.testing.assert_allclose(gm.jvp(layer, X, V)[1], central(layer, X, V), rtol=1e-9)


def test_jvp_of_numbers_gives_plain_numbers():
    value, tangent = gm.jvp(lambda x, n: x**n, (2.0, 3), (1.0, None))
    assert (value, tangent) == (8.0, 12.0) and type(value) is type(tangent) is float


@pytest.mark.parametrize("mode", ["reverse", "forward", "auto"])
def test_the_jacobian_has_every_derivative(mode):
    j = gm.jacobian(layer, mode=mode)(X)
    assert j.shape == (4, 3)
    np.testing.assert_allclose(j, np.stack([central(layer, X, e) for e in np.eye(3)], -1), rtol=1e-8)
    f = lambda m: m @ m  # of shape (2, 2) + (2, 2)
    m = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert gm.jacobian(f, mode=mode)(m)[0, 1].tolist() == [[2.0, 5.0], [0.0, 2.0]]


def test_modes_agree_to_the_last_digits():
    np.testing.assert_allclose(
        gm.jacobian(layer, mode="forward")(X), gm.jacobian(layer, mode="reverse")(X), rtol=1e-14
    )


def test_jacobians_of_several_arguments_and_values():
    f = lambda x, y: {"product": x * y, "sum": np.sum(x)}
    j = gm.jacobian(f, (0, 1))(np.ones(2), 3.0)
    assert j["product"][0].tolist() == [[3.0, 0.0], [0.0, 3.0]] and j["product"][1].tolist() == [1.0, 1.0]
    assert j["sum"][0].tolist() == [1.0, 1.0] and j["sum"][1] == 0.0


def test_the_jacobian_of_a_holomorphic_function_is_its_derivative():
    z = np.array([1 + 1j, 2.0])
    assert gm.jacobian(np.square)(z).diagonal().tolist() == [2 + 2j, 4]
    with pytest.raises(ArgumentError, match="not holomorphic"):
        gm.jacobian(np.conj)(z)
    np.testing.assert_allclose(gm.jacobian(lambda x: np.exp(1j * x))(np.zeros(1)), [[1j]])


def test_the_hessian_and_its_products():
    h = gm.hessian(energy)(X)
    np.testing.assert_allclose(h, h.T, rtol=1e-12)
    np.testing.assert_allclose(h @ V, central(gm.grad(energy), X, V), rtol=1e-7)
    np.testing.assert_allclose(gm.hvp(energy, X, V), h @ V, rtol=1e-12)
    (product,) = gm.hvp(energy, (X,), (V,))
    np.testing.assert_allclose(product, h @ V, rtol=1e-12)
    assert gm.hessian(lambda x: x**3)(2.0) == 12.0


def test_hessians_of_several_arguments():
    f = lambda x, y: np.sum(x * x * y)
    h = gm.hessian(f, (0, 1))(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    assert h[0][0].tolist() == [[6.0, 0.0], [0.0, 8.0]] and h[0][1].tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert h[1][1].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_a_linear_function_has_no_second_derivative():
    assert gm.hvp(lambda x: np.sum(3 * x), X, V).tolist() == [0.0, 0.0, 0.0]
    assert not gm.hessian(lambda x: np.sum(3 * x))(X).any()


def test_elementwise_grad_gives_every_slope():
    np.testing.assert_allclose(gm.elementwise_grad(np.sin)(X), np.cos(X))
    np.testing.assert_allclose(gm.elementwise_grad(gm.elementwise_grad(np.sin))(X), -np.sin(X))


# ---- containers ----------------------------------------------------------------------------------------------

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Model:
    w: object
    name: str


def test_arguments_may_be_containers():
    f = lambda p: np.sum(p["w"] ** 2) + p["layers"][0] * p["layers"][1][0]
    g = gm.grad(f)({"w": X, "layers": [2.0, (3.0, "relu", None)]})
    np.testing.assert_allclose(g["w"], 2 * X)
    assert g["layers"] == [3.0, (2.0, None, None)]


def test_containers_keep_their_kind():
    d = gm.grad(lambda d: d["a"] * 2)(OrderedDict(a=1.0))
    assert type(d) is OrderedDict and d["a"] == 2.0
    assert gm.grad(lambda d: d["a"] * 2)(defaultdict(list, a=1.0)).default_factory is list
    assert gm.grad(lambda p: p.x * p.y)(Point(2.0, 3.0)) == Point(3.0, 2.0)
    assert gm.grad(lambda m: m.w * 2)(Model(1.0, "linear")) == Model(2.0, None)
    assert gm.grad(lambda n: n[0] * n[1] * 1.0)([2, 3]) == [3.0, 2.0]


def test_values_and_tangents_may_be_containers():
    f = lambda p: (p["a"] * p["b"], [np.sin(p["a"])])
    value, tangent = gm.jvp(f, ({"a": 0.0, "b": 3.0},), ({"a": 1.0, "b": None},))
    assert value == (0.0, [0.0]) and tangent == (3.0, [1.0])
    value, pull = gm.vjp(f, {"a": 0.0, "b": 3.0})
    assert pull((1.0, [2.0])) == ({"a": 5.0, "b": 0.0},)
    assert pull((None, [2.0])) == ({"a": 2.0, "b": 0.0},)


def test_what_is_nested_otherwise_is_refused():
    _, pull = gm.vjp(lambda x: (x, x), X)
    with pytest.raises(TypeError, match="nested"):
        pull(X)
    with pytest.raises(TypeError, match="1 arguments and 2 tangents"):
        gm.jvp(layer, (X,), (V, V))
    with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
        gm.jvp(layer, (X,), (np.ones(2),))
    with pytest.raises(ShapeError, match=r"\(3,\).*\(4,\)"):
        gm.vjp(layer, X)[1](V)


def test_aux_is_handed_on_plain():
    f = lambda x: (np.sum(x * x), {"doubled": 2 * x, "note": "seen"})
    (value, aux), g = gm.value_and_grad(f, has_aux=True)(X)
    assert type(value) is float and type(aux["doubled"]) is np.ndarray and aux["note"] == "seen"
    np.testing.assert_allclose(g, 2 * X)
    assert gm.grad(f, has_aux=True)(X)[1]["note"] == "seen"
    assert gm.vjp(f, X, has_aux=True)[2]["note"] == gm.jvp(f, X, V, has_aux=True)[2]["note"] == "seen"
    with pytest.raises(TypeError, match=r"has_aux=True it gives \(value, aux\)"):
        gm.grad(np.sum, has_aux=True)(X)


def test_a_gradient_needs_one_number():
    with pytest.raises(NonScalarError, match=r"shape \(3,\).*elementwise_grad.*jacobian"):
        gm.grad(np.sin)(X)
    with pytest.raises(NonScalarError, match="a tuple"):
        gm.grad(lambda x: (x, x))(1.0)


# ---- nesting -------------------------------------------------------------------------------------------------


def reverse(f):
    return gm.grad(f)


def forward(f):
    return lambda x: gm.jvp(f, (x,), (1.0,))[1]


def pulled(f):
    return lambda x: gm.vjp(f, x)[1](1.0)[0]


@pytest.mark.parametrize(
    "modes",
    list(itertools.product([reverse, forward, pulled], repeat=3)),
    ids=lambda modes: " ".join(m.__name__ for m in modes),
)
def test_every_nesting_of_three_gives_the_third_derivative(modes):
    m = np.array([[2.0, 0.0], [0.0, 1.0]])
    f = lambda x: np.sin(x) * np.linalg.inv(m * np.exp(x))[0, 0]  # sin(x) exp(-x) / 2
    exact = lambda x: np.exp(-x) * (np.sin(x) + np.cos(x))
    g = f
    for mode in modes:
        g = mode(g)
    assert g(0.7) == pytest.approx(exact(0.7), rel=1e-9)


@pytest.mark.parametrize("outer", [reverse, forward, pulled])
@pytest.mark.parametrize("inner", [reverse, forward, pulled])
def test_inner_derivatives_over_outer_values(outer, inner):
    # d/dx of (d/dy x*y*y at y = x) = d/dx 2 x x = 4 x
    assert outer(lambda x: inner(lambda y: x * y * y)(x))(3.0) == pytest.approx(12.0)
    # no perturbation confusion: d/dx of x * (d/dy (x + y) at y = 1) = 1
    assert outer(lambda x: x * inner(lambda y: x + y)(1.0))(5.0) == pytest.approx(1.0)
    # an inner function that does not depend on its argument
    assert outer(lambda x: x * x + inner(lambda y: x * 2.0)(1.0))(3.0) == pytest.approx(6.0)


def test_a_tangent_may_itself_be_differentiated():
    f = lambda v: np.sum(gm.jvp(layer, X, v)[1] ** 2)
    j = gm.jacobian(layer)(X)
    np.testing.assert_allclose(gm.grad(f)(V), 2 * j.T @ j @ V, rtol=1e-12)
    g = lambda c: np.sum(gm.vjp(layer, X)[1](c)[0] ** 2)
    c = np.ones(4)
    np.testing.assert_allclose(gm.grad(g)(c), 2 * j @ j.T @ c, rtol=1e-12)


def test_jacobians_nest():
    third = gm.jacobian(gm.hessian(lambda x: np.sum(x**4)))(X)
    assert third.shape == (3, 3, 3)
    np.testing.assert_allclose(third[[0, 1, 2], [0, 1, 2], [0, 1, 2]], 24 * X)


def test_forward_mode_closes_over_tensors():
    w = gm.tensor(3.0, requires_grad=True)
    tangent = gm.jvp(lambda x: w * x * x, (2.0,), (1.0,))[1]
    tangent.backward()
    assert w.grad.item() == pytest.approx(4.0)


def test_tensors_as_arguments_give_tensors():
    t = gm.tensor([1.0, 2.0])
    value, tangent = gm.jvp(lambda t: t * t, (t,), (gm.ones(2),))
    assert isinstance(value, gm.Tensor) and tangent.tolist() == [2.0, 4.0]
    assert gm.jacobian(lambda t: t * t)(t).tolist() == [[2.0, 0.0], [0.0, 4.0]]


def test_under_no_grad_transforms_still_differentiate():
    with gm.no_grad():
        assert gm.jvp(np.sin, (0.0,), (1.0,))[1] == 1.0
        assert gm.vjp(np.sin, 0.0)[1](1.0) == (1.0,)
        np.testing.assert_allclose(gm.hvp(energy, X, V), gm.hessian(energy)(X) @ V)


def test_what_is_no_number_has_no_tangent():
    value, tangent = gm.jvp(lambda x: {"text": "s", "large": x > 1, "x": x}, X, V)
    assert value["text"] == "s" and tangent["text"] is None and tangent["large"].tolist() == [0.0, 0.0, 0.0]


def test_a_list_of_numbers_will_do_for_a_tangent_or_cotangent():
    np.testing.assert_allclose(gm.jvp(layer, X, [1.0, 2.0, -1.0])[1], gm.jvp(layer, X, V)[1])
    np.testing.assert_allclose(gm.hvp(energy, X, [1.0, 2.0, -1.0]), gm.hvp(energy, X, V))
    assert gm.vjp(np.sin, X)[1]([1.0, 0.0, 0.0])[0][0] == np.cos(X[0])


def test_arguments_that_are_not_there_are_named():
    with pytest.raises(
        TypeError, match=r"argnums=1, and energy was called with 1 positional argument: .*by position"
    ):
        gm.grad(energy, 1)(X)
    with pytest.raises(TypeError, match="called with 0 positional arguments"):
        gm.grad(energy)(x=X)


def test_the_value_is_a_plain_float_in_any_precision():
    value, gradient = gm.value_and_grad(lambda x: np.sum(x * x))(X.astype(np.float32))
    assert type(value) is float and gradient.dtype == np.float32


def test_a_write_inside_the_function_is_differentiated_in_every_mode():
    def f(x):
        x[0] = 5.0 * x[1]
        return np.sum(x**2)

    assert gm.grad(f)(V).tolist() == [0.0, 104.0, -2.0] and gm.jvp(f, V, np.ones(3))[1] == 102.0
    assert gm.hessian(f)(V).diagonal().tolist() == [0.0, 52.0, 2.0] and V.tolist() == [1.0, 2.0, -1.0]
