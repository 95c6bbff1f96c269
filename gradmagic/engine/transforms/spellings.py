"""autograd's and JAX's spellings of what stands in of_functions.py and matrices.py.

In: functions. Out: functions, as `autograd.differential_operators` and `jax` give them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from . import matrices, of_functions
from .matrices import hvp
from .of_functions import jvp, vjp


def _argnum(transform: Callable[..., Any]) -> Callable[..., Any]:
    """Let a transform take autograd's word `argnum` for `argnums`."""

    @wraps(transform)
    def function(*args: Any, **kwargs: Any) -> Any:
        if "argnum" in kwargs:
            kwargs["argnums"] = kwargs.pop("argnum")
        return transform(*args, **kwargs)

    return function


grad, value_and_grad, elementwise_grad = map(
    _argnum, (of_functions.grad, of_functions.value_and_grad, of_functions.elementwise_grad)
)
jacobian, hessian = map(_argnum, (matrices.jacobian, matrices.hessian))


def _at(f: Callable[..., Any], argnum: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Give `f` as a function of one of its arguments, and that argument."""
    return lambda x: f(*args[:argnum], x, *args[argnum + 1 :], **kwargs), args[argnum]


def make_vjp(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """As autograd's: of the arguments, (a function that pulls a cotangent back, the value).

    Examples
    --------
    >>> import numpy as np
    >>> pull, value = make_vjp(np.sin)(0.0)
    >>> pull(1.0)
    1.0
    """

    def function(*args: Any, **kwargs: Any) -> Any:
        value, pull = vjp(*_at(f, argnum, args, kwargs))
        return (lambda g: pull(g)[0]), value

    return function


def make_jvp(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """As autograd's: of the arguments, a function of a tangent that gives (the value, its derivative along it)."""

    def function(*args: Any, **kwargs: Any) -> Any:
        g, x = _at(f, argnum, args, kwargs)
        return lambda tangent: jvp(g, (x,), (tangent,))

    return function


def make_hvp(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """As autograd's: of the arguments, (a function that multiplies the Hessian by a vector, the gradient)."""

    def function(*args: Any, **kwargs: Any) -> Any:
        g, x = _at(f, argnum, args, kwargs)
        return partial(_times_hessian, g, x), grad(g)(x)

    return function


def _times_hessian(f: Callable[..., Any], x: Any, vector: Any) -> Any:
    return hvp(f, (x,), (vector,))[0]


def hessian_vector_product(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """As autograd's: of the arguments and a vector, the Hessian times the vector.

    Examples
    --------
    >>> import numpy as np
    >>> hessian_vector_product(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return lambda *args, **kwargs: _times_hessian(*_at(f, argnum, args[:-1], kwargs), args[-1])


def vector_jacobian_product(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """As autograd's: of the arguments and a vector, the vector times the Jacobian."""
    return lambda *args, **kwargs: make_vjp(f, argnum)(*args[:-1], **kwargs)[0](args[-1])


def grad_and_aux(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """As autograd's: of an `f` that gives (value, aux), (gradient, aux)."""
    return grad(f, argnum, has_aux=True)


egrad = elementwise_grad
jacfwd: Callable[..., Any] = partial(jacobian, mode="forward")
jacrev: Callable[..., Any] = partial(jacobian, mode="reverse")
