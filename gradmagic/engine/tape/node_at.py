"""Which node a sweep was at when something went wrong: for warnings and errors that NumPy raises inside it.

In: frames, and errors with their tracebacks. Out: the node; or its operation's name and place, noted on the error.
"""

from __future__ import annotations

import types
from typing import Any

from ...language import tr
from ..core.places import PACKAGE, describe
from .nodes import Node

SWEEPS: set[types.CodeType] = (
    set()
)  # the functions of this package that go from node to node: their local `node`


def node_at(frame: Any) -> Node | None:
    """Give the node that a sweep was at when it called `frame`; None outside a sweep, and in the user's own code."""
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        if frame.f_code in SWEEPS:
            return frame.f_locals.get("node")
        frame = frame.f_back
    return None


def node_of(error: BaseException) -> Node | None:
    """Give the node that a sweep was at when an error came."""
    traceback, node = error.__traceback__, None
    while traceback is not None:
        node = node_at(traceback.tb_frame) or node
        traceback = traceback.tb_next
    return node


def blamed(error: BaseException) -> None:
    """Note on an error that NumPy raised in a sweep (`np.errstate(divide="raise")`) which operation it was about."""
    node = node_of(error)
    if node is not None and node.rule is not None and not hasattr(error, "__notes__"):
        if node.place is None:
            error.add_note(tr("in the derivative of {name}", name=node.rule.name))
        else:
            error.add_note(tr(
                "in the derivative of {name}, {place}", name=node.rule.name, place=describe(node.place)
            ))  # fmt: skip
