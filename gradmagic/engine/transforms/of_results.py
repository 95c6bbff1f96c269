"""Derivatives of results that were computed: `gm.autograd.grad(outputs, inputs)`.

In: tensors. Out: gradients as tensors, to be differentiated again if that is asked for; no `.grad` is written.
"""

from __future__ import annotations

from typing import Any

from ...errors import NoGradError
from ...language import tr
from ..faces.torch.tensor import Tensor
from ..sweeps.several import sweep_from, taken
from ..tape.ends import seed
from ..tape.tracked import Tracked


def grad_of(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """Compute the gradients of `outputs` by `inputs` and hand them back; no `.grad` is written.

    This is `gm.autograd.grad`. It visits and frees only what lies between outputs and inputs.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
    grad_outputs : array or sequence of arrays, optional
        The cotangent of each output; a single number needs none.
    retain_graph : bool, optional
        Keep what the graph has saved; `create_graph` if not given.
    create_graph : bool
        Record the sweep, so that the gradients can be differentiated again.
    allow_unused : bool
        Give None for an input that the outputs do not depend on, instead of an error.

    Returns
    -------
    tuple of Tensor
        One for each input, of its shape and dtype.

    Raises
    ------
    NoGradError
        If an input does not require a gradient, or is not used and `allow_unused` is not set.

    Examples
    --------
    >>> import gradmagic as gm
    >>> x = gm.tensor(3.0, requires_grad=True)
    >>> (g,) = gm.autograd.grad(x**3, x, create_graph=True)
    >>> gm.autograd.grad(g, x)
    (tensor(18.),)
    """
    outs: list[Any] = [outputs] if isinstance(outputs, Tracked) else list(outputs)
    ins = [inputs] if isinstance(inputs, Tracked) else list(inputs)
    seeds = [grad_outputs] if not isinstance(grad_outputs, (list, tuple)) else list(grad_outputs)
    seeds += [None] * (len(outs) - len(seeds))
    for i, t in enumerate(ins):
        if t.node is None:
            raise NoGradError(tr(
                "One of the differentiated Tensors does not require grad: input number {number}. Make it with "
                "requires_grad=True before computing the outputs.", number=i,
            ))  # fmt: skip
    for t in outs:
        if t.node is None:
            raise NoGradError(tr(
                "element 0 of tensors does not require grad and does not have a grad_fn. "
                "Compute the outputs from tensors made with requires_grad=True.",
            ))  # fmt: skip
    nodes: list[Any] = [t.node for t in ins]
    retain = create_graph if retain_graph is None else retain_graph
    swept = sweep_from(
        [t.node for t in outs],
        [seed(t, s) for t, s in zip(outs, seeds, strict=True)],
        nodes,
        retain=retain,
        create_graph=create_graph,
    )
    total = taken(swept, nodes)
    for i, c in enumerate(total):
        if c is None and not allow_unused:
            raise NoGradError(tr(
                "The differentiated Tensor at index {number} appears to not have been used in the graph. Set "
                "allow_unused=True if that is meant; it gives None for it.", number=i,
            ))  # fmt: skip
    return tuple(None if c is None else Tensor.of(c) for c in total)
