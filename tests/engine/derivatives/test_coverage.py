"""Everything of NumPy that dispatches has a rule, no derivative by nature, or a message that says what to write."""

from __future__ import annotations

import numpy as np
import numpy.char
import numpy.strings
import pytest
from numpy.testing import overrides

import gradmagic as gm
from gradmagic.engine.derivatives.composed import texts  # noqa: F401  (its tables are loaded late otherwise)
from gradmagic.engine.derivatives.numpy import constants
from gradmagic.engine.derivatives.ordered import REFUSED
from gradmagic.engine.dispatch.protocols import COMPOSED
from gradmagic.engine.faces.numpy.array import Array
from gradmagic.engine.rules.declare import RULES
from gradmagic.engine.rules.rule import CONSTANT
from gradmagic.engine.tape.modes import watch
from gradmagic.engine.watch.recorder import Recorder
from gradmagic.errors import ArgumentError

try:
    import scipy.special as sp
except ImportError:
    sp = None


def dispatched() -> dict[str, object]:
    """List NumPy's overridable functions and ufuncs, by NumPy's own count."""
    found: dict[str, object] = {}
    for f in overrides.get_overridable_numpy_array_functions():
        # NumPy lists np.eye and its kin twice: as itself, and as what like= goes through, which nobody calls.
        public = getattr(np, f.__name__, None)
        found[f"{f.__module__}.{f.__name__}"] = public if getattr(public, "__module__", "") == "numpy" else f
    for f in overrides.get_overridable_numpy_ufuncs():
        if f.types:  # NumPy 2.5 has some for itself: without a loop for any array
            found[f"numpy.{f.__name__} (ufunc)"] = f
    return found


# Those of scipy.special come into the list once it is imported.
FUNCTIONS = {
    name: f
    for name, f in dispatched().items()
    if name.startswith("numpy.") and not (sp and getattr(sp, f.__name__, None) is f)
}


def kinds_of(function: object) -> list[str]:
    rule = RULES.get(function)
    found = ["rule"] * (rule is not None and rule is not CONSTANT) + ["constant"] * (rule is CONSTANT)
    if function in COMPOSED:
        found.append("refused" if function in REFUSED else "rule")
    return found


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_each_function_is_of_one_kind(name: str) -> None:
    assert len(kinds_of(FUNCTIONS[name])) == 1, name


def plain_call(function: object) -> tuple[object, ...]:
    """Give arguments of which NumPy makes the function's result."""
    return {
        np.arange: (3,), np.eye: (2,), np.identity: (2,), np.tri: (2,), np.frombuffer: (b"\0" * 8,),
        np.fromiter: ([1.0, 2.0], float), np.fromstring: ("1 2", float, -1), np.fromfunction: (lambda i: i, (3,)),
    }.get(function, ((2, 2),))  # fmt: skip


@pytest.mark.parametrize("function", constants.NEW, ids=lambda f: f.__name__)
def test_new_arrays_like_a_tracked_one_are_plain(function: object) -> None:
    x = Array.lift(np.ones(3))
    args = plain_call(function)
    if function is np.fromstring:
        args = ("1 2",)
        made, expected = function(*args, sep=" ", like=x), function(*args, sep=" ")
    else:
        made, expected = function(*args, like=x), function(*args)
    assert type(made) is np.ndarray
    assert (made.shape, made.dtype) == (expected.shape, expected.dtype)


def test_files_get_the_values(tmp_path: object) -> None:
    x = Array.lift(np.array([1.5, 2.5]))
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x)
    np.savetxt(tmp_path / "x.txt", x)
    assert np.load(tmp_path / "x.npy").tolist() == np.load(tmp_path / "x.npz")["x"].tolist() == [1.5, 2.5]
    assert np.loadtxt(tmp_path / "x.txt", like=x).tolist() == [1.5, 2.5]


@pytest.mark.parametrize("name", sorted(n for n, f in FUNCTIONS.items() if f in REFUSED))
def test_a_refused_function_is_named_and_says_what_to_write(name: str) -> None:
    with pytest.raises(
        ArgumentError, match=rf"{FUNCTIONS[name].__name__} has no derivative.*\. (Write|Take) "
    ):
        COMPOSED[FUNCTIONS[name]](gm.tensor([1.0, 2.0], requires_grad=True), 3.0)


def test_a_refused_function_computes_in_a_cell_and_is_noted() -> None:
    recorder = Recorder()
    with watch(recorder):
        assert np.nextafter(Array.lift(np.ones(2)), 2.0).tolist() == np.nextafter(np.ones(2), 2.0).tolist()
    assert len(recorder.cuts) == 1
