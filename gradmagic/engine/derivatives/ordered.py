"""Functions that take an order, or have no derivative at all: `ordered`, `refused`; and whose they are.

In: a ufunc and partials as for `elementwise`, with None for an argument that has no derivative (the order of a Bessel
function). Out: its rule. A tracked value in such a place is an error on a Tensor and a note on a lifted Array.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from ...errors import ArgumentError
from ...language import tr
from ..dispatch.calls import face_of, wrapped
from ..dispatch.protocols import COMPOSED, unknown, valued
from ..rules.declare import RULES
from ..rules.pointwise import Elementwise
from ..rules.rule import ZERO
from ..tape.messages import blame
from ..tape.modes import OFF, mode_now
from ..tape.tracked import Tracked, raws, tracked_in

REFUSED: dict[Any, str] = {}  # function -> why it has no derivative


class Ordered(Elementwise):
    """Elementwise, with arguments that have no derivative; `home` is the module that a message names."""

    def __init__(self, function: Any, partials: tuple[Any, ...], torch: str, home: str) -> None:
        super().__init__(function, tuple(ZERO if p is None else p for p in partials), torch)
        self.fixed = tuple(i for i, p in enumerate(partials) if p is None)
        self.home = home

    def _twin(self) -> Elementwise:
        return self  # an order in double precision makes a partial double: it needs the sweep's cast

    def detached(self, args: Sequence[Any]) -> list[Any]:
        """Give the arguments with those that have no derivative as plain values; complain of tracked floats there."""
        given = list(args)
        for i in self.fixed:
            a = args[i]
            if not isinstance(a, Tracked):
                continue
            if a.node is not None and a.node.aval.tangent is a.node.aval.dtype and mode_now() is not OFF:
                if not a.soft:
                    raise ArgumentError(tr(
                        "{name} has no derivative by its argument number {number}, {value}: pass a constant there "
                        "(t.detach().numpy()).",
                        name=f"{self.home}.{self.name}", number=i + 1, value=blame(a),
                    ))  # fmt: skip
                a.leave(f"{self.home}.{self.name}")
            given[i] = a.array
        return given


def ordered(function: Any, *partials: Any, torch: str = "", home: str = "scipy.special") -> Any:
    """Declare a function that works entry by entry; None stands for an argument without a derivative.

    Also, without None, for partials that may come out in double precision where the arguments are in single.
    """
    RULES[function] = Ordered(function, partials, torch, home)
    return function


def detached(function: Any, *args: Any) -> list[Any]:
    """Give the arguments of a function that is declared `ordered` as plain values where it has no derivative."""
    return RULES[function].detached(args)  # type: ignore[no-any-return]


FOLLOWED: dict[str, dict[str, Any]] = {}  # module -> name of its function -> ours, of the same arguments

# Settings that say how to compute, not what.
_IDLE = "overwrite_a overwrite_b check_finite lapack_driver driver lwork out disp blocksize".split()


def follows(module: Any, name: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare that the decorated function computes, on tracked values, what SciPy's function of its name does.

    It gets the arguments that were given, without those that only say how to compute; of others it does not know
    there is a message.
    """

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        title = name or function.__name__
        original = getattr(module, title, None)
        if original is None:  # an older SciPy
            return function
        signature, full = inspect.signature(original), f"{module.__name__}.{title}"
        known = inspect.signature(function)

        @wraps(original)
        def followed(*args: Any, **kwargs: Any) -> Any:
            tracked = tracked_in((args, kwargs))
            if not tracked:
                return original(*args, **kwargs)
            if mode_now() is OFF or all(a.node is None for a in tracked):
                return wrapped(original(*raws(args), **raws(kwargs)), face_of((args, kwargs)))
            bound = signature.bind(*args, **kwargs)
            for idle in _IDLE:
                bound.arguments.pop(idle, None)
            try:
                settings = bound.args, bound.kwargs
                try:
                    known.bind(*settings[0], **settings[1])
                except TypeError as error:
                    text = tr(
                        "{name} has no derivative in gradmagic with these arguments: {error}.", name=full, error=error
                    )
                    raise ArgumentError(text) from None
                return function(*settings[0], **settings[1])
            except ArgumentError as error:
                return unknown(full, args, kwargs, original, error)

        followed.__wrapped__ = original  # type: ignore[attr-defined]
        FOLLOWED.setdefault(module.__name__, {})[title] = followed
        return followed

    return declare


def composes(module: Any, name: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """As `follows`, for a function that gives the way back alone: the values are SciPy's own, bit for bit."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        title = name or function.__name__
        original = getattr(module, title, None)
        return function if original is None else follows(module, title)(valued(original, function))

    return declare


def no_derivative(full: str, why: str = "", /, **fields: Any) -> ArgumentError:
    """Make the error of what has no derivative here, and say why."""
    because = tr(" ({why})", why=tr(why, **fields)) if why else ""
    return ArgumentError(tr(
        "{name} has no derivative in gradmagic{because}: write gm.numeric(f) of a function f that calls it, which "
        "takes differences.", name=full, because=because,
    ))  # fmt: skip


def follows_not(module: Any, names: str) -> None:
    """Declare functions of SciPy's that have no derivative here, also where only what they call back is tracked."""
    for name in names.split():
        original = getattr(module, name, None)
        if original is not None:
            made = _watching(original, f"{module.__name__}.{name}")
            FOLLOWED.setdefault(module.__name__, {})[name] = made


def _watching(original: Any, full: str) -> Any:
    def watched(value: Any, seen: list[Any]) -> Any:
        if not callable(value) or isinstance(value, (type, Tracked)):
            return value

        @wraps(value)
        def call(*args: Any, **kwargs: Any) -> Any:
            out = value(*args, **kwargs)
            seen.extend(a for a in tracked_in(out) if a.node is not None)
            return raws(out)

        return call

    @wraps(original)
    def followed(*args: Any, **kwargs: Any) -> Any:
        seen = [a for a in tracked_in((args, kwargs)) if a.node is not None]
        out = None
        if not seen:
            given = [watched(a, seen) for a in args]
            out = original(*given, **{k: watched(v, seen) for k, v in kwargs.items()})
        if not seen or mode_now() is OFF:
            return original(*raws(args), **raws(kwargs)) if out is None else out
        def plainly(*_: Any, **__: Any) -> Any:
            return original(*raws(args), **raws(kwargs)) if out is None else out

        return unknown(full, (seen,), {}, plainly, no_derivative(full))

    followed.opaque = True  # type: ignore[attr-defined]  # it says what was lost, and follows nothing
    return followed


def refused(why: str, *functions: Any, home: str = "scipy.special", instead: str = "") -> None:
    """Declare functions without a derivative here: a message names them and says why, and what to write `instead`."""
    for function in functions:
        REFUSED[function] = why
        COMPOSED[function] = _refusing(function, why, home, instead)


def _refusing(function: Any, why: str, home: str, instead: str) -> Any:
    name = f"{home}.{function.__name__}"

    def refuse(*args: Any, **kwargs: Any) -> Any:
        advice = tr(instead) if instead else tr(
            "Compute it outside the gradient ({name}(t.detach().numpy())), or write gm.numeric(f): differences.",
            name=name,
        )  # fmt: skip
        error = ArgumentError(tr(
            "{name} has no derivative in gradmagic: {why}. {advice}", name=name, why=tr(why), advice=advice,
        ))  # fmt: skip
        return unknown(name, args, kwargs, function, error)

    return refuse
