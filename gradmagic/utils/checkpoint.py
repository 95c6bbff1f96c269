"""PyTorch's `utils.checkpoint`: a part of a network whose values are computed again on the way back, not kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.transforms.checkpoint import checkpoint as of_function

__all__ = ["checkpoint"]


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Give function(*args, **kwargs), and keep nothing of what it computes within: the way back computes it again.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.utils.checkpoint import checkpoint
    >>> x = gm.tensor(2.0, requires_grad=True)
    >>> checkpoint(lambda x: gm.exp(gm.sin(x)), x, use_reentrant=False).backward()
    >>> x.grad
    tensor(-1.0331)
    """
    return of_function(function)(*args, **kwargs)
