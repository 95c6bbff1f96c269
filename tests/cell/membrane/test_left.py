"""What a cell leaves however it ends and wherever it goes on: as without the magic, in value, type and order of events."""

# ruff: noqa: E501  (a cell on one line of a table)

from __future__ import annotations

import asyncio
import contextvars
import gc
import io
import linecache
import signal
import sys
import threading
import traceback
import warnings
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Any

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.cell.hosts.host import text_source
from gradmagic.cell.options import Options
from gradmagic.cell.run import Failed, Run
from gradmagic.engine.following import switch
from gradmagic.engine.following.numpy_warnings import QUIET
from gradmagic.engine.tape.tracked import Tracked

from ..helpers import fresh, left_behind, traced

START = """
import asyncio, contextlib, contextvars, copy, functools, gc, itertools, json, logging, pickle, sys, threading, warnings, weakref
x = np.array([1.0, 2.0, 3.0]); a = 2.0; n = 3; log = []
var = contextvars.ContextVar('var', default=None)
class Box:
    def __init__(self, v=None): self.v = v
    def __enter__(self): log.append('enter'); return self
    def __exit__(self, kind, error, tb): log.append(('exit', getattr(kind, '__name__', kind))); return False
class Kept(Exception): pass
def fails(v, how=ValueError): raise how(v)
def deep(k): return deep(k + 1)
@functools.lru_cache
def cached(v): return v * 2
"""
# Cells that end well, or by an error: what they leave is compared name by name, and so is the error.
CELLS = {
    "an error": "y = x * 2\n1 / 0",
    "an error's arguments": "try: fails(x * 2)\nexcept ValueError as e: kept = e.args[0]\ny = kept * a",
    "an error kept": "try: fails(x * 2)\nexcept ValueError as e: kept = e\ny = kept.args[0] * a",
    "an error of the user's": "try: raise Kept(a, x)\nexcept Kept as e: log.append(e.args)\ny = log[0][0] * 2",
    "an error with a cause": "try:\n    try: x['k']\n    except IndexError as e: raise ValueError(str(e)) from e\nexcept ValueError as e: kept = [type(e.__cause__).__name__, str(e), e.__suppress_context__]\ny = x * 2",
    "a context": "try:\n    try: fails(1)\n    finally: fails(2, KeyError)\nexcept KeyError as e: kept = (e.args, e.__context__.args)",
    "an error's words": "kept = []\nfor f in (lambda: x + np.ones(2), lambda: x[7], lambda: x['q'], lambda: x.nothing, lambda: a(), lambda: a[0], lambda: len(a), lambda: int('x'), lambda: x @ np.ones((2, 2)), lambda: np.exp(), lambda: np.sum(x, axis=3), lambda: [1][5], lambda: {}['k'], lambda: a + 'b', lambda: x.reshape(2, 2), lambda: float(x), lambda: x.item(), lambda: bool(x), lambda: range(a), lambda: 'ab' * a, lambda: np.concatenate([x, x[None]]), lambda: x.sum(axis='q')):\n    try: f()\n    except Exception as e: kept.append((type(e), str(e), e.args))",
    "the traceback": "import traceback\ntry: fails(x)\nexcept ValueError: kept = [(f.lineno, f.name) for f in traceback.extract_tb(sys.exc_info()[2])]",
    "the traceback's text": "import traceback\ndef f(v): return v[9]\ntry: f(x * 2)\nexcept IndexError: kept = [line.strip() for line in traceback.format_exc().splitlines() if 'File' not in line and not set(line.strip()) <= set('~^ ')]",
    "an exit": "y = x * 2\nsys.exit(3)", "an exit with a text": "y = a * 2\nsys.exit('done')", "an interrupt": "y = x * 2\nraise KeyboardInterrupt",
    "an exit caught": "try: sys.exit(a)\nexcept SystemExit as e: kept = e.code\ny = a * 2",
    "an interrupt caught": "try: raise KeyboardInterrupt(x)\nexcept BaseException as e: kept = e.args\ny = x * 2",
    "too deep": "try: deep(0)\nexcept RecursionError as e: kept = type(e)\ny = x * 2\nlimit = sys.getrecursionlimit() > 0",
    "finally": "try:\n    y = x * 2\n    fails(y)\nfinally:\n    x[0] = 9.0\n    log.append(x.sum())",
    "finally and return": "def f():\n    try: return x * 2\n    finally: log.append(a * 2)\ny = f()",
    "else and finally": "for v in x:\n    try: log.append(v)\n    except ValueError: pass\n    else: log.append(v * 2)\n    finally: log.append('end')\nelse:\n    log.append(a)",
    "with": "with Box(x) as b:\n    b.w = b.v * 2\ny = b.w.sum()", "with and an error": "with Box(x) as b:\n    y = b.v * 2\n    fails(y)",
    "with that swallows": "with contextlib.suppress(ValueError):\n    y = x * 2\n    fails(y)\nz = y.sum()",
    "an exit stack": "with contextlib.ExitStack() as stack:\n    stack.callback(log.append, a * 2)\n    b = stack.enter_context(Box(x))\n    y = x * a\nstack = None",
    "a group of errors": "try:\n    raise ExceptionGroup('g', [ValueError(a * 2), KeyError(x)])\nexcept* ValueError as e: kept = [v.args for v in e.exceptions]\nexcept* KeyError as e: log.append(len(e.exceptions))",
    "an assertion": "assert (x > 0).all(), x\nassert a == 3, f'{a:.1f}'",
    "a warning": "with warnings.catch_warnings(record=True) as seen:\n    warnings.simplefilter('always')\n    warnings.warn(f'{a}')\n    np.log(x - 1)\n    kept = [(w.category, str(w.message), w.lineno) for w in seen]\nseen = None",
    "a warning as an error": "with warnings.catch_warnings():\n    warnings.simplefilter('error')\n    try: y = np.log(x - 1)\n    except RuntimeWarning as e: kept = str(e)\nz = x.sum()",
    "errors of floats": "with np.errstate(all='raise'):\n    try: y = x / (x - 1)\n    except FloatingPointError as e: kept = str(e)",
    "errors of floats called": "with np.errstate(all='call', call=lambda kind, flag: log.append((kind, flag))):\n    y = x / (x - 1)",
    "a generator begun": "def steps():\n    y = x * 2\n    for i in range(3): yield y * i\ng = steps()\nfirst = next(g)",
    "a generator closed": "def steps():\n    try:\n        while True: log.append((yield x * 2))\n    finally: log.append('closed')\ng = steps()\nnext(g)\ng.send(a * 2)\ng.close()",
    "a generator thrown into": "def steps():\n    try: yield x * 2\n    except ValueError as e: yield e.args[0] * 2\ng = steps()\nnext(g)\ny = g.throw(ValueError(a))",
    "a generator's return": "def inner():\n    yield a\n    return a * 3\ndef outer():\n    got = yield from inner()\n    yield got * x\nall_ = list(outer())",
    "a generator of an earlier cell": "y = [next(earlier), next(earlier) * a]",
    "an expression that generates": "g = (v * a for v in x)\nfirst = next(g)\nrest = list(g)",
    "iterators": "it = iter(x)\nfirst = next(it)\nm = map(lambda v: v * a, x)\nsecond = next(m)\nz = zip(x, itertools.count())\nthird = next(z)\ne = enumerate(x)\nnext(e)\nc = itertools.cycle(x)\nlog = [next(c) for _ in range(5)]\nit = m = z = e = c = None",
    "a context variable": "token = var.set(x * 2)\nheld = var.get() * a\nvar.reset(token)\ntoken = None",
    "a context variable set": "var.set(a * 2)\nheld = contextvars.copy_context().run(lambda: var.get() * 2)",
    "a cache": "y = cached(a)\nz = cached(a) + 1\ninfo = cached.cache_info()[:2]",
    "weak references": "b = Box(x * 2)\nr = weakref.ref(b)\nalive = r() is b\nb = None\ndead = r() is None\nr = None",
    "a finalizer": "class Gone:\n    def __del__(self): log.append('gone')\ng = Gone()\ng.v = x * 2\nlog.append('before')\ng = None\nlog.append('after')",
    "a thread": "def work(): log.append(x * 2); log.append(threading.current_thread() is not threading.main_thread())\nt = threading.Thread(target=work)\nt.start()\nt.join()\nt = None",
    "a thread's error": "def work():\n    try: fails(x * 2)\n    except ValueError as e: log.append(e.args)\nt = threading.Thread(target=work)\nt.start()\nt.join()\nt = None",
    "asyncio": "async def later(v):\n    await asyncio.sleep(0)\n    return v * a\nasync def main(): return await asyncio.gather(later(x), later(a), later(n))\ny = asyncio.run(main())",
    "an asynchronous generator": "async def steps():\n    for i in range(3): yield x * i\nasync def main(): return [v async for v in steps()] + [p for p, (q, r) in [(v, (1, 2)) async for v in steps()]]\ny = asyncio.run(main())",
    "an asynchronous with": "class A:\n    async def __aenter__(self): return x * 2, a\n    async def __aexit__(self, *e): log.append('out')\nasync def main():\n    async with A() as (p, q): return p * q\ny = asyncio.run(main())\nA = None",
    "a task cancelled": "async def main():\n    t = asyncio.create_task(asyncio.sleep(60))\n    await asyncio.sleep(0)\n    t.cancel()\n    try: await t\n    except asyncio.CancelledError: return x * 2\ny = asyncio.run(main())",
    "pickling and copying": "p = pickle.loads(pickle.dumps((x, a, Box)))[:2]\nc = copy.deepcopy({'k': [x, a]})\nd = copy.copy(x)\nj = json.dumps({'a': a, 'l': x.tolist()})",
    "logging": "out = []\nclass H(logging.Handler):\n    def emit(self, record): out.append((record.getMessage(), record.lineno, record.funcName, record.args))\nlogger = logging.Logger('l')\nlogger.addHandler(H())\nlogger.warning('%s %.1f', x * 2, a)\nlogger = H = None",
    "frames": "def who(): return sys._getframe(1).f_lineno, sys._getframe(1).f_code.co_name, sorted(sys._getframe(1).f_locals)[:1]\ndef f(q): return who()\nkept = [f(x), who()[:2]]",
    "locals and globals": "def f(u):\n    w = u * 2\n    return locals()\nkept = f(x)\nhas = 'kept' in globals(), 'x' in vars(), [k for k in dir() if 'gradmagic' in k]",
    "a class body": "class K:\n    w = x * 2\n    v = [a for _ in range(2)]\n    def m(self): return self.w * a\n    (p, q), r = (w[0], a), 3\ny = K().m()\nnames = [k for k in vars(K) if 'gradmagic' in k]",
    "deleted names": "y = x * 2\nz = y.sum()\ndel y\ntry: y\nexcept NameError as e: kept = str(e)",
    "read-only": "x.flags.writeable = False\ntry: x[0] = 1.0\nexcept ValueError as e: kept = str(e)\nx.flags.writeable = True\ny = x * 2",
    "flags and bases": "v = x[1:]\nkept = [x.flags.owndata, v.flags.owndata, v.base is x, x.base is None, (x * 2).flags.writeable, x.ctypes.data == v.ctypes.data - 8, sys.getsizeof(x)]",
}  # fmt: skip
EARLIER = "def steps():\n    for i in range(9): yield x * i\nearlier = steps()\nnext(earlier)"


def ended(run: Any, text: str, names: dict[str, Any]) -> tuple[Any, str, str, str]:
    """Run a cell; give the error that it ended by, and what it printed."""
    out, err, error = io.StringIO(), io.StringIO(), None
    with redirect_stdout(out), redirect_stderr(err):
        try:
            run(text, names)
        except Failed as failed:
            error = failed.__cause__
        except BaseException as raised:
            error = raised
    shown = "" if error is None else f"{type(error).__name__}: {error}"
    return type(error), shown, out.getvalue(), err.getvalue()


def plainly(text: str, names: dict[str, Any]) -> None:
    linecache.cache["<cell of a test>"] = (len(text), None, text.splitlines(True), "<cell of a test>")
    exec(compile(text, "<cell of a test>", "exec"), names)


def with_magic(text: str, names: dict[str, Any]) -> None:
    cell = text_source(text, "<cell of a test>", "In [1]")
    run = Run(cell, names, Options(("x", "a", "n")))
    statements, last = run.prepare()
    try:
        with run._cell():
            exec(statements, names)
            if last is not None:
                eval(last, names)
    finally:
        run.put_back()


@pytest.fixture
def limits() -> Any:
    """The cell may change what belongs to the process."""
    yield
    gc.collect()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("title", CELLS)
def test_a_cell_ends_as_it_does_without_the_magic_and_leaves_the_same(title: str, limits: Any) -> None:
    text = CELLS[title]
    start = START + (EARLIER if "earlier" in title else "")
    plain, magic = begun(start), begun(start)
    plain_limit = sys.getrecursionlimit()
    ends = [
        contextvars.copy_context().run(ended, run, text, names)
        for run, names in ((plainly, plain), (with_magic, magic))
    ]
    assert ends[0] == ends[1]
    assert left_behind(without_runs(plain), without_runs(magic)) == []
    assert sys.getrecursionlimit() == plain_limit


def begun(start: str) -> dict[str, Any]:
    """A session in which an earlier cell ran `start`."""
    names = fresh()
    linecache.cache["<earlier cell>"] = (len(start), None, start.splitlines(True), "<earlier cell>")
    exec(compile(start, "<earlier cell>", "exec"), names)
    return names


def without_runs(names: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in names.items() if name not in ("var", "cached", "__warningregistry__")
    }


def test_what_goes_on_after_the_cell_computes_with_plain_values() -> None:
    text = (
        "def steps():\n    y = x * 2\n    while True: yield y * a\ng = steps()\nnext(g)\nit = iter(x)\nnext(it)\nm = map(lambda v: v * a, x)\nnext(m)\n"
        "e = (v * a for v in x)\nnext(e)\nc = cached(a)\nvar.set(x * 2)\nlater = [lambda: x * a, functools.partial(np.multiply, x)]\n"
        "def reenter(): return [*(p * q for p, q in [(a, x)])]\nz = x.sum() * a"
    )
    plain, magic = begun(START), begun(START)
    for run, names in ((plainly, plain), (lambda t, n: traced(t, n, "x a"), magic)):
        context = contextvars.copy_context()
        context.run(run, text, names)
        names["found"] = [
            next(names["g"]), next(names["it"]), next(names["m"]), next(names["e"]), names["cached"](2.0), context[names["var"]],
            names["later"][0](), names["later"][1](3.0), names["reenter"](), list(names["it"]), list(names["m"]),
        ]  # fmt: skip
    assert left_behind({"found": plain["found"]}, {"found": magic["found"]}) == []
    assert [type(v) for v in plain["found"]] == [type(v) for v in magic["found"]]


def test_a_later_cell_goes_on_with_what_an_earlier_one_has_begun() -> None:
    names = begun(START)
    traced(
        "def steps(v):\n    while True:\n        got = yield v * a\n        v = v * got if got is not None else v\ng = steps(x)\nz = next(g).sum()",
        names,
        "x a",
    )
    trace = traced("z = (g.send(a) * a).sum()", names, "a")
    assert names["z"] == 48.0 and [note for note in trace.notes if note.kind == "cut"] == []
    assert float(trace.inputs[0].array) == 72.0  # x * a * a * a


@pytest.mark.parametrize("at", range(1, 400, 3))
def test_an_interrupt_anywhere_leaves_plain_values_and_functions(at: int) -> None:
    """An exception at the n-th call of anything of ours, as an alarm or an interrupt would raise it."""
    text = "for i in range(50):\n    y = f(x) * 2\n    l.append(y)\n    d['k'] = y[0]\n    b.v = [y, (y, 1)]\nz = y.sum()"
    names = begun(START + "def f(u): return u * 3\nl = []; d = {}; b = Box()\n")
    code, before, count = names["f"].__code__, dict(names), 0

    def alarm(frame: Any, event: str, _: Any) -> None:
        nonlocal count
        count += "membrane" in frame.f_code.co_filename and event == "call"
        if count == at * 3:
            count += 1
            sys.setprofile(None)
            raise TimeoutError("alarm")

    sys.setprofile(alarm)
    try:
        with pytest.raises((Failed, TimeoutError)) if at < 300 else suppress(Failed, TimeoutError):
            traced(text, names, "x")
    finally:
        sys.setprofile(None)
    assert (
        switch.block() is None
        and QUIET.get() is False
        and gm.is_grad_enabled()
        and np.geterr()["divide"] == "warn"
    )
    assert names["f"].__code__ is code and names["x"] is before["x"] and names["a"] is before["a"]
    held = [names["x"], *names["l"], *names["d"].values(), *(names["b"].v or [])]
    assert not any(isinstance(v, Tracked) for v in held) and all(type(v) is np.ndarray for v in names["l"])
    trace = traced("z = (f(x) * x).sum()", names, "x")
    assert trace.inputs[0].array.tolist() == [6.0, 12.0, 18.0] and names["f"].__code__ is code


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers")
def test_an_alarm_in_the_middle_of_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[Any] = []  # where Python drops what is raised

    def ring(*_: Any) -> None:
        raise TimeoutError("alarm")

    monkeypatch.setattr(sys, "unraisablehook", lambda u: dropped.append(u.object))
    before = signal.signal(signal.SIGALRM, ring)
    try:
        for k in range(12):
            names = begun(START + "kept = []\n")
            with np.errstate():  # NumPy's own errstate, written in Python, may be rung out of
                signal.setitimer(signal.ITIMER_REAL, 0.01 + 0.002 * k, 2.0)
                with pytest.raises((Failed, TimeoutError)):
                    traced(
                        "while True:\n    y = x * a\n    kept.append(y.sum())\n    w = {'k': [y]}",
                        names,
                        "x a",
                    )
                signal.setitimer(signal.ITIMER_REAL, 0)
            assert {type(v) for v in names["kept"]} <= {np.float64}
            assert type(names["x"]) is np.ndarray and type(names["a"]) is float
            assert switch.block() is None and QUIET.get() is False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert [what for what in dropped if what not in gc.callbacks] == []


def test_two_cells_at_once_in_two_threads_and_two_tasks() -> None:
    def one(k: float) -> list[float]:
        names = fresh(f"x = np.arange(3.0) + {k}")
        trace = traced("y = x\nfor i in range(200): y = y * 1.0 + x * 0.01\nz = (y * y).sum()", names, "x")
        return trace.inputs[0].array.tolist()

    right = {k: pytest.approx([2 * 9 * v for v in (k, k + 1, k + 2)]) for k in (1.0, 2.0, 3.0)}
    found: dict[float, Any] = {}
    threads = [threading.Thread(target=lambda k=k: found.update({k: one(k)})) for k in right]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == right

    async def task(k: float) -> tuple[float, list[float]]:
        await asyncio.sleep(0)
        return k, one(k)

    async def main() -> Any:
        return await asyncio.gather(*map(task, right))

    assert dict(asyncio.run(main())) == right


def test_the_error_that_a_failed_cell_raises_has_the_users_frames_alone(run: Any) -> None:
    run("def g(u):\n    return [v / 0 if v else u[99] for v in (0,)]")
    text = run.fails(
        "%%grad x\ndef f(u):\n    with np.errstate(all='ignore'):\n        return g(u * 2)\nz = f(x)"
    )
    frames = [
        f.name for f in traceback.extract_tb(run.error.__traceback__) if "site-packages" not in f.filename
    ]
    assert frames[-3:] == ["<module>", "f", "g"] or frames[-4:] == ["<module>", "f", "g", "<listcomp>"]
    assert "gradmagic/" not in text and "IndexError" in text


def test_a_warning_says_the_users_line() -> None:
    names = begun(START)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        traced("y = 1.0\n\nw = np.log(x - 1)\nz = x.sum()", names, "x")
    assert [(w.filename, w.lineno) for w in seen if w.category is RuntimeWarning] == [("<cell of a test>", 3)]
