"""PyTorch's losses as functions: `F.mse_loss`, `F.cross_entropy`, `F.binary_cross_entropy_with_logits` and others.

In: predictions and targets as Tensors (or arrays), and PyTorch's arguments. Out: one number, or one for each entry with
reduction="none". The everyday forms are one operation on the tape each.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.core.bounds import flag_for, in_bounds
from ..engine.derivatives.nn import functions as nw
from ..engine.derivatives.nn.kernels import compiles, cross_entropy_by_kernels
from ..engine.dispatch.calls import call, record
from ..engine.faces.torch.math import OperandError, named
from ..engine.faces.torch.tensor import Tensor
from ..engine.rules.declare import RULES
from ..engine.tape.modes import OFF, mode_now
from ..engine.tape.tracked import Tracked, raw
from ..errors import ArgumentError, ShapeError
from ..functions import as_tensor
from ..language import tr

_NO_OPTIONS: dict[str, Any] = {}


def _settled(weight: Any) -> Any:
    """Give the array behind a weight, which these losses have no derivative by."""
    if isinstance(weight, Tracked) and weight.node is not None and mode_now() is not OFF:
        raise ArgumentError(tr(
            "the derivative for 'weight' is not implemented: a loss takes its weights as constants. Write "
            'weight.detach(), or reduction="none" and multiply by the weights yourself.',
        ))  # fmt: skip
    return raw(weight)


def _reduced(entries: Any, reduction: str) -> Any:
    if reduction == "none":
        return entries
    nw.meant(reduction)
    return entries.mean() if reduction == "mean" else entries.sum()


def _recorded(rule: Any, out: Any, tensors: tuple[Any, ...], saved: tuple[Any, ...]) -> Tensor:
    """Put a loss on the tape that was computed from raw arrays; `saved` is what the rule's vjps take."""
    nodes = tuple(t.node if isinstance(t, Tracked) else None for t in tensors)
    if mode_now() is OFF or not any(n is not None for n in nodes):
        return Tensor.wrap(out, None)  # type: ignore[no-any-return]
    return Tensor.wrap(out, record(rule, out, nodes, rule.packed(None, saved, _NO_OPTIONS)))  # type: ignore[no-any-return]


# ---- of numbers -------------------------------------------------------------------------------------------------


def _pair(name: str, input: Any, target: Any) -> tuple[Any, Any]:
    input, target = as_tensor(input), as_tensor(target)
    if np.shape(input.array) != np.shape(target.array):
        warnings.warn(tr(
            "Using a target size ({target}) that is different to the input size ({input}). This will likely lead "
            "to incorrect results due to broadcasting. Give {name} two tensors of one shape.",
            target=target.shape, input=input.shape, name=name,
        ), UserWarning, stacklevel=3)  # fmt: skip
    return input, target


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Give the squared differences, averaged.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.nn import functional as F
    >>> F.mse_loss(gm.tensor([1.0, 2.0], requires_grad=True), gm.zeros(2))
    tensor(2.5000, grad_fn=<MseLossBackward0>)
    """
    if reduction != "mean":
        nw.meant(reduction)
    return call(_MSE, _mse, (*_pair("mse_loss", input, target), reduction), _NO_OPTIONS)


_MSE, _mse = RULES[nw.mse], nw.mse.__wrapped__


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Give the sizes of the differences, averaged."""
    input, target = _pair("l1_loss", input, target)
    return _reduced(abs(input - target), reduction)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """Give half the squared differences up to `delta`, and from there on a straight line."""
    nw.meant(reduction)
    if delta <= 0:
        raise OperandError(tr(
            "huber_loss does not support non-positive values for delta. Write a positive one.",
        ))  # fmt: skip
    return call(
        _HUBER, nw.huber.__wrapped__, (*_pair("huber_loss", input, target), reduction, delta), _NO_OPTIONS
    )


def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """Give `huber_loss` divided by its `delta`, here called `beta`."""
    nw.meant(reduction)
    if beta == 0:
        return l1_loss(input, target, reduction)
    pair = _pair("smooth_l1_loss", input, target)
    return call(_SMOOTH, nw.smooth_l1.__wrapped__, (*pair, reduction, beta), _NO_OPTIONS)


_HUBER, _SMOOTH = RULES[nw.huber], RULES[nw.smooth_l1]


# ---- of probabilities -------------------------------------------------------------------------------------------


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Any:
    """Give -(target * log(input) + (1 - target) * log(1 - input)), averaged, for probabilities `input`."""
    nw.meant(reduction)
    input, target = as_tensor(input), as_tensor(target)
    _same_size("binary_cross_entropy", input, target)
    for tensor in (input, target):
        p = tensor.array
        if not arrays.on_device(p) and not np.all((p >= 0) & (p <= 1)):
            raise OperandError(
                tr("all elements of input should be between 0 and 1: apply sigmoid first, or use "
                   "binary_cross_entropy_with_logits.")
                if tensor is input
                else tr("all elements of target should be between 0 and 1: scale it.")
            )  # fmt: skip
    if weight is None:
        return call(_BCE, _bce, (input, target, reduction), _NO_OPTIONS)
    return _reduced(call(_BCE, _bce, (input, target, "none"), _NO_OPTIONS) * weight, reduction)


_BCE, _bce = RULES[nw.bce], nw.bce.__wrapped__


def _same_size(name: str, input: Any, target: Any) -> None:
    if np.shape(input.array) != np.shape(target.array):
        raise ShapeError(tr(
            "Target size ({target}) must be the same as input size ({input}): {name} compares entry with "
            "entry. Reshape one of them, for instance target.view_as(input).",
            target=target.shape, input=input.shape, name=name,
        ))  # fmt: skip


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> Any:  # fmt: skip
    """Give the binary cross entropy between sigmoid(input) and target, averaged, without overflow.

    Parameters
    ----------
    input : Tensor
        Logits, of any shape.
    target : Tensor
        Probabilities, of the same shape.
    weight, pos_weight : Tensor, optional
        What each entry counts; what the target's side of each entry counts.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.nn import functional as F
    >>> F.binary_cross_entropy_with_logits(gm.zeros(3).requires_grad_(), gm.ones(3))
    tensor(0.6931, grad_fn=<BinaryCrossEntropyWithLogitsBackward0>)
    """
    if type(input) is not Tensor or type(target) is not Tensor:
        input, target = as_tensor(input), as_tensor(target)
    z, t = input.array, target.array
    if z.shape != t.shape:
        _same_size("binary_cross_entropy_with_logits", input, target)
    if reduction != "mean" or weight is not None or pos_weight is not None or type(z) is not np.ndarray:
        nw.meant(reduction)
        settings = (reduction, None, _settled(weight), _settled(pos_weight))
        return call(_LOGITS, _logits, (input, target, *settings), _NO_OPTIONS)
    # The everyday form, by hand: e serves here and on the way back.
    e = np.exp(-np.abs(z))
    entries = (arrays.constant(1, t) - t) * z
    entries -= np.minimum(z, arrays.constant(0, z))
    entries += np.log1p(e)
    return _recorded(_LOGITS, np.add.reduce(entries, None) / z.size, (input, target), (z, t, "mean", e))


_LOGITS, _logits = RULES[nw.bce_with_logits], nw.bce_with_logits.__wrapped__


def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """Give target * (log(target) - input) for logarithms of probabilities `input`."""
    input, target = as_tensor(input), as_tensor(target)
    if log_target:
        entries = np.exp(target) * (target - input)
    else:
        entries = target * (np.log(np.where(target > 0, target, 1)) - input)
    if reduction == "batchmean":
        return entries.sum() / entries.shape[0]
    return _reduced(entries, reduction)


# ---- of classes -------------------------------------------------------------------------------------------------


def cross_entropy(
    input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    """Give the cross entropy between softmax(input) and the target classes, averaged.

    Parameters
    ----------
    input : Tensor
        Logits: (classes,), (rows, classes) or (rows, classes, ...).
    target : Tensor
        The class of each row, whole numbers; or probabilities, of the shape of `input`.
    weight : Tensor, optional
        What each class counts.
    ignore_index : int
        Rows of this class count nothing.
    reduction : {"mean", "sum", "none"}
    label_smoothing : float
        The part of each target that is spread over all classes.

    Raises
    ------
    IndexError
        If a target is no class of the input.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.nn import functional as F
    >>> F.cross_entropy(gm.zeros(2, 4, requires_grad=True), gm.tensor([3, 0]))
    tensor(1.3863, grad_fn=<NllLossBackward0>)
    """
    z, y = raw(input), raw(target)
    if weight is None and reduction == "mean" and not label_smoothing and _is_plain(z, y, ignore_index):
        return _plain_cross_entropy(input, z, y)
    nw.meant(reduction)
    input, target = as_tensor(input), as_tensor(target)
    weight, y = _settled(weight), target.array
    if weight is None and reduction == "mean" and not label_smoothing and _is_matrix(input.array, y):
        return _cross_entropy_there(input, input.array, y, ignore_index)
    dim = 1 if input.ndim > 1 else 0
    logs = nw.log_softmax(input, dim)
    if y.dtype.kind not in "iu":
        return _of_probabilities(logs, target, dim, weight, reduction, label_smoothing)
    loss = nll_loss(logs, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return loss
    counts = as_tensor(_class_weights(logs, y, weight, ignore_index))
    if weight is not None:
        logs = logs * as_tensor(np.reshape(weight, (-1,) + (1,) * (logs.ndim - dim - 1)))
    spread = np.where(y != ignore_index, -np.sum(logs, axis=dim), 0)
    number = counts.sum()  # 0: the loss is NaN, and what is added here moves nothing
    total = (
        spread
        if reduction == "none"
        else spread.sum() / (number + (number == 0) if reduction == "mean" else 1)
    )
    return (1 - label_smoothing) * loss + label_smoothing / logs.shape[dim] * total


_UNSIGNED = {n: np.dtype(f"u{n}") for n in (1, 2, 4, 8)}


def _is_plain(z: Any, y: Any, ignore_index: int) -> bool:
    """Tell whether z is a matrix of logits on the host and y a class for each row, none of them to be ignored."""
    return bool(
        type(z) is np.ndarray and type(y) is np.ndarray and z.ndim == 2 and y.ndim == 1 and y.dtype.kind == "i"
        and z.dtype.kind == "f" and 0 < len(y) == len(z) and not 0 <= ignore_index < z.shape[1]
        and np.maximum.reduce(y.view(_UNSIGNED[y.itemsize])) < z.shape[1]  # what is below 0 is large then
    )  # fmt: skip


def _plain_cross_entropy(input: Any, z: Any, y: Any) -> Any:
    """The everyday form, by hand: p = softmax(z) serves here and on the way back."""
    rows = len(y)
    shifted = z - np.maximum.reduce(z, 1, keepdims=True)
    p = np.exp(shifted)
    sums = np.add.reduce(p, 1, keepdims=True)
    p /= sums
    picked = np.log(sums[:, 0])
    picked -= shifted[np.arange(rows), y]
    return _recorded(_CROSS, np.add.reduce(picked) / rows, (input,), (z, y, p))


def _is_matrix(z: Any, y: Any) -> bool:
    """Tell whether z is a matrix of logits on a device, and y a class for each row there."""
    return (
        type(z) is not np.ndarray and arrays.on_device(z) and compiles(z, y) and z.ndim == 2 and y.ndim == 1
        and y.dtype.kind in "iu" and 0 < len(y) == len(z) and z.shape[1] > 0
    )  # fmt: skip


def _cross_entropy_there(input: Any, z: Any, y: Any, ignored: int) -> Any:
    """The everyday form on a device."""
    classes = z.shape[1]
    flag = flag_for(y, tr("Target is out of bounds. The input has {classes} classes", classes=classes))
    out, *kept = cross_entropy_by_kernels(z, y, ignored, *flag)
    return _recorded(_CROSS_THERE, out, (input,), (z, y, *kept, ignored))


_CROSS, _CROSS_THERE = RULES[nw.cross_entropy], RULES[nw.cross_entropy_there]


def _of_probabilities(logs: Any, t: Any, dim: int, weight: Any, reduction: str, smoothing: float) -> Any:
    classes = logs.shape[dim]
    if smoothing:
        t = t * (1 - smoothing) + smoothing / classes
    if weight is not None:
        logs = logs * as_tensor(np.reshape(weight, (-1,) + (1,) * (logs.ndim - dim - 1)))
    entries = -(logs * t).sum(dim)
    if reduction != "mean":
        return _reduced(entries, reduction)
    return call(_DIVIDE, np.divide, (entries.sum(), max(entries.numel(), 1)), _NO_OPTIONS)


_DIVIDE = named(np.divide, "DivBackward1")


def _class_weights(logs: Any, y: Any, weight: Any, ignore_index: int) -> Any:
    """Give what each row counts; check that its target is a class, if the host knows it."""
    classes = logs.shape[1 if logs.ndim > 1 else 0]
    there = y != ignore_index
    if not arrays.on_device(y):
        bad = ((y < 0) | (y >= classes)) & there
        if np.any(bad):
            raise IndexError(tr(
                "Target {target} is out of bounds. The input has {classes} classes: targets run from 0 to "
                "{last}, and ignore_index={ignore_index} marks rows that do not count.",
                target=int(np.asarray(y)[bad].flat[0]), classes=classes, last=classes - 1,
                ignore_index=ignore_index,
            ))  # fmt: skip
    counts = there if weight is None else np.where(there, weight[np.where(there, y, 0)], 0)
    return counts.astype(logs.array.dtype)


def nll_loss(
    input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean"
) -> Any:  # fmt: skip
    """Give -input[row, target[row]], averaged, for logarithms of probabilities `input` (classes along dim 1)."""
    nw.meant(reduction)
    input, y, weight = as_tensor(input), as_tensor(target).array, _settled(weight)
    if input.ndim == 1:
        input, y = input.unsqueeze(0), np.reshape(y, (1,))
        loss = nll_loss(input, y, weight, ignore_index=ignore_index, reduction=reduction)
        return loss.squeeze(0) if reduction == "none" else loss
    if np.shape(y) != (input.shape[0], *input.shape[2:]):
        raise ShapeError(tr(
            "Expected input batch_size ({batch}) to match target batch_size ({targets}): the target has "
            "shape {target}, and the input {input} wants {wanted}.", batch=input.shape[0], targets=len(y),
            target=np.shape(y), input=tuple(input.shape), wanted=(input.shape[0], *input.shape[2:]),
        ))  # fmt: skip
    counts = _class_weights(input, y, weight, ignore_index)
    there = y != ignore_index
    y = np.where(there, y, 0)
    if arrays.on_device(y):
        classes = input.shape[1]
        in_bounds(
            y, classes, 0, tr("Target is out of bounds. The input has {classes} classes", classes=classes)
        )
    settings = (y, counts, reduction, there)
    return call(_NLL if input.ndim == 2 else _NLL_2D, nw.nll.__wrapped__, (input, *settings), _NO_OPTIONS)


_NLL, _NLL_2D = RULES[nw.nll], named(nw.nll, "NllLoss2DBackward0")
