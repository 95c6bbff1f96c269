"""Warnings name the user's line, once each, by the user's filters; in the sweep the line of the operation."""

import sys
import types
import warnings

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.tape import modes
from gradmagic.engine.tape.modes import settings


def line() -> int:
    """The line of the caller."""
    return sys._getframe(1).f_lineno


def leaf(*values):
    return gm.tensor(np.array(values), requires_grad=True)


def shown(function, action="always", **filters):
    with warnings.catch_warnings(record=True) as seen:
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
        warnings.filterwarnings(action, category=RuntimeWarning, **filters)
        function()
    return seen


@pytest.fixture
def places():
    before = settings().keep_places
    modes.keep_places(True)
    yield
    modes.keep_places(before)


WARNS = {
    "a function": lambda x: np.log(x),
    "an operator": lambda x: x / np.zeros(2),
    "a number's operator": lambda x: x / 0.0,
    "a product": lambda x: (x + 1e308) * 1e10,
    "a reduction": lambda x: np.sum(x + 1.7e308),
    "a method": lambda x: (x - 1).sqrt(),
    "several steps": lambda x: np.std(x / 0.0),
}


@pytest.mark.parametrize("what", WARNS)
def test_a_warning_names_the_line_that_computes(what):
    code = WARNS[what].__code__
    seen = shown(lambda: WARNS[what](leaf(0.0, 1.0)))
    assert seen
    assert {(w.filename, w.lineno) for w in seen} == {(__file__, code.co_firstlineno)}


def test_the_words_are_numpys():
    (seen,) = shown(lambda: np.log(leaf(0.0)))
    assert str(seen.message) == "divide by zero encountered in log"


def test_inside_gm_grad_too():
    f = lambda x: np.sum(np.log(x))  # the line that is meant
    seen = shown(lambda: gm.grad(f)(np.array([0.0])))
    assert (seen[0].filename, seen[0].lineno) == (__file__, f.__code__.co_firstlineno)


@pytest.mark.usefixtures("places")
def test_in_the_sweep_it_is_the_line_of_the_operation():
    x = leaf(0.0, 4.0)
    at = line() + 1
    y = np.sqrt(x)
    seen = shown(lambda: y.sum().backward())
    assert [(w.filename, w.lineno) for w in seen] == [(__file__, at)]
    assert str(seen[0].message) == "divide by zero encountered in divide (in the derivative of sqrt)"


@pytest.mark.usefixtures("places")
def test_in_a_recorded_sweep_and_in_forward_mode_too():
    f = lambda x: np.sqrt(x)  # the line that is meant
    for derivative in (
        lambda: gm.jvp(f, (0.0,), (1.0,)),
        lambda: gm.grad(gm.grad(f))(0.0),
    ):
        seen = shown(derivative)
        assert {(w.filename, w.lineno) for w in seen} == {(__file__, f.__code__.co_firstlineno)}


def test_without_places_it_is_the_line_that_asked_for_the_sweep():
    y = np.sqrt(leaf(0.0)).sum()
    code = (backward := lambda: y.backward()).__code__
    (seen,) = shown(backward)
    assert (seen.filename, seen.lineno) == (__file__, code.co_firstlineno)
    assert "in the derivative of sqrt" in str(seen.message)


def module_with(text):
    """A module of its own, whose registry of shown warnings is empty."""
    made = types.ModuleType("users_module")
    made.np = np
    exec(compile(text, "users_module.py", "exec"), vars(made))
    return made


@pytest.mark.parametrize(
    ("action", "lines"), [("default", [2, 3]), ("always", [2, 2, 3, 3]), ("once", [2]), ("module", [2])]
)
def test_how_often_it_is_shown_goes_by_the_users_lines(action, lines):
    text = "def f(x):\n    np.log(x)\n    np.log(x)\n"
    module = module_with(text)
    warnings.onceregistry.clear()

    def twice():
        module.f(leaf(0.0))
        module.f(leaf(0.0))

    seen = shown(twice, action)
    assert sorted(w.lineno for w in seen) == lines
    plain = module_with(text)
    warnings.onceregistry.clear()
    assert sorted(w.lineno for w in shown(lambda: [plain.f(np.zeros(1)) for _ in range(2)], action)) == lines


def test_filters_by_module_and_line_are_the_users():
    module = module_with("def f(x):\n    return np.log(x)\n")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.filterwarnings("error", module="users_module")
        with pytest.raises(RuntimeWarning, match="divide by zero"):
            module.f(leaf(0.0))


def test_warnings_as_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="divide by zero"):
            np.log(leaf(0.0))
        y = np.sqrt(leaf(0.0)).sum()
        with pytest.raises(RuntimeWarning, match="divide by zero") as caught:
            y.backward()
    assert caught.value.__notes__ == ["in the derivative of sqrt"]


@pytest.mark.usefixtures("places")
def test_numpys_own_errors_come_as_numpy_raises_them():
    x = leaf(0.0, 4.0)
    with np.errstate(all="raise"):
        with pytest.raises(FloatingPointError, match="divide by zero encountered in log"):
            np.log(x)
        at = line() + 1
        y = np.sqrt(x)
        with pytest.raises(FloatingPointError, match="divide by zero") as caught:
            y.sum().backward()
    assert caught.value.__notes__ == [f"in the derivative of sqrt, line {at} of test_numpy_warnings.py"]


def test_numpys_silence_is_kept():
    def silent():
        with np.errstate(all="ignore"):
            np.log(leaf(0.0))

    assert shown(silent) == []


def test_pytest_and_others_record_the_users_line_too():
    at = line() + 2
    with pytest.warns(RuntimeWarning, match="divide by zero") as seen:
        np.log(leaf(0.0))
    assert (seen[0].filename, seen[0].lineno) == (__file__, at)


def test_other_peoples_warnings_pass_untouched():
    def theirs():
        warnings.warn("theirs", RuntimeWarning, stacklevel=1)

    (seen,) = shown(theirs)
    assert (seen.filename, str(seen.message)) == (__file__, "theirs")
