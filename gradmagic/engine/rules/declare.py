"""How a derivative is declared: `elementwise`, `linear`, `rule`, `constant`. The tables use nothing else.

In: a NumPy function and its derivative, each one line. Out: an entry of `RULES`, which serves the backward sweep,
forward mode, higher order, every device, the labels of edges and the formulas in the text.

Parameter names say what is kept for the way back: a leading underscore (`_x`) keeps only shape and dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .kinds import General, LinearMap
from .pointwise import Elementwise, Select
from .rule import CONSTANT

RULES: dict[Any, Any] = {}  # function -> its Rule


def elementwise(function: Any, *partials: Any, torch: str = "", selects: bool = False) -> Any:
    """Declare a function that works entry by entry: one `partial(out, *args)` for each argument.

    `selects`: where a partial is 0 the argument was not chosen, and nothing passes, not even an infinite cotangent.

    Examples
    --------
    ``elementwise(np.exp, lambda y, _x: y)``
    """
    RULES[function] = (Select if selects else Elementwise)(function, partials, torch)
    return function


def linear(
    function: Any,
    transpose: Callable[..., Any],
    torch: str = "",
    affine: tuple[str, ...] = (),
    sequence: bool = False,
    view: bool = False,
    into: Callable[..., Any] | None = None,
    along: Callable[..., Any] | None = None,
) -> Any:
    """Declare a function that is linear in its first argument by its transpose `(g, like, *rest, **kwargs)`.

    `affine` names settings that add a constant (a sum's `initial`): they belong to the value, not to the derivative.
    `sequence`: the first argument is a sequence of arrays. `view`: the result may look into its memory.
    `into(buffer, g, *rest)` adds the cotangent into the buffer that a sweep has for the input.
    `along(t, like, *rest)` is what forward mode takes, where the function itself would round a tangent.
    """
    RULES[function] = LinearMap(function, transpose, torch, affine, sequence, view, into, along)
    return function


def rule(
    function: Any,
    *vjps: Callable[..., Any] | None,
    each: Callable[..., Any] | None = None,
    multilinear: bool = False,
    torch: str = "",
    outputs: int | str = 1,
    edits: bool = False,
    partly: bool = False,
    symmetric: bool | str = False,
) -> Any:
    """Declare any other function: one `vjp(g, out, *args, **kwargs)` for each differentiable leading argument.

    `each(g, i, out, *args, **kwargs)` serves functions of any number of operands; `outputs` is a number or "list".
    `multilinear`: linear in each of them, so that forward mode is the function itself, once an argument.
    `partly`: of several outputs the vjp gets None for the cotangent of one that nothing depends on, not zeros.
    `symmetric`: the first argument is taken for a symmetric (Hermitian) matrix, and the derivative is that along
    symmetric changes, of both triangles together, as PyTorch's and JAX's; or the name of the setting that says so.
    `edits`: the first argument's cotangent is the result's, which a sweep may change in place (`x[index] = value`).
    """
    RULES[function] = General(function, vjps, each, multilinear, torch, outputs, edits, partly, symmetric)
    return function


def constant(*functions: Any) -> None:
    """Declare functions that have no derivative by nature: their results are constants."""
    for function in functions:
        RULES[function] = CONSTANT
