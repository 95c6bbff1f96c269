"""PyTorch's names of linear algebra: `gm.linalg.norm(x)`, `gm.linalg.inv(a)`. Thin names over np.linalg's functions.

In: Tensors (lifted Arrays and plain arrays are taken for Tensors). Out: Tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .engine.faces.torch.reductions import norm as _norm
from .functions import as_tensor


def _named(name: str) -> Callable[..., Any]:
    function = getattr(np.linalg, name)

    def f(A: Any, *args: Any, **kwargs: Any) -> Any:
        return function(as_tensor(A), *args, **kwargs)

    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"As `np.linalg.{name}`, of Tensors."
    return f


_NAMES = "cholesky det eigh eigvalsh inv matrix_power multi_dot pinv slogdet solve svdvals"
cholesky, det, eigh, eigvalsh, inv, matrix_power, multi_dot, pinv, slogdet, solve, svdvals = map(
    _named, _NAMES.split()
)


def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Any:
    """Give the square root of the sum of squares, or the norm of another order.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.linalg.norm(gm.tensor([3.0, 4.0]))
    tensor(5.)
    """
    return _norm(as_tensor(A), "fro" if ord is None else ord, dim, keepdim)


vector_norm = norm


def svd(A: Any, full_matrices: bool = True) -> Any:
    """Give u, s, vh with A = u @ diag(s) @ vh."""
    return np.linalg.svd(as_tensor(A), full_matrices=full_matrices)


def qr(A: Any, mode: str = "reduced") -> Any:
    """Give q, r with A = q @ r."""
    return np.linalg.qr(as_tensor(A), mode=mode)  # type: ignore[call-overload]
