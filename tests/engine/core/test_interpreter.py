"""What is read from bytecode, on every Python that the tests run with: what is called, kept and written."""

# ruff: noqa: E501  (rows of code)

from __future__ import annotations

import ast
import gc
import sys
import threading

import numpy as np
import pytest

from gradmagic.engine.core import interpreter
from gradmagic.engine.core.frames import asks_attribute
from gradmagic.engine.core.interpreter import (
    only_called,
    parameter_given,
    uses,
    writes,
)

CALLED = [
    "np.zeros(3)", "np.linalg.inv(3)", "np.zeros(*s)", "np.zeros(3, dtype=float, **k)", "np.zeros((2, 2))[0].sum(3)",
    "f(np.zeros(3), np.sum([1, 2]))", "if np.zeros(3).any(): pass", "x[np.sum(y)] = 1", "(a if c else np.sum(b))(x)",
    "map(np.asarray, xs)", "functools.reduce(np.sum, xs)", "from numpy import zeros; zeros(3)",
    "make = np.zeros; make(3)", "make = np.zeros; other = make; other(3)",
    "def f(x):\n  m = np.zeros\n  return m(x)", "def f(x):\n  from numpy import zeros, sum\n  return sum(zeros(x))",
    "def f(x):\n  m = np.zeros\n  def g(): return m(3)\n  return g()", "y = [np.sum(x) for x in xs if np.sum(x)]",
    "d = {'a': np.sum}\nd['a'](x)", "d = {'a': np.sum, 'b': g}\nd[k](x)", "for f in (np.sum, g): f(x)",
    "[f(x) for f in (np.sum, g)]", "sum(f(x) for f in [np.asarray, g])", "def o(x):\n  for f in (np.sum, x): x = f(x)",
    "def g(x, make=np.zeros): return make(3)", "def g(x, *, k=3, make=np.zeros, j=4): return make(3)",
    "def h():\n  def g(x, make=np.zeros, k=3): return make(x) + h\n  return g",
    "__gradmagic_named__('z', np.zeros(3), True)", "make = __gradmagic_named__('make', np.zeros, True); make(3)",
    "d = __gradmagic_named__('d', {'a': np.sum, 'b': g}, True); d['a'](x)",
]  # fmt: skip
KEPT = [
    "np.zeros", "np.sum is r", "r is not np.sum", "f(np.sum)", "f(3, np.sum)", "d[np.sum]", "{np.sum: 1}",
    "d = {np.sum: 1}; d['a'](x)", "d = {np.sum: 1, 'b': 'c'}; d['a'](x)", "x = np.zeros", "x.f = np.zeros", "y = [np.sum]",
    "np.zeros == f", "np.zeros in fs", "pickle.dumps(np.sum)", "def f(x, r=np.sum): return r is x",
    "make = np.zeros; make(3); kept = make", "def f():\n  global m\n  m = np.sum", "np.sum.__name__", "f(np.zeros, True)",
    "x = f(np.zeros, True)", "np.zeros if c else 3", "np.sum or g", "map(f, np.sum)", "class A:\n  m = np.sum",
    "def f(x):\n  def g(m=np.sum): return m is x\n  return g", "lambda: np.sum", "print(np.sum, f(3))", "f(g(3), np.sum)",
    "for f in (np.sum, g): f(x); kept = f", "d = {'a': np.sum}; d['a'](x); print(d)", "def g(*, m=np.sum): return m",
    "(np.zeros if c else f)(3)", "(f if np.sum is f.g else g)(x)", "def g(x, m=np.zeros): return m(x) if m is not x else x",
    "y = x, np.sum", "return_ = f(x)(np.sum)", "with np.sum as y: pass", "x += np.sum", "del np.sum",
    "pair = __gradmagic_named__('pair', (np.sum, 3), True)", "f(*np.sum)", "f(k=np.sum)", "f'{np.sum}'",
]  # fmt: skip


def answers(text):
    """What is said of each place of a program that asks for a function of NumPy."""
    code = compile(text, "<a program>", "exec")
    return [
        only_called(part, step.at)
        for part in interpreter.parts(code)
        for step in interpreter._steps(part)
        if step.kind in ("attr", "import") and step.name in ("zeros", "sum", "inv", "asarray")
    ]


@pytest.mark.parametrize(
    "imported", ["", "import numpy as np\n"], ids=["", "imported"]
)  # 3.12 compiles them apart
@pytest.mark.parametrize("text", CALLED)
def test_what_is_called_and_nothing_else(text, imported):
    found = answers(imported + text)
    assert found and None not in found


@pytest.mark.parametrize("imported", ["", "import numpy as np\n"], ids=["", "imported"])
@pytest.mark.parametrize("text", KEPT)
def test_what_is_kept_compared_or_handed_on(text, imported):
    assert set(answers(imported + text)) <= {None}


def test_global_names_in_between_are_told():
    (found,) = answers("make = np.zeros; make(3)")
    assert found == {"make"}
    (found,) = answers("def g(x, make=np.zeros): return make(3)")
    assert found == {"g()"}


def test_compiled_code_that_asks_does_not_call():
    class Asked:
        def __getattr__(self, name):
            frame = sys._getframe(1)
            seen.append((only_called(frame.f_code, frame.f_lasti), asks_attribute(frame)))
            return abs

    seen: list[object] = []
    asked = Asked()
    asked.name(3)
    asked.name
    getattr(asked, "name")(3)  # noqa: B009
    assert seen == [(frozenset(), True), (None, True), (None, False)]


def test_the_uses_of_names():
    code = compile(
        "import mine.deep\nfrom mine import g\ny = g(x) + t['a'](x) + o.m(x)\nkeep(h)\nw.dot(x); np.dot",
        "",
        "exec",
    )
    found = uses(code)
    assert (
        found.modules == {"mine.deep", "mine"}
        and found.attributes == {"g", "m", "dot"}
        and found.dots == {"w"}
    )
    assert ("global", "h", "") in found.kept and ("global", "g", "") not in found.kept
    assert ("attr", "dot", "np") in found.kept and ("attr", "dot", "w") not in found.kept
    assert ("global", "t", "") not in found.entries_kept and ("global", "g", "") in found.entries_kept


@pytest.mark.parametrize(
    "text",
    ["a[0] = t", "a[1:] = t", "a += t", "np.add(x, x, out=a)", "np.cumsum(x, axis=0, out=a)", "np.copyto(a, t)", "a.sort()",
     "f = lambda: np.cumsum(x, axis=0, out=a)", "for a[i] in x: pass"],
)  # fmt: skip
def test_code_that_writes_into_arrays(text):
    assert writes(compile(text, "", "exec"))
    assert writes(compile(f"def f(x, a):\n {text}", "", "exec"))


@pytest.mark.parametrize("text", ["y = x * 2 + 1", "x[0] + x[1:]", "f(x, axis=0)", "a = b.c", "del x"])
def test_code_that_does_not(text):
    assert not writes(compile(text, "", "exec"))


def test_functions_that_give_one_of_their_parameters():
    assert parameter_given((lambda _z, _x, y: y).__code__) == 2
    assert parameter_given((lambda y: y).__code__) == 0
    for f in (lambda x: 2 * x, lambda x: np, lambda x: 1, lambda x, y: x if y else y):
        assert parameter_given(f.__code__) is None


def test_texts_are_parsed_in_several_threads_at_once():
    """On CPython 3.11 `ast.parse` itself raises a SystemError there, some dozen times."""
    text = "\n".join(
        f"def f{i}(u, v=[1, 2, (3, 4)]):\n    return {{'a': u + v[{i}] * (u - 1)}}" for i in range(60)
    )
    found, right = [], ast.dump(ast.parse(text))
    callback, interval, threshold = (lambda *_: sum(range(200))), sys.getswitchinterval(), gc.get_threshold()

    def work() -> None:
        found.extend(ast.dump(interpreter.parse(text)) == right for _ in range(60))

    gc.callbacks.append(callback)
    gc.set_threshold(300)
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*threshold)
        gc.callbacks.remove(callback)
    assert found == [True] * 180
