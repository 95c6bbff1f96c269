"""The tape: nodes that remember how a value was made, and the backward sweep over them.

In: operations that `operators` and `dispatch` record. Out: cotangents, in the leaves' `.grad` or handed back.
No node points to a tensor: a graph has no cycles and dies with its last reader.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import count
from typing import Any

import numpy as np

from ..core.places import place_of, user_frame
from .observers import Chain, Observer

_new = object.__new__


class Aval:
    """Shape and dtype of a value ("abstract value"), interned: equal avals are one object.

    Comparing two avals with `is` replaces comparing shapes and dtypes on every operation and in every sweep.
    """

    __slots__ = (
        "constants",
        "dtype",
        "fast",
        "ndim",
        "odd",
        "one",
        "python",
        "quick",
        "real",
        "shape",
        "size",
        "tangent",
    )

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], python: type | None) -> None:
        self.shape, self.dtype, self.python = shape, dtype, python
        self.ndim = len(shape)
        self.size = 1
        for n in shape:
            self.size *= n
        self.real = dtype.kind != "c"
        # Whole numbers get a float gradient; the others one of their own dtype.
        self.tangent = dtype if dtype.kind in "fc" else np.dtype(np.float64)
        self.one = self.tangent.type(1)  # where a sweep starts
        # Between equal avals of this kind the result and all cotangents have the same aval again.
        self.fast = dtype.kind == "f"
        self.odd = dtype.kind not in "biufc"  # objects, text, dates: no gradient passes
        self.quick = dtype.char in "fd"  # NumPy averages float16 in float32
        self.constants = _CONSTANTS.setdefault(dtype, {}) if self.fast and python is None and shape else None

    def __repr__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


_AVALS: dict[Any, Aval] = {}
# Python numbers as 0-d arrays of one dtype: x * 2.0 takes 581 ns, x * <0-d array of x's dtype> 290.
_CONSTANTS: dict[np.dtype[Any], dict[float, np.ndarray]] = {}
_PYTHON_DTYPES = {float: "d", int: "q", bool: "?", complex: "D"}
_MOST_CONSTANTS = 512


def aval_of(value: Any) -> Aval:
    """Give the aval of an array, a NumPy scalar or a Python number."""
    kind = type(value)
    found = _AVALS.get(kind)  # scalars: one aval for each type; .shape and .dtype would take 0.2 us
    if found is None:
        key = (value.shape, value.dtype) if hasattr(value, "shape") else kind
        found = _AVALS.get(key)
    if found is None:
        if isinstance(key, tuple):
            found = Aval(*key, None)
            if isinstance(value, np.generic):
                _AVALS[kind] = found
        else:
            number = next((k for k in (bool, int, float, complex) if isinstance(value, k)), None)
            if number is None:
                raise TypeError(f"a {key.__name__} is neither an array nor a number")
            found = Aval((), np.dtype(_PYTHON_DTYPES[number]), number)
        _AVALS[key] = found
    return found


def constant_for(aval: Aval, value: float) -> Any:
    """Give the Python number `value` as a cached 0-d array of the aval's dtype, or as it is where that could differ.

    Not cached: zero (0.0 == -0.0, and they are not the same factor), NaN, and what does not fit the dtype.
    """
    cache = aval.constants
    if cache is None or not value or value != value:
        return value
    try:
        array = np.array(value, aval.dtype)
    except OverflowError:
        return value
    if not np.isfinite(array):
        return value
    if len(cache) >= _MOST_CONSTANTS:
        cache.clear()
    array.flags.writeable = False
    cache[value] = array
    return array


class Node:
    """How one value was made: the rule, the nodes of its inputs, what the rule kept for the way back.

    Attributes
    ----------
    rule : Rule or None
        None for a leaf.
    inputs : tuple of (Node or None)
        One for each array argument; None where the argument is a constant.
    saved : tuple or None
        What the rule kept; `FREED` once a sweep has given it back.
    number : int
        Running number; ascending in the order of creation.
    aval : Aval
        Shape and dtype of the value; its cotangents have them too.
    place : tuple or None
        Where in the source: (code object, index of the instruction), interned; None if nobody watches.
    """

    __slots__ = ("__weakref__", "aval", "inputs", "number", "place", "rule", "saved")

    rule: Any
    inputs: tuple[Node | None, ...]
    saved: Any
    number: int
    aval: Aval
    place: tuple[Any, int] | None
    grad: Any = None

    def name(self) -> str:
        """Give the name that PyTorch shows: `AddBackward0`, or `AccumulateGrad` for a leaf."""
        return self.rule.torch if self.rule is not None else "AccumulateGrad"

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes of the inputs, each with the index of the output used, as in PyTorch."""
        return tuple((node, 0) for node in self.inputs)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


class Leaf(Node):
    """The node of a value that nothing recorded made: an input. Its gradient collects in `.grad`."""

    __slots__ = ("grad",)

    def __init__(self, aval: Aval) -> None:
        self.rule, self.inputs, self.saved, self.place, self.grad = None, (), None, None, None
        self.aval = aval
        self.number = tick()
        if state.mode is not None and state.mode is not OFF:
            state.mode(self, None, sys._getframe(1))


class _Sentinel:
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


FREED = _Sentinel("FREED")  # in Node.saved: a sweep has given the buffers back
OFF = _Sentinel("OFF")  # in state.mode: nothing is recorded (no_grad)


class State:
    """What every operation looks at: one attribute, so that an operation that nobody watches pays for one read.

    `mode` is None (record), `OFF` (do not), or a function called with (node, array, frame) for each new node.
    `written` is the number of the last write in place; only nodes older than it can hold changed values.
    `inputs` has the numbers of the inputs of the `gm.grad` that are running: what they lose, nobody would report.
    `observer` is the recorder and the guards as one; `masking` what counts 0 * inf as 0 in a sweep (masking.py).
    """

    __slots__ = (
        "guards",
        "hooks",
        "inputs",
        "keep_places",
        "masking",
        "mode",
        "observer",
        "recorder",
        "written",
    )

    def __init__(self) -> None:
        self.mode: Any = None
        self.observer: Any = None
        self.recorder: Any = None
        self.guards: tuple[Observer, ...] = ()
        self.masking: Any = None
        self.keep_places = False
        self.written = -1
        self.inputs: set[int] = set()
        self.hooks: dict[int, list[Callable[[Any], Any]]] = {}


state = State()
tick = count().__next__


def _place_only(node: Node, _array: Any, frame: Any) -> None:
    node.place = place_of(user_frame(frame))


def _observed(node: Node, array: Any, frame: Any) -> None:
    frame = user_frame(frame)
    node.place = place_of(frame)
    state.observer.made(node, array, frame)


def _normal_mode() -> Any:
    return _observed if state.observer is not None else _place_only if state.keep_places else None


def keep_places(on: bool) -> None:
    """Remember where in the source each operation stands (0.1 us an operation)."""
    state.keep_places = on
    if state.mode is not OFF:
        state.mode = _normal_mode()


@contextmanager
def watch(observer: Any) -> Iterator[Any]:
    """Let `observer` see every node made and every cotangent ready, within the block; None: nobody, guards neither."""
    recorder, guards = state.recorder, state.guards
    _observe(observer, guards if observer is not None else ())
    try:
        yield observer
    finally:
        _observe(recorder, state.guards if observer is not None else guards)


def guard(observer: Observer) -> None:
    """Let `observer` see the same from here on, behind whoever watches, until `unguard`."""
    _observe(state.recorder, (*state.guards, observer))


def unguard(observer: Observer) -> None:
    """Take it away again."""
    _observe(state.recorder, tuple(g for g in state.guards if g is not observer))


def _observe(recorder: Any, guards: tuple[Observer, ...]) -> None:
    state.recorder, state.guards = recorder, guards
    state.observer = Chain(recorder, guards) if guards else recorder
    state.mode = OFF if state.mode is OFF else _normal_mode()


class set_grad_enabled:
    """Record operations (True) or not (False), in a `with` block, as a decorator, or from here on.

    Examples
    --------
    >>> import gradmagic as gm
    >>> x = gm.tensor([1.0], requires_grad=True)
    >>> with gm.set_grad_enabled(False):
    ...     (2 * x).requires_grad
    False
    """

    def __init__(self, mode: bool) -> None:
        self._on = mode
        self._before: list[Any] = [state.mode]
        state.mode = self._mode()

    def _mode(self) -> Any:
        return _normal_mode() if self._on else OFF

    def __enter__(self) -> None:
        if not self._before:
            self._before.append(state.mode)
        state.mode = self._mode()

    def __exit__(self, *_: object) -> None:
        state.mode = OFF if self._before.pop() is OFF else _normal_mode()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if self._before:
            state.mode = self._before.pop()  # as a decorator it acts only while the function runs
        return _decorated(type(self), (self._on,), function)


def _decorated(manager: Any, args: tuple[Any, ...], function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def wrapped(*a: Any, **k: Any) -> Any:
        with manager(*args):
            return function(*a, **k)

    return wrapped


class _GradMode:
    """`no_grad` and `enable_grad`: with-block, decorator with or without parentheses."""

    _on: bool

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        return _new(cls) if function is None else _decorated(cls, (), function)

    def __init__(self) -> None:
        self._before: list[Any] = []

    def __enter__(self) -> None:
        self._before.append(state.mode)
        state.mode = _normal_mode() if self._on else OFF

    def __exit__(self, *_: object) -> None:
        state.mode = OFF if self._before.pop() is OFF else _normal_mode()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return _decorated(type(self), (), function)


class no_grad(_GradMode):
    """Compute without recording, in a `with` block or as a decorator.

    Examples
    --------
    >>> import gradmagic as gm
    >>> x = gm.tensor([1.0], requires_grad=True)
    >>> with gm.no_grad():
    ...     (2 * x).requires_grad
    False
    """

    _on = False


class enable_grad(_GradMode):
    """Record again inside a `no_grad` block.

    Examples
    --------
    >>> import gradmagic as gm
    >>> x = gm.tensor([1.0], requires_grad=True)
    >>> with gm.no_grad(), gm.enable_grad():
    ...     (2 * x).requires_grad
    True
    """

    _on = True


def is_grad_enabled() -> bool:
    """Tell whether operations are recorded now.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.is_grad_enabled()
    True
    """
    return state.mode is not OFF


def walk(*roots: Node) -> list[Node]:
    """List the nodes that `roots` depend on, themselves included, latest first."""
    seen = {root.number: root for root in roots}
    stack = list(seen.values())
    while stack:
        for node in stack.pop().inputs:
            if node is not None and node.number not in seen:
                seen[node.number] = node
                stack.append(node)
    return [seen[number] for number in sorted(seen, reverse=True)]


def between(root: Node, inputs: Iterable[Node]) -> set[int]:
    """Give the numbers of the nodes that lie on a path from `inputs` to `root`."""
    found = {node.number for node in inputs}
    for node in reversed(walk(root)):
        if any(source is not None and source.number in found for source in node.inputs):
            found.add(node.number)
    return found
