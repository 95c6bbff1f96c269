"""What is replaced outside gradmagic: nothing at import, all of it in one table, put back when the last block ends."""

from __future__ import annotations

import builtins
import math
import subprocess
import sys
import types
import warnings
from contextvars import copy_context

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.following import patches
from gradmagic.engine.following.block import following
from gradmagic.errors import ConversionError

X = np.array([1.0, 2.0, 4.0])
FOR_GOOD = {patches.WARNINGS.what, patches.HOOKS.what}

UNTOUCHED = """
import builtins, cmath, math, types, warnings
import numpy as np
try:
    import scipy.linalg, scipy.special
    scipys = [scipy.linalg, scipy.special]
except ImportError:
    scipys = []

def state():
    modules = [np, np.linalg, np.lib.stride_tricks, math, cmath, warnings, *scipys]
    return (
        [type(m) for m in modules], [dict(vars(m)) for m in modules if m is not np], vars(builtins).copy(),
        np.vectorize.__call__, np.ndenumerate.__init__, type(np.r_).__mro__[1].__getitem__, warnings._showwarnmsg,
        warnings.showwarning, warnings.filters[:], types.ModuleType.__getattribute__,
    )

before = state()
import gradmagic as gm
assert state() == before, "import"
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
before = state()
plain = vars(builtins).copy()
shell.run_line_magic("load_ext", "gradmagic")
assert state() == before, "load_ext"
assert gm.patched() == (), gm.patched()
shell.run_cell("import numpy as np\\nx = np.ones(3)")
shell.run_cell("%%grad --quiet x\\nz = (x * x).sum()")
hooks, shown = gm.patched()
own = sorted(f"builtins.{n}" for n in vars(builtins) if n.startswith("__gradmagic_"))
assert sorted(hooks.places) == own and "builtins.__gradmagic_named__" in own and len(own) > 20, hooks
assert {n: v for n, v in vars(builtins).items() if f"builtins.{n}" not in own} == plain
now = state()  # warnings._showwarnmsg is for good, and in the list
assert now[3:6] + now[7:] == before[3:6] + before[7:], "a cell"
assert shown.places == ("warnings._showwarnmsg",)
assert [type(m) for m in (np, math, np.linalg)] == [types.ModuleType] * 3
print("as it was")
"""


def test_nothing_is_replaced_by_the_import_and_the_extension():
    done = subprocess.run([sys.executable, "-c", UNTOUCHED], capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("as it was"), done.stderr


def test_the_table_says_what_why_when_and_how_it_is_put_back():
    assert len(patches.PATCHES) == 7
    for patch in patches.PATCHES:
        assert patch.what and patch.why and patch.when and patch.back and patch.places == ()


def now():
    return {patch.what: patch.places for patch in gm.patched() if patch.what not in FOR_GOOD}


def with_default(x, sin=math.sin):
    return x.sum() * sin(1.0)


def test_what_is_replaced_now_is_said():
    seen = []
    gm.grad(lambda x: seen.append(now()) or with_default(x))(X)
    (places,) = seen
    assert (
        "numpy.__class__" in places[patches.MODULES.what] and "math.__class__" in places[patches.MODULES.what]
    )
    assert (
        places[patches.METHODS.what]
        == (
            "numpy.lib._index_tricks_impl.AxisConcatenator.__getitem__",
            "numpy.ndenumerate.__init__",
            "numpy.vectorize.__call__",
        )
        or "numpy.vectorize.__call__" in places[patches.METHODS.what]
    )
    assert [name.rpartition(".")[2] for name in places[patches.HELD.what]] == ["__defaults__"]
    assert now() == {} and with_default.__defaults__ == (math.sin,)


def test_blocks_nest_and_overlap_in_any_order():
    copy_context().run(_overlapping)  # left in this order, they leave the context with one of them


def _overlapping() -> None:
    a, b, c = following(with_default), following(with_default), following()
    a.__enter__()
    inside = now()
    b.__enter__()
    c.__enter__()
    assert now() == inside
    for block in (a, c):  # not in the order in which they were entered, as generators may
        block.__exit__()
        assert now() == inside and type(np) is not types.ModuleType
    b.__exit__()
    assert now() == {} and type(np) is types.ModuleType and with_default.__defaults__ == (math.sin,)


def test_what_somebody_else_puts_there_meanwhile_stays():
    class Own(types.ModuleType):
        pass

    try:
        with following(with_default):
            math.__class__ = Own
            with_default.__defaults__ = (math.cos,)
        assert type(math) is Own and with_default.__defaults__ == (math.cos,)
    finally:
        math.__class__, with_default.__defaults__ = types.ModuleType, (math.sin,)


def test_a_block_that_cannot_be_entered_leaves_nothing(monkeypatch):
    monkeypatch.setattr("gradmagic.engine.following.block.hold", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        gm.grad(with_default)(X)
    assert now() == {} and type(np) is types.ModuleType


# ---- the switch ----------------------------------------------------------------------------------------------------


def filled(x):
    out = np.zeros(3)
    out[0] = x[0]
    return out.sum()


def test_switched_off_only_numpys_protocols_serve():
    with gm.set_following(False):
        assert gm.grad(lambda x: np.sum(np.sin(x)) + len(now()))(X).tolist() == np.cos(X).tolist()
        with pytest.raises(ConversionError, match="plain by assignment"):
            gm.grad(filled)(X)
        with pytest.warns(UserWarning, match="plain by float"):
            gm.grad(lambda x: math.sin(x[0]) * x[1])(X)
        gm.set_following(True)
        assert gm.grad(filled)(X).tolist() == [1.0, 0.0, 0.0]
    assert gm.grad(filled)(X).tolist() == [1.0, 0.0, 0.0]


def test_switched_from_here_on_and_inside_a_traced_function():
    def f(x):
        with gm.set_following(False):
            kinds.append(type(np.zeros(1)))
        kinds.append(type(np.zeros(1)) is np.ndarray)
        return x.sum()

    kinds: list[object] = []
    gm.grad(f)(X)
    assert kinds == [np.ndarray, False]
    gm.set_following(False)
    try:
        with pytest.raises(ConversionError):
            gm.grad(filled)(X)
    finally:
        gm.set_following(True)
    assert gm.grad(filled)(X).tolist() == [1.0, 0.0, 0.0]


def test_switched_off_warnings_name_the_line_that_called_numpy():
    with warnings.catch_warnings(record=True) as seen, gm.set_following(False):
        warnings.simplefilter("always")
        np.log(gm.tensor([0.0], requires_grad=True))
    assert [w.filename == __file__ for w in seen] == [False]


def test_the_names_in_builtins_hand_values_through():
    pytest.importorskip("IPython")
    from gradmagic.cell.reading import names

    names.instrument(__import__("ast").parse("y = 1"))
    gm.grad(lambda t: np.sum(X.dot(t)))(X)
    hook = getattr(builtins, "__gradmagic_named__")  # noqa: B009
    assert hook("y", 3, True) == 3 and getattr(builtins, "__gradmagic_dot__")(X)(X) == X.dot(X)  # noqa: B009
