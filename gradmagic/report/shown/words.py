"""Local derivatives in words, where they are no formula of one element: what is summed, moved, taken or multiplied.

In: an operation, and what its operands are called. Out: a few words, or a product such as `X.T @ grad`.
"""

from __future__ import annotations

import re

from ..model import Operation

SIMPLE = re.compile(r"[^\W\d]\w*(\.\w+|\[[^\[\]]*\])*")
TRANSPOSED = re.compile(r"\.T$|\.mT$|\.t\(\)$|\.transpose\(\)$|^np\.transpose\([^,]*\)$")
WORDS = {
    "max": "1 at the largest, else 0",
    "amax": "1 at the largest, else 0",
    "min": "1 at the least, else 0",
    "amin": "1 at the least, else 0",
    "reshape": "1, in the old shape",
    "ravel": "1, in the old shape",
    "transpose": "1, turned back",
    "getitem": "1 where taken, else 0",
    "broadcast_to": "1, summed over copies",
    "concatenate": "1, cut apart again",
    "stack": "1, cut apart again",
}


def of_product(operation: Operation, argument: int, shape: tuple[int, ...], other: str) -> str:
    """Write how the gradient of a product goes on to the operand of this shape; nothing for some batches."""
    axes, out = len(shape), len(operation.shape)
    if (axes, out) == (1, 0):
        return f"grad*{_factor(other)}"
    if (axes, out) == (2, 1):
        return f"outer({other}, grad)" if argument else f"outer(grad, {other})"
    batch = operation.rule == "matmul" and 2 <= axes <= out > 2
    if not batch and (axes, out) not in {(1, 1), (2, 2)}:
        return ""
    way = ".mT" if batch else ".T"
    back = other.removesuffix(way)
    turned = back if back != other and SIMPLE.fullmatch(back) else _factor(other) + way
    text = f"{turned} @ grad" if argument else f"grad @ {turned}"
    return f"{text}, summed" if shape[:-2] != operation.shape[:-2] and batch else text


def of_dense(operation: Operation, argument: int, others: list[str]) -> str:
    """Write how the gradient of x @ W.T + b goes on to x, W or b."""
    x, weight = map(_factor, others[:2])
    if len(operation.shape) == 1:
        return (f"grad @ {weight}", f"outer(grad, {x})", "1")[argument]
    return (f"grad @ {weight}", f"grad.T @ {x}", "1, summed")[argument]


def _factor(name: str) -> str:
    return name if SIMPLE.fullmatch(name) else f"({name})"
