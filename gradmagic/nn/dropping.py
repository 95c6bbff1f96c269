"""PyTorch's dropouts beside `F.dropout`: of whole channels, and those that keep mean and variance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.faces.torch.math import titled
from ..engine.faces.torch.random import dropped
from ..engine.faces.torch.tensor import Tensor
from ..functions import as_tensor
from ..language import tr


def _noise(input: Any, p: float, channels: bool) -> Any:
    """Give 0 with probability `p`, else 1 / (1 - p), for each entry or each channel, as a raw array."""
    if not 0 <= p <= 1:
        raise ValueError(tr(
            "dropout probability has to be between 0 and 1, but got {p}: write the part that is dropped.",
            p=p,
        ))  # fmt: skip
    array = input.array
    return dropped(
        array[(slice(None), slice(None), *[slice(1)] * (array.ndim - 2))] if channels else array, p
    )


def _channels(n: int) -> Any:
    def f(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
        input = as_tensor(input)
        if not training or p == 0:
            return input
        alone = input.ndim == n + 1  # no batch
        x = input.unsqueeze(0) if alone else input
        y = x * Tensor.wrap(_noise(x, p, True), None)
        return y.squeeze(0) if alone else y

    return titled(f, f"dropout{n}d", "Give 0 in place of whole channels, and the others divided by 1 - p.")


dropout1d, dropout2d, dropout3d = (_channels(n) for n in (1, 2, 3))


def _alpha(name: str, channels: bool) -> Any:
    def f(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
        input = as_tensor(input)
        if not training or p == 0:
            return input
        if p == 1:
            return input * 0
        least = 1.7580993408473766  # where selu ends on the left
        a = 1 / math.sqrt((least**2 * p + 1) * (1 - p))
        kept = _noise(input, p, channels) != 0
        kind = input.array.dtype
        scale: Any = np.where(kept, a, 0.0)
        shift: Any = np.where(kept, least * a * p, least * a * (p - 1))
        scale, shift = scale.astype(kind), shift.astype(kind)
        return input * Tensor.wrap(scale, None) + Tensor.wrap(shift, None)

    return titled(f, name, "Drop entries so that mean 0 and variance 1 stay (G. Klambauer and others, 2017).")


alpha_dropout, feature_alpha_dropout = _alpha("alpha_dropout", False), _alpha("feature_alpha_dropout", True)
__all__ = ["alpha_dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]
