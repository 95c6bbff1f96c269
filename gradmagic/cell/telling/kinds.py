"""What alike operations have in common: place, names, and the local derivatives in the reader's own names.

In: a node, its place and names. Out: a `Kind`, made once for all turns of a loop.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.rules.kinds import General
from ...engine.rules.pointwise import Elementwise
from ...engine.rules.rule import Rule
from ...engine.tape.memory import poisoned
from ...engine.tape.nodes import Node
from ...report.model import Edge, Place
from ...report.operations import CONSTANT, UNNAMED, Kind

_GRAD = re.compile(r"\bgrad\b| each | of a ")  # in how a gradient goes on, which is no local derivative
Constant = tuple[str, tuple[int, ...] | None, int]  # its text and shape, and which argument it is


@lru_cache(maxsize=2048)
def _read(rule: Rule, argument: int, of_complex: bool) -> tuple[str, tuple[str, ...]]:
    """Read a formula from its source once (60 us), not for each of 10,000 operations of a loop."""
    return rule.formula(argument, of_complex)


def kind_of(
    node: Node,
    place: Place | None,
    names: tuple[str, ...],
    constants: tuple[Constant, ...],
    args: tuple[Any, ...] = (),
) -> Kind:
    """Give the kind of an operation or input; `args` are the constants among its arguments, as far as known."""
    aval: Any = node.aval[0] if isinstance(node.aval, tuple) else node.aval
    dtype = aval.python.__name__ if aval.python is not None else aval.dtype.name
    rule = node.rule
    if rule is None:
        return Kind("", node.name(), (), tuple(aval.shape), dtype, names, place)
    inputs: list[Edge] = []
    parameters: list[tuple[str, ...]] = []
    left = iter(constants)
    for i, origin in enumerate(node.inputs):
        formula, used = "", tuple[str, ...]()
        if origin is None:
            text, shape, _ = next(left)
            inputs.append(Edge(None, text, i, shape=shape))
        else:
            if not poisoned(node):
                of_complex = not isinstance(origin.aval, tuple) and not origin.aval.real
                formula, used = _read(rule, i, of_complex)
                if rule.readings:
                    formula, used = ("", ()) if of_complex else rule.reading(i, _shapes(node), args)
            whole = _GRAD.search(formula) is None
            inputs.append(Edge(CONSTANT, "", i, formula if whole else "", words="" if whole else formula))
        parameters.append(used if formula else ())  # the rule's own names, which `Naming` fills
    return Kind(
        rule.name, node.name(), tuple(inputs), tuple(aval.shape), dtype, names, place,
        tuple(parameters),
    )  # fmt: skip


def _shapes(node: Node) -> tuple[tuple[int, ...] | None, ...]:
    return tuple(None if source is None else tuple(source.aval.shape) for source in node.inputs)  # type: ignore[union-attr]


def constants_of(
    node: Node,
    texts: tuple[str, ...],
    sure: bool,
    is_value_of: Callable[[str, Any], bool],
    met: tuple[Any, ...],
) -> tuple[Constant, ...]:
    """Give how the constants of an operation are written, and their shapes, where the tape has them.

    `texts` are the arguments at its place. They are `sure` to be the operation's own, or `is_value_of` tells whether
    one of them has a value: a call may compute its constants from its arguments. `met` is what a sweep met.
    """
    rule = node.rule
    kept = rule.kept(node) if isinstance(rule, (Elementwise, General)) else None
    args = kept.args if kept is not None else ()
    found = []
    for i, origin in enumerate(node.inputs):
        if origin is None:
            value = args[i] if i < len(args) else None
            value = met[i] if value is None and i < len(met) else value
            text = texts[i] if i < len(texts) else ""
            if not text or not (sure or is_value_of(text, value)):
                text = _written(value if isinstance(rule, Elementwise) else None)
            found.append((text, _shape(value), i))
    return tuple(found)


def _written(value: Any) -> str:
    if value is None or np.size(value) != 1:
        return UNNAMED
    return f"{np.asarray(arrays.to_host(value)).item():g}" if np.isrealobj(value) else str(value)


def _shape(value: Any) -> tuple[int, ...] | None:
    shape = getattr(value, "shape", () if isinstance(value, (int, float, complex)) else None)
    return None if shape is None else tuple(shape)
