"""The user's own derivatives: `gm.custom`; and none at all: `gm.stop_gradient`.

In: a function of arrays, and its vjp or jvp or both. Out: the function, recorded as one operation of its own name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ...errors import ArgumentError, ShapeError
from ...language import mark, tr
from ..core.trees import leaves, rebuilt
from ..dispatch.calls import face_of, record, wrapped
from ..following.switch import unfollowed
from ..rules.kinds import General
from ..rules.rule import Cotangent, Rule, Saved, pick
from ..sweeps.forward import transposed
from ..tape.modes import OFF, mode_now, settings
from ..tape.nodes import Aval, Node, aval_of
from ..tape.tracked import Tracked, raw, raws, tracked_in


class Custom(General):
    """The rule of a function whose derivative the user gives; it keeps all arguments and the output."""

    def __init__(self, function: Any, vjp: Any, jvp: Any, outputs: int | str) -> None:
        Rule.__init__(self, function, "", unnamed="custom")
        self.vjp, self.jvp, self.outputs = vjp, jvp, outputs
        self.vjps, self.each, self.multilinear, self.settings = (), None, False, None

    def pull(self, node: Node, g: Cotangent, saved: Saved) -> Sequence[Cotangent]:
        out, args, kwargs = saved
        if self.vjp is None:
            return self._transposed(node, g, saved)
        given = self.vjp(g, out, *args, **kwargs)
        given = tuple(map(_plain, given)) if type(given) in (tuple, list) else (_plain(given),)
        if len(given) != len(args):
            raise ShapeError(tr(
                "the vjp of {name} gave {given} cotangents for {count} arguments: give one for each, and None where "
                "there is none.", name=self.name, given=len(given), count=len(args),
            ))  # fmt: skip
        for i, (c, source) in enumerate(zip(given, node.inputs, strict=True)):
            if c is not None and source is not None:
                self._check(c, source.aval, _OF_VJP, i)
        return given

    def _transposed(self, node: Node, g: Cotangent, saved: Saved) -> list[Cotangent]:
        several = self.outputs != 1
        sources = [(i, n) for i, n in enumerate(node.inputs) if n is not None]

        def jvp(tangents: list[Any]) -> Any:
            moved: list[Any] = [None] * len(node.inputs)
            for (i, _), t in zip(sources, tangents, strict=True):
                moved[i] = t
            made = self.push(node, moved, saved)
            return made if several else [made]

        again = bool(tracked_in(self.unpacked(saved)[1]))  # this sweep is recorded itself
        found = transposed(jvp, [n.aval for _, n in sources], g if several else [g], create_graph=again)
        cotangents: list[Any] = [None] * len(node.inputs)
        for (i, _), c in zip(sources, found, strict=True):
            cotangents[i] = c
        return cotangents

    def push(self, node: Node, tangents: Sequence[Cotangent], saved: Saved) -> Any:
        if self.jvp is None:
            return NotImplemented
        out, args, kwargs = saved
        filled = tuple(
            np.zeros_like(a) if t is None and hasattr(a, "dtype") else 0.0 if t is None else t
            for t, a in zip(tangents, args, strict=True)
        )
        t = self.jvp(filled, out, *args, **kwargs)
        t = type(t)(map(_plain, t)) if type(t) in (tuple, list) else _plain(t)
        avals: Any = node.aval if self.outputs != 1 else (node.aval,)
        for i, (one, aval) in enumerate(zip(t if self.outputs != 1 else (t,), avals, strict=True)):
            self._check(one, aval, _OF_JVP, i)
        return t

    def _check(self, given: Any, aval: Aval, sentence: str, number: int) -> None:
        shape = np.shape(raw(given))
        if shape != aval.shape:
            raise ShapeError(tr(sentence, name=self.name, given=shape, number=number, shape=aval.shape))


_OF_VJP = mark("the vjp of {name} gave an array of shape {given} for argument {number} of shape {shape}.")
_OF_JVP = mark("the jvp of {name} gave an array of shape {given} for output {number} of shape {shape}.")


def _plain(c: Any) -> Any:
    """Give the array of a new array that was followed in vain."""
    return c.array if isinstance(c, Tracked) and c.node is None else c


def custom(f: Callable[..., Any] | None = None, *, vjp: Any = None, jvp: Any = None) -> Any:
    """Give a function the derivative that you write.

    Parameters
    ----------
    f : function
        Of arrays and numbers, giving an array or a tuple of arrays. It is called with plain arrays and recorded as
        one operation, so it may call anything (compiled code, a solver). Left out: a decorator.
    vjp : function, optional
        `vjp(g, out, *args)`: from the cotangent of the output (a tuple for several) the cotangents of the arguments, a
        tuple of their shapes; None for one that has none. For one argument the cotangent itself will do.
    jvp : function, optional
        `jvp(tangents, out, *args)`: from the tangents of the arguments (a tuple) that of the output.

        One of the two is enough: forward mode transposes a vjp, reverse mode a jvp, where it is written with NumPy's
        functions; so are derivatives of higher order.

    Returns
    -------
    function
        Of the same arguments.

    Raises
    ------
    ShapeError
        In a sweep, if a cotangent or tangent has another shape than what it belongs to.
    ArgumentError
        If a tracked value is given by keyword or inside a container: give it as an argument of its own.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> @gm.custom(vjp=lambda g, y, x: g * y)
    ... def exponential(x):
    ...     return np.exp(x)
    >>> gm.grad(exponential)(0.0)
    1.0
    """
    if f is None:
        return lambda function: custom(function, vjp=vjp, jvp=jvp)
    if vjp is None and jvp is None:
        raise TypeError(tr("gm.custom needs a derivative: give vjp=, a function (g, out, *args), or jvp=."))
    rules = {n: Custom(f, vjp, jvp, n) for n in (1, "list")}

    @wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        return call_custom(rules, f, args, kwargs)

    return function


def call_custom(rules: Any, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call `f` on plain arrays and record it by `rules[1]`, or by `rules["list"]` if it gives several."""
    plain, settings = raws(args), raws(kwargs)
    face = face_of((args, kwargs))
    nodes = tuple(a.node if isinstance(a, Tracked) else None for a in args)
    tracked = [a.node for a in tracked_in((args, kwargs))]
    if mode_now() is OFF or not any(tracked):
        return wrapped(f(*plain, **settings), face) if tracked else f(*args, **kwargs)
    if sum(n is not None for n in tracked) > sum(n is not None for n in nodes):
        raise ArgumentError(tr(
            "{name} was given a tracked value by keyword or inside a container, where its derivative does not reach: "
            "give it as an argument of its own.", name=rules[1].name,
        ))  # fmt: skip
    with unfollowed():
        out = f(*plain, **settings)
    if type(out) not in (tuple, list):
        rule = rules[1]
        return face.wrap(out, record(rule, out, nodes, rule.packed(out, plain, settings)))
    rule = rules["list"]
    saved = rule.packed(tuple(out), plain, settings)
    node = record(rule, None, nodes, saved, tuple(aval_of(o) for o in out))
    return type(out)(face.wrap(o, pick(node, i)) for i, o in enumerate(out))


def stop_gradient(x: Any) -> Any:
    """Give the same values as constants: no gradient flows through them, of any order.

    Parameters
    ----------
    x : Tensor, array, number, or a container of them

    Returns
    -------
    as `x`
        A Tensor's values as a Tensor (its `detach()`); plain arrays and numbers for lifted ones.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.grad(lambda x: x * gm.stop_gradient(x))(3.0)
    3.0
    """
    return rebuilt(x, [_constant(leaf) for leaf in leaves(x)])


def _constant(x: Any) -> Any:
    if not isinstance(x, Tracked):
        return x
    if x.node is not None and settings().observer is not None:
        settings().observer.detached(x.node)
    if not x.soft:  # a Tensor
        return type(x).wrap(x.array, None)
    return np.copy(x.array) if np.ndim(x.array) else x.array
