"""Derivatives of functions: `gm.grad`, `gm.value_and_grad`, `gm.vjp`, `gm.jvp`, `gm.elementwise_grad`.

In: a function of arrays, numbers, and lists, tuples, dicts and dataclasses of them. Out: functions that give its
derivatives as plain arrays and numbers; or tracked, where an outer transform differentiates them again.
Matrices of derivatives (jacobian, hessian) stand in matrices.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ...errors import ArgumentError, NonScalarError
from ...language import tr
from ..core import arrays
from ..core.foreign import Foreign, foreign
from ..core.trees import rebuilt
from ..tape.ends import seed
from ..tape.tracked import Tracked, raw
from .traced import TracedCall


def value_and_grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """Make a function that gives the value of `f` and its gradient.

    Parameters
    ----------
    f : function
        Of arrays or numbers, or containers of them, giving one number.
    argnums : int or sequence of int
        The arguments to differentiate by.
    has_aux : bool
        `f` gives (value, aux): aux, which is anything, is handed on plain and not differentiated.

    Returns
    -------
    function
        Of the same arguments, giving (value, gradient), or ((value, aux), gradient). The gradient has the shape and
        dtype of the argument (whole numbers: float64) and is nested as it is; a tuple of them if `argnums` is a
        sequence. What is no number in a container (a string, None) has the gradient None. For plain arguments value
        and gradient are a plain float and ndarray, as `scipy.optimize.minimize(..., jac=True)` takes them.

    Raises
    ------
    NonScalarError
        If `f` gives more than one number.
    TypeError
        If an argument holds nothing that a gradient can be taken by.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> gm.value_and_grad(lambda x: np.sum(x * x))(np.array([1.0, 2.0]))
    (5.0, array([2., 4.]))
    >>> loss = lambda p: p["w"] * 3.0 + p["b"]
    >>> gm.value_and_grad(loss)({"w": 2.0, "b": 1.0})
    (7.0, {'w': 3.0, 'b': 1.0})
    """

    @wraps(f)
    def differentiated(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        run = TracedCall(f, args, kwargs, argnums, has_aux)
        out = one_number(run)
        found = run.gradients(run.pulled([seed(out, None) if depends(out) else None]))
        value = run.plain(out)
        value = float(value) if type(value) in (np.float32, np.float16) else value
        value = (value, run.auxiliary()) if has_aux else value
        return value, found

    return differentiated


def grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Make a function that gives the gradient of `f`, or (gradient, aux); see `value_and_grad`.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> gm.grad(np.sin)(0.0)
    1.0
    >>> gm.grad(gm.grad(lambda x: x**3))(2.0)
    12.0
    """
    both = value_and_grad(f, argnums, has_aux)

    @wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def elementwise_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Make a function that gives dy/dx at every entry, for `f` whose y[k] depends on x[k] only.

    It is the gradient of `sum(f(x))`; where y[k] depends on other entries too, that is what it gives.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> gm.elementwise_grad(np.square)(np.array([1.0, 2.0, 3.0]))
    array([2., 4., 6.])
    """

    @wraps(f)
    def slopes(*args: Any, **kwargs: Any) -> Any:
        run = TracedCall(f, args, kwargs, argnums)
        ones = [_ones(y) if depends(y) else None for y in run.results]
        return run.gradients(run.pulled(ones))

    return slopes


def vjp(f: Callable[..., Any], *args: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Compute `f(*args)` and a function that pulls a cotangent back: the vector-Jacobian product.

    Parameters
    ----------
    f : function
        Giving an array or number, or a container of them.
    *args : arrays, numbers, or containers of them
    has_aux : bool
        `f` gives (value, aux).

    Returns
    -------
    value
        What `f` gave, plain.
    pull : function
        `pull(g)`, with g nested as the value and of its shapes, gives a tuple: for each of `args` the cotangent
        sum_k conj(d value[k] / d arg) g[k], of its shape and dtype. It can be called many times.
    aux
        Only with `has_aux`.

    Raises
    ------
    ShapeError
        If g has another shape than the value.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> value, pull = gm.vjp(lambda x, y: x * y, np.array([1.0, 2.0]), 3.0)
    >>> value
    array([3., 6.])
    >>> pull(np.array([1.0, 0.0]))
    (array([3., 0.]), 1.0)
    """
    run = TracedCall(f, args, {}, range(len(args)), has_aux)

    def pull(g: Any) -> tuple[Any, ...]:
        return run.gradients(run.pulled(run.cotangents(g), retain=True))  # type: ignore[no-any-return]

    return (run.value(), pull, run.auxiliary()) if has_aux else (run.value(), pull)


def jvp(f: Callable[..., Any], args: Any, tangents: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Compute `f(*args)` and its derivative along `tangents`: the Jacobian-vector product, by forward mode.

    Parameters
    ----------
    f : function
        Giving an array or number, or a container of them.
    args : tuple
        The arguments; one that is no tuple or list is the only argument.
    tangents : tuple
        A direction for each argument, of its shape; None stands for zero.
    has_aux : bool
        `f` gives (value, aux).

    Returns
    -------
    value, tangent
        What `f` gave, and sum_i (d value / d args[i]) tangents[i], nested as the value. With `has_aux` aux too.

    Raises
    ------
    ShapeError
        If a tangent has another shape than its argument.
    TypeError
        If the tangents are not nested as the arguments.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)
    """
    args, tangents = arguments(args, tangents)
    run = TracedCall(f, args, {}, range(len(args)), has_aux)
    moved = run.pushed(run.directions(tangents))
    out = (run.value(), rebuilt(run.out, moved))
    return (*out, run.auxiliary()) if has_aux else out


def arguments(args: Any, tangents: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Give the arguments of a function and their tangents as tuples: what is no tuple or list is the only argument."""
    if type(args) not in (tuple, list):
        return (args,), tuple(tangents) if type(tangents) is tuple else (tangents,)
    return tuple(args), tuple(tangents) if type(tangents) in (tuple, list) else (tangents,)


def depends(y: Any) -> bool:
    """Tell whether a result is on the tape: a Tensor that hangs on no input has a gradient of zeros."""
    return isinstance(y, Tracked) and y.node is not None


def _ones(y: Tracked) -> Any:
    assert y.node is not None
    if y.node.aval.shape:
        return arrays.ones(y.node.aval, raw(y))
    return arrays.like_recorded(y.node.aval.one, raw(y))


def _advice(odd: Foreign) -> str:
    return tr("End it with return and the number") if odd == "None" else odd.advice(tr("the result"))


def one_number(run: TracedCall) -> Any:
    out = run.out
    odd = None if type(out) in (list, tuple) else foreign(raw(out))
    if odd is not None and not isinstance(out, dict):
        raise ArgumentError(tr(
            "{name} gave {what}, and a gradient is of one number. {advice}.",
            name=run.name, what=odd, advice=_advice(odd),
        ))  # fmt: skip
    if len(run.results) == 1 and run.results[0] is out and np.size(raw(out)) == 1:
        return out
    what = (
        tr("an array of shape {shape}", shape=tuple(np.shape(raw(out))))
        if run.results and run.results[0] is out
        else tr("a {kind}", kind=type(out).__name__)
    )
    raise NonScalarError(tr(
        "grad can be implicitly created only for scalar outputs: {name} gave {what}. Give one number, such as "
        "np.sum(...) of it; gm.elementwise_grad gives dy/dx entry by entry, gm.jacobian all of them.",
        name=run.name, what=what,
    ))  # fmt: skip
