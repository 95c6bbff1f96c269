"""What is followed does not show: identity, ==, hash, pickling and tables of functions hold while a call is traced."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import math
import operator
import pickle
import sys
import textwrap
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from numpy import mean, zeros
from numpy import sum as total

import gradmagic as gm
from gradmagic.engine.faces.numpy.buffer import Buffer
from gradmagic.engine.following import patches
from gradmagic.engine.following.block import following

X = np.array([1.0, 2.0, 4.0])
NAMES = {np.sum: "sum", np.zeros: "zeros", math.sin: "sin"}
PICKLED = pickle.dumps((np.sum, np.zeros, np.array, math.sin, np.linalg.norm))


def seen_in(f):
    """What `f` gives while gm.grad traces it."""
    found = []
    gm.grad(lambda x: found.append(f(x)) or x.sum())(X)
    return found[0]


def by_default(x, r=np.sum):
    return np.sum(x) if r is np.sum else np.mean(x)


def by_imported_default(x, r=total):
    return total(x) if r is total else mean(x)


def test_a_default_argument_is_the_function():
    assert gm.value_and_grad(by_default)(X)[0] == gm.value_and_grad(by_imported_default)(X)[0] == 7.0
    assert gm.grad(by_default)(X).tolist() == gm.grad(by_imported_default)(X).tolist() == [1.0, 1.0, 1.0]


def which(x, f):
    return "zeros" if f is np.zeros else "ones" if f is np.ones else "none"


def kept_in_a_table(x):
    table = {np.sum: 1, np.zeros: 2}
    return table[np.sum], table[np.zeros], NAMES[np.sum], NAMES[math.sin], np.zeros in NAMES, zeros in NAMES


UNSEEN = {
    "is": (lambda x: (np.sum is total, zeros is np.zeros, np.zeros is not zeros), (True, True, False)),
    "== and hash": (lambda x: (np.zeros == zeros, hash(np.sum) == hash(total), np.array in [np.array]), (True,) * 3),
    "tables": (kept_in_a_table, (1, 2, "sum", "sin", True, True)),
    "pickling": (lambda x: pickle.dumps((np.sum, np.zeros, np.array, math.sin, np.linalg.norm)) == PICKLED, True),
    "unpickled": (lambda x: pickle.loads(PICKLED)[1] is np.zeros, True),
    "an argument": (lambda x: (which(x, np.zeros), which(x, np.ones), which(x, zeros)), ("zeros", "ones", "zeros")),
    "operator.is_": (lambda x: operator.is_(np.zeros, zeros) and operator.is_(getattr(np, "zeros"), np.zeros), True),  # noqa: B009
    "types": (lambda x: (type(np.zeros), isinstance(np.nditer([1.0]), np.nditer)), (type(np.zeros), True)),
    "classes": (lambda x: (type(np.ndenumerate(x)) is np.ndenumerate, type(np.r_).__name__), (True, "RClass")),
    "text": (lambda x: (repr(np.zeros), str(math.sin)), (repr(np.zeros), str(math.sin))),
    "another module's": (lambda x: hasattr(np, "core_names") or np.zeros is vars(np)["zeros"], True),
}  # fmt: skip


@pytest.mark.parametrize("what", UNSEEN)
def test_a_function_as_a_value_is_numpys_own(what):
    f, expected = UNSEEN[what]
    assert f(X) == seen_in(f) == expected


def test_what_is_kept_from_a_traced_call_is_numpys_own():
    kept, Box = [], type("Box", (), {})

    def f(x):
        global made
        made = np.zeros
        kept.extend([np.sum, made, zeros, math.sin])
        Box.f = np.asarray
        out = np.zeros(3)
        out[0] = x[1] * 3
        return out.sum()

    assert gm.grad(f)(X).tolist() == [0.0, 3.0, 0.0]
    assert [a is b for a, b in zip(kept, (np.sum, np.zeros, np.zeros, math.sin), strict=True)] == [True] * 4
    assert made is np.zeros and Box.f is np.asarray


# ---- held functions ------------------------------------------------------------------------------------------------


def in_a_closure():
    from math import exp

    from numpy import array, zeros

    def f(x):
        out = zeros(3)
        out[0] = exp(x[0]) * array([x[1], x[2]])[0]
        return out.sum()

    return f


def in_a_table():
    from numpy import zeros

    table, both = {"new": zeros, "sin": math.sin}, (math.exp, math.sin)

    def f(x):
        out = table["new"](2)
        out[0] = table["sin"](x[0])
        for g in both:
            out[1] += g(x[1])
        return out.sum()

    return f


def by_default_argument(x, new=np.zeros, *, sin=math.sin):
    out = new(3)
    out[:] = [sin(v) for v in x]
    return out.sum()


class Model:
    new, sin, array = np.zeros, staticmethod(math.sin), np.array

    def __init__(self):
        self.exp = math.exp

    def __call__(self, x):
        out = self.new(2)
        out[0] = self.sin(x[0])
        out[1] = self.exp(x[1])
        return (out * self.array([x[2], 1.0])).sum()


@dataclasses.dataclass
class Layer:
    act: object = math.tanh

    def __call__(self, x):
        return self.act(x[0])


def in_here(x):
    from math import cos

    new, tables = np.zeros, {"cos": cos, "sin": math.sin}

    def inner(v, square=np.vectorize(lambda t: t * t), new=np.ones):  # noqa: B008
        out = new(1)
        out[0] = square(v)[0]
        return out

    out = new(3)
    out[:1] = inner(x[:1])
    out[1] = sum(f(x[1]) for f in (math.sin, math.exp)) + tables["cos"](x[2])
    return out.sum() + sum(map(math.sqrt, x))


HELD = [in_a_closure(), in_a_table(), by_default_argument, Model(), Model().__call__, Layer(), in_here]


@pytest.mark.parametrize(
    "f", HELD, ids=["closure", "table", "default", "attribute", "method", "dataclass", "in the function"]
)
def test_a_function_that_is_held_is_followed_and_put_back(f):
    before = by_default_argument.__defaults__, dict(vars(Model)), vars(HELD[3]).copy()
    assert gm.value_and_grad(f)(X)[0] == f(X)
    gm.check_grads(f, (X,))
    with pytest.raises(ZeroDivisionError):
        gm.grad(lambda x: f(x) / (1 // 0))(X)
    assert (by_default_argument.__defaults__, dict(vars(Model)), vars(HELD[3])) == before
    assert [c.cell_contents for c in HELD[0].__closure__] == [np.array, math.exp, np.zeros]
    assert gm.patched() == () or {p.what for p in gm.patched()} <= {patches.WARNINGS.what, patches.HOOKS.what}


def test_scipys_functions_in_a_closure():
    pytest.importorskip("scipy", reason="SciPy is not installed")
    from scipy.linalg import inv
    from scipy.special import logsumexp

    f = lambda x: logsumexp(x) * inv(np.eye(3) * x[0])[0, 0]
    assert gm.value_and_grad(f)(X)[0] == f(X)
    gm.check_grads(f, (X,))


def test_a_function_of_math_in_a_vectorized_one():
    f = lambda x: np.sum(np.vectorize(math.exp)(x) * np.vectorize(pyfunc=math.sqrt)(x))
    assert gm.value_and_grad(f)(X)[0] == f(X)
    gm.check_grads(f, (X,))


class Strict(type):
    def __setattr__(cls, name, value):
        raise AttributeError("this class does not change")


class Frozen(metaclass=Strict):
    new, total = np.zeros, np.ones

    def __call__(self, x):
        out = self.new(3)
        out[0] = x[0]
        return out.sum()


def test_a_class_that_does_not_let_itself_be_changed():
    assert gm.grad(Frozen())(X).tolist() == [1.0, 0.0, 0.0]
    assert Frozen.new is np.zeros


def test_what_the_traced_code_deletes_is_gone():
    def f(x):
        global held
        alive = weakref.ref(held)
        del held
        return x.sum() * (alive() is None)

    global held
    held = Model()
    assert gm.grad(f)(X).tolist() == [1.0, 1.0, 1.0]


def test_what_is_compared_somewhere_is_not_replaced_and_never_silent():
    def f(x, make=np.zeros):
        out = make(3)
        if make is not np.zeros:
            return x.mean()
        out[0] = x[0]
        return out.sum()

    with pytest.raises(gm.GradmagicError, match=r"inside the function, by np\.zeros"):
        gm.grad(f)(X)


# ---- modules -------------------------------------------------------------------------------------------------------


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A package of the user's, written to files."""

    def write(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        return [importlib.import_module(name) for name in texts]

    monkeypatch.syspath_prepend(tmp_path)
    yield write
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_imported_names_that_are_called_are_followed_in_modules_and_those_that_are_compared_are_numpys(mine):
    tools, model = mine(
        gm_tools="""
            from numpy import array, zeros
            import numpy as np

            def fill(v):
                out = zeros(2)
                out[1] = v
                return out

            def same():
                return array is np.array, {array: 1}[np.array], array([1.0]).sum()
            """,
        gm_model="""
            import gm_tools
            from gm_tools import fill

            def f(x):
                return fill(x[0] * x[1]).sum() + gm_tools.fill(x[2]).sum()

            def g(x):
                return gm_tools.same()
            """,
    )
    assert gm.grad(model.f)(X).tolist() == [2.0, 1.0, 1.0]
    assert seen_in(model.g) == (True, 1, 1.0)
    assert tools.zeros is np.zeros and tools.array is np.array


def test_dot_of_a_plain_array_in_a_module_of_the_users(mine):
    (module,) = mine(
        gm_dots="""
            import numpy as np
            w, A = np.array([1.0, 2.0, 3.0]), np.arange(6.0).reshape(2, 3)

            def f(x):
                return w.dot(x) * A.dot(x).dot(np.dot([x[0], 1.0], np.eye(2))) + np.ones(3).dot(x)

            class Layer:
                def __init__(self): self.w = w
                def __call__(self, x): return (lambda v: self.w.dot(v))(x)
            """
    )
    code = module.f.__code__
    assert gm.value_and_grad(module.f)(X)[0] == module.f(X)
    gm.check_grads(module.f, (X,))
    assert gm.grad(module.Layer())(X).tolist() == [1.0, 2.0, 3.0]
    assert module.f.__code__ is code and "w.dot(x)" in Path(module.__file__).read_text()


def test_dot_in_a_lambda_here():
    w = np.array([1.0, 2.0, 3.0])
    assert gm.grad(lambda x: w.dot(x))(X).tolist() == [1.0, 2.0, 3.0]


def test_a_module_that_is_imported_by_the_traced_function(mine, tmp_path):
    mine(gm_first="def f(x):\n    from gm_late import fill\n    return fill(x[0]).sum()")
    (tmp_path / "gm_late.py").write_text(
        "from numpy import zeros\ndef fill(v):\n    out = zeros(2)\n    out[0] = v\n    return out"
    )
    assert gm.grad(sys.modules["gm_first"].f)(X).tolist() == [1.0, 0.0, 0.0]
    assert sys.modules["gm_late"].zeros is np.zeros


# ---- contexts ------------------------------------------------------------------------------------------------------


def test_threads_see_only_their_own(mine):
    (module,) = mine(
        gm_shared="""
            import math
            from numpy import zeros
            import numpy as np

            def f(x, sin=math.sin):
                out, make = zeros(3), np.array
                out[0] = sin(x[0]) * make([x[1], 2.0])[0]
                return out.sum()

            def look():
                return type(np.zeros(1)), np.sum is sum_, type(np.array([1.0]))

            sum_ = np.sum
            """
    )
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    wrong: list[object] = []
    expected = [math.cos(1.0) * 2.0, math.sin(1.0), 0.0]
    ends = threading.Barrier(5)

    def traces():
        ends.wait()
        for _ in range(150):
            found = gm.grad(module.f)(X)
            if not np.allclose(found, expected):
                wrong.append(found)

    def plain():
        ends.wait()
        for _ in range(3000):
            found = module.look(), type(module.f(X)), type(zeros(1))
            if found != ((np.ndarray, True, np.ndarray), np.float64, np.ndarray):
                wrong.append(found)

    try:
        threads = [threading.Thread(target=t) for t in (traces, traces, traces, traces, plain)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []
    assert module.zeros is np.zeros and module.f.__defaults__ == (math.sin,) and type(np) is type(sys)


def test_tasks_see_only_their_own():
    kinds = []

    async def traces(go, done):
        def f(x):
            out = np.zeros(3)
            out[0] = x[0]
            return out.sum()

        with following(f):
            go.set()
            await done.wait()
            kinds.append(type(np.zeros(1)))

    async def looks(go, done):
        await go.wait()
        kinds.append(type(np.zeros(1)))
        done.set()

    async def both():
        go, done = asyncio.Event(), asyncio.Event()
        await asyncio.gather(traces(go, done), looks(go, done))

    asyncio.run(both())
    assert kinds == [np.ndarray, Buffer]


def test_a_task_that_outlives_its_block_is_not_followed():
    async def run():
        async def later():
            await asyncio.sleep(0)
            return np.asarray is np.asarray and type(np.zeros(1))

        with following():
            task = asyncio.create_task(later())
        return await task

    assert asyncio.run(run()) is np.ndarray
