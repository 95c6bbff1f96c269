"""Bring a cotangent to the shape and dtype of the input that it belongs to; a tangent to those of its result.

In: a cotangent as a rule computed it, after broadcasting and promotion. Out: of the input's own aval.
"""

from __future__ import annotations

import numpy as np

from ..core.arrays import filled
from ..dispatch.primitives import cast
from ..rules.rule import Cotangent
from ..tape.nodes import Aval, aval_of
from ..tape.tracked import Tracked


def conform(c: Cotangent, aval: Aval) -> Cotangent:
    """Sum `c` over the axes along which the input was broadcast, and cast it to the input's dtype.

    What is smaller (a cotangent or tangent that is the same for every entry) is broadcast.
    The gradient of a real input is real (PyTorch's convention); that of a whole number is a float64.
    """
    if type(c) is np.ndarray and c.dtype is aval.dtype:  # the two everyday cases first
        shape = c.shape
        if shape == aval.shape:
            return c
        extra = len(shape) - aval.ndim
        if extra > 0 and shape[extra:] == aval.shape and not aval.narrow:  # a bias
            return np.add.reduce(c, axis=0 if extra == 1 else tuple(range(extra)))
    if type(c) is aval.number:
        return filled(c, aval) if aval.shape else c
    if isinstance(c, Tracked):
        have = c.node.aval if c.node is not None else aval_of(c.array)
    else:
        have = aval_of(c)
    if have is aval:
        return c
    if have.shape != aval.shape:
        c = unbroadcast(c, aval.shape, have.shape)
    if have.dtype != aval.tangent or (have.shape != aval.shape and aval.narrow):
        if aval.tangent.kind == "f" and have.dtype.kind == "c":
            c = np.real(c)
        c = cast(c, aval.tangent)
    return c


def unbroadcast(c: Cotangent, shape: tuple[int, ...], have: tuple[int, ...]) -> Cotangent:
    """Sum `c` of shape `have` down to `shape`, the transpose of broadcasting; or broadcast it, where it is smaller."""
    extra = len(have) - len(shape)
    if extra < 0 or any(n != m and n == 1 for n, m in zip(have[extra:], shape, strict=True)):
        return np.broadcast_to(c, shape)
    axes = tuple(range(extra)) + tuple(
        extra + i for i, (n, m) in enumerate(zip(have[extra:], shape, strict=True)) if n != m
    )
    # np.add.reduce does what np.sum does, without its Python layers; a tracked c comes back as np.sum.
    c = np.add.reduce(c, axis=axes, dtype=np.float32 if c.dtype == np.float16 else None)
    return c if len(have) - len(axes) == len(shape) else np.reshape(c, shape)
