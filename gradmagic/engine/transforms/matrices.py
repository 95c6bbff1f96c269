"""Matrices of derivatives: `gm.jacobian`, `gm.hessian`, `gm.hvp`.

In: a function of arrays, numbers and containers of them. Out: functions that give all first or second derivatives, as
arrays of shape (value's shape + argument's shape), nested as value and argument are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...language import tr
from ..core import arrays
from ..core.trees import rebuilt
from ..sweeps.several import sweep_from, taken
from ..tape.ends import seed
from ..tape.modes import enable_grad
from ..tape.nodes import aval_of
from ..tape.tracked import Tracked, raw
from .of_functions import arguments, depends, grad, one_number
from .traced import TracedCall


def jacobian(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, mode: str = "auto"
) -> Callable[..., Any]:
    """Make a function that gives every derivative of every entry of `f`.

    Parameters
    ----------
    f : function
        Giving an array or number, or a container of them.
    argnums : int or sequence of int
    mode : "auto", "reverse" or "forward"
        One sweep for each entry of the value, or one for each entry of the argument; "auto" takes the fewer.

    Returns
    -------
    function
        Of the same arguments. For a value of shape S and an argument of shape A the entry [s, a] of an array of shape
        S + A is d value[s] / d arg[a]. Containers: nested as the value, and within as the argument; a tuple if
        `argnums` is a sequence. A complex function must be holomorphic.

    Raises
    ------
    ArgumentError
        If `f` is complex and not holomorphic: then dy/dz does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> gm.jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    if mode not in ("auto", "reverse", "forward"):
        raise ValueError(tr('mode={mode!r} is unknown: write "auto", "reverse" or "forward".', mode=mode))

    @wraps(f)
    def all_derivatives(*args: Any, **kwargs: Any) -> Any:
        run = TracedCall(f, args, kwargs, argnums)
        made = []
        for k, y in enumerate(run.results):
            blocks = _blocks(run, k, mode) if isinstance(y, Tracked) else [None] * len(run.inputs)
            shapes = [np.shape(raw(y)) + n.aval.shape for n in run.nodes]
            blocks = [
                _shaped(b, shape, n.aval.tangent, y)
                for b, shape, n in zip(blocks, shapes, run.nodes, strict=True)
            ]
            made.append(run.gradients(blocks))
        return rebuilt(run.out, made)

    return all_derivatives


def _blocks(run: TracedCall, k: int, mode: str) -> list[Any]:
    """Give the derivatives of result k by each input: a list along the value's entries, or along the input's."""
    y = raw(run.results[k])
    entries = sum(int(np.size(x.array)) for x in run.inputs)
    mixed = np.iscomplexobj(y)
    if mode == "forward" or mixed or (mode == "auto" and entries < np.size(y)):
        return _by_columns(run, k, mixed)
    rows: list[list[Any]] = [[] for _ in run.inputs]
    for one in _basis(y):
        cotangents = [one if i == k else None for i in range(len(run.results))]
        for row, c in zip(rows, run.pulled(cotangents, retain=True), strict=True):
            row.append(c)
    return [_stacked(row, np.shape(x.array), 0) for row, x in zip(rows, run.inputs, strict=True)]


def _by_columns(run: TracedCall, k: int, mixed: bool) -> list[Any]:
    blocks = []
    for i, x in enumerate(run.inputs):
        columns = []
        for one in _basis(x.array):
            t = run.pushed([one if j == i else None for j in range(len(run.inputs))])[k]
            if mixed and np.iscomplexobj(x.array):
                turned = run.pushed([one * 1j if j == i else None for j in range(len(run.inputs))])[k]
                if not np.allclose(raw(turned), 1j * raw(t), rtol=1e-5, atol=1e-8):
                    raise ArgumentError(tr(
                        "{name} is complex and not holomorphic: dy/dz does not exist. Take the jacobian of its real "
                        "and imaginary parts by the real and imaginary parts of the argument.", name=run.name,
                    ))  # fmt: skip
            columns.append(t)
        blocks.append(_stacked(columns, np.shape(raw(run.results[k])), -1))
    return blocks


def _basis(like: Any) -> Any:
    """Go through the arrays of like's shape with a single 1."""
    shape, dtype = np.shape(like), aval_of(like).tangent
    if not shape and not arrays.on_device(like):
        yield dtype.type(1)
        return
    for i in range(int(np.prod(shape))):
        one = np.zeros(shape, dtype)
        one.flat[i] = 1
        yield arrays.from_host(one, like)


def _stacked(parts: list[Any], shape: tuple[int, ...], axis: int) -> Any:
    """Stack the parts of one derivative; None where the value does not depend on the input at all."""
    if not parts or all(p is None for p in parts):
        return None
    proto = next(p for p in parts if p is not None)
    parts = [np.zeros_like(raw(proto)) if p is None else p for p in parts]
    return np.stack(parts, axis)


def _shaped(block: Any, shape: tuple[int, ...], dtype: Any, proto: Any) -> Any:
    if block is None:
        return arrays.module_of(raw(proto)).zeros(shape, dtype)
    return np.reshape(block, shape) if shape else np.reshape(block, ())[()]


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Make a function that gives every second derivative of a function that gives one number.

    Parameters
    ----------
    f : function
        Of arrays or numbers, or containers of them, giving one number.
    argnums : int or sequence of int

    Returns
    -------
    function
        Of the same arguments. For an argument of shape A: shape A + A, the entry [a, b] is
        d^2 f / d arg[a] d arg[b]. Containers and several arguments: nested twice, as `jacobian(grad(f))`.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> gm.hessian(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return jacobian(grad(f, argnums), argnums, mode="reverse")


def hvp(f: Callable[..., Any], args: Any, vectors: Any) -> Any:
    """Compute the product of the Hessian of `f` at `args` with `vectors`, without making the Hessian.

    Parameters
    ----------
    f : function
        Giving one real number.
    args : tuple, or one array or number
    vectors : as `args`
        A direction for each argument, of its shape.

    Returns
    -------
    as `args`
        sum_j (d^2 f / d args[i] d args[j]) vectors[j]: a tuple for a tuple, an array for an array.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> gm.hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    several = type(args) in (tuple, list)
    given, vectors = arguments(args, vectors)
    run = TracedCall(f, given, {}, range(len(given)) if several else 0)
    out = one_number(run)
    along = run.directions(vectors)
    first = run.pulled([seed(out, None) if depends(out) else None], record=True)
    pairs = [
        (c.node, v)
        for c, v in zip(first, along, strict=True)
        if v is not None and isinstance(c, Tracked) and c.node is not None
    ]
    products: list[Any] = [None] * len(run.inputs)
    if pairs:
        roots, seeds = zip(*pairs, strict=True)
        with enable_grad():
            products = taken(sweep_from(roots, seeds, run.nodes, create_graph=run.nested), run.nodes)
    return run.gradients(products)
