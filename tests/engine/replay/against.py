"""A function against its replay: `against(f, call, call, ...)` makes each call of both, and compares all there is.

In: a function, and makers of arguments (of a random generator, the same for both). Out: the replayed function; or an
AssertionError: another value, kind, dtype, shape or error, other numbers left in the arguments, or memory shared in
another way between arguments and results.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import gradmagic as gm
from gradmagic.engine.core.trees import leaves
from gradmagic.engine.replay.replay import Replayed

Make = Callable[[np.random.Generator], Any]


class Cases:
    """A table of functions, each with the calls that it is tested with, and why it is refused, if it is."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, Callable[..., Any], tuple[Make, ...], dict[str, Any]]] = []

    def __call__(self, *calls: Make, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """List the decorated function."""

        def listed(f: Callable[..., Any]) -> Callable[..., Any]:
            self.rows.append((f.__name__, f, calls, options))
            return f

        return listed


def check(f: Callable[..., Any], calls: tuple[Make, ...], options: dict[str, Any]) -> None:
    """Hold a row of a table against its replay."""
    options = dict(options)
    refused, programs = options.pop("refused", ""), options.pop("programs", None)
    replayed = against(f, *calls, **options)
    if refused:
        assert replayed.refused and refused in replayed.refused[0], replayed.explain()
    else:
        assert not replayed.refused, replayed.refused
        assert programs is None or len(replayed.programs) == programs, replayed.explain()


def arrays(*shapes: tuple[int, ...], dtype: Any = float) -> Make:
    """Make arguments: arrays of normal numbers."""
    return lambda r: tuple(r.normal(size=shape).astype(dtype) for shape in shapes)


def against(
    f: Callable[..., Any], *calls: Make, before: Callable[[int], Any] | None = None,
    state: Callable[[], Any] = lambda: None, raises: type[Exception] | None = None,
) -> Replayed:  # fmt: skip
    """Make the calls; `before` sets what the function reaches, for each of both; `state` gives what it leaves
    there; `raises` what some of the calls may."""
    replayed = gm.replay(f)
    for n, make in enumerate(calls):
        found = []
        for function in (f, replayed):
            if before is not None:
                before(n)
            args = make(np.random.default_rng(n))
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    out, error = function(**args) if isinstance(args, dict) else function(*args), None
                except Exception as raised:
                    out, error = None, raised
            found.append((out, type(error), args, _copied(state())))
        (want, error, given, left), (got, its, mine, kept) = found
        assert its is error, f"call {n} raises {its}, not {error}"
        assert error in (type(None), raises), f"call {n} raises {error}"
        for one, other in ((want, got), (given, mine), (left, kept)):
            _alike(one, other, f"call {n}")
        assert _shared(given, want) == _shared(mine, got), f"call {n} shares memory in another way"
    return replayed


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _alike(want: Any, got: Any, where: str) -> None:
    assert type(want) is type(got), f"{where}: {type(got)}, not {type(want)}"
    mine, theirs = leaves(want), leaves(got)
    assert len(mine) == len(theirs), where
    for a, b in zip(mine, theirs, strict=True):
        assert type(a) is type(b), f"{where}: {type(b)}, not {type(a)}"
        a, b = getattr(a, "array", a), getattr(b, "array", b)
        if isinstance(a, (np.ndarray, np.generic, float, int, complex)):
            assert np.asarray(a).dtype == np.asarray(b).dtype, where
            np.testing.assert_allclose(b, a, rtol=1e-6, atol=1e-12, err_msg=where)
        else:
            assert a == b or callable(a) or isinstance(a, np.random.Generator), where


def _shared(args: Any, out: Any) -> list[tuple[int, int]]:
    held = [getattr(v, "array", v) for v in (*leaves(args), *leaves(out))]
    return [
        (i, j) for i, a in enumerate(held) for j, b in enumerate(held[:i])
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.shares_memory(a, b)
    ]  # fmt: skip
