"""Warnings under the user's own line: NumPy's RuntimeWarnings name the Python line that called NumPy, which is ours.

In: a warning that a line of gradmagic issued. Out: the same one, issued anew from the line of the user that led there;
in a backward sweep, from the line of the operation. Nothing runs, and nothing is looked at, until there is a warning.

`warnings` calls one function for every warning that its filters let through; ours stands before it. What did not come
from this package passes on untouched. Filters that name a module, and "once a line", judge the warning anew, by the
user's module and line.
"""

from __future__ import annotations

import sys
import types
import warnings
from contextvars import ContextVar
from typing import Any

from ...language import tr
from ..core.places import PACKAGE, line_of, user_frame
from ..tape.node_at import node_at
from ..tape.nodes import Node
from ..tape.tracked import Tracked
from .patches import WARNINGS, Replacement
from .switch import allowed

_by_file: dict[str, dict[Any, Any]] = {}


class _Forgetful(dict[Any, Any]):
    """A module's `__warningregistry__` that notes no warning: "once a line" is for the user's lines."""

    def __setitem__(self, key: Any, value: Any) -> None:
        if key == "version":
            super().__setitem__(key, value)


# Whether warnings here are dropped: of what has been computed once already, and has warned.
QUIET: ContextVar[bool] = ContextVar("gradmagic quiet", default=False)


def _shown(message: Any) -> None:
    """Stand in for `warnings._showwarnmsg`."""
    if QUIET.get():
        return
    frame: Any = sys._getframe(1) if message.filename.startswith(PACKAGE) and allowed() else None
    while frame is not None and frame.f_code.co_filename != message.filename:
        frame = frame.f_back
    if frame is None or (user := user_frame(frame)) is frame:
        _show(message)
        return
    text, category = str(message.message), message.category
    frame.f_globals["__warningregistry__"] = _Forgetful()
    vars(warnings).get("onceregistry", {}).pop((text, category), None)  # "once" noted it just now
    node = node_at(frame)
    warning = category(_sweeping(text, node)) if node is not None else message.message
    filename, line, names = user.f_code.co_filename, user.f_lineno, user.f_globals
    if node is not None and node.place is not None:
        code = node.place[0]
        filename, line = code.co_filename, line_of(node.place)
        names = _globals_of(code, user)
    registry = names.setdefault("__warningregistry__", {})
    module = names.get("__name__") or "<unknown>"
    warnings.warn_explicit(warning, category, filename, line, module, registry, source=message.source)


def _globals_of(code: types.CodeType, frame: Any) -> dict[str, Any]:
    """Give the module in which `code` runs: its registry holds what was shown, its name is what filters ask for."""
    while frame is not None:
        if frame.f_code.co_filename == code.co_filename:
            return frame.f_globals  # type: ignore[no-any-return]
        frame = frame.f_back
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == code.co_filename:
            return vars(module)
    return _by_file.setdefault(code.co_filename, {"__name__": code.co_filename.removesuffix(".py")})


def _sweeping(text: str, node: Node) -> str:
    if node.rule is None:
        return text
    return tr("{text} (in the derivative of {name})", text=text, name=node.rule.name)


_show: Any = None  # warnings' own
_standing = Replacement(WARNINGS)


def show_for_the_user() -> None:
    """Stand before the function that `warnings` shows warnings with; a second time changes nothing."""
    global _show
    if _show is None and hasattr(warnings, "_showwarnmsg"):
        _show = warnings._showwarnmsg
        _standing.add(warnings, "_showwarnmsg", _shown).put_on()


Tracked.at_first(show_for_the_user)
