"""The hooks that instrumented code calls: one for each kind of expression that may compute.

In: operands as the user's code has them. Out: what the user's own operation gives. Where no cell runs in this context,
or nothing is tracked, that is all. Otherwise the membrane is told.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import islice
from typing import Any

from ...engine.core.places import PACKAGE
from ...engine.following.numpy_warnings import show_for_the_user
from ...engine.following.patches import HOOKS, Replacement
from ...engine.tape.tracked import Tracked
from .called import called, method
from .membrane import here
from .met import compared, decorator, keyed, matched, met
from .operators import ATOMS, BINARY, IN_PLACE, binary, in_place, texted, unary
from .stores import attribute, attribute_changed, item, item_changed, part, set_entry, target
from .table import joined
from .tree import HOOK
from .ways.python import add_operators

# ---- iteration -----------------------------------------------------------------------------------------------------


def iterated(value: Any) -> Any:
    """Give what a loop goes over: of a tracked array its entries one by one, each filed."""
    m = here()
    if m is None:
        return value
    return m.steps(value)


def mapping(value: Any) -> Any:
    """Give what `**value` takes: of a mapping that has lost its gradient the values that have."""
    m = here()
    mark = None if m is None or type(value) is dict else m.table.mark(value)
    if mark is None or not mark.cuts or not hasattr(value, "keys"):
        return value
    return {key: m.taint(value[key], mark.cuts) for key in value.keys()}  # as Python does it  # noqa: SIM118


def entries(value: Any, parts: tuple[Any, ...]) -> Any:
    """Give what is unpacked: of a tracked array its entries. `parts` has a tuple where one is unpacked further."""
    m = here()
    if m is None:
        return value
    given = m.steps(value)
    if not any(type(p) is tuple for p in parts):
        return given
    try:
        rest = iter(given)
    except TypeError:
        return value  # Python itself says that it cannot be unpacked
    found = list(rest if "*" in parts else islice(rest, len(parts) + 1))
    if "*" in parts and len(found) >= len(parts) - 1:
        at = parts.index("*")
        parts = (*parts[:at], *[None] * (len(found) - len(parts) + 1), *parts[at + 1 :])
    if len(found) == len(parts):
        found = [entries(v, p) if type(p) is tuple else v for v, p in zip(found, parts, strict=True)]
    return found


def unpacked(values: Any, parts: tuple[Any, ...]) -> Any:
    """Give what a loop goes over whose target unpacks it: `for a, b in X`."""
    return values if here() is None else map(partial(entries, parts=parts), values)


async def _unpacked_each(values: Any, parts: tuple[Any, ...]) -> AsyncIterator[Any]:
    async for value in values:
        yield entries(value, parts)


def unpacked_async(values: Any, parts: tuple[Any, ...]) -> Any:
    """`unpacked` of what comes by `async for`."""
    return values if here() is None else _unpacked_each(values, parts)


# ---- turns ---------------------------------------------------------------------------------------------------------


def turn(mark: tuple[Any, ...]) -> None:
    """Tell that a turn of a loop begins, in its body."""
    m = here()
    if m is not None and m.turns is not None:
        m.turns.turn(mark, sys._getframe(1))


def ahead(mark: tuple[Any, ...]) -> bool:
    """Tell that a turn is to begin, if the test of `while` behind this is true."""
    m = here()
    if m is not None and m.turns is not None:
        m.turns.ahead(mark, sys._getframe(1))
    return True


def each(mark: tuple[Any, ...], values: Any) -> Any:
    """Give what a comprehension goes over; each value that it takes begins a turn."""
    m = here()
    return values if m is None or m.turns is None else m.turns.each(mark, values)


def entered(mark: tuple[Any, ...]) -> None:
    """Tell that a function is called, at the start of its body."""
    m = here()
    if m is not None and m.turns is not None:
        m.turns.called(mark, sys._getframe(1))


# ---- text ----------------------------------------------------------------------------------------------------------


_CONVERSIONS: dict[int, Callable[[Any], str]] = {115: str, 114: repr, 97: ascii}


def formatted(value: Any, conversion: int, spec: str) -> str:
    m = here()
    if m is not None and m.stands is not None:
        value = m.stands.home(value)
    shown = value
    if m is not None and type(value) not in ATOMS and not issubclass(type(value), Tracked):
        m.entered.type(type(value))
    if conversion != -1:
        shown = _CONVERSIONS[conversion](value)
    text = format(shown, spec)
    if m is None:
        return text
    return texted(m, text, m.table.marks((value,)))  # type: ignore[no-any-return]


def text(*parts: str) -> str:
    made = "".join(parts)
    m = here()
    if m is None:
        return made
    marks = m.table.marks(parts)
    return m.taint(made, joined(marks)) if marks else made  # type: ignore[no-any-return]


# ---- functions and errors ------------------------------------------------------------------------------------------


def defined(function: Any) -> Any:
    """Note a function that instrumented code has made: after the cell it has code without hooks."""
    m = here()
    if m is not None:
        m.made_here(function)
    return function


def caught() -> None:
    """Take our own frames out of the traceback of an error that the user's code has caught."""
    error = sys.exception()
    while error is not None:
        first = error.__traceback__
        tb = first
        while tb is not None:
            following = tb.tb_next
            while following is not None and following.tb_frame.f_code.co_filename.startswith(PACKAGE):
                following = following.tb_next
            if following is not tb.tb_next:
                tb.tb_next = following
            tb = following
        error = error.__context__ if error.__context__ is not error else None


_ALL: dict[str, Callable[..., Any]] = {
    **binary, **unary, **in_place, **compared, "met": met, "keyed": keyed, "matched": matched,
    "decorator": decorator, "item": item,
    "attribute": attribute, "target": target, "part": part, "mapping": mapping, "slice": slice,
    "item_changed": item_changed, "attribute_changed": attribute_changed, "iter": iterated, "entries": entries,
    "unpacked": unpacked, "unpacked_async": unpacked_async,
    "formatted": formatted, "text": text, "defined": defined, "caught": caught, "call": called, "method": method,
    "turn": turn, "ahead": ahead, "each": each, "entered": entered,
}  # fmt: skip
add_operators({
    **{op.__name__.strip("_"): binary[name] for name, (op, _) in BINARY.items()},
    **{op.__name__: in_place[f"I{name}"] for name, op in IN_PLACE.items()},
    "neg": unary["USub"], "pos": unary["UAdd"], "invert": unary["Invert"], "getitem": item, "setitem": set_entry,
})  # fmt: skip
_HOOKED = [Replacement(HOOKS).add(builtins, HOOK.format(name), hook) for name, hook in _ALL.items()]


def put_hooks() -> None:
    """Let the hooks stand among the builtins, for good: generators that a cell has begun call them later."""
    show_for_the_user()
    for hooked in _HOOKED:
        hooked.once()
