"""Derivatives of functions (`gm.grad(f)`) and of results (`gm.autograd.grad(outputs, inputs)`).

In: a function of arrays, or tensors that were computed. Out: gradients as plain arrays and numbers, or tracked where
they are to be differentiated again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from . import arrays
from .array import Array
from .dispatch import call_elementwise
from .errors import NoGradError, NonScalarError
from .leaves import seed
from .rules.declare import RULES
from .sweep import sweep
from .tape import Leaf, Node, enable_grad, state, walk
from .tensor import Tensor
from .tracked import Tracked


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Any, Any]]:
    """Make a function that gives the value of `f` and its gradient.

    Parameters
    ----------
    f : function
        Of arrays or numbers, giving one number.
    argnums : int or sequence of int
        The arguments to differentiate by.

    Returns
    -------
    function
        Of the same arguments, giving (value, gradient); the gradient has the shape of the argument, and is a tuple
        if `argnums` is a sequence. Value and gradient are a plain float and ndarray for plain arguments.

    Raises
    ------
    NonScalarError
        If `f` gives more than one number.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> gm.value_and_grad(lambda x: np.sum(x * x))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @wraps(f)
    def differentiated(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        arguments = list(args)
        for i in numbers:
            arguments[i] = _input(args[i], i, f)
        nodes = [arguments[i].node for i in numbers]
        before = state.inputs
        state.inputs = before | {node.number for node in nodes}
        try:
            with enable_grad():
                out = f(*arguments, **kwargs)
        finally:
            state.inputs = before
        value = out
        if not isinstance(out, Tracked) or out.node is None:
            if np.size(getattr(out, "array", out)) != 1:
                raise _not_scalar(f, out)
            return value, _result([None] * len(numbers), arguments, numbers, argnums)
        if out.node.aval.size != 1:
            raise _not_scalar(f, out)
        inner = _only_from(out.node, nodes)
        reached, cotangents, _ = sweep(out.node, seed(out, None), inputs=nodes, create_graph=not inner)
        found = [cotangents[node.number] if node in reached else None for node in nodes]
        outer = any(not isinstance(node, Leaf) for node in nodes)
        plain = (
            out.array
            if inner and not isinstance(out, Tensor)
            else Tensor.wrap(out.array, None)
            if inner and not outer
            else out
        )
        if isinstance(out, Tensor):  # Tensor wins: what it touched can go on as one
            found = [Tensor.wrap(c.array, c.node) if isinstance(c, Tracked) else c for c in found]
        return plain, _result(found, arguments, numbers, argnums)

    return differentiated


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Make a function that gives the gradient of `f`; see `value_and_grad`.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> gm.grad(np.sin)(0.0)
    1.0
    >>> gm.grad(gm.grad(lambda x: x**3))(2.0)
    12.0
    """
    both = value_and_grad(f, argnums)

    @wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def _input(value: Any, i: int, f: Any) -> Any:
    if isinstance(value, Tracked):
        if value.node is None:
            made = Tensor.wrap(value.array, None)
            return made.requires_grad_()
        # A node of our own over it: the inner sweep stops here, the outer one goes on.
        return call_elementwise(RULES[np.positive], (value,), operator.pos)
    if isinstance(value, (np.generic, int, float, complex)) or arrays.is_array(value):
        return Array.lift(value, share=False)
    name = getattr(f, "__name__", "f")
    raise TypeError(
        f"argument {i} of {name} is a {type(value).__name__}: gradients are taken by arrays and numbers. "
        f"Write np.array(...) for a list, or choose other arguments with argnums=."
    )


def _only_from(root: Node, inputs: list[Node]) -> bool:
    """Tell whether `root` depends on nothing tracked but `inputs`: then the sweep need not be recorded."""
    ours = {node.number for node in inputs}
    return all(isinstance(node, Leaf) for node in inputs) and all(
        node.rule is not None or node.number in ours for node in walk(root)
    )


def _result(found: list[Any], arguments: list[Any], numbers: tuple[int, ...], argnums: Any) -> Any:
    grads = []
    for c, i in zip(found, numbers, strict=True):
        x = arguments[i]
        if c is None:
            aval = x.node.aval
            c = np.zeros(aval.shape, aval.tangent) if aval.shape else aval.tangent.type(0)
        if x.node.aval.python is not None and isinstance(c, np.floating) and not isinstance(c, Tracked):
            c = float(c)  # a Python number's gradient is one
        elif x.node.aval.python is not None and isinstance(c, Tracked) and isinstance(c.array, np.floating):
            c = type(c).wrap(float(c.array), c.node)
        if isinstance(x, Tensor) and not isinstance(c, Tensor):
            c = Tensor.wrap(getattr(c, "array", c), getattr(c, "node", None))
        grads.append(c)
    return grads[0] if isinstance(argnums, int) else tuple(grads)


def _not_scalar(f: Any, out: Any) -> NonScalarError:
    name = getattr(f, "__name__", "f")
    shape = tuple(np.shape(getattr(out, "array", out)))
    return NonScalarError(
        f"grad can be implicitly created only for scalar outputs: {name} gave an array of shape {shape}. "
        f"Give one number, such as np.sum(...) of it."
    )


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
    outs = [outputs] if isinstance(outputs, Tracked) else list(outputs)
    ins = [inputs] if isinstance(inputs, Tracked) else list(inputs)
    seeds = [grad_outputs] if not isinstance(grad_outputs, (list, tuple)) else list(grad_outputs)
    seeds += [None] * (len(outs) - len(seeds))
    for i, t in enumerate(ins):
        if t.node is None:
            raise NoGradError(
                f"One of the differentiated Tensors does not require grad: input number {i}. "
                "Make it with requires_grad=True before computing the outputs."
            )
    for t in outs:
        if t.node is None:
            raise NoGradError(
                "element 0 of tensors does not require grad and does not have a grad_fn. "
                "Compute the outputs from tensors made with requires_grad=True."
            )
    nodes: list[Any] = [t.node for t in ins]
    total: list[Any] = [None] * len(ins)
    retain = create_graph if retain_graph is None else retain_graph
    for k, (t, s) in enumerate(zip(outs, seeds, strict=True)):
        assert t.node is not None
        reached, cotangents, _ = sweep(
            t.node, seed(t, s), inputs=nodes, retain=retain or k + 1 < len(outs), create_graph=create_graph
        )
        for i, node in enumerate(nodes):
            if node in reached:
                c = cotangents[node.number]
                total[i] = c if total[i] is None else total[i] + c
    for i, c in enumerate(total):
        if c is None and not allow_unused:
            raise NoGradError(
                "One of the differentiated Tensors appears to not have been used in the graph: "
                f"input number {i}. Set allow_unused=True if that is meant; it gives None for it."
            )
    return tuple(
        None if c is None else Tensor.wrap(getattr(c, "array", c), getattr(c, "node", None)) for c in total
    )
