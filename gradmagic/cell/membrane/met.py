"""Objects of the user's that Python itself asks something: by `<`, `if`, `with`, `del`, `@`, len(x), next(x), sum(xs).

In: what is asked. Out: the same; hooks stand in the methods of its class from then on, as in what is called by name.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from .membrane import Membrane, here
from .operators import ATOMS

_MOST = 1000
_HOLDERS = frozenset({list, tuple, set, frozenset, dict})
PLAIN = ATOMS - _HOLDERS


def meet(m: Membrane, value: Any) -> None:
    """Enter the class of an object, and the classes of what a container holds."""
    kind = type(value)
    if kind in _HOLDERS:
        if value and len(value) <= _MOST:
            for one in {*map(type, value)} - ATOMS:
                m.entered.type(one)
    elif kind not in ATOMS:
        m.entered.type(kind)


def met(value: Any) -> Any:
    """Give what is tested, entered by `with`, or deleted from."""
    m = here()
    if m is not None and type(value) not in ATOMS:
        m.entered.type(type(value))
    return value


def keyed(value: Any) -> Any:
    """Give what is hashed: a key, an entry of a set; of a device's arrays that is what they are at home."""
    m = here()
    return value if m is None or m.stands is None else m.stands.home(value)


def matched(value: Any) -> Any:
    """Give what `match` looks at: of a device's arrays what they are at home, a number of its class."""
    m = here()
    return value if m is None or m.stands is None else m.stands.home(value, 0)


def decorator(value: Any) -> Any:
    """Give what a definition is handed to."""
    m = here()
    if m is not None:
        m.entered.anything(value)
        m.entered.type(type(value))
    return value


def _compared(op: Callable[[Any, Any], Any], together: bool = True) -> Callable[[Any, Any], Any]:
    def hook(a: Any, b: Any) -> Any:
        m = here()
        if m is not None and m.stands is not None:
            a, b = m.stands.along(a, b) if together else (m.stands.home(a), m.stands.home(b))
        if m is not None and (type(a) not in ATOMS or type(b) not in ATOMS or type(b) in _HOLDERS):
            meet(m, a)
            meet(m, b)
        return op(a, b)

    return hook


compared = {
    "Lt": _compared(operator.lt), "LtE": _compared(operator.le), "Gt": _compared(operator.gt),
    "GtE": _compared(operator.ge), "Eq": _compared(operator.eq), "NotEq": _compared(operator.ne),
    "In": _compared(lambda a, b: a in b, False), "NotIn": _compared(lambda a, b: a not in b, False),
}  # fmt: skip
