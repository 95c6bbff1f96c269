"""check_grads finds a wrong derivative in every mode and order, names it, and blames no rule where there is none."""

import dataclasses
import math
import re
import sys
import warnings

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.check.differences import slope
from gradmagic.errors import CheckError, NotDifferentiableWarning

rng = np.random.default_rng(0)
X, W = rng.normal(size=3), rng.normal(size=(2, 3))


def wrong(f, *args, **options) -> str:
    with pytest.raises(CheckError) as caught:
        gm.check_grads(f, args, **options)
    return str(caught.value)


@dataclasses.dataclass
class Model:
    w: np.ndarray
    b: float
    name: str = "linear"


RIGHT = {
    "an array": (lambda x: np.tanh(x) * np.sum(x), (X,)),
    "a number": (lambda x: x**3, 2.0),
    "several": (lambda w, x: np.tanh(w @ x), (W, X)),
    "a NumPy scalar": (np.sin, (np.float64(0.3),)),
    "containers": (
        lambda p, k: {"y": p["W"][0] @ p["x"] * k, "z": [p["W"][1] ** 2]},
        ({"W": (W, 0.5), "x": X}, 3),
    ),
    "a data class": (lambda m, x: m.w @ x + m.b, (Model(W, 0.5), X)),
    "settings": (lambda x, axis, mode: np.sum(x, axis) if mode == "sum" else x, (W, 1, "sum")),
    "complex": (lambda z: z * z * np.conj(z), (np.array([1 + 2j, -0.5j]),)),
    "complex to real": (lambda z: np.abs(z) ** 2, (np.array([1 + 2j, -0.5j]),)),
    "real to complex": (np.fft.fft, (X,)),
    "float32": (lambda x: np.linalg.inv(x), ((rng.normal(size=(3, 3)) + 3 * np.eye(3)).astype(np.float32),)),
    "float16": (lambda x: x * x, (np.array([0.5, 1.5], np.float16),)),
    "a Tensor": (lambda t: (t * t).sum(dim=0), (gm.tensor([[1.0, 2.0], [3.0, 4.0]]),)),
    "a Tensor that requires grad": (lambda t: t.exp(), (gm.tensor([0.5], requires_grad=True),)),
    "many numbers": (lambda x: np.sin(x) * np.sum(x), (rng.normal(size=(12, 9)),)),
    "nearly singular": (np.log, (np.array([1e-5, 1e5]),)),
    "steep": (lambda x: np.tanh(1e4 * x), (np.array([1e-5]),)),
    "large": (lambda x: np.sum(x * x), (np.array([1e10, 3e10]),)),
    "small": (lambda x: x * x * 1e-20, (np.array([1e-8, 3e-10]),)),
    "close to a kink": (np.abs, (np.array([1e-6, -1e-5]),)),
    "a constant result": (lambda x: np.ones(2), (X,)),
    "whole results beside": (lambda x: (x * x, np.argmax(x), "text"), (X,)),
    "in place": (lambda x: np.multiply(x, 2.0, out=x), (X.copy(),)),
    "decomposition": (lambda x: np.linalg.eigh(x @ x.T), (W,)),
    "numerical itself": (gm.numeric(np.sin), (np.array([0.3, 1.0]),)),
    "empty": (lambda x: np.sum(x), (np.zeros((0, 2)),)),
}


@pytest.mark.parametrize("what", RIGHT)
def test_what_is_right_passes(what):
    f, args = RIGHT[what]
    with warnings.catch_warnings():
        warnings.simplefilter("error", NotDifferentiableWarning)
        checked = gm.check_grads(f, args)
    assert checked.compared > 0 or what == "empty"
    assert checked.worst < 0.5 and checked.notices == ()
    assert checked.orders == ("rev", "fwd", "rev over rev", "fwd over rev", "rev over fwd", "fwd over fwd")
    assert str(checked).startswith(checked.name) and "agree with" in str(checked)


def test_it_says_what_was_compared_and_how():
    checked = gm.check_grads(lambda x, w: np.tanh(w @ x), (X, W), order=1)
    assert re.fullmatch(
        r"<lambda>: 36 derivatives by x, w agree with complex step \(rev, fwd\); the largest difference is \S+ of "
        r"what is allowed\.",
        str(checked),
    )
    assert gm.check_grads(np.sin, X, order=1, method="central").methods == ("central differences",)
    assert gm.check_grads(lambda x: np.real(np.abs(x)) * x, X, order=1).methods == ("central differences",)
    assert gm.check_grads(gm.numeric(np.sin), X, order=1, modes=("fwd",)).orders == ("fwd",)


# -- wrong rules --------------------------------------------------------------------------------------


def wrong_vjp(factor):
    return gm.custom(
        lambda x: x**3, vjp=lambda g, y, x: factor(x) * x**2 * g, jvp=lambda t, y, x: 3 * x**2 * t[0]
    )


def wrong_jvp(factor):
    return gm.custom(
        lambda x: x**3, vjp=lambda g, y, x: 3 * x**2 * g, jvp=lambda t, y, x: factor(x) * x**2 * t[0]
    )


def test_a_wrong_vjp_is_shown_entry_by_entry():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    f = wrong_vjp(lambda x: np.where(np.arange(4).reshape(2, 2) == 2, 4.0, 3.0))
    assert wrong(f, x).split("\n") == [
        "<lambda>: reverse mode is wrong by argument x at [1, 0].",
        "  of the result   [1, 0]",
        "  gradmagic says  36",
        "  numbers say     27  (complex step)",
        "  difference      9, allowed 7.5e-05",
        "  at the value    3",
    ]


def test_a_wrong_jvp_is_told_from_the_vjp():
    text = wrong(wrong_jvp(lambda x: 2.0), X)
    assert text.startswith("<lambda>: forward mode is wrong by argument x at [0].")
    assert text.endswith("rev: no difference.")
    gm.check_grads(wrong_jvp(lambda x: 2.0), X, modes=("rev",))


def test_a_wrong_sign_is_said():
    assert wrong(wrong_vjp(lambda x: -3.0), X).endswith("It is right but for its sign.")


def test_a_second_order_that_is_wrong_alone():
    @gm.custom(vjp=lambda g, y, x: gm.stop_gradient(3 * x**2) * g, jvp=lambda t, y, x: 3 * x**2 * t[0])
    def cube(x):
        return x**3

    gm.check_grads(cube, X, order=1)
    text = wrong(cube, X)
    assert "order 2 (rev over rev) is wrong by argument x at [0]." in text
    assert "gradmagic says  0" in text


def test_the_argument_the_result_and_the_part_are_named():
    f = gm.custom(lambda a, b: (a * b, a + b), vjp=lambda g, out, a, b: (g[0] * b + g[1], g[0] * a - g[1]))

    def model(p):
        return f(p["a"], p["b"])

    text = wrong(model, {"a": X, "b": X[::-1].copy()})
    assert text.startswith(
        "model: reverse mode is wrong by argument p['b'] at [0].\n  of the result   result 1 [0]"
    )
    g = gm.custom(lambda z: z * z, vjp=lambda g, out, z: np.real(g * np.conj(2 * z)))
    z = np.array([1 + 2j])
    assert "by argument z at [0], by its imaginary part.\n  of the result   [0]" in wrong(g, z)
    h = gm.custom(lambda x: x + 1j * x * x, vjp=lambda g, out, x: np.real(g) + np.imag(g) * 3 * x)
    assert "of the result   [0] (imaginary part)" in wrong(h, X)
    assert "of the result" not in wrong(wrong_vjp(lambda x: 2.0), 2.0)


def test_a_wrong_entry_among_many_is_found():
    bad = np.ones(1000)
    bad[777] = 1.01
    x = rng.normal(size=1000)
    f = gm.custom(
        lambda x: np.sin(x), vjp=lambda g, y, x: np.cos(x) * bad * g, jvp=lambda t, y, x: np.cos(x) * t[0]
    )
    assert "reverse mode is wrong by argument x at [777].\n  of the result   [777]" in wrong(f, x)
    f = gm.custom(
        lambda x: np.sin(x), vjp=lambda g, y, x: np.cos(x) * g, jvp=lambda t, y, x: np.cos(x) * bad * t[0]
    )
    assert "forward mode is wrong by argument x at [777].\n  of the result   [777]" in wrong(f, x)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_how_small_an_error_it_finds(dtype):
    error = {np.float64: 1e-5, np.float32: 1e-2}[dtype]
    x = np.array([0.5, 2.0], dtype)
    assert "reverse mode is wrong" in wrong(wrong_vjp(lambda x: 3.0 * (1 + error)), x)
    gm.check_grads(wrong_vjp(lambda x: 3.0 * (1 + error)), x, order=1, rtol=2 * error)


def test_nan_is_wrong_where_the_function_is_smooth():
    assert "gradmagic says  nan" in wrong(wrong_vjp(lambda x: np.nan), X)


def test_a_gradient_where_there_is_none():
    f = gm.custom(lambda x: x * 0.0 + 1.0, vjp=lambda g, y, x: g * 1e-3)
    assert "numbers say     0" in wrong(f, X)


def test_a_traced_call_that_gives_another_value_is_found():
    def f(x):
        return x * 2.0 if isinstance(x, np.ndarray) and type(x) is np.ndarray else x * 3.0

    assert re.search(r"^f: the result, computed for rev, is .*, and .* without gradients\.$", wrong(f, X))
    g = lambda x: x[:2] if type(x) is not np.ndarray else x
    assert "is real of shape (2,), and real of shape (3,) without gradients" in wrong(g, X)


# -- points without a derivative ----------------------------------------------------------------------

KINKS = {
    "abs at 0": (np.abs, np.array([-1.0, 0.0, 2.0]), "x[1] = 0: differences from the two sides disagree"),
    "a tie": (
        lambda x: np.max(x),
        np.array([1.0, 3.0, 3.0]),
        "x[1] = 3: differences from the two sides disagree",
    ),
    "relu at 0": (lambda x: np.maximum(x, 0.0), np.array([0.0, 1.0]), "x[0] = 0: differences"),
    "sqrt at 0": (np.sqrt, np.array([0.0, 4.0]), "not finite on both sides of x[0] = 0"),
    "a step": (np.floor, np.array([0.5, 1.0]), "x[1] = 1: differences"),
    "norm at 0": (np.linalg.norm, np.zeros(2), "x[0] = 0: differences"),
    "a cusp": (lambda x: np.cbrt(x * x), np.array([0.0, 1.0]), "x[0] = 0: differences"),
    "the slope's kink": (
        lambda x: x * np.abs(x),
        np.array([0.0, 1.0]),
        "derivative (rev) of <lambda> is not diff",
    ),
}


@pytest.mark.parametrize("what", KINKS)
def test_a_point_without_a_derivative_is_noticed_and_no_rule_is_blamed(what):
    f, x, words = KINKS[what]
    if not hasattr(f, "__code__"):
        inner = f
        f = lambda x: inner(x)
    line = sys._getframe().f_lineno + 2
    with pytest.warns(NotDifferentiableWarning) as seen:
        checked = gm.check_grads(f, x)
    assert any(words in notice for notice in checked.notices), checked.notices
    assert str(seen[0].message) == checked.notices[0] and (seen[0].filename, seen[0].lineno) == (
        __file__,
        line,
    )
    assert checked.notices[0] in str(checked)
    assert checked.compared > 0 or what == "norm at 0"


def test_other_entries_are_compared_all_the_same():
    f = gm.custom(lambda x: np.abs(x), vjp=lambda g, y, x: g * np.where(x == 3.0, 2.0, np.sign(x)))
    assert "wrong by argument x at [2]" in wrong(f, np.array([-1.0, 0.0, 3.0]))
    assert "not compared: <lambda> is not differentiable at x[1] = 0" in wrong(f, np.array([-1.0, 0.0, 3.0]))


# -- what it refuses ----------------------------------------------------------------------------------


def test_what_cannot_be_checked_is_said():
    with pytest.raises(ValueError, match=r"gives different values for the same arguments"):
        gm.check_grads(lambda x: x * rng.normal(), X)
    with pytest.raises(ValueError, match=r"no float and no complex number"):
        gm.check_grads(lambda n: n * 2, (3, "a"))
    with pytest.raises(ValueError, match=r"mode 'back' is unknown"):
        gm.check_grads(np.sin, X, modes=("back",))
    with pytest.raises(ValueError, match=r"method='exact' is unknown"):
        gm.check_grads(np.sin, X, method="exact")


def test_a_function_that_fails_beside_the_point_says_where():
    with pytest.raises(ValueError, match="math domain error") as caught:
        gm.check_grads(gm.numeric(lambda x: math.sqrt(x[1])), (np.array([1.0, 1e-9]),))
    assert re.fullmatch(
        r"while the argument number 1 at \[1\] was moved by -7.*e-04", caught.value.__notes__[0]
    )


def test_arguments_are_left_as_they_are():
    x, before = X.copy(), X.tobytes()
    gm.check_grads(lambda x: np.add(x, 1.0, out=x), x, order=1)
    assert x.tobytes() == before


# -- the differences themselves -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "at", "derivative"),
    [
        (np.exp, 0.5, np.exp(0.5)),
        (np.sin, 1e6, np.cos(1e6)),
        (lambda x: 1 / x, 1e-4, -1e8),
        (lambda x: np.exp(-(x**2) * 1e8), 1e-4, -2e4 * np.exp(-1.0)),
        (lambda x: np.abs(x) ** 1.5, 1e-3, 1.5 * np.sqrt(1e-3)),
        (lambda x: x * 0 + 5.0, 1.0, 0.0),
    ],
)
def test_the_error_is_bounded_and_small(f, at, derivative):
    found = slope(lambda s: np.array([f(at + s)]), np.array([f(at)]), abs(at), 2.3e-16)
    assert found.usable[0] and not found.kink[0]
    assert abs(found.value[0] - derivative) <= found.error[0]
    assert found.error[0] <= 1e-3 * abs(derivative) + 1e-9
