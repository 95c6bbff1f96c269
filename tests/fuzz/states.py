"""Functions that hold state, drawn and replayed: `python -m tests.fuzz.states --programs 2000 --seed 1`.

In: a seed and a number. Out: a program as a module: places in which arrays and numbers are held (globals, attributes,
entries, closures, defaults), a function that reads, writes, swaps and shares them, what somebody else changes between
its calls; and the verdict: each call gives and leaves what it gives and leaves without a program, or is refused.
"""

from __future__ import annotations

import argparse
import collections
import random
import re
import textwrap
import warnings
from typing import Any

import numpy as np

import gradmagic as gm

CALLS = 7
_HEAD = """import collections
import types

import numpy as np


class Held:
    pass


class Slotted:
    __slots__ = ("w",)


class Behind:
    @property
    def w(self):
        return self._w

    @w.setter
    def w(self, value):
        self._w = value


"""
# How a place is set up, and how it is written.
_PLACES = {
    "global": ("g{i} = {v}", "g{i}"),
    "attribute": ("o{i} = Held()\no{i}.w = {v}", "o{i}.w"),
    "namespace": ("s{i} = types.SimpleNamespace(w={v})", "s{i}.w"),
    "entry": ("d{i} = {{'w': {v}}}", "d{i}['w']"),
    "item": ("l{i} = [{v}, 1.0]", "l{i}[0]"),
    "nested": ("n{i} = {{'k': [types.SimpleNamespace(w={v})]}}", "n{i}['k'][0].w"),
    "tuple": ("t{i} = (types.SimpleNamespace(w={v}),)", "t{i}[0].w"),
    "function": ("def h{i}(): pass\nh{i}.w = {v}", "h{i}.w"),
    "module": ("m{i} = types.ModuleType('m{i}')\nm{i}.w = {v}", "m{i}.w"),
    "slot": ("q{i} = Slotted()\nq{i}.w = {v}", "q{i}.w"),
    "property": ("p{i} = Behind()\np{i}.w = {v}", "p{i}.w"),
    "deque": ("e{i} = collections.deque([{v}, 2.0])", "e{i}[0]"),
    "ordered": ("u{i} = collections.OrderedDict(a=1.0, w={v})", "u{i}['w']"),
    "user's dict": ("y{i} = collections.UserDict(w={v})", "y{i}['w']"),
    "class": ("class C{i}:\n    w = {v}", "C{i}.w"),
}
_ARRAYS = ["np.ones(3)", "np.arange(3.0)", "np.zeros(3)", "np.full(3, 0.5)"]
_NUMBERS = ["1.0", "0", "2", "0.5", "np.float64(1.5)"]
_OF_ARRAYS = [
    "{a} = {a} + x", "{a} = x", "{a} = x * 2", "{a} = {a} * 0.9", "{a} += x", "{a} *= 0.5", "{a}[0] = x[1]",
    "{a}[1:] += x[:2]", "{a}, {b} = {b}, {a}", "{a} = {b}", "{a} = {b} + {a}", "{a}[:] = {b}", "v = {a}[1:]\nv += 1",
    "x = x + {a}", "x = x * {a}", "x = {a}", "x += {a}", "x[0] = {a}[0]", "if {a}[0] > x[0]: {a} = x",
    "if {a}.sum() > 2: x = x * 2", "{a} = np.maximum({a}, x)", "np.add({a}, x, out={a})", "{a} = {a}.copy()",
    "x = x if {a} is {b} else x + 1", "{a} = {a}[::-1]", "if {a} is not x: x = x * 3",
]  # fmt: skip
_OF_NUMBERS = [
    "{n} += 1", "{n} = {n} * 0.5", "{n} = {n} + 1", "x = x * {n}", "x = x + {n}", "if {n} > 2: x = x * 2",
    "if {n} % 2 == 0: x = -x", "x = x * 0.9 ** {n}", "for k in range(int(min({n}, 4))): x = x + k",
    "{n}, {m} = {m}, {n}", "{n} = {m}",
    "{n} = max({n}, {m})", "{a} = {a} * {n}", "{n} = float(np.sum(x))", "{n} = x.sum()", "{n} = x[0]",
]  # fmt: skip
_OUTSIDE = [
    "{a} = np.full(3, float(k))", "{a}[:] = k", "{a} = {b}", "{a}, {b} = {b}, {a}", "{a} = {b}[:]", "{n} = float(k)",
    "{n} = k", "{n} = {m}", "{a} = np.ones(3, np.float32)", "{a} = x0", "{a} = np.asarray([k, 1.0, 2.0])",
]  # fmt: skip
_GIVEN = [
    "x",
    "x * 1",
    "x, {a}",
    "{a}",
    "x.sum(), {n}",
    "{a}[1:]",
    "[x, {a} * 1]",
    "{n}, x * 2",
    "x + {a}",
    "{a} is {b}, x",
]


def draw(seed: int, number: int) -> str:
    """Draw a program: `f(x)`, `change(k)`, `state()`."""
    r = random.Random(f"{seed}/{number}")
    setup, arrays, numbers = [], [], []
    for i in range(r.choice([2, 3, 4])):
        holding = i == 0 or r.random() < 0.6
        set_up, place = _PLACES[r.choice([*_PLACES])]
        shared = (
            arrays[0]
            if holding and arrays and r.random() < 0.25
            else r.choice(_ARRAYS if holding else _NUMBERS)
        )
        setup.append(set_up.format(i=i, v=shared))
        (arrays if holding else numbers).append(place.format(i=i))
    if not numbers:
        setup.append("g9 = 1.0")
        numbers.append("g9")

    def fill(line: str) -> str:
        return line.format(a=r.choice(arrays), b=r.choice(arrays), n=r.choice(numbers), m=r.choice(numbers))

    lines = [
        fill(r.choice(_OF_ARRAYS if r.random() < 0.6 else _OF_NUMBERS)) for _ in range(r.choice([1, 2, 3, 5]))
    ]
    lines.append(f"return {fill(r.choice(_GIVEN))}")
    outside = [
        f"if k % {r.choice([1, 2, 3])} == 0:\n    {fill(r.choice(_OUTSIDE))}"
        for _ in range(r.choice([0, 0, 1, 2]))
    ]
    names = sorted({p for p in (*arrays, *numbers) if re.fullmatch(r"g\d", p)})
    closed = r.random() < 0.3  # names of a function around, not of the module
    head = [f"{'nonlocal' if closed else 'global'} {', '.join(names)}"] if names else []
    body = "\n".join(setup) + (
        f"\n\n\ndef f(x):\n{_inside([*head, *lines])}\n\ndef change(k):\n{_inside([*head, *outside, 'pass'])}"
        f"\n\ndef state():\n    return [{', '.join([*arrays, *numbers])}]\n"
    )
    if closed:
        body = f"\n\ndef made():\n{_inside([body, 'return f, change, state'])}\n\nf, change, state = made()\n"
    return f"{_HEAD}x0 = np.ones(3)\n{body}"


def _inside(lines: list[str]) -> str:
    return textwrap.indent("\n".join(lines), "    ") + "\n"


def _called(names: dict[str, Any], f: Any, k: int, same: bool) -> tuple[Any, ...]:
    names["change"](k)
    x = names["x0"] if same and k % 2 else np.random.default_rng(k).normal(size=3)
    try:
        given, error = f(x), ""
    except Exception as raised:
        given, error = None, f"{type(raised).__name__}: {raised}"
    return error, given, x, names["state"](), names["x0"]


def _flat(value: Any) -> list[Any]:
    return [part for v in value for part in _flat(v)] if isinstance(value, (tuple, list)) else [value]


def _off(want: Any, got: Any) -> str:
    mine, theirs = _flat(want), _flat(got)
    if len(mine) != len(theirs):
        return "another structure"
    for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
        if type(a) is not type(b):
            return f"part {i}: {type(b).__name__}, not {type(a).__name__}"
        if a is None or isinstance(a, str):
            if a != b:
                return f"{b!r}, not {a!r}"
            continue
        p, q = np.asarray(a), np.asarray(b)
        if p.dtype != q.dtype or p.shape != q.shape or not np.allclose(p, q, 1e-9, 1e-12, equal_nan=True):
            return f"part {i}: {b!r}, not {a!r}"
    shared = [
        [(i, j) for i in range(len(parts)) for j in range(i)
         if isinstance(parts[i], np.ndarray) and isinstance(parts[j], np.ndarray)
         and np.shares_memory(parts[i], parts[j])]
        for parts in (mine, theirs)
    ]  # fmt: skip
    return "" if shared[0] == shared[1] else f"shares {shared[1]}, not {shared[0]}"


def judged(text: str, same: bool = False) -> tuple[str, str]:
    """Give the verdict of a program: right, refused, eager, raises or wrong; `same`: some calls get one array."""
    plain, other = ({"__name__": "__main__"} for _ in range(2))
    for names in (plain, other):
        exec(compile(text, "<a drawn cell with state>", "exec", dont_inherit=True), names)
    replayed: Any = gm.replay(other["f"])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for k in range(CALLS):
            want, got = _called(plain, plain["f"], k, same), _called(other, replayed, k, same)
            if words := _off(want, got):
                return "wrong", f"call {k}: {words}"
            if want[0] and not k:
                return "raises", want[0]
    if replayed.refused:
        return "refused", replayed.refused[0]
    return ("right", "") if replayed.served else ("eager", f"{len(replayed.programs)} programs")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz.states", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int)
    args = parser.parse_args()
    counts: collections.Counter[str] = collections.Counter()
    numbers = [args.show] if args.show is not None else range(args.first, args.first + args.programs)
    for number in numbers:
        text = draw(args.seed, number)
        verdict, words = judged(text, same=number % 2 == 1)
        counts[verdict] += 1
        if args.show is not None:
            print(text)
        if verdict == "wrong" or args.show is not None:
            print(f"{number}: {verdict} {words}")
    print(dict(counts))
    return counts["wrong"]


if __name__ == "__main__":
    raise SystemExit(main() and 1)
