"""Local derivatives in words, where they are no formula of one element: what is summed, moved, taken or multiplied.

In: an operation, and what its operands are called. Out: a few words, or a product such as `X.T @ grad`.
"""

from __future__ import annotations

import re

from ...language import mark, tr
from ..model import Operation

SIMPLE = re.compile(r"[^\W\d]\w*(\.\w+|\[[^\[\]]*\])*")
TRANSPOSED = re.compile(r"\.T$|\.mT$|\.t\(\)$|\.transpose\(\)$|^np\.transpose\([^,]*\)$")
WORDS = {
    "max": mark("1 at the largest, else 0"),
    "amax": mark("1 at the largest, else 0"),
    "min": mark("1 at the least, else 0"),
    "amin": mark("1 at the least, else 0"),
    "reshape": mark("1, in the old shape"),
    "ravel": mark("1, in the old shape"),
    "transpose": mark("1, turned back"),
    "getitem": mark("1 where taken, else 0"),
    "broadcast_to": mark("1, summed over copies"),
    "concatenate": mark("1, cut apart again"),
    "stack": mark("1, cut apart again"),
}


def summed(formula: str) -> str:
    """Say that what a formula gives is summed over what was repeated."""
    return tr("{formula}, summed", formula=formula)


def of_product(operation: Operation, argument: int, shape: tuple[int, ...], other: str) -> tuple[str, bool]:
    """Write how the gradient of a product goes on to the operand of this shape; nothing for some batches.

    Tell also whether it is summed there.
    """
    axes, out = len(shape), len(operation.shape)
    if (axes, out) == (1, 0):
        return f"grad*{_factor(other)}", False
    if (axes, out) == (2, 1):
        return f"outer({other}, grad)" if argument else f"outer(grad, {other})", False
    batch = operation.rule == "matmul" and 2 <= axes <= out > 2
    if not batch and (axes, out) not in {(1, 1), (2, 2)}:
        return "", False
    way = ".mT" if batch else ".T"
    back = other.removesuffix(way)
    turned = back if back != other and SIMPLE.fullmatch(back) else _factor(other) + way
    text = f"{turned} @ grad" if argument else f"grad @ {turned}"
    return text, batch and shape[:-2] != operation.shape[:-2]


def of_dense(operation: Operation, argument: int, others: list[str]) -> tuple[str, bool]:
    """Write how the gradient of x @ W.T + b goes on to x, W or b; and tell whether it is summed there."""
    x, weight = map(_factor, others[:2])
    if len(operation.shape) == 1:
        return (f"grad @ {weight}", f"outer(grad, {x})", "1")[argument], False
    return (f"grad @ {weight}", f"grad.T @ {x}", "1")[argument], argument == 2


def _factor(name: str) -> str:
    return name if SIMPLE.fullmatch(name) else f"({name})"
