"""What the code of a function uses, as its instructions say it: names, what it assigns, what it compares.

In: code objects. Out: sets of names, and answers. Functions that are written within one are looked at with it.
"""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator
from functools import lru_cache

_COMPARES = frozenset({"IS_OP", "COMPARE_OP", "CONTAINS_OP"})
_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME")


def _all(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _all(constant)


@lru_cache(512)
def names(code: types.CodeType) -> tuple[str, ...]:
    """List the names that it uses: globals and attributes, in the order in which they come."""
    return tuple(dict.fromkeys(name for c in _all(code) for name in c.co_names))


@lru_cache(512)
def words(code: types.CodeType) -> frozenset[str]:
    """List what may be a name of something that it uses: names, those of closures, and texts: `getattr(x, "rate")`."""
    texts = {t for c in _all(code) for t in c.co_consts if isinstance(t, str) and t.isidentifier()}
    return frozenset(texts).union(names(code), *(c.co_freevars for c in _all(code)))


@lru_cache(512)
def assigned(code: types.CodeType) -> frozenset[str]:
    """List the global names that it assigns."""
    stored = ("STORE_GLOBAL", "DELETE_GLOBAL")
    return frozenset(i.argval for c in _all(code) for i in dis.get_instructions(c) if i.opname in stored)


@lru_cache(512)
def global_names(code: types.CodeType) -> frozenset[str]:
    """List the global names that it reads, those of Python among them."""
    return frozenset(i.argval for c in _all(code) for i in dis.get_instructions(c) if i.opname in _GLOBAL)


@lru_cache(512)
def compares_types(code: types.CodeType) -> bool:
    """Tell whether it compares what `type` gives, some instructions later."""
    if "type" not in names(code):
        return False
    found = [list(dis.get_instructions(c)) for c in _all(code)]
    return any(
        i.argval == "type" and i.opname == "LOAD_GLOBAL" and _COMPARES & {n.opname for n in part[k : k + 10]}
        for part in found for k, i in enumerate(part)
    )  # fmt: skip


@lru_cache(512)
def compares_objects(code: types.CodeType) -> bool:
    """Tell whether it asks if one object `is` another, constants like None aside."""
    for c in _all(code):
        before = ""
        for i in dis.get_instructions(c):
            if i.opname == "IS_OP" and not before.startswith(("LOAD_CONST", "LOAD_COMMON")):
                return True
            before = i.opname
    return False
