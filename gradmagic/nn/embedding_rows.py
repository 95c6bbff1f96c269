"""PyTorch's embeddings: rows of a table by whole numbers, as functions (`F.embedding`) and modules (`nn.Embedding`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.faces.torch import picking
from ..engine.faces.torch.arguments import shown
from ..engine.faces.torch.tensor import Tensor
from ..engine.tape.modes import no_grad
from ..engine.tape.tracked import raw
from ..functions import as_tensor, empty
from ..language import tr
from . import init
from .modules import Module
from .parameters import Parameter


def _row(padding_idx: int | None, rows: int) -> int | None:
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise AssertionError(tr(
            "Padding_idx must be within num_embeddings: write a number of one of the rows.",
        ))  # fmt: skip
    return padding_idx % rows


def _held(weight: Any, index: Any, max_norm: float, norm_type: float) -> None:
    """Make the rows that are asked for no longer than `max_norm`, in place."""
    at = np.unique(np.reshape(raw(index), -1))
    rows = weight.array[at]
    size = np.sum(np.absolute(rows) ** norm_type, axis=-1, keepdims=True) ** (1 / norm_type)
    factor = np.where(size > max_norm, max_norm / (size + 1e-7), 1)
    with no_grad():
        weight[Tensor.wrap(at, None)] = Tensor.wrap((rows * factor).astype(rows.dtype), None)


def embedding(
    input: Any, weight: Any, padding_idx: int | None = None, max_norm: float | None = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Any:  # fmt: skip
    """Give the row of `weight` at each number of `input`.

    Parameters
    ----------
    input : Tensor
        Whole numbers, of any shape.
    weight : Tensor
        (rows, size).
    padding_idx : int, optional
        The row that gets no gradient.
    max_norm : float, optional
        Rows that are longer are made so long, in place.
    """
    input, weight = as_tensor(input), as_tensor(weight)
    if scale_grad_by_freq:
        raise NotImplementedError(tr(
            "scale_grad_by_freq=True is not there: divide weight.grad by how often each row is named "
            "(gm.bincount).",
        ))  # fmt: skip
    if max_norm is not None:
        _held(weight, input, max_norm, norm_type)
    numbers, rows = input.array, weight.shape[0]
    if not arrays.on_device(numbers) and numbers.size and (np.min(numbers) < 0 or np.max(numbers) >= rows):
        raise IndexError(tr(
            "index out of range in self: the table has {rows} rows, numbered from 0, and the input asks for "
            "{asked}.",
            rows=rows, asked=int(np.min(numbers)) if np.min(numbers) < 0 else int(np.max(numbers)),
        ))  # fmt: skip
    y = picking.embedding(weight, input)
    row = _row(padding_idx, weight.shape[0])
    if row is None or y.node is None:
        return y
    kept: Any = np.where(raw(input)[..., None] == row, y.array, y)  # type: ignore[call-overload]
    return shown(kept, "EmbeddingBackward0")


def embedding_bag(
    input: Any, weight: Any, offsets: Any = None, max_norm: float | None = None, norm_type: float = 2,
    scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False, per_sample_weights: Any = None,
    include_last_offset: bool = False, padding_idx: int | None = None,
) -> Any:  # fmt: skip
    """Give for each bag of numbers the sum, mean or maximum of their rows.

    Parameters
    ----------
    input : Tensor
        (bags, length); or (numbers,), with `offsets`.
    weight : Tensor
        (rows, size).
    offsets : Tensor, optional
        Where each bag begins.
    mode : {"mean", "sum", "max"}
    per_sample_weights : Tensor, optional
        What each row counts; for "sum" only.
    """
    input, weight = as_tensor(input), as_tensor(weight)
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if (input.ndim == 2) != (offsets is None):
        raise ValueError(tr(
            "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed "
            "length sequences; a 1D input wants offsets: where each bag begins.",
        ))  # fmt: skip
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(tr(
            "embedding_bag: per_sample_weights was not None. It is there for mode='sum' only.",
        ))  # fmt: skip
    numbers = arrays.to_host(input.array)
    row = _row(padding_idx, weight.shape[0])
    if offsets is None:
        bags, bag = len(numbers), np.repeat(np.arange(len(numbers)), numbers.shape[1])
    else:
        starts = arrays.to_host(raw(as_tensor(offsets)))
        starts = starts[:-1] if include_last_offset else starts
        bags, bag = len(starts), np.searchsorted(starts, np.arange(numbers.size), "right") - 1
    numbers = numbers.reshape(-1)
    counts = np.ones(numbers.size) if row is None else (numbers != row).astype(float)
    rows = embedding(input.reshape(-1), weight, padding_idx, max_norm, norm_type, scale_grad_by_freq)
    if mode == "max":
        parts = [rows[np.flatnonzero((bag == b) & (counts > 0))] for b in range(bags)]
        empty_bag = weight.new_zeros(weight.shape[1])
        return shown(np.stack([p.amax(0) if len(p) else empty_bag for p in parts]), "EmbeddingBagBackward0")
    if per_sample_weights is not None:
        rows = rows * as_tensor(per_sample_weights).reshape(-1, 1)
    shares = (np.arange(bags)[:, None] == bag) * counts
    if mode == "mean":
        shares = shares / np.maximum(shares.sum(1, keepdims=True), 1)
    matrix = arrays.from_host(shares.astype(weight.array.dtype), weight.array)
    return shown(Tensor.wrap(matrix, None) @ rows, "EmbeddingBagBackward0")


class Embedding(Module):
    """`F.embedding` with a table of its own, drawn from the normal distribution."""

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False, _weight: Any = None,
        _freeze: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx, self.max_norm, self.norm_type = (
            _row(padding_idx, num_embeddings),
            max_norm,
            norm_type,
        )
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        made = (
            empty(num_embeddings, embedding_dim, dtype=dtype, device=device) if _weight is None else _weight
        )
        self.weight = Parameter(made, not _freeze)
        if _weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table anew; the row of `padding_idx` is 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    @classmethod
    def from_pretrained(
        cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None, **settings: Any
    ) -> Any:  # fmt: skip
        """Make one from a table that is there; frozen, it gets no gradient."""
        rows, size = as_tensor(embeddings).shape
        return cls(rows, size, padding_idx=padding_idx, _weight=embeddings, _freeze=freeze, **settings)

    def forward(self, input: Any) -> Any:
        """Give the rows."""
        return embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq
        )

    def extra_repr(self) -> str:
        """Name the sizes."""
        silent = {
            "padding_idx": None,
            "max_norm": None,
            "norm_type": 2.0,
            "scale_grad_by_freq": False,
            "sparse": False,
        }
        more = "".join(
            f", {k}={True if isinstance(v, bool) else getattr(self, k)}"
            for k, v in silent.items()
            if getattr(self, k) != v
        )
        return f"{self.num_embeddings}, {self.embedding_dim}{more}"


class EmbeddingBag(Module):
    """`F.embedding_bag` with a table of its own, drawn from the normal distribution."""

    def __init__(
        self, num_embeddings: int, embedding_dim: int, max_norm: float | None = None, norm_type: float = 2.0,
        scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False, _weight: Any = None,
        include_last_offset: bool = False, padding_idx: int | None = None, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_embeddings, self.embedding_dim, self.mode = num_embeddings, embedding_dim, mode
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.include_last_offset, self.padding_idx = include_last_offset, _row(padding_idx, num_embeddings)
        made = (
            empty(num_embeddings, embedding_dim, dtype=dtype, device=device) if _weight is None else _weight
        )
        self.weight = Parameter(made)
        if _weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table anew; the row of `padding_idx` is 0."""
        Embedding.reset_parameters(self)  # type: ignore[arg-type]

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
        """Give a row for each bag."""
        settings = (
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            False,
            per_sample_weights,
        )
        return embedding_bag(
            input, self.weight, offsets, *settings, self.include_last_offset, self.padding_idx
        )

    def extra_repr(self) -> str:
        """Name the sizes."""
        more = f", padding_idx={self.padding_idx}" if self.padding_idx is not None else ""
        return f"{self.num_embeddings}, {self.embedding_dim}{more}, mode={self.mode!r}"


__all__ = ["embedding", "embedding_bag"]
MODULES = ["Embedding", "EmbeddingBag"]
