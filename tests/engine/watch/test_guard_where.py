"""guard_where: 0 * inf counts as 0 in the sweep, where it is asked for, and says where it acted."""

import warnings

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.tape.modes import settings
from gradmagic.errors import MaskedWarning

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")

X = np.array([-1.0, 0.0, 4.0])
GUARDED = {
    "log": (lambda x: np.where(x > 0, np.log(x), 0.0), [0, 0, 0.25]),
    "sqrt": (lambda x: np.where(x > 0, np.sqrt(x), 0.0), [0, 0, 0.25]),
    "quotient": (lambda x: np.where(x != 0, np.sin(x) / x, 1.0), None),
    "power": (lambda x: np.where(x > 0, x**0.5, x), [1, 1, 0.25]),
    "a longer way": (lambda x: np.where(x > 0, np.exp(np.sqrt(x) * 2.0), 0.0), [0, 0, np.exp(4.0) / 2]),
    "a broadcast number": (lambda x: np.where(x > 0, np.log(x * 1.0 + x[:1] * 0.0), 0.0), [0, 0, 0.25]),
    "an inner mask": (lambda x: np.log(np.abs(x)) * (x > 0), [0, 0, 0.25]),
}


@pytest.mark.parametrize("what", GUARDED)
def test_entries_that_are_not_chosen_have_no_gradient(what):
    f, expected = GUARDED[what]
    if expected is None:
        expected = [np.cos(v) / v - np.sin(v) / v**2 if v else 0.0 for v in X]
    with gm.guard_where():
        found = gm.elementwise_grad(f)(X)
        t = gm.tensor(X, requires_grad=True)
        f(t).sum().backward()
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(t.grad.numpy(), expected, rtol=1e-12)


def test_without_it_the_gradient_is_nan():
    assert np.isnan(gm.elementwise_grad(GUARDED["sqrt"][0])(X)[1])


def test_second_order_forward_over_reverse_and_float32():
    f = lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0))
    expected = np.diag([0, 0, -1 / 32])
    with gm.guard_where():
        np.testing.assert_allclose(gm.hessian(f)(X), expected, rtol=1e-12)
        found = gm.grad(f)(X.astype(np.float32))
    assert found.dtype == np.float32 and found.tolist() == [0, 0, 0.25]


def test_forward_mode_agrees():
    f = lambda x: np.sum(np.where(x > 0, np.sqrt(x) ** np.sqrt(x), 0.0))
    g = lambda x: np.sqrt(x) * np.log(x)
    t = np.array([0.0, 0.0, 1.0])  # a direction along which the first two do not move
    with gm.guard_where():
        np.testing.assert_allclose(gm.jvp(f, (X,), (t,))[1], gm.grad(f)(X) @ t, rtol=1e-12)
        assert gm.jvp(g, (X,), (t,))[1].tolist() == [0, 0, gm.grad(g)(4.0)]
    assert np.isnan(gm.jvp(g, (X,), (t,))[1][1])


def test_a_gradient_that_does_count_stays_infinite():
    with gm.guard_where():
        assert gm.elementwise_grad(np.sqrt)(np.array([0.0, 4.0])).tolist() == [np.inf, 0.25]
        assert np.isnan(gm.elementwise_grad(lambda x: x * np.nan)(X)).all()


def test_a_function_of_whole_arrays_is_masked_where_its_whole_cotangent_is_zero():
    def f(x):
        return np.where(False, np.linalg.inv(np.reshape(x, (1, 1)) + 1e-320), 3.0).sum()

    with gm.guard_where():
        assert gm.grad(f)(np.array([0.0])).tolist() == [0.0]


def test_it_says_where_it_acted_once_a_line():
    f = lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0))
    with pytest.warns(MaskedWarning) as seen, gm.guard_where() as guard:
        _ = [gm.grad(f)(np.zeros(3)) for _ in range(2)]
    assert not settings().keep_places
    at = f.__code__.co_firstlineno
    assert [(w.filename, w.lineno) for w in seen] == [(__file__, at)]
    assert str(seen[0].message) == (
        f"0 * inf was taken as 0 at 3 entries in the derivative of sqrt (np.sqrt(x)), line {at} of "
        "test_guard_where.py: the result does not depend on such an entry, and the derivative there is not finite."
    )
    (one,) = guard.acted
    assert (one.name, one.entries) == ("sqrt", 6)


def test_nothing_is_said_and_nothing_changed_where_nothing_is_wrong():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3))
    f = lambda x: np.sum(np.tanh(x @ x.T) * np.exp(x[0, 0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with gm.guard_where() as guard:
            found = gm.grad(f)(x)
    assert guard.acted == []
    assert found.tobytes() == gm.grad(f)(x).tobytes()


def test_as_a_decorator_nested_and_left_by_an_error():
    f = GUARDED["sqrt"][0]
    guarded = gm.guard_where()(gm.elementwise_grad(f))
    assert guarded(X).tolist() == [0, 0, 0.25]
    with gm.guard_where():
        with gm.guard_where(False):
            assert np.isnan(gm.elementwise_grad(f)(X)[1])
        assert gm.elementwise_grad(f)(X)[1] == 0
        with pytest.raises(ZeroDivisionError), gm.guard_where():
            1 / 0
    assert settings().masking is None
