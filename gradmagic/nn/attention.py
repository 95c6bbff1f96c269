"""PyTorch's `nn.MultiheadAttention`: attention by several heads, with projections of its own.

In: queries, keys and values, and masks of what may not be looked at. Out: averages of the values, and their weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.faces.torch.math import OperandError
from ..errors import ShapeError
from ..functions import cat, empty, zeros
from ..language import tr
from . import init
from .attending import added, dropped_weights, scores
from .functional import linear
from .layers import Linear
from .modules import Module
from .parameters import Parameter


class NonDynamicallyQuantizableLinear(Linear):
    """`nn.Linear`, under the name that PyTorch prints here."""


class MultiheadAttention(Module):
    """Attention by several heads, each with projections of its own (A. Vaswani and others, 2017).

    Parameters
    ----------
    embed_dim, num_heads : int
    dropout : float
        The part of the weights that is dropped while training.
    bias : bool
    add_bias_kv, add_zero_attn : bool
        Add a key and a value that are learned, or zero.
    kdim, vdim : int, optional
        The sizes of keys and values, if they are not `embed_dim`.
    batch_first : bool
        (batch, length, size) for (length, batch, size).

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic import nn
    >>> attention = nn.MultiheadAttention(4, 2, batch_first=True)
    >>> x = gm.ones(1, 3, 4)
    >>> y, weights = attention(x, x, x)
    >>> y.shape, weights.shape
    (torch.Size([1, 3, 4]), torch.Size([1, 3, 3]))
    """

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, add_bias_kv: bool = False,
        add_zero_attn: bool = False, kdim: int | None = None, vdim: int | None = None, batch_first: bool = False,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} "
                "instead"
            )
        super().__init__()
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = (
            embed_dim,
            num_heads,
            dropout,
            batch_first,
        )
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.head_dim, self.add_zero_attn = embed_dim // num_heads, add_zero_attn
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError(tr(
                "embed_dim must be divisible by num_heads: choose sizes so that each head has as many.",
            ))  # fmt: skip
        self._qkv_same_embed_dim = self.kdim == embed_dim == self.vdim
        shapes = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        for name, size in shapes.items():
            made = None if self._qkv_same_embed_dim else Parameter(empty((embed_dim, size)))
            self.register_parameter(name, made)
        whole = Parameter(empty((3 * embed_dim, embed_dim))) if self._qkv_same_embed_dim else None
        self.register_parameter("in_proj_weight", whole)
        self.register_parameter("in_proj_bias", Parameter(empty(3 * embed_dim)) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, Parameter(empty((1, 1, embed_dim))) if add_bias_kv else None)
        if not self._qkv_same_embed_dim:
            self._parameters["in_proj_weight"] = self._parameters.pop("in_proj_weight")
        self._reset_parameters()
        if device is not None or dtype is not None:
            self.to(dtype=dtype, device=device)

    def _reset_parameters(self) -> None:
        """Draw the projections anew."""
        for name in (
            ("in_proj_weight",)
            if self._qkv_same_embed_dim
            else ("q_proj_weight", "k_proj_weight", "v_proj_weight")
        ):
            init.xavier_uniform_(getattr(self, name))
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        for name in ("bias_k", "bias_v"):
            if getattr(self, name) is not None:
                init.xavier_normal_(getattr(self, name))

    def _projected(self, query: Any, key: Any, value: Any) -> list[Any]:
        size = self.embed_dim
        weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        if self._qkv_same_embed_dim:
            if query is key is value:  # one product for all three
                made = linear(query, self.in_proj_weight, self.in_proj_bias)
                return [made[..., k * size : (k + 1) * size] for k in range(3)]
            weights = tuple(self.in_proj_weight[k * size : (k + 1) * size] for k in range(3))
        biases = [None] * 3
        if self.in_proj_bias is not None:
            biases = [self.in_proj_bias[k * size : (k + 1) * size] for k in range(3)]
        return [linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True)]

    def forward(
        self, query: Any, key: Any, value: Any, key_padding_mask: Any = None, need_weights: bool = True,
        attn_mask: Any = None, average_attn_weights: bool = True, is_causal: bool = False,
    ) -> Any:  # fmt: skip
        """Give the averages, and their weights (None without `need_weights`).

        Parameters
        ----------
        query, key, value : Tensor
            (length, batch, size), with `batch_first` (batch, length, size), or (length, size).
        key_padding_mask : Tensor, optional
            (batch, keys): true where a key does not count; or numbers that are added.
        need_weights : bool
        attn_mask : Tensor, optional
            (queries, keys) or (batch * heads, queries, keys): true where a query may not look at a key; or numbers.
        average_attn_weights : bool
            Average the weights over the heads.
        is_causal : bool
            A hint that the mask is the triangle.
        """
        alone = query.ndim == 2
        if alone:
            query, key, value = _batched(query, key, value, 1)
            key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
        elif self.batch_first:
            query, key, value = _turned(query, key, value)
        if is_causal and attn_mask is None:
            raise OperandError(tr(
                "Need attn_mask if specifying the is_causal hint. Write "
                "attn_mask=nn.Transformer.generate_square_subsequent_mask(length).",
            ))  # fmt: skip
        length, batch, size = query.shape
        if size != self.embed_dim:
            raise AssertionError(tr(
                "was expecting embedding dimension of {embed_dim}, but got {size}: the last dim is the size.",
                embed_dim=self.embed_dim, size=size,
            ))  # fmt: skip
        heads = self.num_heads
        masks = [
            None if m is None else added(m.logical_not() if m.array.dtype.kind == "b" else m, query)
            for m in (attn_mask, key_padding_mask)
        ]
        if masks[0] is not None:
            masks[0] = self._of_heads(masks[0], batch, length, key.shape[0])
        q, k, v = self._projected(query, key, value)
        if self.bias_k is not None:
            k, v = (cat([x, b.expand(1, batch, -1)]) for x, b in ((k, self.bias_k), (v, self.bias_v)))
            masks = [None if m is None else _wider(m) for m in masks]
        q, k, v = (x.reshape(x.shape[0], batch * heads, self.head_dim).transpose(0, 1) for x in (q, k, v))
        if self.add_zero_attn:
            zero = zeros((batch * heads, 1, self.head_dim), dtype=k.dtype, device=k.device)
            k, v = cat([k, zero], 1), cat([v, zero], 1)
            masks = [None if m is None else _wider(m) for m in masks]
        keys = k.shape[1]
        mask, padding = masks
        if padding is not None:
            padding = (
                padding.reshape(batch, 1, 1, keys).expand(-1, heads, -1, -1).reshape(batch * heads, 1, keys)
            )
            mask = padding if mask is None else mask + padding
        weights = dropped_weights(scores(q, k, None, mask), self.dropout if self.training else 0.0)
        y = (weights @ v).transpose(0, 1).reshape(length * batch, size)
        y = linear(y, self.out_proj.weight, self.out_proj.bias).reshape(length, batch, size)
        kept = None
        if need_weights:
            kept = weights.reshape(batch, heads, length, keys)
            kept = kept.mean(1) if average_attn_weights else kept
        if alone:
            return y.squeeze(1), None if kept is None else kept.squeeze(0)
        return y.transpose(0, 1) if self.batch_first else y, kept

    def _of_heads(self, mask: Any, batch: int, queries: int, keys: int) -> Any:
        wanted = (queries, keys) if mask.ndim == 2 else (batch * self.num_heads, queries, keys)
        if tuple(mask.shape) != wanted:
            raise ShapeError(tr(
                "The shape of the {ndim}D attn_mask is {shape}, but should be {wanted}: (queries, keys), or "
                "(batch * heads, queries, keys).", ndim=mask.ndim, shape=mask.shape, wanted=wanted,
            ))  # fmt: skip
        return mask


def _turned(*tensors: Any) -> tuple[Any, ...]:
    """Swap batch and length; what is one tensor stays one."""
    made = {id(t): t.transpose(0, 1) for t in tensors}
    return tuple(made[id(t)] for t in tensors)


def _batched(query: Any, key: Any, value: Any, dim: int) -> tuple[Any, ...]:
    made = {id(t): t.unsqueeze(dim) for t in (query, key, value)}
    return tuple(made[id(t)] for t in (query, key, value))


def _wider(mask: Any) -> Any:
    """Give the mask one more key, which may be looked at."""
    return np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, 1)])


MODULES = ["MultiheadAttention"]
