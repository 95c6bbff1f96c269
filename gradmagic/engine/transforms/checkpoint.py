"""`gm.checkpoint`: keep a function's inputs instead of all that it computes, and compute it again on the way back.

In: a function of tracked values. Out: its results, recorded as one operation whose derivative is the function's own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np

from ...errors import RecomputeError
from ...language import tr
from ..core import generator as random
from ..core.trees import leaves, rebuilt
from ..dispatch.calls import record
from ..rules.rule import Cotangent, Rule, Saved, Unpacked, pick
from ..sweeps.several import sweep_from, taken
from ..tape.modes import OFF, enable_grad, mode_now, watch
from ..tape.nodes import Node, aval_of, tick
from ..tape.tracked import Tracked


class _Checkpoint(Rule):
    """Computes the function again, recorded, and sweeps back through that."""

    kind = "checkpoint"
    outputs = "list"

    def __init__(self, function: Any) -> None:
        super().__init__(function, "", unnamed="checkpoint")

    def unpacked(self, saved: Saved) -> Unpacked:
        _, _, _, values, _ = saved
        return values, (), {}

    def pull(self, node: Node, g: Cotangent, saved: Saved) -> Sequence[Cotangent]:
        before, args, kwargs, values, again = saved
        with watch(None), enable_grad(), _drawing_as(before):
            results = _results(self.function(*args, **kwargs))
            for y, value in zip(results, values, strict=True):
                if not _same(y.array, value):
                    raise RecomputeError(tr(
                        "{name} gave other values when gm.checkpoint computed it again: it draws random numbers or "
                        "changes something outside. Give it what it draws as an argument.", name=self.name,
                    ))  # fmt: skip
            roots = [y.node for y in results]
            sources: list[Any] = list(node.inputs)
            return taken(sweep_from(roots, list(g), sources, create_graph=again), sources)

    def wrapped(self, node: Node) -> Saved:
        return (*node.saved[:-1], True)


def checkpoint(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Trade time for memory: nothing inside `f` is kept for the way back; it is computed again then.

    Parameters
    ----------
    f : function
        Giving the same again for the same arguments. Draws from NumPy's global generator and gradmagic's own are
        repeated.
    *args, **kwargs
        If given, `f(*args, **kwargs)` is computed at once, as PyTorch's checkpoint does.

    Returns
    -------
    function
        Of the same arguments and the same value; or the value, if arguments are given.

    Raises
    ------
    RecomputeError
        In the sweep, if the function gives other values than before.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> block = gm.checkpoint(lambda x: np.tanh(np.sin(x)))
    >>> gm.grad(lambda x: np.sum(block(block(x))))(np.zeros(2))
    array([1., 1.])
    """
    rule = _Checkpoint(f)

    @wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        return _checkpointed(rule, args, kwargs)

    return function(*args, **kwargs) if args or kwargs else function


def _checkpointed(rule: _Checkpoint, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if mode_now() is OFF:
        return rule.function(*args, **kwargs)
    # The arguments as they are now: what the caller's names become later does not matter.
    args, kwargs = rebuilt(args, map(_now, leaves(args))), rebuilt(kwargs, map(_now, leaves(kwargs)))
    before, first = _generators(), tick()
    with watch(None):
        out = rule.function(*args, **kwargs)
    results = _results(out)
    if not results:
        return out
    sources = _outside([y.node for y in results], first)  # type: ignore[misc]
    saved = (before, args, kwargs, tuple(y.array for y in results), False)
    node = record(rule, None, tuple(sources), saved, tuple(aval_of(y.array) for y in results))
    made = iter([type(y).wrap(y.array, pick(node, i)) for i, y in enumerate(results)])
    return rebuilt(out, [next(made) if _tracked(y) else y for y in leaves(out)])


def _now(x: Any) -> Any:
    return type(x).wrap(x.array, x.node) if _tracked(x) else x


def _tracked(x: Any) -> bool:
    return isinstance(x, Tracked) and x.node is not None


def _results(out: Any) -> list[Any]:
    return [y for y in leaves(out) if _tracked(y)]


def _same(a: Any, b: Any) -> bool:
    return np.shape(a) == np.shape(b) and bool(np.all((a == b) | ((a != a) & (b != b))))


def _outside(roots: Sequence[Node], first: int) -> list[Node]:
    """List the nodes made before number `first` that `roots` come from."""
    seen: set[int] = set()
    found: list[Node] = []
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node.number in seen:
            continue
        seen.add(node.number)
        if node.number < first:
            found.append(node)
        else:
            stack += [source for source in node.inputs if source is not None]
    return sorted(found, key=lambda node: node.number)


def _generators() -> tuple[Any, Any]:
    """Give the states of NumPy's global generator (if anybody has loaded it) and of gradmagic's own."""
    legacy = sys.modules.get("numpy.random")
    return legacy and legacy.get_state(), random.stream().state() if random.started() else None


@contextmanager
def _drawing_as(before: tuple[Any, Any]) -> Iterator[None]:
    """Let the generators draw what they drew `before`, and go on afterwards from where they are now."""
    now = _generators()
    _set_generators(before)
    try:
        yield
    finally:
        _set_generators(now)


def _set_generators(states: tuple[Any, Any]) -> None:
    legacy, own = states
    if legacy is not None:
        sys.modules["numpy.random"].set_state(legacy)
    if own is not None:
        random.stream().go_to(own)
