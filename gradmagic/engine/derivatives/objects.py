"""Objects of libraries whose methods compute: distributions, splines. What follows their methods; what stands for them.

In: a class and the name of its method. Out: `OF_CLASSES[module][class, name]`, a function of the same arguments that
gives the method's own values, and records where something is tracked: among the arguments, or in the object itself.
For an object that was made of tracked values stands a `Made`: in the function form (gm.grad) in place of it, in a cell
beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ..dispatch.calls import face_of, wrapped
from ..dispatch.protocols import unknown, valued
from ..tape.modes import OFF, mode_now
from ..tape.tracked import raws, tracked_in
from .ordered import no_derivative

OF_CLASSES: dict[str, dict[tuple[type, str], Any]] = {}  # module -> (class, name of its method) -> ours
_OURS: dict[Any, Any] = {}  # by a method as the class defines it
_KINDS: dict[Any, list[type]] = {}  # by a method, the classes of whose objects it is followed


class Made:
    """Stands for an object of a library that was made of tracked values.

    Attributes
    ----------
    real : object
        The library's own, of the plain values.
    tracked : list
        What it was made of.
    **attributes
        Those that its methods read, tracked, under the names that they have in `real`.
    """

    def __init__(self, real: Any, **attributes: Any) -> None:
        self.__dict__.update(attributes, real=real, tracked=tracked_in(list(attributes.values())))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "real":  # asked of a copy that is only being made
            raise AttributeError(name)
        kind = type(self.real)
        found = _OURS.get(getattr(kind, name, None))
        if found is not None:
            return partial(found, self)
        if not hasattr(self.real, name):
            return getattr(self.real, name)  # its own error
        return partial(_refuse, self, name) if callable(getattr(kind, name, None)) else _refuse(self, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        found = _OURS.get(type(self.real).__call__)
        return found(self, *args, **kwargs) if found is not None else _refuse(self, "__call__")


def _refuse(made: Made, name: str, *args: Any, **kwargs: Any) -> Any:
    kind = type(made.real)
    full = f"{kind.__module__.partition('._')[0]}.{kind.__name__}.{name}"
    return unknown(full, (made.tracked, args), kwargs, lambda *_, **__: getattr(made.real, name), no_derivative(full))


def real(thing: Any) -> Any:
    """Give the library's own object."""
    return thing.real if type(thing) is Made else thing


def follows_methods(kind: type, *names: str, home: str, exact: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Declare that the decorated function computes, on tracked values, what the methods `names` of a class do.

    It gets the name of the method, the object or its `Made`, and the arguments. Values are the method's own, bit for
    bit; `exact`: the function gives those already, or an object.
    """

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            if hasattr(kind, name):
                _declare(kind, name, partial(function, name), home, exact)
        return function

    return declare


def _declare(kind: type, name: str, function: Callable[..., Any], home: str, exact: bool) -> None:
    method = getattr(kind, name)
    kinds = _KINDS.setdefault(method, [])
    kinds.append(kind)
    if method in _OURS:  # two classes have it of one above them
        return

    @wraps(method)
    def followed(self: Any, *args: Any, **kwargs: Any) -> Any:
        held = self.tracked if type(self) is Made else []
        tracked = [*held, *tracked_in((args, kwargs))]
        own = real(self)
        if not tracked:
            return method(own, *args, **kwargs)
        if mode_now() is OFF or all(a.node is None for a in tracked):
            return wrapped(method(own, *raws(args), **raws(kwargs)), face_of(tracked))
        try:
            if not isinstance(own, tuple(kinds)):
                raise no_derivative(f"{home}.{type(own).__name__}.{name}")
            if exact:
                return function(self, *args, **kwargs)
            n = len(held)  # they are given too, so that `valued` sees all that is tracked
            return valued(
                lambda *given, **options: method(own, *given[n:], **options),
                lambda *given, **options: function(self, *given[n:], **options),
            )(*held, *args, **kwargs)
        except ArgumentError as error:
            full = f"{home}.{getattr(own, 'name', None) or type(own).__name__}.{name}"
            plainly = partial(method, own, *raws(args), **raws(kwargs))
            return unknown(full, (held, args), kwargs, lambda *_, **__: plainly(), error)

    _OURS[method] = _OURS[followed] = followed
    owner = next(k for k in kind.__mro__ if name in vars(k))
    OF_CLASSES.setdefault(home, {})[owner, name] = followed


def as_array(value: Any) -> Any:
    """Give a list as one array, tracked where it holds what is; anything else as it is."""
    if not isinstance(value, (list, tuple)):
        return value
    return np.stack([as_array(v) for v in value]) if tracked_in(value) else np.asarray(value)
