"""PyTorch's helpers around parameters: `clip_grad_norm_`, `parameters_to_vector`; in `rnn` sequences to pack."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...engine.faces.torch.tensor import Tensor
from ...engine.tape.modes import no_grad
from ...functions import as_tensor, cat
from ...language import tr
from . import rnn


def _gradients(parameters: Any) -> list[Any]:
    several = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p.grad for p in several if p.grad is not None]


def get_total_norm(
    tensors: Iterable[Any], norm_type: float = 2.0, error_if_nonfinite: bool = False, **_: Any
) -> Any:
    """Give the norm of all tensors together, as if they were one vector."""
    arrays = [t.array for t in ([tensors] if isinstance(tensors, Tensor) else tensors)]
    if not arrays:
        return as_tensor(0.0)
    parts = [np.linalg.norm(np.reshape(a, -1), norm_type) for a in arrays]
    total = np.linalg.norm(np.stack([np.asarray(p) if isinstance(p, float) else p for p in parts]), norm_type)
    if error_if_nonfinite and not math.isfinite(float(total)):
        raise RuntimeError(tr(
            "The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it "
            "cannot be clipped. Write error_if_nonfinite=False to scale them nevertheless.",
            norm_type=norm_type,
        ))  # fmt: skip
    return Tensor.wrap(
        arrays[0].dtype.type(total) if isinstance(total, (float, np.floating)) else total, None
    )


def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Any, foreach: Any = None) -> None:
    """Scale the gradients so that a norm of `total_norm` becomes one of `max_norm` at most, in place."""
    factor = np.minimum(max_norm / (as_tensor(total_norm).array + 1e-6), 1.0)
    with no_grad():
        for g in _gradients(parameters):
            g.mul_(Tensor.wrap(factor, None).to(g.dtype))


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: Any = None
) -> Any:  # fmt: skip
    """Scale the gradients so that their norm together is `max_norm` at most, in place; give the norm before.

    Parameters
    ----------
    parameters : iterable of Tensor, or one Tensor
    max_norm : float
    norm_type : float
        The order of the norm, `math.inf` for the largest entry.
    error_if_nonfinite : bool

    Examples
    --------
    >>> import gradmagic as gm
    >>> w = gm.ones(2, requires_grad=True)
    >>> (w * gm.tensor([3.0, 4.0])).sum().backward()
    >>> gm.nn.utils.clip_grad_norm_(w, 1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    several = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    total = get_total_norm(_gradients(several), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(several, max_norm, total)
    return total


def clip_grad_value_(parameters: Any, clip_value: float, foreach: Any = None) -> None:
    """Hold every entry of the gradients between -clip_value and clip_value, in place."""
    with no_grad():
        for g in _gradients(parameters):
            g.clamp_(min=-float(clip_value), max=float(clip_value))


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """Give all parameters as one vector."""
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Write a vector into the parameters, one after the other."""
    if not isinstance(vec, Tensor):
        raise TypeError(tr(
            "expected torch.Tensor, but got: {kind}: make it with gm.tensor(...).", kind=type(vec).__name__,
        ))  # fmt: skip
    at = 0
    for p in parameters:
        p.data = vec[at : at + p.numel()].view_as(p).data
        at += p.numel()


__all__ = [
    "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm", "parameters_to_vector", "rnn",
    "vector_to_parameters",
]  # fmt: skip
