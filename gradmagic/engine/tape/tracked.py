"""The base of the tracked object: an array and the node that says how it was made. Its two faces derive from it.

`Tensor` (tensor.py) has PyTorch's methods, `Array` (array.py) has ndarray's; tape, rules and dispatch are shared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from .nodes import Node


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

    @classmethod
    def at_first(cls, act: Callable[[], None]) -> None:
        """Call `act` when the first tensor is made; later ones pay nothing for it."""
        usual = Tracked.__dict__["wrap"]

        def first(kind: type[Tracked], array: Any, node: Node | None) -> Any:
            Tracked.wrap = usual  # type: ignore[method-assign]
            act()
            return kind.wrap(array, node)

        Tracked.wrap = classmethod(first)  # type: ignore[method-assign, assignment]

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
