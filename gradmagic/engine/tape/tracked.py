"""The base of the tracked object: an array and the node that says how it was made. Its two faces derive from it.

`Tensor` (tensor.py) has PyTorch's methods, `Array` (array.py) has ndarray's; tape, rules and dispatch are shared.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeGuard, TypeVar, overload

if TYPE_CHECKING:
    from .nodes import Node

T = TypeVar("T")
Raw = Any  # what a tracked value holds: a plain array of any library, a NumPy scalar or a Python number


def instances(*kinds: type) -> list[Any]:
    """List the objects that are exactly of these classes, wherever they are held.

    By who refers to the class. `gc.get_objects` would hand out the tuples that other threads are just building, and
    a second reference to one of these makes Python raise a SystemError there.
    """
    return [o for o in gc.get_referrers(*kinds) if type(o) in kinds]


_new = object.__new__


@overload
def is_a(value: object, kind: type[T]) -> TypeGuard[T]: ...
@overload
def is_a(value: object, kind: tuple[type, ...]) -> bool: ...
def is_a(value: object, kind: Any) -> bool:
    """Tell whether `value` is of `kind`, by its real class: `isinstance` asks the value as well.

    That is for what only lies there while a cell runs. A proxy answers with what it stands for, which it may have to
    load, or cannot; it says it is a tensor and has none of its parts.
    """
    return issubclass(type(value), kind)


class Tracked:
    """An array whose computation is recorded.

    Attributes
    ----------
    array : ndarray, NumPy scalar, Python number, or an array of another device
        The value. Scalars are kept as NumPy scalars: a 0-d array costs 8 times as much (310 against 39 ns a product).
    node : Node or None
        How it was made; None if no gradient is wanted.
    """

    __slots__ = ("__weakref__", "array", "node")

    array: Raw
    node: Node | None
    soft: ClassVar[bool]  # a lifted value may become a plain one, with a note; a Tensor may not
    # The face that rules see when the sweep itself is recorded: NumPy's. Set by array.py.
    inner: ClassVar[type[Tracked]]

    blank: ClassVar[Callable[[], Any]]  # makes one without anything in it, whatever the constructor takes

    def __init_subclass__(cls) -> None:
        cls.blank = staticmethod(partial(_new, cls))

    @classmethod
    def wrap(cls, array: Raw, node: Node | None) -> Any:
        """Make one of this face."""
        made = _new(cls)
        made.array = array
        made.node = node
        return made

    @classmethod
    def at_first(cls, act: Callable[[], None]) -> None:
        """Call `act` when the first tensor is made; later ones pay nothing for it."""
        usual = Tracked.__dict__["wrap"]

        def first(kind: type[Tracked], array: Any, node: Node | None) -> Any:
            Tracked.wrap = usual  # type: ignore[method-assign]
            act()
            return kind.wrap(array, node)

        Tracked.wrap = classmethod(first)  # type: ignore[method-assign, assignment]

    @classmethod
    def of(cls, value: Any) -> Any:
        """Make one of this face from a cotangent or tangent, tracked or plain."""
        return cls.wrap(raw(value), getattr(value, "node", None))

    @property
    def wanted(self) -> bool:
        """Whether a `gm.grad` that is running wants a gradient through this value."""
        return False

    def leave(self, how: str, strict_text: str = "") -> Any:
        """Become a plain value, where the face allows it."""
        raise NotImplementedError

    def assign(self, index: Any, value: Any) -> Any:
        """Write `value` to `self[index]` in place, as the face allows it."""
        raise NotImplementedError

    @staticmethod
    def joined(array: Raw, node: Node) -> Tracked:
        """Make one of NumPy's face, as the rules want it."""
        return Tracked.inner.wrap(array, node)


def raw(value: Any) -> Any:
    """Give the array or number behind a tracked value; anything else as it is."""
    return value.array if isinstance(value, Tracked) else value


def tracked_in(value: Any) -> list[Tracked]:
    """List the tracked values in lists, tuples and dicts, nested or not."""
    if isinstance(value, Tracked):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in tracked_in(v)] if isinstance(value, (list, tuple)) else []


def raws(value: Any) -> Any:
    """Give lists, tuples and dicts of values, nested or not, with `raw` of each."""
    if type(value) in (list, tuple):
        return type(value)(raws(v) for v in value)
    if type(value) is dict:
        return {k: raws(v) for k, v in value.items()}
    return raw(value)
