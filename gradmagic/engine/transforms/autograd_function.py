"""`gm.autograd.Function`: a derivative of one's own in PyTorch's form, a class with `forward` and `backward`.

In: a subclass. Out: `apply`, which computes `forward` unrecorded and puts one operation on the tape, whose cotangents
`backward` gives. `gm.custom` (custom.py) is the same as a decorator, for arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from ...errors import ShapeError
from ...language import tr
from ..dispatch.calls import record
from ..faces.torch.tensor import Tensor
from ..rules.rule import Cotangent, Rule, Saved, Unpacked, pick
from ..tape.modes import OFF, mode_now, no_grad
from ..tape.nodes import Leaf, Node, aval_of
from ..tape.tracked import Tracked


class Context:
    """What `forward` hands to `backward`: tensors by `save_for_backward`, anything else as attributes."""

    needs_input_grad: tuple[bool, ...] = ()

    def __init__(self) -> None:
        self._saved: tuple[Any, ...] = ()
        self._outputs: tuple[Any, ...] = ()
        self._nodes: tuple[Any, ...] = ()
        self._constant: set[int] = set()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep inputs, outputs or other tensors for `backward`."""
        self._saved = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` kept; outputs joined to their place in the graph, for higher order."""
        return tuple(
            Tensor.wrap(t.array, self._nodes[at])
            if (at := self._output(t)) is not None and self._nodes
            else t
            for t in self._saved
        )

    def mark_non_differentiable(self, *outputs: Any) -> None:
        """Say that these outputs are constants."""
        self._constant |= {id(t) for t in outputs}

    def _output(self, t: Any) -> int | None:
        return next((i for i, y in enumerate(self._outputs) if y is t), None)


class _Rule(Rule):
    kind = "function"
    frees = True

    def __init__(self, cls: Any, outputs: int | str) -> None:
        self.function, self.name, self.torch = cls.apply, cls.__name__, f"{cls.__name__}Backward"
        self.cls, self.outputs = cls, outputs

    def unpacked(self, saved: Saved) -> Unpacked:
        context, _, _ = saved
        kept = [t.array for t in context._saved if isinstance(t, Tensor) and type(t.node) is not Leaf]
        return kept, (), {}

    def pull(self, node: Node, g: Cotangent, saved: Saved) -> Sequence[Cotangent]:
        context, _, again = saved
        given = [Tensor.of(c) for c in (g if self.outputs != 1 else [g])]
        if again:  # the sweep is recorded: the saved outputs are those of this node
            context._nodes = tuple(pick(node, i) for i in range(len(given))) if self.outputs != 1 else (node,)
        recorded = again or any(c.node is not None for c in given)
        with nullcontext() if recorded else no_grad():
            found = self.cls.backward(context, *given)
        context._nodes = ()
        found = found if isinstance(found, tuple) else (found,)
        if len(found) != len(node.inputs):
            raise ShapeError(tr(
                "{name}.backward gave {given} gradients for {count} arguments of forward: give one for each, and None "
                "for what is no tensor.", name=self.name, given=len(found), count=len(node.inputs),
            ))  # fmt: skip
        cotangents = []
        for i, (c, source) in enumerate(zip(found, node.inputs, strict=True)):
            if source is not None and c is not None and np.shape(c.array) != source.aval.shape:
                raise ShapeError(tr(
                    "{name}.backward gave a gradient of shape {given} for argument {number} of shape {shape}.",
                    name=self.name, given=np.shape(c.array), number=i, shape=source.aval.shape,
                ))  # fmt: skip
            joined = c is not None and c.node is not None
            cotangents.append(None if c is None else Tracked.joined(c.array, c.node) if joined else c.array)
        return cotangents

    def wrapped(self, node: Node) -> Saved:
        return (*node.saved[:-1], True)


class Function:
    """Derive a class with static methods `forward(ctx, *args)` and `backward(ctx, *grads)`, and call its `apply`.

    `forward` gets the arguments as they are, computes without recording, and gives a tensor or a tuple of tensors.
    `backward` gets the gradient of each output and gives that of each argument, None for what is no tensor. PyTorch's
    newer form, `forward(*args)` with `setup_context(ctx, inputs, output)`, works too.

    Examples
    --------
    >>> import gradmagic as gm
    >>> class Cube(gm.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return g * 3 * x**2
    >>> x = gm.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x)
    tensor(8., grad_fn=<CubeBackward>)
    >>> Cube.apply(x).backward(); x.grad
    tensor(12.)
    """

    forward: Any
    backward: Any
    setup_context: Any = None

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Compute `forward(*args)` and record it."""
        context = Context()
        nodes = tuple(a.node if isinstance(a, Tensor) else None for a in args)
        recording = mode_now() is not OFF and any(n is not None for n in nodes)
        context.needs_input_grad = tuple(recording and n is not None for n in nodes)
        with no_grad():
            if cls.setup_context is not None:
                out = cls.forward(*args)
                cls.setup_context(context, args, out)
            else:
                out = cls.forward(context, *args)
        outputs = out if isinstance(out, tuple) else (out,)
        if not all(isinstance(y, Tensor) for y in outputs):
            raise TypeError(tr(
                "{name}.forward must give a Tensor or a tuple of Tensors.", name=cls.__name__,
            ))  # fmt: skip
        if not recording:
            return out
        context._outputs = outputs
        several = isinstance(out, tuple)
        rule = _Rule(cls, "list" if several else 1)
        avals = tuple(aval_of(y.array) for y in outputs)
        kept = tuple(
            t.array for t in context._saved if isinstance(t, Tensor)
        )  # a sweep looks whether they changed
        node = record(rule, outputs[0].array, nodes, (context, kept, False), avals if several else avals[0])
        made = [
            Tensor.wrap(y.array, None if id(y) in context._constant else pick(node, i) if several else node)
            for i, y in enumerate(outputs)
        ]
        return tuple(made) if several else made[0]
