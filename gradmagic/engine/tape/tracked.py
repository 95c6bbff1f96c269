"""The base of the tracked object: an array and the node that says how it was made. Its two faces derive from it.

`Tensor` (tensor.py) has PyTorch's methods, `Array` (array.py) has ndarray's; tape, rules and dispatch are shared.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from .nodes import Node


def instances(*kinds: type) -> list[Any]:
    """List the objects that are exactly of these classes, wherever they are held.

    By who refers to the class. `gc.get_objects` would hand out the tuples that other threads are just building, and
    a second reference to one of these makes Python raise a SystemError there.
    """
    return [o for o in gc.get_referrers(*kinds) if type(o) in kinds]


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

    array: Any
    node: Node | None
    soft: ClassVar[bool]  # a lifted value may become a plain one, with a note; a Tensor may not
    # The face that rules see when the sweep itself is recorded: NumPy's. Set by array.py.
    inner: ClassVar[type[Tracked]]

    @classmethod
    def wrap(cls, array: Any, node: Node | None) -> Any:
        """Make one of this face."""
        made = cls()
        made.array = array
        made.node = node
        return made

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
    def joined(array: Any, node: Node) -> Tracked:
        """Make one of NumPy's face, as the rules want it."""
        return Tracked.inner.wrap(array, node)
