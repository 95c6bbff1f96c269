"""PyTorch's `F.scaled_dot_product_attention`, and the parts of it that `nn.MultiheadAttention` is made of too.

In: queries, keys and values, and a mask. Out: averages of the values.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.derivatives.nn import functions as nw
from ..engine.faces.torch.math import OperandError
from ..engine.faces.torch.random import dropped
from ..engine.faces.torch.tensor import Tensor
from ..functions import as_tensor
from ..language import tr

__all__ = ["scaled_dot_product_attention"]


def added(mask: Any, like: Any) -> Any:
    """Give a mask as what is added to the scores: of truth values 0 where one may look, -inf where not."""
    mask = as_tensor(mask)
    if mask.array.dtype.kind != "b":
        return mask.to(like.dtype)
    kind = like.array.dtype.type
    return Tensor.wrap(np.where(mask.array, kind(0), kind(-np.inf)), None)


def _causal(rows: int, columns: int, like: Any) -> Any:
    made = np.triu(np.full((rows, columns), -np.inf, like.array.dtype), 1)
    return Tensor.wrap(arrays.from_host(made, like.array), None)


def scores(query: Any, key: Any, scale: float | None, mask: Any) -> Any:
    """Give softmax(query @ key.T * scale + mask); a row that may look nowhere is NaN, as PyTorch's."""
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    products = (query * scale) @ key.transpose(-2, -1)
    with np.errstate(invalid="ignore"):
        return nw.softmax(products if mask is None else products + mask, -1)


def dropped_weights(weights: Any, p: float) -> Any:
    return weights * Tensor.wrap(dropped(weights.array, p), None) if p > 0 else weights


def scaled_dot_product_attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
    scale: float | None = None, enable_gqa: bool = False,
) -> Any:  # fmt: skip
    """Give for each query the average of the values, by softmax(query @ key.T / sqrt(size)) (A. Vaswani, 2017).

    Parameters
    ----------
    query : Tensor
        (..., queries, size).
    key, value : Tensor
        (..., keys, size), (..., keys, size of a value).
    attn_mask : Tensor, optional
        (..., queries, keys): true where a query may look at a key; or numbers that are added to the scores.
    dropout_p : float
        The part of the weights that is dropped, always.
    is_causal : bool
        Query i looks at the keys 0 ... i only.
    scale : float, optional
    enable_gqa : bool
        Fewer heads of keys and values than of queries, each for several.

    Raises
    ------
    OperandError
        If both a mask and `is_causal` are given.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.nn import functional as F
    >>> q, v = gm.zeros(2, 3), gm.tensor([[1.0], [3.0]])
    >>> F.scaled_dot_product_attention(q, q, v, is_causal=True)
    tensor([[1.],
            [2.]])
    """
    query, key, value = as_tensor(query), as_tensor(key), as_tensor(value)
    if is_causal and attn_mask is not None:
        raise OperandError(tr(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True. Leave "
            "out one of them, or put the triangle into the mask.",
        ))  # fmt: skip
    if enable_gqa:
        times = query.shape[-3] // key.shape[-3]
        key, value = (np.repeat(t, times, -3) for t in (key, value))
    mask = None if attn_mask is None else added(attn_mask, query)
    if is_causal:
        mask = _causal(query.shape[-2], key.shape[-2], query)
    y = dropped_weights(scores(query, key, scale, mask), dropout_p) @ value
    if (
        mask is not None
        and attn_mask is not None
        and np.ndim(mask.array)
        and not arrays.on_device(mask.array)
    ):
        lost = np.isneginf(mask.array).all(
            -1, keepdims=True
        )  # PyTorch gives 0 where a query may look nowhere
        if lost.any():
            y = np.where(lost, 0, y)
    return y
