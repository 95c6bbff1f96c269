"""Functions that a cell enters: hooks stand in their code while it runs, and what they compute is followed.

Whatever ends the cell, they have their own code afterwards, and are the objects that they were all along.
"""

# ruff: noqa: E501  (a cell on one line of a table)

from __future__ import annotations

import dis
import importlib.util
import inspect
import linecache
import pickle
import sys
import threading
from contextvars import copy_context
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.cell.membrane.membrane import Membrane
from gradmagic.cell.run import Failed
from gradmagic.engine.core import interpreter

from ..helpers import fresh, traced

# What the user's module has: each function gives 3 * u, in a way of its own.
MODULE = """
import contextlib, dataclasses, functools, operator
import numpy as np

def plain(u): return u * 3
def default(u, k=3.0): return u * k
def make(k):
    def inner(u): return u * k
    return inner
closure = make(3)
by_lambda = lambda u: u * 3

def logged(f):
    @functools.wraps(f)
    def inner(*args): return f(*args)
    return inner
@logged
def decorated(u): return u * 3
@functools.lru_cache
def cached(u): return u * 3
@functools.singledispatch
def generic(u): return u * 1
@generic.register(float)
def _of_float(u): return u * 3
part = functools.partial(operator.mul, 3)
own_part = functools.partial(lambda k, u: u * k, 3)

def steps(u):
    yield u * 1
    yield u * 2
def generator(u): return sum(steps(u))
def recursive(u, n=3): return u if n == 1 else u + recursive(u, n - 1)
@contextlib.contextmanager
def managed(u): yield u * 3
def by_with(u):
    with managed(u) as v: return v

class Model:
    scale = 3
    def __init__(self, u=None): self.u = u
    def method(self, u): return u * self.scale
    @staticmethod
    def static(u): return u * 3
    @classmethod
    def of_class(cls, u): return u * cls.scale
    @property
    def value(self): return self.u * 3
    @functools.cached_property
    def kept(self): return self.u * 3
    def __call__(self, u): return u * 3
    def __getitem__(self, u): return u * 3
    def __mul__(self, u): return u * 3
    def __rmul__(self, u): return u * 3
    def __iter__(self):
        for _ in range(3): yield self.u
    def __enter__(self): return self.u * 3
    def __exit__(self, *_): pass
    def __float__(self): return self.u * 3
    def __abs__(self): return self.u * 3
    def __len__(self): self.length = self.u * 3; return 1
    def __bool__(self): self.truth = self.u * 3; return True
    def __lt__(self, other): self.less = self.u * 3; return True
    def __contains__(self, u): self.within = u * 3; return True
    def __delitem__(self, u): self.gone = u * 3
    def __str__(self): self.shown = self.u * 3; return ''
    def __next__(self): return self.u * 3
    def __add__(self, other): return Model(self.u + getattr(other, 'u', 0.0))
    __radd__ = __add__
    def __array__(self, dtype=None, copy=None): return np.array([self.u, self.u * 2])
    def __getattr__(self, name):
        if name == 'dynamic': return self.u * 3
        raise AttributeError(name)
class Child(Model):
    def method(self, u): return super().method(u)
class Descriptor:
    def __get__(self, owner, kind=None): return owner.u * 3
class Described:
    d = Descriptor()
@dataclasses.dataclass
class Data:
    u: float
    def total(self): return self.u * 3
model, child = Model(), Child()
"""
CALLS = {
    "a function": "z = plain(a)", "a default argument": "z = default(a)", "a closure": "z = closure(a)",
    "made by a function": "z = make(3)(a)", "a lambda": "z = by_lambda(a)", "decorated": "z = decorated(a)",
    "cached": "z = cached(a)", "generic": "z = generic(a)", "a partial of an operator": "z = part(a)",
    "a partial": "z = own_part(a)", "a generator": "z = generator(a)", "recursive": "z = recursive(a)",
    "a context manager": "z = by_with(a)", "a context manager of the cell's": "with managed(a) as v:\n    z = v * 1.0",
    "a method": "z = model.method(a)", "a static method": "z = Model.static(a)", "a class method": "z = Model.of_class(a)",
    "by the class": "z = Model.method(model, a)", "super": "z = child.method(a)", "a property": "model.u = a\nz = model.value",
    "a cached property": "z = Model(a).kept", "an object called": "z = model(a)", "an entry": "z = model[a]",
    "an operator": "z = model * a", "a reflected operator": "z = a * model", "iteration": "model.u = a\nz = sum(model)",
    "unpacking": "model.u = a\np, q, r = model\nz = p + q + r", "with": "model.u = a\nwith model as z: pass", "float()": "model.u = a\nz = float(model)",
    "abs()": "model.u = a\nz = abs(model)", "len()": "model.u = a\nlen(model)\nz = model.length * 1.0", "a test": "model.u = a\nif model: pass\nz = model.truth * 1.0",
    "a comparison": "model.u = a\nmodel < 3\nz = model.less * 1.0", "in": "a in model\nz = model.within * 1.0",
    "max()": "model.u = a\nmax([model, Model(1.0)])\nmin([Model(2.0), model])\nz = model.less * 1.0 if hasattr(model, 'less') else a * 3",
    "sorted by it": "model.u = a\nsorted([Model(1.0), model])\nz = model.less * 1.0 if hasattr(model, 'less') else a * 3",
    "del": "del model[a]\nz = model.gone * 1.0", "text": "model.u = a\nstr(model)\nz = model.shown * 1.0", "printed": "model.u = a\nprint(model, end='')\nz = model.shown * 1.0",
    "formatted": "model.u = a\n'%s' % model\nz = model.shown * 1.0", "next()": "model.u = a\nz = next(model)", "sum()": "model.u = a\nz = sum([model, model, model]).u",
    "an array of it": "model.u = a\nz = np.asarray(model).sum()", "__getattr__": "model.u = a\nz = model.dynamic",
    "a descriptor": "o = Described()\no.u = a\nz = o.d", "a data class": "z = Data(a).total()", "mapped": "(z,) = map(plain, [a])",
    "a key": "z = plain(max([a, 0.0], key=plain))", "in a dict": "z = {'f': plain}['f'](a)", "as an argument": "z = (lambda f, u: f(u))(plain, a)",
    "in a container of objects": "model.u = a\nz = [[model]][0][0].value", "vectorized": "z = np.vectorize(plain)(np.array([a])).sum()",
    "along an axis": "z = np.apply_along_axis(plain, 0, np.array([a])).sum()", "reduced": "import functools\nz = functools.reduce(lambda p, q: p + plain(q), [a], 0.0)",
    "a decorator of the cell's": "@logged\ndef f(u): return plain(u)\nz = f(a)", "a class of the cell's": "class K(Model):\n    scale = 1\n    def method(self, u): return super().method(u) * 3\nz = K().method(a)",
    "a thread": "import threading\nout = []\nt = threading.Thread(target=lambda: out.append(plain(a)))\nt.start()\nt.join()\nz = out[0] * 1.0",
    "exec": "exec('z = plain(a)')\nz = z * 1.0",
}  # fmt: skip


@pytest.fixture(params=["a file", "a cell"])
def user(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The user's names, from a module in a file or from a cell of the session."""
    if request.param == "a file":
        module = loaded(tmp_path / "users_module.py", MODULE)
        yield vars(module)
        sys.modules.pop("users_module", None)
    else:
        names, module = fresh(), ModuleType("__main__")
        linecache.cache["<earlier cell>"] = (len(MODULE), None, MODULE.splitlines(True), "<earlier cell>")
        monkeypatch.setitem(sys.modules, "__main__", module)
        exec(compile(MODULE, "<earlier cell>", "exec"), names)
        vars(module).update(names)
        yield names
        linecache.cache.pop("<earlier cell>", None)


def loaded(path: Path, text: str) -> ModuleType:
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("users_module", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["users_module"] = module
    spec.loader.exec_module(module)
    return module


def codes(names: dict[str, Any]) -> dict[str, CodeType]:
    """The code of every function that the user's names hold, of classes too."""
    found = {}
    for name, value in names.items():
        for part, held in {name: value, **(vars(value) if isinstance(value, type) else {})}.items():
            inner = getattr(held, "__func__", getattr(held, "fget", getattr(held, "func", held)))
            for function in (inner, getattr(inner, "__wrapped__", None)):
                if type(function) is FunctionType and function.__module__ == names["__name__"]:
                    found[f"{name}.{part} {function.__qualname__}"] = function.__code__
    return found


def hooked(code: CodeType) -> bool:
    """Whether there is a hook in it, or in a function within."""
    inner = any(hooked(c) for c in code.co_consts if isinstance(c, CodeType))
    return inner or any("gradmagic" in name for name in code.co_names)


def of_cell(user: dict[str, Any]) -> dict[str, Any]:
    return {**user, "a": 2.0, "np": np}


@pytest.mark.parametrize("title", CALLS)
def test_what_the_users_functions_compute_is_followed(user: dict[str, Any], title: str) -> None:
    names, before = of_cell(user), codes(user)
    trace = traced(CALLS[title], names, "a")
    assert trace.result.name == "z" and float(trace.inputs[0].array) == 3.0
    assert [note for note in trace.notes if note.kind == "cut"] == []
    assert float(names["z"]) == 6.0
    assert codes(user) == before and len(before) > 30


ENDS = {
    "an error": ("raise ValueError('mine')", ValueError), "an error in a function": ("plain('a', 'b')", TypeError),
    "an interrupt": ("raise KeyboardInterrupt", KeyboardInterrupt), "an exit": ("import sys\nsys.exit(3)", SystemExit),
    "a generator's end": ("next(iter(()))", StopIteration), "an error of NumPy's": ("np.ones(2) + plain(np.ones(3) * a)", ValueError),
}  # fmt: skip
ALL = "\n".join(
    text.replace("z =", f"z{k} =").replace("z:", f"z{k}:")
    for k, text in enumerate(
        t for n, t in CALLS.items() if n not in ("with", "exec", "mapped", "a class of the cell's")
    )
)


@pytest.mark.parametrize("title", ENDS)
def test_every_function_has_its_own_code_whatever_ends_the_cell(user: dict[str, Any], title: str) -> None:
    text, kind = ENDS[title]
    before = codes(user)
    with pytest.raises(Failed) as failed:
        traced(f"{ALL}\n{text}", of_cell(user), "a")
    assert type(failed.value.__cause__) is kind
    assert codes(user) == before
    assert all(now is code for now, code in zip(codes(user).values(), before.values(), strict=True))


def test_hooks_stand_in_the_code_while_the_cell_runs_and_the_function_is_the_same_object(
    user: dict[str, Any],
) -> None:
    seen = []
    names = of_cell(user) | {"look": lambda: seen.append(hooked(user["plain"].__code__))}
    plain, there = user["plain"], id(user["plain"])
    traced("look()\nf = plain\nz = plain(a)\nlook()\nsame = f is plain", names, "a")
    assert seen == [False, True] and names["same"] is True
    assert user["plain"] is plain and id(plain) == there and not hooked(plain.__code__)


def test_what_is_asked_of_a_function_is_answered_as_without_the_magic(user: dict[str, Any]) -> None:
    text = (
        "plain(a)\nsource = inspect.getsource(plain)\nline = inspect.getsourcelines(plain)[1]\n"
        "signature = str(inspect.signature(default))\nsaved = pickle.dumps(plain)\nagain = pickle.loads(saved) is plain\n"
        "facts = [plain.__name__, plain.__qualname__, plain.__defaults__, plain.__code__.co_varnames, plain.__code__.co_firstlineno,\n"
        "         plain.__code__.co_argcount, plain.__code__.co_filename]\nz = plain(a)"
    )
    both = []
    for magic in (False, True):
        names = of_cell(user) | {"inspect": inspect, "pickle": pickle}
        if magic:
            traced(text, names, "a")
        else:
            exec(text, names)
        both.append([names[n] for n in ("source", "line", "signature", "saved", "again", "facts", "z")])
    assert both[0] == both[1]


def test_functions_of_the_cell_have_plain_code_afterwards(run: Any) -> None:
    run(
        "%%grad x\nimport functools\ndef f(u):\n    def inner(v): return v * u\n    return inner\ng = f(2)\nh = lambda u: [w * 2 for w in u]\n"
        "class K:\n    def m(self, u): return u + 1\n    @property\n    def p(self): return 1 + 1.0 * len('a')\n    @staticmethod\n    def s(u): return -u\n"
        "async def later(u): return u * 2\ndef steps():\n    for i in range(3): yield i * 2\nkept = [functools.partial(f, 3), {'k': lambda q: q * q}]\n"
        "@functools.lru_cache\ndef c(u): return u * u\nz = g(x).sum() + c(3) + K().m(1)"
    )
    names = run.names
    functions = [names["f"], names["g"], names["h"], names["K"].m, names["K"].p.fget, names["K"].s, names["later"], names["steps"],
                 names["kept"][0].func, names["kept"][1]["k"], names["c"].__wrapped__]  # fmt: skip
    for function in functions:
        assert not hooked(function.__code__), function
        assert "gradmagic" not in "".join(str(i.argval) for i in dis.get_instructions(function))
    assert inspect.getsource(names["f"]).startswith("def f(u):\n    def inner")
    assert run("g(np.ones(2)).tolist()") == [2.0, 2.0] and run("c(4)") == 16
    report = run("%%grad x\nz = g(x).sum()")  # and is entered again
    assert report.grads["x"].tolist() == [2.0] * 17


def test_a_function_that_a_failed_cell_has_made_has_plain_code_too(run: Any) -> None:
    run.fails("%%grad x\ndef f(u): return u * 2\nkept = [lambda v: v + 1]\nf(x)\n1 / 0")
    assert not hooked(run.names["f"].__code__) and not hooked(run.names["kept"][0].__code__)
    assert run("f(3)") == 6


def test_a_file_that_was_edited_after_its_import_is_not_entered(tmp_path: Path) -> None:
    path = tmp_path / "users_module.py"
    module = loaded(path, "def f(u):\n    return u * 3\n")
    path.write_text("def f(u):\n    return u * 300\n", encoding="utf-8")
    linecache.checkcache()
    try:
        names = {"f": module.f, "a": 2.0, "np": np}
        trace = traced("z = f(a) * a", names, "a")
        assert names["z"] == 12.0 and module.f(1.0) == 3.0
        assert float(trace.inputs[0].array) == 12.0 or [note.kind for note in trace.notes] == ["cut"]
    finally:
        sys.modules.pop("users_module", None)


class Turns:
    """Two threads that take turns at named places."""

    def __init__(self) -> None:
        self._events: dict[str, threading.Event] = {}

    def at(self, name: str) -> None:
        self._event(name).set()

    def wait(self, name: str) -> None:
        assert self._event(name).wait(60)

    def _event(self, name: str) -> threading.Event:
        return self._events.setdefault(name, threading.Event())


def test_a_cell_that_ends_takes_no_hooks_from_one_that_runs_in_another_thread(user: dict[str, Any]) -> None:
    turns, before, gradients = Turns(), codes(user), {}
    first = "s = model.method(a) + Model(a).value\nturns.at('entered')\nturns.wait('other ended')\nz = model.method(a) + Model(a).value + sorted([a], key=plain)[0] * s"
    second = "turns.wait('entered')\nz = model.method(a) + Model(a).value + plain(a)"

    def cell(name: str, text: str) -> None:
        try:
            gradients[name] = float(traced(text, of_cell(user) | {"turns": turns}, "a").inputs[0].array)
        finally:
            turns.at(f"{name} ended")

    threads = [
        threading.Thread(target=cell, args=("first", first)),
        threading.Thread(target=cell, args=("other", second)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert gradients == {"first": 6.0 + 24.0, "other": 9.0}  # s = 6a: d(a * 6a) = 12a
    assert codes(user) == before


def test_every_function_has_its_own_code_however_much_code_was_seen_meanwhile(
    user: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "_MOST", 2)  # code objects of which something is remembered
    before = codes(user)
    trace = traced("z = plain(a) + model.method(a) + Model(a).value", of_cell(user), "a")
    assert float(trace.inputs[0].array) == 9.0 and codes(user) == before


@pytest.mark.parametrize("order", ["0011", "0101", "0110"])
def test_after_cells_that_overlap_the_recursion_limit_is_what_it_was(order: str) -> None:
    limit, begun = sys.getrecursionlimit(), [(Membrane(name), copy_context()) for name in "01"]
    for i, which in enumerate(order):
        run, of_its_thread = begun[int(which)]
        of_its_thread.run(*((run.__exit__, None, None, None) if which in order[:i] else (run.__enter__,)))
    assert sys.getrecursionlimit() == limit


def test_a_function_of_gm_grad_within_a_cell_and_a_cell_within_a_thread(user: dict[str, Any]) -> None:
    before = codes(user)
    names = of_cell(user) | {"gm": gm}
    trace = traced("d = gm.grad(lambda u: plain(u) * u)(a)\nz = d * plain(a)", names, "a")
    assert names["d"] == 12.0 and float(trace.inputs[0].array) in (36.0, 72.0)
    assert codes(user) == before


def test_another_thread_runs_the_hooked_code_and_notices_nothing(user: dict[str, Any]) -> None:
    turns, values = Turns(), []

    def beside() -> None:
        turns.wait("inside")
        values.extend(
            [user["plain"](5.0), user["recursive"](5.0), user["model"].method(5.0), [*user["steps"](5.0)]]
        )
        turns.at("done")

    thread = threading.Thread(target=beside)
    thread.start()
    trace = traced(
        "plain(a); recursive(a); model.method(a); generator(a)\nturns.at('inside')\nturns.wait('done')\nz = plain(a)",
        of_cell(user) | {"turns": turns},
        "a",
    )
    thread.join(60)
    assert values == [15.0, 15.0, 15.0, [5.0, 10.0]]
    assert float(trace.inputs[0].array) == 3.0 and len(trace.operations) < 20
