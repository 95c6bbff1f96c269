"""PyTorch's similarities and distances of vectors, the losses that are made of them, and losses of distributions.

In: Tensors (lifted Arrays and plain arrays are taken for Tensors). Out: Tensors; losses as `reduction` says.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.derivatives.nn import functions as nw
from ..engine.faces.torch import math as torch_math
from ..engine.faces.torch import products
from ..engine.faces.torch.arguments import shown
from ..engine.faces.torch.math import OperandError
from ..engine.tape.tracked import raw
from ..functions import as_tensor, of_tensor
from ..language import tr
from .losses import _reduced as reduced

# ---- vectors -----------------------------------------------------------------------------------------------------


@of_tensor
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """Give the cosine of the angle between vectors along `dim`; a length below `eps` counts as `eps`."""
    x2 = as_tensor(x2)
    dims = np.broadcast_shapes(x1.shape, x2.shape)
    x1, x2 = (x if tuple(x.shape) == dims else np.broadcast_to(x, dims) for x in (x1, x2))
    if not dims:
        return cosine_similarity(x1.reshape(1), x2.reshape(1), dim, eps)
    lengths = [torch_math.clamp(np.linalg.norm(x, axis=dim, keepdims=True), min=eps) for x in (x1, x2)]
    return (x1 / lengths[0] * (x2 / lengths[1])).sum(dim)


@of_tensor
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """Give the norm of order `p` of x1 - x2 + eps along the last dim."""
    return shown(np.linalg.norm(x1 - as_tensor(x2) + eps, ord=p, axis=-1, keepdims=keepdim), "NormBackward1")


@of_tensor
def pdist(input: Any, p: float = 2.0) -> Any:
    """Give the distance of order `p` between each two rows, each pair once."""
    return products.pdist(input, p)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """Give x1 @ weight[k] @ x2 for every k, plus bias[k].

    Parameters
    ----------
    input1, input2 : Tensor
        (..., in1_features), (..., in2_features).
    weight : Tensor
        (out_features, in1_features, in2_features).
    bias : Tensor, optional
        (out_features,).
    """
    input1, input2, weight = as_tensor(input1), as_tensor(input2), as_tensor(weight)
    made = np.einsum("...i,kij,...j->...k", input1, weight, input2)
    return made if bias is None else made + bias


# ---- losses of margins: 1 and -1 say what is wanted --------------------------------------------------------------


def _relu(x: Any) -> Any:
    return shown(torch_math.clamp(x, min=0), "ClampMinBackward0")


def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Any:  # fmt: skip
    """Give max(0, -target * (input1 - input2) + margin), averaged."""
    input1, input2, target = as_tensor(input1), as_tensor(input2), as_tensor(target)
    if not input1.ndim == input2.ndim == target.ndim:
        raise OperandError(tr(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            "{input1}, input2: {input2}, target: {target} . Reshape them to one.",
            input1=input1.shape, input2=input2.shape, target=target.shape,
        ))  # fmt: skip
    return reduced(_relu(-target * (input1 - input2) + margin), reduction)


def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, *, reduction: str = "mean") -> Any:
    """Give x where the target is 1, max(0, margin - x) where it is -1, averaged."""
    input, target = as_tensor(input), as_tensor(target)
    far = np.where(raw(target) != 1, _relu(margin - input), 0)
    near = np.where(raw(target) != -1, input, 0)
    return reduced(far + near, reduction)


def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Any:  # fmt: skip
    """Give 1 - cosine where the target is 1, max(0, cosine - margin) where it is -1, averaged."""
    input1, input2, target = as_tensor(input1), as_tensor(input2), as_tensor(target)
    eps = 1e-12
    sizes = [(x * x).sum(-1) + eps for x in (input1, input2)]
    cosine = (input1 * input2).sum(-1) / np.sqrt(sizes[0] * sizes[1])
    y = raw(target)
    return reduced(np.where(y == 1, 1 - cosine, 0) + np.where(y == -1, _relu(cosine - margin), 0), reduction)


def soft_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Give log(1 + exp(-target * x)), averaged."""
    return shown(
        reduced(np.log1p(np.exp(-as_tensor(target) * as_tensor(input))), reduction), "SoftMarginLossBackward0"
    )


def multilabel_soft_margin_loss(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean"
) -> Any:
    """Give the binary cross entropy of each class with logits, averaged over the classes, then over the rows."""
    input, target = as_tensor(input), as_tensor(target)
    loss = -(target * nw.log_sigmoid(input) + (1 - target) * nw.log_sigmoid(-input))
    return reduced((loss if weight is None else loss * weight).mean(-1), reduction)


def _rows(name: str, input: Any, target: Any) -> tuple[Any, Any, bool]:
    x, y = as_tensor(input), raw(as_tensor(target))
    x = x if x.ndim else x.reshape(1)
    one = x.ndim == 1
    y = np.reshape(y, -1) if one and name == "many" else y
    shape = (1,) if name == "one" else (1, *y.shape)
    return (x.unsqueeze(0), np.reshape(y, shape), one) if one else (x, y, one)


def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, *, reduction: str = "mean"
) -> Any:  # fmt: skip
    """Give the mean over the other classes i of max(0, margin - x[target] + x[i])**p, averaged."""
    if p not in (1, 2):
        raise ValueError(tr("only p == 1 and p == 2 supported: write one of these."))
    nw.meant(reduction)
    x, y, one = _rows("one", input, target)
    wanted = x.gather(1, x.wrap(y[:, None], None))
    entries = (margin - wanted + x).relu() ** p
    if weight is not None:
        entries = entries * as_tensor(weight)[x.wrap(y, None)][:, None]
    others = np.not_equal(arrays.arange(x.shape[1], y), y[:, None])
    loss = np.where(others, entries, 0).sum(1) / x.shape[1]
    loss = loss[0] if one and reduction == "none" else loss
    return shown(reduced(loss, reduction), "MultiMarginLossBackward0")


def multilabel_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Give the mean of max(0, 1 - (x[target] - x[i])) over the targets before the first -1 and the other classes."""
    nw.meant(reduction)
    x, y, one = _rows("many", input, target)
    number, y = x.shape[1], arrays.to_host(y)
    counts = np.cumprod(y >= 0, axis=1).astype(bool)
    chosen = np.zeros(x.shape, bool)
    rows = np.broadcast_to(np.arange(len(y))[:, None], y.shape)
    chosen[rows[counts], y[counts]] = True
    there = arrays.from_host(counts[:, :, None] & ~chosen[:, None, :], x.array)
    wanted = x.gather(1, x.wrap(arrays.from_host(np.where(counts, y, 0), x.array), None))
    entries = (1 - (wanted.unsqueeze(2) - x.unsqueeze(1))).relu()
    loss = np.where(there, entries, 0).sum((1, 2)) / number
    loss = loss[0] if one and reduction == "none" else loss
    return shown(reduced(loss, reduction), "MultilabelMarginLossBackward0")


def triplet_margin_loss(
    anchor: Any, positive: Any, negative: Any, margin: float = 1.0, p: float = 2, eps: float = 1e-6, swap: bool = False,
    *, reduction: str = "mean",
) -> Any:  # fmt: skip
    """Give max(0, distance to the positive - distance to the negative + margin), averaged.

    `swap`: the negative's distance is the smaller of those to the anchor and to the positive.
    """
    if margin <= 0:
        raise ValueError(tr(
            "margin must be greater than 0, got {margin}: write a positive one.", margin=margin,
        ))  # fmt: skip
    distance = lambda a, b: pairwise_distance(a, b, p, eps)
    return triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=distance, margin=margin, swap=swap, reduction=reduction
    )


def triplet_margin_with_distance_loss(
    anchor: Any, positive: Any, negative: Any, *, distance_function: Any = None, margin: float = 1.0,
    swap: bool = False, reduction: str = "mean",
) -> Any:  # fmt: skip
    """Give `triplet_margin_loss` with a distance of your own."""
    if margin <= 0:
        raise ValueError(tr(
            "margin must be greater than 0, got {margin}: write a positive one.", margin=margin,
        ))  # fmt: skip
    distance = distance_function or pairwise_distance
    anchor, positive, negative = as_tensor(anchor), as_tensor(positive), as_tensor(negative)
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = np.minimum(far, distance(positive, negative))
    return reduced(_relu(margin + near - far), reduction)


# ---- losses of distributions -------------------------------------------------------------------------------------


def poisson_nll_loss(
    input: Any, target: Any, log_input: bool = True, full: bool = False, *, eps: float = 1e-8, reduction: str = "mean"
) -> Any:  # fmt: skip
    """Give exp(x) - target * x (or, without `log_input`, x - target * log(x + eps)), averaged.

    `full` adds Stirling's approximation of log(target!) where the target is above 1.
    """
    input, target = as_tensor(input), as_tensor(target)
    loss = np.exp(input) - target * input if log_input else input - target * np.log(input + eps)
    if full:
        t = np.where(target.array > 1, target, 1)
        loss = loss + np.where(target.array > 1, t * np.log(t) - t + 0.5 * np.log(2 * math.pi * t), 0)
    return reduced(loss, reduction)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, *, reduction: str = "mean"
) -> Any:  # fmt: skip
    """Give (log(var) + (x - target)**2 / var) / 2, averaged, with var held above `eps`; `full` adds log(2 pi) / 2."""
    input, target, var = as_tensor(input), as_tensor(target), as_tensor(var)
    if tuple(var.shape) != tuple(input.shape):
        if tuple(input.shape[:-1]) == tuple(var.shape):
            var = var.unsqueeze(-1)
        elif not (tuple(input.shape[:-1]) == tuple(var.shape[:-1]) and var.shape[-1] == 1):
            raise ValueError(tr(
                "var is of incorrect size: it has the shape of the input, or 1 in its last dim.",
            ))  # fmt: skip
    if np.any(var.array < 0):
        raise ValueError(tr("var has negative entry/entries: a variance is 0 or more."))
    # As PyTorch: what is held is the number only, so that the gradient of what lies below eps is that at eps.
    held = var + as_tensor(np.maximum(var.array, eps) - var.array)
    loss = 0.5 * (np.log(held) + (input - target) ** 2 / held)
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


def old_words(size_average: Any, reduce: Any, reduction: str) -> str:
    """Give the reduction that PyTorch's old words `size_average` and `reduce` mean, with its warning."""
    if size_average is None and reduce is None:
        return reduction
    word = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{word}' instead.",
        stacklevel=3,
    )
    return word


__all__ = [
    "bilinear", "cosine_embedding_loss", "cosine_similarity", "gaussian_nll_loss", "hinge_embedding_loss",
    "margin_ranking_loss", "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss",
    "pairwise_distance", "pdist", "poisson_nll_loss", "soft_margin_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]  # fmt: skip
