"""What a frame is at: which instruction of the user's calls compiled code, and so what it wants to know.

In: a frame whose code has called something. Out: answers, from the bytecode (interpreter.py).
"""

from __future__ import annotations

import dis
from types import CodeType
from typing import Any

from .interpreter import by_code

_bytes = by_code(lambda code: code.co_code)


def _instruction(frame: Any) -> str:
    return dis.opname[_bytes(frame.f_code)[frame.f_lasti]]


def assigns_entry(frame: Any) -> bool:
    """Tell whether the code of `frame` is at `a[0] = t` or `a[1:] = t`: what else asks for a number calls for it."""
    return _instruction(frame) in ("STORE_SUBSCR", "STORE_SLICE")


def asks_attribute(frame: Any) -> bool:
    """Tell whether it is at `a.name`: compiled code that it calls asks for attributes at another instruction."""
    return _instruction(frame) in ("LOAD_ATTR", "LOAD_METHOD")


def takes_entry(frame: Any) -> bool:
    """Tell whether it is at `a[t]`, or at `a[...] = t`."""
    return assigns_entry(frame) or _instruction(frame) in ("BINARY_SUBSCR", "BINARY_SLICE")


def asks_kind(frame: Any) -> bool:
    """Tell whether it is at `isinstance(x, kind)` or `case kind():`; compiled code that it calls asks elsewhere."""
    return frame.f_lasti in _kinds_asked(frame.f_code)


@by_code
def _kinds_asked(code: CodeType) -> frozenset[int]:
    steps = [i for i in dis.get_instructions(code) if i.opname not in ("CACHE", "EXTENDED_ARG")]
    found = {step.offset for step in steps if step.opname == "MATCH_CLASS"}
    for at, step in enumerate(steps):
        if step.opname in ("CALL", "PRECALL") and "isinstance" in code.co_names:
            at -= steps[at - 1].opname == "PRECALL"
            missing = (
                step.arg or 0
            )  # of the arguments on the stack: backwards to where the first of them begins
            while missing > 0 and at and "JUMP" not in steps[at - 1].opname:
                at -= 1
                missing -= dis.stack_effect(steps[at].opcode, steps[at].arg)
            names = [s.argval for s in steps[max(at - 2, 0) : at] if not missing and s.opname != "PUSH_NULL"]
            found |= {step.offset} if names[-1:] == ["isinstance"] else set()
    return frozenset(found)
