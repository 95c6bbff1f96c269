"""Who records and who watches: settings that belong to a thread, or to an asyncio task.

In: `no_grad`, `watch`, `guard` and their kin. Out: `mode_now()`, the one thing that every operation asks, and
`settings()`, which the sweeps and whatever is off the hot path ask.

Both are context variables. A thread begins with the defaults, as in PyTorch; an asyncio task begins with the settings
of the code that started it (in PyTorch all tasks of a thread share one), and what it sets ends with it.
`ContextVar.get`, kept in a global, costs 6 ns more than an attribute of a global object; one of a threading.local 50.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.places import place_of, user_frame
from .observers import Chain, Observer

if TYPE_CHECKING:
    from .nodes import Node


class Sentinel:
    """A value that is only itself, with a name to be read."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


OFF = Sentinel("OFF")  # the mode in which nothing is recorded (no_grad)


class Settings(NamedTuple):
    """What is set in a context besides the mode.

    Attributes
    ----------
    recorder : Observer or None
        Who sees every node made and every cotangent ready: the one behind a report.
    guards : tuple of Observer
        Who sees the same behind it, and may stop it (NaN, a tape that grows too large).
    observer : Observer or None
        All of them as one.
    masking : object or None
        What counts 0 * inf as 0 in a sweep (guard_where.py).
    keep_places : bool
        Whether operations remember where in the source they stand.
    """

    recorder: Any = None
    guards: tuple[Observer, ...] = ()
    observer: Any = None
    masking: Any = None
    keep_places: bool = False


# None: record; OFF: do not; else a function called with (node, array, frame) for each new node.
_MODE: ContextVar[Any] = ContextVar("gradmagic mode", default=None)
_SETTINGS: ContextVar[Settings] = ContextVar("gradmagic settings", default=Settings())  # noqa: B039  (a tuple)
_BLOCKS: ContextVar[Any] = ContextVar(
    "gradmagic blocks", default=None
)  # (what was before the last, the others)
# Whether a `gm.grad` runs: what its inputs lose, nobody would report.
DIFFERENTIATING: ContextVar[bool] = ContextVar("gradmagic differentiates", default=False)
# What values of a `gm.grad` that runs were asked for as plain ones: (words, place), for its end; None elsewhere.
LOST: ContextVar[list[tuple[str, Any]] | None] = ContextVar("gradmagic lost", default=None)
mode_now = _MODE.get
settings = _SETTINGS.get
differentiating = DIFFERENTIATING.get


def change(**new: Any) -> None:
    """Set some of the settings, in this context."""
    now = settings()._replace(**new)
    _SETTINGS.set(now._replace(observer=Chain(now.recorder, now.guards) if now.guards else now.recorder))
    if mode_now() is not OFF:
        _MODE.set(_recording())


def begin(before: Any) -> None:
    """Begin a block: `end` gives `before` back. The context keeps it, not the block, which threads may share."""
    _BLOCKS.set((before, _BLOCKS.get()))


def end() -> Any:
    """End the block that began last."""
    before, others = _BLOCKS.get()
    _BLOCKS.set(others)
    return before


def _recording() -> Any:
    """Give the mode in which operations are recorded, as the settings want it."""
    now = settings()
    return _observed if now.observer is not None else _place_only if now.keep_places else None


def _place_only(node: Node, _array: Any, frame: Any) -> None:
    node.place = place_of(user_frame(frame))


UNSEEN = frozenset({None, _place_only})  # the modes in which nobody looks on while operations are recorded


def _observed(node: Node, array: Any, frame: Any) -> None:
    frame = user_frame(frame)
    node.place = place_of(frame)
    settings().observer.made(node, array, frame)


# ---- watching --------------------------------------------------------------------------------------------


def keep_places(on: bool) -> None:
    """Remember where in the source each operation stands (0.1 us an operation)."""
    change(keep_places=on)


@contextmanager
def watch(observer: Any) -> Iterator[Any]:
    """Let `observer` see every node made and every cotangent ready, within the block; None: nobody, guards neither."""
    recorder, guards, *_ = settings()
    change(recorder=observer, guards=guards if observer is not None else ())
    try:
        yield observer
    finally:
        change(recorder=recorder, guards=settings().guards if observer is not None else guards)


def guard(observer: Observer) -> None:
    """Let `observer` see the same from here on, behind whoever watches, until `unguard`."""
    change(guards=(*settings().guards, observer))


def unguard(observer: Observer) -> None:
    """Take it away again."""
    change(guards=tuple(g for g in settings().guards if g is not observer))


# ---- recording or not ------------------------------------------------------------------------------------


def is_grad_enabled() -> bool:
    """Tell whether operations are recorded now, in this thread.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.is_grad_enabled()
    True
    """
    return mode_now() is not OFF


def _switch(on: bool) -> None:
    _MODE.set(_recording() if on else OFF)


class _Switching:
    """A `with` block in which operations are recorded or not, and a decorator of functions that run in one."""

    _on: bool

    def __enter__(self) -> None:
        begin(mode_now())
        _switch(self._on)

    def __exit__(self, *_: object) -> None:
        _switch(end() is not OFF)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return wrapped


class set_grad_enabled(_Switching):
    """Record operations (True) or not (False), in a `with` block, as a decorator, or from here on in this thread.

    Examples
    --------
    >>> import gradmagic as gm
    >>> x = gm.tensor([1.0], requires_grad=True)
    >>> with gm.set_grad_enabled(False):
    ...     (2 * x).requires_grad
    False
    """

    def __init__(self, mode: bool) -> None:
        self._on, self._found = mode, [is_grad_enabled()]
        _switch(mode)

    def _back(self) -> None:
        """Undo what the call has set at once, which a block or a decorator does not mean."""
        if self._found:
            _switch(self._found.pop())

    def __enter__(self) -> None:
        self._back()
        super().__enter__()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        self._back()
        return super().__call__(function)


class _GradMode(_Switching):
    """`no_grad` and `enable_grad`: a decorator with or without parentheses."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        made = object.__new__(cls)
        return made if function is None else made(function)


class no_grad(_GradMode):
    """Compute without recording, in a `with` block or as a decorator; other threads go on as they are.

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
