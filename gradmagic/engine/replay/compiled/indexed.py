"""Indexing by arrays of whole numbers: read, written, added to.

In: where the array lies and an index. Out: loops: over the index arrays outside, over what is between them inside, so
that of entries met twice the last one counts, as in NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....language import tr
from ..program import Step
from .memory import Lies, address
from .scalars import Unheld


def is_basic(index: Any) -> bool:
    """Tell whether an index gives a view."""
    parts = index if type(index) is tuple else (index,)
    return all(
        p is None
        or p is Ellipsis
        or type(p) is slice
        or (isinstance(p, (int, np.integer)) and not isinstance(p, bool))
        for p in parts
    )


class Gathered:
    """An array seen through an index with arrays in it.

    Attributes
    ----------
    shape : tuple of int
        Of what the index gives.
    """

    def __init__(self, kernel: Any, x: Lies, index: Any) -> None:
        parts = self._parts(x, list(index) if type(index) is tuple else [index])
        self._x, self._arrays = x, []
        before: list[tuple[int, int]] = []
        places: list[int] = []
        dims: list[tuple[int, int]] = []
        self._offset = x.offset
        axis = 0
        for n, part in enumerate(parts):
            if part is None:
                dims.append((1, 0))
                continue
            size, stride = x.shape[axis], x.strides[axis]
            axis += 1
            if type(part) is slice:
                start, stop, step = part.indices(size)
                self._offset += start * stride
                dims.append((len(range(start, stop, step)), step * stride))
                continue
            if not places:
                before, dims = dims, []
            places.append(n)
            self._arrays.append(
                (part if isinstance(part, (int, np.integer)) else kernel.whole(part, size), size, stride)
            )
        shapes = [a.shape for a, _, _ in self._arrays if isinstance(a, Lies)]
        self._over = np.broadcast_shapes(*shapes)
        together = places == list(range(places[0], places[0] + len(places)))
        if not together:
            self._before, self._after = [], before + dims
        else:
            self._before, self._after = before, dims
        self.shape = (*(n for n, _ in self._before), *self._over, *(n for n, _ in self._after))
        if not all(self.shape):
            raise Unheld(tr("an index that takes nothing"))

    @staticmethod
    def _parts(x: Lies, parts: list[Any]) -> list[Any]:
        """Write an index out: no Ellipsis, a mask as the places where it is true."""
        made: list[Any] = []
        for p in parts:
            array = p.value if type(p) is Step and p.kind == "constant" else p
            if isinstance(array, (np.ndarray, list)) and np.asarray(array).dtype == bool:
                if np.ndim(array) == 0:
                    raise Unheld(tr("a mask without a dimension"))
                made += np.nonzero(array)
            elif isinstance(p, bool):
                raise Unheld(tr("True as an index"))
            else:
                made.append(p)
        used = sum(1 for p in made if p is not None and p is not Ellipsis)
        at = next((i for i, p in enumerate(made) if p is Ellipsis), len(made))
        return [*made[:at], *[slice(None)] * (len(x.shape) - used), *made[at + 1 :]]

    def loops(self, kernel: Any, body: Any) -> None:
        """Write the loops; `body(entry, names)` writes what is done with an entry, at these places of the result."""
        over = [f"i{n}" for n in range(len(self._over))]
        front = [f"j{n}" for n in range(len(self._before))]
        back = [f"m{n}" for n in range(len(self._after))]
        lines = [
            "    " * n + f"for {name} in range({size}):"
            for n, (name, size) in enumerate(zip(over, self._over, strict=True))
        ]
        indent = "    " * len(over)
        terms = [address(self._offset, [s for _, s in (*self._before, *self._after)], [*front, *back])]
        for a, size, stride in self._arrays:
            if isinstance(a, Lies):
                name = kernel.fresh("n")
                wide = a.spread(self._over)
                lines.append(
                    f"{indent}{name} = int64({a.buffer.name}[{address(wide.offset, wide.strides, over)}])"
                )
                lines.append(f"{indent}if {name} < 0: {name} += {size}")
                lines.append(f"{indent}if {name} < 0 or {name} >= {size}: raise IndexError")
                terms.append(f"{stride}*{name}")
            else:
                terms.append(str(stride * (int(a) % size)))
        for name, (size, _) in zip([*front, *back], [*self._before, *self._after], strict=True):
            lines.append(f"{indent}for {name} in range({size}):")
            indent += "    "
        entry = f"{self._x.buffer.name}[{' + '.join(terms)}]"
        kernel.lines += [*lines, *[indent + line for line in body(entry, [*front, *over, *back])]]
