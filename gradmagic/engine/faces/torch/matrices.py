"""PyTorch's products of vectors and matrices, and what one matrix has: `mm`, `bmm`, `addmm`, `det`, `inverse`.

In: Tensors. Out: Tensors, with PyTorch's names of what made them (`AddmmBackward0`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import ShapeError
from ....language import tr
from ...derivatives.nn import functions as nw
from ...dispatch.calls import call, call_elementwise, call_general
from ...rules.declare import RULES
from ...tape.messages import said_of_shapes
from ...tape.tracked import Tracked, raw
from .math import OperandError, named, titled

_MATMUL = {
    (1, 1): named(np.matmul, "DotBackward0"), (2, 1): named(np.matmul, "MvBackward0"),
    (2, 2): named(np.matmul, "MmBackward0"), (1, 2): named(np.matmul, "SqueezeBackward4"),
}  # fmt: skip
_MATMUL_BATCH, _BMM = named(np.matmul, "UnsafeViewBackward0"), named(np.matmul, "BmmBackward0")


def matmul(input: Any, other: Any) -> Any:
    """As `torch.matmul`: the product of vectors, matrices and batches of matrices (`input @ other`)."""
    try:
        a, b = _same_dtypes(input, other)
    except OperandError as error:
        raise _of_product(error, raw(input), raw(other)) from None
    ndims = np.ndim(raw(a)), np.ndim(raw(b))
    return call_general(_MATMUL.get(ndims, _MATMUL_BATCH), np.matmul, (a, b), {})


def _of_product(error: Exception, x: Any, y: Any) -> Exception:
    """Give the error of a product: shapes are told before dtypes."""
    shapes = np.shape(x), np.shape(y)
    if len(shapes[0]) == len(shapes[1]) == 1:
        return OperandError(tr(
            "dot : expected both vectors to have same dtype, but found {first} and {second}. Write b.to(a.dtype).",
            first=x.dtype, second=y.dtype,
        ))  # fmt: skip
    if said := said_of_shapes("matmul", *shapes):
        return ShapeError(tr(
            "{said}: the dtypes differ too. Reshape one of them, and write b.to(a.dtype).", said=said,
        ))  # fmt: skip
    return error


_WORDS_OF = {
    "mm": ("self", "mat2"),
    "mv": ("self", "vec"),
    "bmm": ("batch1", "batch2"),
    "dot": ("self", "tensor"),
}


def _product(name: str, ndims: tuple[int, int], rule: Any) -> Callable[..., Any]:
    def f(input: Any, other: Any) -> Any:
        given = [np.ndim(raw(x)) for x in (input, other)]
        if name == "dot" and given != [1, 1]:
            raise OperandError(tr(
                "1D tensors expected, but got {first}D and {second}D tensors. Write a @ b for products of "
                "others.", first=given[0], second=given[1],
            ))  # fmt: skip
        for have, ndim, word in zip(given, ndims, _WORDS_OF[name], strict=True):
            if have != ndim:
                kind = ("a vector", "a matrix", "a 3D tensor")[ndim - 1]
                raise OperandError(tr(
                    "{argument} must be {kind}: it is {ndim}D. Write a @ b for products of other shapes.",
                    argument=word, kind=kind, ndim=have,
                ))  # fmt: skip
        if name == "dot":
            return matmul(input, other)
        return call(rule, np.matmul, _same_dtypes(input, other), {})

    text = f"As `torch.{name}`: the product `input @ other` of {ndims[0]} and {ndims[1]} dimensions."
    return titled(f, name, text)


PRODUCTS = {
    "mm": _product("mm", (2, 2), _MATMUL[2, 2]), "mv": _product("mv", (2, 1), _MATMUL[2, 1]),
    "dot": _product("dot", (1, 1), _MATMUL[1, 1]), "bmm": _product("bmm", (3, 3), _BMM),
}  # fmt: skip


def _same_dtypes(a: Any, b: Any) -> tuple[Any, Any]:
    x, y = raw(a), raw(b)
    if isinstance(a, Tracked) and isinstance(b, Tracked) and x.dtype != y.dtype and not (a.soft or b.soft):
        raise OperandError(tr(
            "expected m1 and m2 to have the same dtype, but got: {first} != {second}. Write b.to(a.dtype), "
            "or make both with one dtype.", first=x.dtype, second=y.dtype,
        ))  # fmt: skip
    return a, b


def outer(input: Any, vec2: Any) -> Any:
    """As `torch.outer`: each entry of one vector times each of the other."""
    for word, v in (("self", input), ("vec2", vec2)):
        if np.ndim(raw(v)) != 1:
            raise OperandError(tr(
                "outer: Expected 1-D argument {argument}, but got {ndim}-D. Write a[..., None] * b for others.",
                argument=word, ndim=np.ndim(raw(v)),
            ))  # fmt: skip
    return input[:, None] * vec2


def inner(input: Any, other: Any) -> Any:
    """As `torch.inner`: the sums of products along the last axes."""
    return np.inner(input, other)


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """As `torch.addmm`: beta * input + alpha * (mat1 @ mat2)."""
    if beta == 1 and alpha == 1:
        return call(RULES[nw.dense], nw.dense.__wrapped__, (mat1, np.swapaxes(mat2, -1, -2), input), {})
    product = alpha * PRODUCTS["mm"](mat1, mat2)
    if beta == 0:  # what is not a number in it does not count
        return product
    added = beta * input
    return call_elementwise(_ADDMM, (added, product), np.add)


_ADDMM = named(np.add, "AddmmBackward0")


def trace(input: Any) -> Any:
    """As `torch.trace`: the sum of a matrix's diagonal."""
    if np.ndim(input.array) != 2:
        raise OperandError(tr(
            "trace: expected a matrix, but got tensor with dim {ndim}. Write t.diagonal().sum(-1).",
            ndim=np.ndim(input.array),
        ))  # fmt: skip
    return np.trace(input)


def det(input: Any) -> Any:
    """As `torch.det`: the determinant."""
    is_square("linalg.det", input)
    return np.linalg.det(input)


def inverse(input: Any) -> Any:
    """As `torch.inverse`: the inverse of a matrix."""
    is_square("linalg.inv", input)
    return np.linalg.inv(input)


def is_square(name: str, A: Any) -> None:
    """Expect square matrices in the last two dims."""
    shape = np.shape(raw(A))
    if len(shape) < 2:
        raise OperandError(tr(
            "{name}: The input tensor A must have at least 2 dimensions. A matrix stands in the last two.",
            name=name,
        ))  # fmt: skip
    if shape[-1] != shape[-2]:
        raise OperandError(tr(
            "{name}: A must be batches of square matrices, but they are {rows} by {columns} matrices. Only "
            "a square one has it.", name=name, rows=shape[-2], columns=shape[-1],
        ))  # fmt: skip


PRODUCTS |= {
    "matmul": matmul, "outer": outer, "inner": inner, "addmm": addmm, "trace": trace, "det": det, "inverse": inverse,
}  # fmt: skip
