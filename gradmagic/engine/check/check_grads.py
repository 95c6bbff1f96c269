"""`gm.check_grads`: every derivative of a function against numbers, in every mode and order.

In: a function and its arguments. Out: a `Checked`, which says what was compared; or a `CheckError` about the first
wrong entry. Where a function has no derivative there is a notice instead of a verdict.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import NotDifferentiableWarning
from ...language import tr
from ..core.trees import is_container, leaves, rebuilt
from ..tape.nodes import walk
from ..tape.tracked import Tracked
from ..transforms.traced import TracedCall
from .comparison import MODES, Checked, Comparison
from .real_vectors import differentiable, fresh, host, parameters_of, paths_of


def check_grads(
    f: Callable[..., Any],
    args: Any,
    order: int = 2,
    modes: Sequence[str] = ("rev", "fwd"),
    *,
    rtol: float | None = None,
    atol: float | None = None,
    method: str = "auto",
    seed: int = 0,
) -> Checked:
    """Compare the derivatives of a function with numerical ones.

    Parameters
    ----------
    f : function
        Giving an array or number, or a container of them; the same for the same arguments.
    args : tuple
        Its arguments: arrays, numbers, containers of them. One that is no tuple or list is the only argument. Floats
        and complex numbers of any precision are differentiated by; whole numbers and all else are constants.
    order : int
        The highest order: 2 checks every mode over every mode as well.
    modes : sequence of "rev", "fwd"
    rtol, atol : float, optional
        A derivative d may differ from the number n by atol + rtol * |n| and by the error of n itself. By default rtol
        is 1e-6 (float32: 2e-3, float16: 5e-2), and atol is rtol times the largest derivative by the same argument.
    method : "auto" or "central"
        Central differences of 4th order, taken in double precision with steps that shrink until they settle; "auto":
        refined by the complex step where `f` is real, takes complex arguments and agrees with the differences.
    seed : int
        Of what is drawn: of arguments with more than 24 numbers, 24 are moved one by one and all of them together.

    A symmetric (Hermitian) matrix that a function takes for one (cholesky, eigh, eigvalsh, hermitian=True) is moved in
    both triangles together: that is what such a derivative means.

    Returns
    -------
    Checked
        What was compared; it prints as a sentence. `notices` lists where `f` is not differentiable (|x| at 0, a tie of
        max): there is nothing to compare with there, and a `NotDifferentiableWarning` says so.

    Raises
    ------
    CheckError
        About the first wrong entry: the argument and index, mode and order, what gradmagic says, what the numbers say.
    ValueError
        If `f` gives different values for the same arguments, or a setting is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> gm.check_grads(lambda x, w: np.tanh(w @ x), (np.array([1.0, 2.0]), np.eye(2)))  # doctest: +ELLIPSIS
    <lambda>: ... derivatives by x, w agree with complex step and central differences (rev, fwd, ...
    >>> cube = gm.custom(lambda x: x**3, vjp=lambda g, y, x: 2 * x**2 * g)
    >>> gm.check_grads(cube, (np.array([1.0, 2.0]),), modes=("rev",))
    Traceback (most recent call last):
    gradmagic.errors.CheckError: <lambda>: reverse mode is wrong by argument x at [0].
      of the result   [0]
      gradmagic says  2
      numbers say     3  (complex step)
      difference      -1, allowed 1.5e-05
      at the value    1
    """
    given = tuple(args) if type(args) in (tuple, list) else (args,)
    for mode in modes:
        if mode not in MODES:
            raise ValueError(tr('mode {mode!r} is unknown: write "rev" or "fwd".', mode=mode))
    if method not in ("auto", "central"):
        raise ValueError(tr('method={method!r} is unknown: write "auto" or "central".', method=method))
    parts = leaves(list(given))
    at = [i for i, part in enumerate(parts) if differentiable(part)]
    names = [name for i, name in enumerate(paths_of(parameters_of(f, given), given)) if i in set(at)]
    called = getattr(f, "__name__", type(f).__name__)
    if not at:
        raise ValueError(tr(
            "{name} was given no float and no complex number to differentiate by.", name=called,
        ))  # fmt: skip

    def numbers(*values: Any) -> list[Any]:
        """Call `f` with `values` as its floats; list the numbers among what it gives."""
        filled = [fresh(part) for part in parts]
        for i, value in zip(at, values, strict=True):
            filled[i] = value
        out = f(*rebuilt(list(given), filled))
        return [o for o in (leaves(out) if is_container(out) else [out]) if differentiable(o)]

    checked = Checked(called, tuple(names))
    values = [fresh(parts[i]) for i in at]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotDifferentiableWarning)  # the notices say it, with the place
        both = _symmetric(numbers, values)
        check = Comparison(
            checked, names, tuple(modes), rtol, atol, method, np.random.default_rng(seed), both
        )
        check.all(numbers, values, order, ())
    for notice in checked.notices:
        warnings.warn(notice, NotDifferentiableWarning, stacklevel=2)
    return checked


def _symmetric(f: Callable[..., Any], values: list[Any]) -> frozenset[int]:
    """Find the arguments that are symmetric matrices and that a rule which takes them for such hangs on."""
    square = [i for i, v in enumerate(values) if _is_symmetric(host(v))]
    if not square:
        return frozenset()
    run = TracedCall(f, values, {}, range(len(values)))
    found = set()
    for node in walk(*[y.node for y in run.results if isinstance(y, Tracked) and y.node is not None]):
        kept = node.rule.kept(node) if node.rule is not None and node.rule.symmetric else None
        if kept is not None and node.rule.means_symmetric(kept.kwargs):
            above = {n.number for n in walk(node)}
            found |= {i for i in square if run.nodes[i].number in above}
    return frozenset(found)


def _is_symmetric(x: Any) -> bool:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        return False
    return bool(np.allclose(x, np.conj(np.swapaxes(x, -1, -2)), rtol=1e-12, atol=0))
