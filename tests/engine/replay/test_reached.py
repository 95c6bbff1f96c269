"""What a function reaches and changes: globals, closures, attributes, random numbers; branches and masks by values.

In: a table of functions. Out: each gives and leaves what it gives and leaves without a program, or is refused by name.
"""

from __future__ import annotations

import collections
import contextvars
import dataclasses
import datetime
import functools
import io
import itertools
import logging
import os
import random
import sys
import threading
import time
import types
import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.errors import ReplayWarning

from .against import Cases, arrays, check

case = Cases()
S0, V, U, W, M = (arrays(s) for s in ((), (3,), (4,), (5,), (3, 3)))

C = types.SimpleNamespace(w=np.ones(3), k=2.0, l=[np.ones(3), 1.0], d={"a": np.ones(3)})
T = (np.ones(3),)
N = 3
S = {1.0}


def setw(n):
    C.w = np.arange(3.0) + n


def wcontent(n):
    C.w[:] = n


def wshape(n):
    C.w = np.arange(3.0)[:, None] + n if n % 2 else np.arange(3.0)


def wdtype(n):
    C.w = np.arange(3, dtype=[float, np.float32, complex][n % 3]) + 1


@case(V, V, V, before=setw)
def rebinding(x):
    return x * C.w


@case(V, V, V, before=wcontent)
def content(x):
    return x * C.w


@case(V, V, V, before=wshape)
def shape_changes(x):
    return x * C.w


@case(V, V, V, before=wdtype)
def dtype_changes(x):
    return x * C.w


@case(V, V, V, before=lambda n: setattr(C, "k", float(n)))
def number_attr(x):
    return x * C.k


@case(V, V, V, before=lambda n: C.l.__setitem__(1, float(n)))
def list_number(x):
    return x * C.l[1] + C.l[0]


@case(V, V, V, before=lambda n: C.l.__setitem__(slice(2, None), [0] * n))
def list_grows(x):
    return x * len(C.l)


@case(V, V, V, before=lambda n: C.d.__setitem__("a", np.ones(3) * n))
def dict_array(x):
    return x * C.d["a"]


@case(V, V, V, before=lambda n: T[0].__setitem__(0, n))
def in_tuple(x):
    return x * T[0]


@case(V, V, V, before=lambda n: globals().__setitem__("N", n))
def global_int(x):
    return x * N


@case(V, V, V, before=lambda n: S.add(float(n)))
def global_set(x):
    return x * len(S)


def helper(x):
    return x * 2


def swaph(n):
    global helper
    helper = (lambda x: x * 3) if n % 2 else (lambda x: x * 2)


@case(V, V, V, before=swaph)
def helper_rebound(x):
    return helper(x)


def maker():
    w = np.ones(3)
    k = [1.0]

    def f(x):
        return x * w * k[0]

    def ch(n):
        w[:] = n
        k[0] = float(n)

    return f, ch


f_, ch_ = maker()
f_.__name__ = "closure"
case(V, V, V, before=ch_)(f_)


class Scaled:
    scale = 2.0

    def __init__(s):
        s.w = np.ones(3)

    def __call__(s, x):
        return x * s.w * s.scale


m = Scaled()


def mclass(n):
    Scaled.scale = float(n)


@case(V, V, V, before=mclass)
def class_attribute(x):
    return m(x)


class PR:
    def __init__(s):
        s.v = 1.0

    @property
    def p(s):
        return s.v

    @staticmethod
    def st(x):
        return x * 2


pr = PR()


@case(V, V, V, before=lambda n: setattr(pr, "v", float(n)))
def property_(x):
    return pr.st(x) * pr.p


@case(V, V, V, before=lambda n: os.environ.__setitem__("PROBE", str(n)))
def environment(x):
    return x * float(os.environ["PROBE"])


@case(V, V, V, before=lambda n: setattr(helper2, "k", float(n)))
def function_attr(x):
    return x * helper2.k


def helper2():
    pass


# ---- random
g = np.random.default_rng(0)
rs = np.random.RandomState(0)
st = {"g": g.bit_generator.state}


def reseed(n=None):
    np.random.seed(0)  # noqa: NPY002
    g.bit_generator.state = st["g"]
    rs.seed(0)
    gm.manual_seed(0)
    random.seed(0)


K: dict[str, Any] = {"before": lambda n: reseed()}


@case(V, V, V, **K, refused="random")
def rand_global(x):
    return x * np.random.rand(3)  # noqa: NPY002


@case(V, V, V, **K, refused="draws random")
def rand_generator(x):
    return x * g.normal(size=3)


@case(V, V, V, **K, refused="draws random")
def rand_state(x):
    return x * rs.rand(3)


@case(V, V, V, **K)
def rand_seeded(x):
    return x * np.random.default_rng(3).normal(size=3)


@case(V, V, V, **K, refused="random")
def rand_int(x):

    return x * random.randint(0, 5)


@case(V, V, V, **K, refused="random")
def rand_perm(x):
    return x[np.random.permutation(3)]  # noqa: NPY002


@case(V, V, V, **K, refused="draws random")
def rand_shuffle(x):
    g.shuffle(x)
    return x


@case(
    lambda r: (r.normal(size=3), np.random.default_rng(0)),
    lambda r: (r.normal(size=3), np.random.default_rng(1)),
    refused="draws random",
)
def rand_arg(x, g):
    return x * g.normal(size=3)


@case(V, V, V, refused="it asks time.time()")
def clock(x):
    return x * 0 + (time.time() > 0)


cnt = [0]


@case(V, V, V, V, V, before=lambda n: cnt.__setitem__(0, n))
def counter(x):
    cnt[0] += 1
    return x * cnt[0]


it = [iter(range(100))]


@case(V, V, V, before=lambda n: it.__setitem__(0, iter(range(n, 100))), refused="moves on when it is read")
def iterator_(x):
    return x * next(it[0])


cache = {}


@case(V, V, V, before=lambda n: cache.clear(), refused="changes cache")
def cached(x):
    if "s" not in cache:
        cache["s"] = x.sum()
    return x * cache["s"]


prev = [np.zeros(3)]


@case(V, V, V, before=lambda n: prev.__setitem__(0, np.ones(3) * n), state=lambda: prev)
def previous(x):
    y = x + prev[0]
    prev[0] = x * 1
    return y


log = []


@case(V, V, V, before=lambda n: log.clear(), refused="changes log")
def appends(x):
    log.append(x)
    return x * len(log)


# ---- branches, masks
@case(S0, S0, S0, S0)
def branch(x):
    return x * 2 if x > 0 else x * 3


@case(U, U, U, U)
def mask(x):
    y = x.copy()
    y[x > 0] = 0
    return y


@case(U, U, U, U)
def mask_pick(x):
    return x[x > 0].sum(), x[x > 0]


@case(U, U, U, U)
def argmax_pick(x):
    return x[np.argmax(x)], x[np.argsort(x)]


@case(U, U, U, U)
def where1(x):
    return np.where(x > 0)[0], np.nonzero(x > 0), np.flatnonzero(x > 0)


@case(U, U, U, U)
def any_branch(x):
    if np.any(x > 1.5):
        return x - 1
    return x


@case(U, U, U, U)
def loop_until(x):
    n = 0
    while x.sum() < 3 and n < 10:
        x = x + 1
        n += 1
    return x


@case(U, U, U)
def truth_of_float(x):
    return 1.0 if x[0] else 0.0


@case(U, U, U, refused="float()")
def tries(x):
    try:
        return x * float(x[0])
    except Exception:
        return x * 0


@case(U, U, U)
def count(x):
    return x * np.count_nonzero(x > 0)


@case(U, U, U, refused="int()")
def maxi(x):
    return max(x[0], x[1]), min(x), sorted(x)[0], sum(x), abs(x[0]), round(x[0])


@case(U, U, U)
def isnan_(x):
    return x if np.isnan(x).any() else x * 2


@case(U, U, U)
def inrange(x):
    return x[0] in x, x[1] * (0 in x)


@case(U, U, U)
def dictkey(x):
    return {float(1): x}[1.0]


@case(U, U, U, refused="int()")
def intof(x):
    return x * int(x[0] * 10)


@case(U, U, U, refused="a text")
def fmt(x):
    return len(f"{x[0]:.1f}") * x


@case(U, U, U)
def allclose(x):
    return x if np.allclose(x, x + 1e-12) else -x


@case(U, U, U)
def arreq(x):
    return x if np.array_equal(x, np.sort(x)) else -x


@case(V, V, V, V, V, refused="changes last")
def assigned(x):
    global last
    last = x.sum()
    return x * last


best = 0.0


@case(V, V, V, V, V, refused="best", before=lambda n: globals().__setitem__("best", 0.0))
def kept(x):
    global best
    best = max(best, x.sum())
    return x * 2


@pytest.mark.parametrize(("f", "calls", "options"), [r[1:] for r in case.rows], ids=[r[0] for r in case.rows])
def test_replayed(f: Any, calls: Any, options: Any) -> None:
    check(f, calls, options)


MOVING: dict[str, Any] = {
    "range": lambda: iter(range(100)),
    "count": itertools.count,
    "cycle": lambda: itertools.cycle([1.0, 2.0, 3.0]),
    "generator": lambda: (k * 2.0 for k in range(100)),
    "file": lambda: io.StringIO("\n".join(map(str, range(100)))),
}


@pytest.mark.parametrize("make", MOVING.values(), ids=MOVING.keys())
def test_what_moves_on_when_it_is_read_is_read_once_a_call(make: Any) -> None:
    def given(source: Any) -> Any:
        return lambda x: x * float(next(source))

    plain, replayed = given(make()), gm.replay(given(make()))
    with pytest.warns(ReplayWarning, match="it reads source, a .*, which moves on when it is read"):
        assert [replayed(1.0) for _ in range(5)] == [plain(1.0) for _ in range(5)]


def test_what_is_another_in_each_thread_is_refused() -> None:
    local, variable = threading.local(), contextvars.ContextVar("rate", default=1.0)
    local.rate = 1.0
    for f in (lambda x: x * local.rate, lambda x: x * variable.get()):
        with pytest.warns(ReplayWarning, match="which is another in each thread"):
            gm.replay(f)(np.ones(2))


@pytest.mark.filterwarnings("ignore::gradmagic.errors.ReplayWarning")
def test_a_file_is_read_at_every_call(tmp_path: Path) -> None:
    text, numbers = tmp_path / "rate.txt", tmp_path / "rate.npy"

    def opened(x: Any) -> Any:
        with open(text) as file:
            return x * float(file.read())

    for f in (opened, lambda x: x * float(text.read_text()), lambda x: x * np.load(numbers)):
        replayed = gm.replay(f)
        for k in range(3):
            text.write_text(str(k))
            np.save(numbers, float(k))
            assert replayed(2.0) == 2 * k
        assert "it opens a file" in replayed.refused[0] or "it calls open()" in replayed.refused[0]


SPEAKING: dict[str, Any] = {
    "print": lambda x: (print("here"), x * 2)[1],
    "warn": lambda x: (warnings.warn("old", DeprecationWarning, stacklevel=1), x * 2)[1],
    "log": lambda x: (logging.getLogger("a.log").warning("here"), x * 2)[1],
}


@pytest.mark.parametrize("f", SPEAKING.values(), ids=SPEAKING.keys())
def test_what_it_says_is_said_at_every_call(f: Any, capsys: Any, caplog: Any) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        replayed = gm.replay(f)
        for _ in range(3):
            replayed(np.zeros(2))
    warned = [w for w in seen if w.category is DeprecationWarning]
    assert capsys.readouterr().out.count("here") + len(warned) + len(caplog.records) == 3


def test_numpy_warns_once_where_a_call_is_recorded() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        gm.replay(lambda x: np.log(x))(np.zeros(2))
    assert [w.category for w in seen] == [RuntimeWarning]


@pytest.mark.filterwarnings("ignore::gradmagic.errors.ReplayWarning")
def test_numbers_that_numpy_is_to_refuse_are_refused() -> None:
    def safe(x: Any) -> Any:
        try:
            with np.errstate(all="raise"):
                return np.log(x)
        except FloatingPointError:
            return x * 0

    replayed = gm.replay(safe)
    for value in (1.0, 2.0, 0.0, -1.0):
        np.testing.assert_array_equal(replayed(np.full(2, value)), safe(np.full(2, value)))
    assert "it lets NumPy raise (np.errstate)" in replayed.refused[0]


def test_what_is_put_into_a_class_an_object_or_a_function_is_seen() -> None:
    class Base:
        rate = 1.0

        def moved(self, x: Any) -> Any:
            return x * (self.rate + getattr(self, "more", 0.0) + getattr(total, "more", 0.0))

    class Derived(Base):
        pass

    def total(x: Any) -> Any:
        return thing.moved(x)

    thing, replayed = Derived(), gm.replay(total)
    changes = (
        lambda: setattr(Base, "rate", 2.0),
        lambda: setattr(Derived, "rate", 3.0),
        lambda: setattr(thing, "more", 5.0),
        lambda: setattr(total, "more", 7.0),
        lambda: setattr(Base, "moved", lambda self, x: x * 11.0),
        lambda: setattr(Derived, "moved", lambda self, x: x * 13.0),
    )
    assert replayed(1.0) == replayed(1.0) == 1.0
    for change, expected in zip(changes, (2.0, 3.0, 8.0, 15.0, 11.0, 13.0), strict=True):
        change()
        assert replayed(1.0) == replayed(1.0) == expected
    assert replayed.served == 7


def test_what_an_object_keeps_of_an_argument_is_the_argument() -> None:
    class Motion:
        before: Any
        after: Any

        def step(self, x: Any) -> Any:
            moved = x - self.before
            self.before, self.after = x, moved
            return moved

    motion = Motion()
    motion.before, motion.after = np.zeros(2), np.zeros(2)
    step = gm.replay(motion.step)
    for k in range(5):
        x = np.full(2, float(k * k))
        moved = step(x)
        assert motion.before is x and motion.after is moved
        x += 1  # a buffer that is filled anew
    np.testing.assert_array_equal(motion.before, [17.0, 17.0])
    assert step.served == 4


def test_how_a_place_is_laid_out_is_seen_beside_gradients_that_are_new() -> None:
    w = gm.tensor(2.0, requires_grad=True)
    held = types.SimpleNamespace(w=w, m=np.arange(6.0).reshape(2, 3))

    @gm.replay
    def rows(x: Any) -> Any:
        (held.w * held.w).backward()
        return x * held.m if held.m.flags.c_contiguous else -x

    for k in range(6):
        held.m = np.asarray(np.ones((2, 3)), order="CF"[k % 2])
        w.grad = None
        assert (rows(1.0) == 1).all() if k % 2 == 0 else rows(1.0) == -1
    assert rows.served == 4


def test_a_module_in_a_closure_is_seen() -> None:
    settings = types.ModuleType("settings")
    settings.rate = 0.0  # type: ignore[attr-defined]
    replayed = gm.replay(lambda x: x * settings.rate)
    for k in range(4):
        settings.rate = float(k)  # type: ignore[attr-defined]
        assert replayed(2.0) == replayed(2.0) == 2 * k


HANDLED: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "of NumPy": (lambda x: np.linalg.cholesky(x), (np.eye(2), 2 * np.eye(2), -np.eye(2), np.eye(2))),
    "of an index": (lambda x: x[x.astype(int)], tuple(np.array([1.0, k]) for k in (0.0, 1.0, 7.0, 0.5))),
    "of Python": (lambda x: 1 / x, (1.0, 2.0, 0.0, 3.0)),
}


@pytest.mark.parametrize(("risky", "given"), HANDLED.values(), ids=HANDLED.keys())
def test_an_error_is_the_functions_own(risky: Any, given: Any) -> None:
    def handled(x: Any) -> Any:
        try:
            return risky(x)
        except (np.linalg.LinAlgError, IndexError, ZeroDivisionError) as error:
            return type(error).__name__

    replayed = gm.replay(handled)
    for x in given:
        np.testing.assert_array_equal(replayed(x), handled(x))
    assert replayed.served == 2


@pytest.mark.parametrize(
    "held", [[1.0, 2.0, 3.0, 4.0], collections.deque([1.0, 2.0, 3.0, 4.0])], ids=["list", "deque"]
)
@pytest.mark.filterwarnings("ignore::gradmagic.errors.ReplayWarning")
def test_a_function_may_take_the_last_of_a_list(held: Any) -> None:
    replayed = gm.replay(lambda x: x * held.pop())
    assert [replayed(1.0) for _ in range(4)] == [4.0, 3.0, 2.0, 1.0]


def test_a_setting_is_seen_down_to_the_sign_of_zero() -> None:
    held = {"z": 0.0}
    replayed = gm.replay(lambda x: np.copysign(x, held["z"]))
    for sign in (1.0, -1.0, 1.0, -1.0):
        held["z"] = np.copysign(0.0, sign).item()
        assert replayed(2.0) == replayed(2.0) == 2 * sign


def test_what_an_object_in_a_class_holds_is_seen() -> None:
    class Model:
        settings = types.SimpleNamespace(rate=1.0)

        def step(self, x: Any) -> Any:
            return x * self.settings.rate

    replayed = gm.replay(Model().step)
    for k in range(4):
        Model.settings.rate = float(k)
        assert replayed(2.0) == replayed(2.0) == 2 * k


RATES, MARKS = {5: 0.1, 6: 0.2, 2.5: 0.3}, {5, 2.5}
KEYED: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "a count in a dict": (lambda c, x: RATES.get(c.n, 1.0), (1.0,) * 8),
    "a count in a set": (lambda c, x: c.n in MARKS, (1.0,) * 8),
    "a number in a dict": (lambda c, x: RATES.get(x, 1.0), (1.0, 1.5, 2.0, 2.5, 3.0)),
    "a number in a set": (lambda c, x: x in MARKS, (1.0, 1.5, 2.0, 2.5, 3.0)),
    "an entry in a set": (lambda c, x: x[0] in MARKS, tuple(np.array([k]) for k in (1.0, 2.0, 2.5, 5.0))),
    "a place in a list": (
        lambda c, x: ["a", "b"][x.argmax()] + {0: "c", 1: "d"}[x.argmax()],
        tuple(np.array(k) for k in ([1.0, 2.0], [3.0, 4.0], [2.0, 1.0], [1.0, 0.0])),
    ),
    "as long as a count": (lambda c, x: len([0] * c.n) + len(c.n * (0,)), (1.0,) * 8),
}


@pytest.mark.parametrize(("f", "given"), KEYED.values(), ids=KEYED.keys())
@pytest.mark.filterwarnings("ignore::gradmagic.errors.ReplayWarning")
def test_numbers_are_keys_and_lengths_as_they_are_without(f: Any, given: Any) -> None:
    def counting(c: Any, x: Any) -> Any:
        c.n += 1
        return f(c, x), np.sum(x) * 2

    plain, held = types.SimpleNamespace(n=0), types.SimpleNamespace(n=0)
    replayed = gm.replay(lambda x: counting(held, x))
    for x in given:
        assert replayed(x) == counting(plain, x)


def test_an_error_that_holds_an_array_is_told_as_any_other() -> None:
    def strict(x: Any) -> Any:
        if not hasattr(x, "__array_interface__"):
            raise TypeError(x)
        return x * 2

    with pytest.warns(ReplayWarning, match="recording raised TypeError"):
        assert (gm.replay(strict)(np.ones(2)) == 2).all()


TYPED: dict[str, Any] = {
    "is": lambda x: np.maximum(x, 0.0) if type(x) is np.ndarray else x,
    "is not": lambda x: x if type(x) is not np.ndarray else np.maximum(x, 0.0),
    "in": lambda x: np.maximum(x, 0.0) if type(x) in (np.ndarray, list) else x,
    "name": lambda x: np.maximum(x, 0.0) if type(x).__name__ == "ndarray" else x,
}


@pytest.mark.parametrize("f", TYPED.values(), ids=TYPED.keys())
def test_a_type_that_is_compared_is_the_arrays(f: Any) -> None:
    replayed = gm.replay(f)
    with pytest.warns(ReplayWarning, match=r"it compares type\(...\), .* write isinstance"):
        assert [replayed(np.array([v])).item() for v in (1.0, 2.0, -1.0)] == [1.0, 2.0, 0.0]


def test_a_frozen_dataclass_is_looked_into() -> None:
    @dataclasses.dataclass(frozen=True)
    class Settings:
        rate: float = 2.0

    settings = Settings()
    replayed = gm.replay(lambda x: x * settings.rate)
    assert [replayed(v) for v in (1.0, 2.0, 3.0)] == [2.0, 4.0, 6.0]
    assert replayed.served == 2


def test_names_that_are_read_by_globals_are_refused() -> None:
    with pytest.warns(ReplayWarning, match=r"it reads globals\(\)"):
        gm.replay(lambda x: x * globals()["N"])(np.ones(2))


def test_a_truth_value_among_settings_is_looked_at_again() -> None:
    replayed = gm.replay(lambda x: np.sum(x, where=np.asarray(x) > 0))
    assert [replayed(v) for v in (1.0, -1.0, 2.0, -3.0)] == [1.0, 0.0, 2.0, 0.0]
    assert not replayed.refused and replayed.served == 2


_asked_today, _asked_clock, _asked_file = datetime.date.today, time.time, os.path.exists
ASKED: dict[str, Any] = {
    "getenv": lambda x: x * (2.0 if os.getenv("GRADMAGIC_TEST") else 1.0),
    "today": lambda x: x * datetime.date.today().year,
    "now": lambda x: x * datetime.datetime.now().year,
    "_asked_today": lambda x: x * _asked_today().year,
    "time.time": lambda x: x * (time.time() // 1e9),
    "_asked_clock": lambda x: x * (_asked_clock() // 1e9),
    "exists": lambda x: x * os.path.exists("."),
    "_asked_file": lambda x: x * _asked_file("."),
    "cpu_count": lambda x: x * os.cpu_count(),
}


@pytest.mark.parametrize("name", ASKED)
def test_what_the_machine_answers_is_no_constant(name: str) -> None:
    r = gm.replay(ASKED[name])
    with pytest.warns(ReplayWarning, match=rf"it asks {name}\(\)"):
        r(np.ones(2))


def test_a_function_of_the_users_own_of_the_same_name_hides_no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "now", lambda: 2.0)
    with pytest.warns(ReplayWarning, match=r"it asks now\(\)"):
        gm.replay(ASKED["now"])(np.ones(2))
    mine = gm.replay(lambda x: x * now())  # type: ignore[name-defined]  # noqa: F821
    for _ in range(2):
        np.testing.assert_array_equal(mine(np.ones(2)), [2.0, 2.0])
    assert mine.served == 1


@functools.lru_cache
def cached_table(n: int) -> Any:
    return np.ones(n)


@functools.lru_cache
def cached_bytes() -> bytearray:
    return bytearray(np.ones(3).tobytes())


HIDDEN: dict[str, tuple[Any, Any]] = {
    "cache": (lambda x: x * cached_table(3), lambda: cached_table(3)),
    "part of a cache": (lambda x: x[1:] * cached_table(4)[2:], lambda: cached_table(4)),
    "rows of a cache": (lambda x: x * cached_table(6).reshape(2, 3), lambda: cached_table(6)),
    "memory of others": (lambda x: x * np.frombuffer(cached_bytes()), lambda: np.frombuffer(cached_bytes())),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_an_array_that_lives_on_unseen_is_compared(name: str) -> None:
    f, hidden = HIDDEN[name]
    replayed, x = gm.replay(f), np.arange(3.0)
    for k in (1.0, 2.0, 2.0, 5.0):
        hidden()[:] = k
        for _ in range(2):
            np.testing.assert_array_equal(replayed(x), f(x))
    assert replayed.served >= 4


def test_what_only_the_function_itself_holds_is_not_compared() -> None:
    replayed = gm.replay(lambda x: x * np.arange(3.0)[1:] + np.ones((2, 2))[0])
    replayed(1.0)
    assert not replayed.programs[0].around.kept


def test_an_object_may_become_one_of_another_class() -> None:
    class One:
        def rate(self) -> float:
            return 1.0

    class Two:
        def rate(self) -> float:
            return 2.0

    thing: Any = One()
    replayed = gm.replay(lambda x: x * thing.rate())
    for kind, expected in ((One, 1.0), (Two, 2.0), (One, 1.0)):
        thing.__class__ = kind
        assert replayed(1.0) == replayed(1.0) == expected


def test_what_a_proxy_shows_is_seen() -> None:
    rates = {"a": 1.0, "b": np.ones(2)}
    proxy = types.MappingProxyType(rates)
    replayed = gm.replay(lambda x: x * proxy["a"] * proxy["b"])
    for k in range(4):
        rates.update(a=float(k), b=np.full(2, k + 1.0))
        for _ in range(2):
            np.testing.assert_array_equal(replayed(1.0), np.full(2, k * (k + 1.0)))


def test_what_is_held_weakly_is_refused() -> None:
    class Held:
        rate = 1.0

    held = Held()
    weak, values = weakref.ref(held), weakref.WeakValueDictionary(a=held)
    for f in (lambda x: x * weak().rate, lambda x: x * values["a"].rate):
        with pytest.warns(ReplayWarning, match="which lets go of what it gives"):
            gm.replay(f)(np.ones(2))


class _Kept:
    """What a class may hold that is no number, array or function of the user's; `SWAPS` puts another there."""

    act, held, kind = np.sin, types.SimpleNamespace(a=1.0), np.float64
    bound, method = (
        functools.partial(np.multiply, 2.0),
        functools.partialmethod(lambda self, x, k: x * k, k=2.0),
    )


class _Inherits(_Kept):
    pass


SWAPS: dict[str, tuple[Any, str, Any]] = {
    "ufunc": (lambda o, x: o.act(x), "act", np.cos),
    "object": (lambda o, x: x * o.held.a, "held", types.SimpleNamespace(a=3.0)),
    "class": (lambda o, x: x.astype(o.kind), "kind", np.float32),
    "partial": (lambda o, x: o.bound(x), "bound", functools.partial(np.multiply, 5.0)),
    "partialmethod": (
        lambda o, x: o.method(x), "method", functools.partialmethod(lambda self, x, k: x * k, k=7.0)
    ),
}  # fmt: skip


@pytest.mark.parametrize("holder", [_Kept(), _Inherits()], ids=["own", "inherited"])
@pytest.mark.parametrize("name", SWAPS)
def test_what_a_class_holds_may_be_swapped(name: str, holder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    f, attribute, other = SWAPS[name]
    replayed, x = gm.replay(lambda x: f(holder, x)), np.linspace(0, 1, 3)
    replayed(x), replayed(x)
    monkeypatch.setattr(_Kept, attribute, other)
    for _ in range(2):
        got, right = replayed(x), f(holder, x)
        np.testing.assert_array_equal(got, right)
        assert got.dtype == right.dtype
    assert replayed.served == 2


xp: Any = np


def test_a_name_of_numpys_may_become_one_of_another_library(monkeypatch: pytest.MonkeyPatch) -> None:
    other = types.SimpleNamespace(sin=np.cos)
    inner: Any = np
    replayed, closed = gm.replay(lambda x: xp.sin(x)), gm.replay(lambda x: inner.sin(x))
    for r in (replayed, closed):
        assert r(0.0) == r(0.0) == 0.0
    monkeypatch.setattr(sys.modules[__name__], "xp", other)
    inner = other
    for r in (replayed, closed):
        assert r(0.0) == r(0.0) == 1.0


@pytest.mark.parametrize("base", [dict, list, tuple, set, collections.deque])
@pytest.mark.parametrize("slots", [(), ("rate",)], ids=["dict", "slots"])
def test_what_a_container_has_beside_its_entries_is_seen(base: Any, slots: Any) -> None:
    if base is tuple and slots:
        pytest.skip("Python has no slots in tuples")

    class Own(base):  # type: ignore[misc]
        __slots__ = slots

        def twice(self) -> float:
            return 2.0

    Kind: Any = Own if slots else type("Kind", (Own,), {})
    held = Kind()
    held.rate = 2.0
    replayed = gm.replay(lambda x: x * held.rate * held.twice())
    assert replayed(1.0) == replayed(1.0) == 4.0
    held.rate = 3.0
    assert replayed(1.0) == replayed(1.0) == 6.0
    Own.twice = lambda self: 5.0  # type: ignore[method-assign]
    assert replayed(1.0) == replayed(1.0) == 15.0


def test_a_function_of_python_within_a_ufunc_is_refused() -> None:
    factor = [2.0]
    made = np.frompyfunc(lambda v: v * factor[0], 1, 1)
    with pytest.warns(ReplayWarning, match="it uses made, a ufunc, which may give something else"):
        gm.replay(lambda x: x * made([1.0, 2.0]).astype(float))(1.0)
