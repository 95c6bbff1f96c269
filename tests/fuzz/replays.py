"""Cells as functions, recorded by `gm.replay` on one input and replayed on others: `python -m tests.fuzz.replays`.

In: numbers of drawn programs. Out: how many calls a program served right, which were refused and why, which are wrong:
another value, kind, dtype, error, or other numbers left in the arguments, than by the function itself. The function
stands in a namespace of its own each time, so that what it keeps there is its own.
"""

from __future__ import annotations

import argparse
import collections
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import gradmagic as gm
from gradmagic.engine.core.trees import leaves

from .batches import OutOfTime, limited
from .draw import draw
from .judge import _copies, _function
from .running import Program, told

CALLS = 4
_PLAIN = (np.ndarray, np.generic, int, float, complex)


def moved(args: list[Any], call: int) -> tuple[Any, ...]:
    """Give the arguments of a call: the first as they are, floats of later ones moved, signs among them."""
    r = np.random.default_rng(call)
    made = []
    for a in _copies(args):
        if call and isinstance(a, np.ndarray) and a.dtype.kind in "fc":
            a += np.asarray(r.normal(size=a.shape) * (0.1 if call == 1 else 1.0)).astype(a.dtype)
        elif call and type(a) is float:
            a += float(r.normal())
        made.append(a)
    return tuple(made)


def off(want: Any, got: Any) -> str:
    """Say how two results differ; "" if they do not, but for rounding."""
    if type(want).__qualname__ != type(got).__qualname__:  # of classes that the cell itself makes
        return f"{type(got).__name__}, not {type(want).__name__}"
    mine, theirs = leaves(want), leaves(got)
    if len(mine) != len(theirs):
        return "another structure"
    for a, b in zip(mine, theirs, strict=True):
        if type(a).__qualname__ != type(b).__qualname__:
            return f"{type(b).__name__}, not {type(a).__name__}"
        a, b = getattr(a, "array", a), getattr(b, "array", b)
        if not isinstance(a, _PLAIN) or np.asarray(a).dtype.hasobject:
            continue
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"{b.dtype}{b.shape}, not {a.dtype}{a.shape}"
        eps = np.finfo(a.dtype).eps if a.dtype.kind in "fc" else 0
        scale = float(np.max(np.abs(a[np.isfinite(a)]), initial=1)) if a.dtype.kind in "fc" else 0
        if a.dtype.kind in "biufc" and not np.allclose(
            a, b, rtol=2e4 * eps, atol=2e4 * eps * scale, equal_nan=True
        ):
            return f"{b!r}, not {a!r}"[:200]
    return ""


def judged(program: Program, transform: Callable[..., Any]) -> tuple[str, str]:
    """Give the verdict of a program: right, refused, eager, raises or wrong; and the words."""
    names = program.names.split()
    f, args = _function(program, names)
    g = transform(_function(program, names)[0], len(names))
    r = gm.replay(transform(f, len(names)))
    for call in range(CALLS):
        mine, theirs = moved(args, call), moved(args, call)
        want, error = _asked(g, mine)
        if call == 0 and error is not None:
            return "raises", told(error)
        got, its = _asked(r, theirs)
        if type(error) is not type(its):
            return "wrong", f"call {call} raises {told(its) or 'nothing'}, not {told(error) or 'anything'}"
        if words := off(want, got) or off(mine, theirs):
            return "wrong", f"call {call}: {words}"
        if r.refused:
            return "refused", r.refused[0]
    return ("right", "") if r.served else ("eager", f"{len(r.programs)} programs for {CALLS} calls")


def _asked(f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, BaseException | None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        np.random.seed(0)  # noqa: NPY002  (what cells draw from)
        try:
            return f(*args), None
        except Exception as error:
            return None, error


TRANSFORMS: dict[str, Callable[..., Any]] = {
    "plain": lambda f, _: f,
    "gm.value_and_grad": lambda f, n: gm.value_and_grad(f, tuple(range(n))),
}


def _kind(words: str) -> str:
    """Give the words of a refusal without places, numbers and names."""
    return re.sub(r"\(line \d+ of [^)]*\)|'[^']*'|\d+", "", words)[:90].strip()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz.replays", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--programs", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int)
    args = parser.parse_args()
    wrong = 0
    numbers = [args.show] if args.show is not None else range(args.first, args.first + args.programs)
    for name, transform in TRANSFORMS.items():
        counts: collections.Counter[str] = collections.Counter()
        reasons: dict[str, list[int]] = collections.defaultdict(list)
        for number in numbers:
            program = draw(args.seed, number)
            if not program.names or not all(n.isidentifier() for n in program.names.split()):
                continue
            try:
                with limited(20):
                    verdict, words = judged(program, transform)
            except OutOfTime:
                verdict, words = "late", ""
            except Exception as error:
                verdict, words = "wrong", f"gm.replay itself raises {told(error)}"
            counts[verdict] += 1
            if verdict in ("refused", "eager"):
                reasons[_kind(words)].append(number)
            if verdict == "wrong":
                print(f"{name} {number}: {words}")
            if args.show is not None:
                print(program, verdict, words)
        wrong += counts["wrong"]
        print(f"{name}: {dict(counts)}")
        for words, those in sorted(reasons.items(), key=lambda item: -len(item[1])):
            print(f"  {len(those):4} {words} {those[:5]}")
    return wrong


if __name__ == "__main__":
    raise SystemExit(main())
