"""The fuzzer sees what it is there to see: wrong gradients, and all that a run could leave otherwise."""

import dataclasses

import numpy as np
import pytest

from gradmagic.report.model import Note

from . import judge as judging
from .draw import draw
from .reach import differences
from .running import Program, earlier, read, with_magic
from .shrink import shrunk
from .truth import wrong

SQUARES = Program("x = np.array([1.0, -2.0, 0.5])", "x", "y = x * x\nz = y.sum()")


def left(text: str) -> dict:
    return earlier(Program(text, "", "z = 0"))


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ("a = 1.0", "a = 1"),
        ("a = 0.0", "a = -0.0"),
        ("a = np.float64(1)", "a = 1.0"),
        ("a = np.ones(3)", "a = np.ones(3, 'f4')"),
        ("a = np.ones((2, 3))", "a = np.ones((3, 2)).T"),
        ("a = np.ones(2)", "a = np.ones(2)\na.flags.writeable = False"),
        ("a = np.ones(3); b = a", "a = np.ones(3); b = a.copy()"),
        ("a = np.ones(3); b = a.copy()", "a = np.ones(3); b = a"),
        ("a = np.ones(3); b = a[1:]", "a = np.ones(3); b = np.ones(3)[1:]"),
        ("a = np.ones(3); b = a[:2]", "a = np.ones(3); b = a[1:]"),
        ("a = [1.0, (2, {'k': 3.0})]", "a = [1.0, (2, {'k': np.float64(3)})]"),
        ("a = {1.0}", "a = {1}"),
        ("a = {1.0: 2}", "a = {1: 2}"),
        ("a = {float('nan'): 1}", "a = {float('nan'): 2}"),
        ("class P: pass\np = P(); p.v = 1.0", "class P: pass\np = P(); p.v = 2.0"),
        (
            "class P: __slots__ = ('v',)\np = P(); p.v = 1.0",
            "class P: __slots__ = ('v',)\np = P(); p.v = np.float64(1)",
        ),
        ("class P: v = 1.0", "class P: v = 2.0"),
        ("f = (lambda q: lambda: q)(1.0)", "f = (lambda q: lambda: q)(2.0)"),
        ("def f(a=1.0): pass", "def f(a=2.0): pass"),
        ("g = (v for v in [1.0])", "g = (v for v in [2.0])"),
        ("i = iter([1.0, 2.0])", "i = iter([1.0, 3.0])"),
        ("e = ValueError(1.0)", "e = ValueError(2.0)"),
        (
            "import functools\n@functools.lru_cache\ndef f(n): return n * 1.0\nf(2)",
            "import functools\n@functools.lru_cache\ndef f(n): return n * 1.0\nf(3)",
        ),
        (
            "import contextvars\nc = contextvars.ContextVar('c'); c.set(1.0)",
            "import contextvars\nc = contextvars.ContextVar('c'); c.set(2.0)",
        ),
        (
            "import weakref\na = np.ones(2); r = weakref.ref(a)",
            "import weakref\na = np.ones(2); r = weakref.ref(a.copy())",
        ),
        ("r = np.random.default_rng(1)", "r = np.random.default_rng(2)"),
        ("a = 1.0", "b = 1.0"),
    ],
)  # fmt: skip
def test_what_differs_is_found_and_what_is_alike_is_not(plain, other):
    assert differences(left(plain), left(other))
    assert not differences(left(plain), left(plain))


@pytest.mark.parametrize(
    ("f", "said", "right"),
    [
        (lambda h: (1 + h) ** 3, 3.0, None),
        (lambda h: (1 + h) ** 3, 3.01, 3.0),
        (lambda h: (1 + h) ** 3, np.nan, 3.0),
        (abs, 0.7, None),  # a kink: no number is wrong
        (
            lambda h: float(np.sum(np.float32([1.04, 1.56, -0.42, 1.54 * (1 + h), 1.82]) ** 2)),
            2 * 1.54**2,
            None,
        ),
        (lambda h: float(h > 0), 0.0, None),  # a jump
        (lambda h: float(f"{0.123 + h:.2f}"), 0.0, None),
        (lambda h: float(np.float32(2 + h)) ** 2, 4.0, None),  # rounding: differences are no better than 1e-3
        (lambda h: float(np.float32(2 + h)) ** 2, 2.0, 4.0),
    ],
)
def test_differences_say_what_is_wrong_where_they_can(f, said, right):
    assert wrong(f, said, 1e-5) == (right if right is None else pytest.approx(right, rel=1e-3))


def test_a_wrong_gradient_is_silent_and_with_a_note_noted(monkeypatch):
    def lied(program, **changes):
        ran = with_magic(program)
        (entry,) = ran.trace.inputs
        off = dataclasses.replace(entry, array=entry.array * 1.1)
        ran.trace = dataclasses.replace(ran.trace, inputs=(off,), **changes)
        return ran

    assert [f.verdict for f in judging.judge(SQUARES)] == ["right"] * 4
    monkeypatch.setattr(judging, "with_magic", lied)
    assert judging.judge(SQUARES)[0].verdict == "silent"
    note = Note("cut", "line 1: ...", 1)
    monkeypatch.setattr(judging, "with_magic", lambda program: lied(program, notes=(note,)))
    assert judging.judge(SQUARES)[0].verdict == "noted"


def test_a_note_that_nothing_calls_for_is_unneeded(monkeypatch):
    def noted(program):
        ran = with_magic(program)
        ran.trace = dataclasses.replace(ran.trace, notes=(Note("cut", "line 1: ...", 1),))
        return ran

    monkeypatch.setattr(judging, "with_magic", noted)
    assert judging.judge(SQUARES)[0].verdict == "unneeded"


def test_a_program_is_the_same_each_time_and_reads_as_it_is_written():
    program = draw(3, 14)
    assert draw(3, 14) == program == read(str(program))


def test_a_program_shrinks_to_what_matters():
    program = Program("x = 1.0\ny = 2.0", "x", "a = x + 1\nb = np.sin(a * 3)\nif b:\n    c = b\nz = a + b")
    small = shrunk(program, lambda p: "np.sin" in p.cell and "z =" in p.cell)
    assert len(small.cell.splitlines()) <= 2 and "y" not in small.setup
