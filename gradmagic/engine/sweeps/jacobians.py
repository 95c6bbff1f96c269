"""The whole Jacobian of one recorded operation, where it is small: which entry depends on which, and how much.

In: a node that a sweep came by, and what it had saved. Out: `Entry`s, the nonzero ones. A report shows them as the
matrix behind an arrow, and expands one entry of a gradient by them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..core import arrays
from ..rules.kinds import General
from ..rules.pointwise import Elementwise
from ..rules.rule import Saved
from ..tape.nodes import Node
from .operations import Scattered, pulled

OUT = 36  # entries of a result whose rows are computed
IN = 144  # entries of an input


class Entry(NamedTuple):
    """Entry `out` of the result depends on entry `source` of the input with the derivative `value`.

    Both count along the flattened arrays. `factor` is the entry of the operation's other operand that the derivative
    is (the b of `d(a @ b)/da`), or -1.
    """

    out: int
    source: int
    value: float
    factor: int


class Pulled(NamedTuple):
    """An operation and what it had saved, kept until its Jacobian is asked for."""

    node: Node
    saved: Saved


def remembered(node: Node) -> Pulled:
    """Keep what a node's derivative needs beyond the sweep."""
    # Copies: an optimizer's step may change what was saved, after the sweep.
    return Pulled(node, _each(node.saved, lambda array: array.copy()))


def is_small(node: Node) -> bool:
    """Tell whether a node has a Jacobian that is kept whole: one that is not entry by entry, of small arrays."""
    rule, aval = node.rule, node.aval
    return not (
        isinstance(rule, Elementwise)
        or rule.outputs != 1
        or isinstance(aval, tuple)
        or aval.size > OUT
        or aval.dtype.kind != "f"
        or any(s is not None and (isinstance(s.aval, tuple) or s.aval.size > IN) for s in node.inputs)
    )


def size_of(saved: Saved) -> int:
    """Give the bytes of the arrays in what a node has saved."""
    if type(saved) in (tuple, list):
        return sum(map(size_of, saved))
    return int(saved.nbytes) if arrays.is_array(saved) else 0


def brought_home(operation: Pulled) -> Pulled:
    """Give an operation with what it had saved on the host."""
    return Pulled(operation.node, _each(operation.saved, arrays.to_host))


def _each(saved: Saved, function: Callable[[Any], Any]) -> Any:
    """Apply a function to the arrays in what a node has saved."""
    if type(saved) in (tuple, list):
        return type(saved)(_each(part, function) for part in saved)
    return function(saved) if arrays.is_array(saved) else saved


def jacobian(operation: Pulled) -> tuple[tuple[Entry, ...], ...]:
    """Compute the Jacobian by each argument, a row for each entry of the result; `()` for constants.

    Examples
    --------
    >>> import gradmagic as gm
    >>> x = gm.tensor([1.0, 2.0], requires_grad=True)
    >>> jacobian(remembered(x.sum().node))[0]
    (Entry(out=0, source=0, value=1.0, factor=-1), Entry(out=0, source=1, value=1.0, factor=-1))
    """
    node, saved = operation.node, _each(operation.saved, arrays.to_host)
    values = _rows(node, saved)
    return tuple(
        () if matrix is None else _entries(matrix, _factors(node, saved, i, matrix))
        for i, matrix in enumerate(values)
    )


def _rows(node: Node, saved: Saved) -> list[Any]:
    """Pull each unit cotangent back: for each argument a matrix (entries of the result, entries of the argument)."""
    aval = node.aval
    found: list[Any] = [
        None if source is None else np.zeros((aval.size, source.aval.size)) for source in node.inputs
    ]
    for out in range(aval.size):
        g = np.zeros(aval.shape, aval.dtype)
        g.reshape(-1)[out] = 1
        parts = pulled(node, g if aval.shape else g[()], saved, False)
        for source, part, matrix in zip(node.inputs, parts, found, strict=False):
            if matrix is not None and part is not None:
                assert source is not None
                whole = part.alone(source.aval) if type(part) is Scattered else part
                matrix[out] = np.reshape(np.real(arrays.to_host(whole)), -1)  # `move` gives it elsewhere
    return found


def _factors(node: Node, saved: Saved, i: int, matrix: Any) -> Any:
    """Tell which entry of the other operand each derivative is: the same pull, with that operand's entries numbered."""
    rule = node.rule
    if not (isinstance(rule, General) and rule.multilinear):
        return None
    out, args, kwargs = rule.unpacked(saved)
    others = [k for k, a in enumerate(args) if k != i and arrays.is_array(a)]
    if len(others) != 1 or args[others[0]].size > IN:
        return None
    (k,) = others
    other = args[k]
    numbers = np.arange(1.0, other.size + 1).reshape(other.shape)
    marked = tuple(numbers if j == k else a for j, a in enumerate(args))
    index = _rows(node, rule.packed(out, marked, kwargs))[i].round().astype(int)
    known = (index >= 1) & (index <= other.size)
    right = known & (np.ravel(other)[np.where(known, index - 1, 0)] == matrix)
    return np.where(right, index - 1, -1)


def _entries(matrix: Any, factors: Any) -> tuple[Entry, ...]:
    # A factor that is 0 right now is a dependence all the same.
    there = matrix != 0 if factors is None else (matrix != 0) | (factors >= 0)
    return tuple(
        Entry(int(o), int(s), float(matrix[o, s]), -1 if factors is None else int(factors[o, s]))
        for o, s in zip(*np.nonzero(there), strict=True)
    )
