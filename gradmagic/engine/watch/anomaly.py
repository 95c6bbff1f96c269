"""`gm.detect_anomaly`: the first operation that makes NaN or infinity, forward or on the way back.

In: the tape's events. Out: an `AnomalyError` (forward: or a warning) that names the operation, its line and its inputs.
The producer is the operation whose inputs are all finite; one that got a NaN only passes it on.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ContextDecorator
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from ...errors import AnomalyError
from ...language import tr
from ..core import arrays
from ..core.nonfinite import in_short, oddness
from ..core.places import describe, line_of, name_of, text_of, user_frame
from ..core.trees import leaves
from ..dispatch.calls import record
from ..rules.pointwise import Elementwise
from ..sweeps.operations import Scattered
from ..tape import modes, observers
from ..tape.modes import settings
from ..tape.node_at import node_at
from ..tape.nodes import Node
from ..tape.observers import Observer
from ..tape.tracked import Tracked, raw, raws


class Operand(NamedTuple):
    """One input of an operation: what the user calls it, or its position, and its value."""

    name: str
    value: Any

    def __str__(self) -> str:
        shape = np.shape(self.value)
        of = tr(" (shape {shape})", shape=tuple(shape)) if shape else ""
        return f"{self.name} = {in_short(self.value)}{of}"


class detect_anomaly(ContextDecorator):
    """Stop at the first operation that makes NaN or infinity, in a `with` block or a decorated function.

    Forward, every value that is recorded is looked at; on the way back, every contribution to a gradient. It costs
    some microseconds an operation within the block, and nothing elsewhere. It sees what is recorded: values computed
    from plain arrays, or under `no_grad`, it meets only where they enter.

    Parameters
    ----------
    check_nan : bool
        PyTorch's name: False looks at nothing.
    forward : "error", "warn" or "ignore"
        What to do about a value; a gradient is always an error.
    infinite : bool
        Whether infinity counts too, or only NaN. Infinity in what the user gave (a mask of -inf) never does.

    Raises
    ------
    AnomalyError
        Naming the operation, its line, its inputs and the first entry.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> x = gm.tensor([0.0, 4.0], requires_grad=True)
    >>> with gm.detect_anomaly():
    ...     np.sqrt(x).sum().backward()
    Traceback (most recent call last):
    gradmagic.errors.AnomalyError: Function 'SqrtBackward0' returned infinite values in its 0th output: ...
    """

    def __init__(self, check_nan: bool = True, *, forward: str = "error", infinite: bool = True) -> None:
        if forward not in ("error", "warn", "ignore"):
            raise ValueError(tr(
                'forward={forward!r} is unknown: write "error", "warn" or "ignore".', forward=forward,
            ))  # fmt: skip
        self._check, self._forward, self._infinite = check_nan, forward, infinite

    def __enter__(self) -> detect_anomaly:
        detector = Detector(self._forward, self._infinite)
        modes.begin(detector)
        if self._check:
            modes.guard(detector)
        return self

    def __exit__(self, *_: object) -> None:
        modes.unguard(modes.end())


class set_detect_anomaly(detect_anomaly):
    """Detect from here on (True) or not (False), or within a `with` block; see `detect_anomaly`.

    Examples
    --------
    >>> import gradmagic as gm
    >>> _ = gm.autograd.set_detect_anomaly(True)
    >>> gm.is_anomaly_enabled()
    True
    >>> _ = gm.autograd.set_detect_anomaly(False)
    """

    def __init__(
        self, mode: bool, check_nan: bool = True, *, forward: str = "error", infinite: bool = True
    ) -> None:
        super().__init__(check_nan, forward=forward, infinite=infinite)
        self._before = _detectors()
        modes.change(guards=_others() + ((Detector(forward, infinite),) if mode and check_nan else ()))

    def __enter__(self) -> set_detect_anomaly:
        return self

    def __exit__(self, *_: object) -> None:
        modes.change(guards=_others() + self._before)


def is_anomaly_enabled() -> bool:
    """Tell whether anomalies are looked for now.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.is_anomaly_enabled()
    False
    """
    return bool(_detectors())


def _detectors() -> tuple[Observer, ...]:
    return tuple(g for g in settings().guards if isinstance(g, Detector))


def _others() -> tuple[Observer, ...]:
    return tuple(g for g in settings().guards if not isinstance(g, Detector))


class Detector(Observer):
    """Looks at every value and every gradient; `found` says what is done about the first that is not finite."""

    def __init__(self, forward: str = "error", infinite: bool = True) -> None:
        self._forward, self._infinite = forward, infinite
        self._root: Node | None = None
        self._given = False  # the sweep was started with what is not finite

    # -- forward ---------------------------------------------------------------------------------
    def made(self, node: Node, array: Any, frame: Any) -> None:
        if self._forward == "ignore" or node.rule is None:
            return
        odd = self._oddness(array)
        here = sys._getframe(1)
        if not odd or node_at(here) is not None:  # a recorded sweep: `ready` knows more about it
            return
        operands = list(_operands(here, node))
        before = [o for o in operands if self._oddness(o.value)]
        nans = [o for o in before if oddness(o.value)[0]]
        if odd == "NaN" and nans:
            if self._forward == "error":
                self.found(node, frame, "forward", _given(node, nans[0]))
        elif odd == "NaN" or not before:
            self.found(node, frame, "forward", _making(node, array, odd, operands))

    # -- backward --------------------------------------------------------------------------------
    def began(self, root: Node) -> None:
        self._root, self._given = root, False

    def wants(self, node: Node) -> bool:
        return True

    def ready(self, node: Node, cotangent: Any, flows: tuple[Any, ...]) -> None:
        arrived = self._oddness(cotangent)
        if node is self._root:
            self._given = bool(arrived)
        elif arrived and not self._given:
            frame = user_frame(sys._getframe(1))
            raise AnomalyError(_adding(node, arrived, frame))
        for i, flow in enumerate(flows):
            odd = self._oddness(flow)
            if odd and not (arrived == "NaN" or (arrived and odd != "NaN")):
                frame = user_frame(sys._getframe(1))
                self.found(node, frame, "backward", _pulling(node, i, odd, cotangent, flow, frame))

    def pushed(self, node: Node, tangents: Sequence[Any], tangent: Any) -> None:
        odd, arrived = self._oddness(tangent), self._oddness([t for t in tangents if t is not None])
        if odd and not (arrived == "NaN" or (arrived and odd != "NaN")):
            raise AnomalyError(_pushing(node, odd, tangents, tangent, user_frame(sys._getframe(1))))

    # -- what is done about it -------------------------------------------------------------------
    def found(self, node: Node, frame: Any, way: str, text: str) -> None:
        """Raise, or warn at the user's line; `way` is "forward" or "backward"."""
        if way == "backward" or self._forward == "error":
            raise AnomalyError(text)
        code, line = (node.place[0], line_of(node.place)) if node.place else (frame.f_code, frame.f_lineno)
        warnings.warn_explicit(text, RuntimeWarning, code.co_filename, line)

    def _oddness(self, value: Any) -> str:
        nan, infinite = oddness(_plain(value))
        return "NaN" if nan else "inf" if infinite and self._infinite else ""


def _operands(frame: Any, node: Node) -> Iterator[Operand]:
    """Find what the operation was computed from: the arguments of the engine's function that made its node."""
    while frame.f_code.co_filename in _BETWEEN or frame.f_code is record.__code__:
        frame = frame.f_back
    held = frame.f_locals
    names = next((names for names in _CALLS if all(name in held for name in names)), ())
    values = [held[name] for name in names]
    if names == ("args",):
        values = values[0][:1] if node.rule.sequence else values[0][: len(node.inputs)]
    elif names == ("self", "other") and "_reflected" in frame.f_code.co_qualname:
        values.reverse()  # 1 / x
    seen: set[int] = set()
    for i, value in enumerate(leaves(values), 1):
        plain = raw(value)
        if id(value) in seen or not (
            isinstance(plain, (int, float, complex, np.generic)) or arrays.is_array(plain)
        ):
            continue
        seen.add(id(value))
        named = isinstance(value, Tracked) or arrays.is_array(value)
        called = name_of(value, frame) if named else ""
        unnamed = tr("argument {number}", number=i) if named else tr("the constant")
        yield Operand(called or unnamed, plain)


# How the functions that make nodes call their arguments (faces/operators.py, dispatch/calls.py); those that stand
# between them and an observer have other ones.
_CALLS = (("args",), ("self", "other"), ("a", "b"), ("x",))
_BETWEEN = {__file__, modes.__file__, observers.__file__}


# ---- words ----------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """Give the arrays behind a gradient."""
    return value.g if type(value) is Scattered else raws(value)


def _what(odd: str, value: Any) -> str:
    if odd == "NaN":
        return "NaN"
    return "-inf" if np.any(np.equal(_plain(value), -np.inf)) else "inf"


def _noun(odd: str) -> str:
    return "NaN" if odd == "NaN" else tr("infinity")


def _is(odd: str) -> str:
    return "NaN" if odd == "NaN" else tr("infinite")


def _where(node: Node) -> str:
    """Name an operation: its function, how it is written, its line."""
    if node.place is None:
        return str(node.rule.name)
    operation, place, text = node.rule.name, describe(node.place), text_of(node.place)
    if text:
        return tr("{operation} ({code}, {place})", operation=operation, code=text, place=place)
    return tr("{operation} ({place})", operation=operation, place=place)


def _first(value: Any) -> tuple[int, ...] | None:
    """Give the index of the first entry that is not finite; None for a number."""
    value = arrays.to_host(_plain(value))
    if isinstance(value, (list, tuple)) or not np.ndim(value):
        return None
    at = np.argmin(np.isfinite(value))
    return tuple(int(i) for i in np.unravel_index(at, np.shape(value)))


def _at(value: Any, index: tuple[int, ...] | None, shape: tuple[int, ...]) -> str:
    """Write the entry of an input that belongs to entry `index` of the output."""
    try:
        return in_short(np.broadcast_to(arrays.to_host(raw(value)), shape)[index or ()])
    except ValueError:
        return ""


def _index(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]"


def _making(node: Node, array: Any, odd: str, operands: list[Operand]) -> str:
    """Say that an operation with proper inputs made a value that is not finite."""
    what, index = _what(odd, array), _first(array)
    text = tr("{operation} makes {what}", operation=_where(node), what=what)
    if given := tr(", ").join(map(str, operands)):
        text = tr("{operation} makes {what} from {values}", operation=_where(node), what=what, values=given)
    if index is not None and isinstance(node.rule, Elementwise):
        each = [(o.name, _at(o.value, index, np.shape(array))) for o in operands]
        shown = [tr("{called} is {entry}", called=name, entry=entry) for name, entry in each if entry]
        text += tr(
            "; first at {index}, where {values}", index=_index(index),
            values=reduce(_and, shown) if shown else "",
        )  # fmt: skip
    elif index is not None:
        text += tr("; first at {index}", index=_index(index))
    if not any(any(oddness(o.value)) for o in operands):
        text += tr(". Its inputs are finite: it is the first to make {what}.", what=_noun(odd))
    else:
        text += tr(". Its inputs are not NaN: it is the first to make {what}.", what=_noun(odd))
    if isinstance(node.rule, Elementwise) and index is not None:
        text += tr(
            " Keep such entries out before the operation: np.where(ok, v, 1.0) inside it, not around it."
        )
    return text


def _and(before: str, more: str) -> str:
    return tr("{before} and {more}", before=before, more=more)


def _given(node: Node, operand: Operand) -> str:
    """Say that a NaN came in from outside."""
    index = _first(operand.value)
    return tr(
        "{operand} is NaN{at} before anything that is recorded was computed from it: {operation} only passes it on. "
        "Look at where that value comes from.", operand=operand, operation=_where(node),
        at=tr(" at {index}", index=_index(index)) if index is not None else "",
    )  # fmt: skip


def _pulling(node: Node, i: int, odd: str, cotangent: Any, flow: Any, frame: Any) -> str:
    """Say that a derivative made a gradient that is not finite."""
    source = node.inputs[i]
    name = _name_of_node(source, frame)
    mine = tr("a gradient")
    if source:
        mine = tr(
            "the gradient of {name} (shape {shape})",
            name=name or tr("argument {number}", number=i + 1), shape=tuple(source.aval.shape),
        )  # fmt: skip
    index = _first(flow) if type(flow) is not Scattered else None
    text = tr(
        "Function '{function}' returned {kind} values in its {number}th output: on the way back, {operation} makes "
        "{gradient} {odd}{first}{derivative}", function=node.name(), kind="nan" if odd == "NaN" else "infinite",
        number=i, operation=_where(node), gradient=mine, odd=_is(odd),
        first=tr(", first at {index}", index=_index(index)) if index else "",
        derivative=_derivative(node, i, index, name, cotangent),
    )  # fmt: skip
    if not any(oddness(raws(cotangent))):
        return text + tr(
            ". The gradient that came in is finite: it is the first to make {what}.", what=_noun(odd)
        )
    return text + tr(
        ". The gradient that came in is not NaN: it is the first to make {what}.", what=_noun(odd)
    )


def _pushing(node: Node, odd: str, tangents: Sequence[Any], tangent: Any, frame: Any) -> str:
    """Say that a derivative made a tangent that is not finite."""
    i = next(i for i, t in enumerate(tangents) if t is not None)
    index = _first(tangent)
    name = _name_of_node(node.inputs[i], frame)
    return tr(
        "in forward mode, {operation} makes the tangent of its result {odd}{first}{derivative}. What came in is "
        "finite: it is the first to make {what}.", operation=_where(node), odd=_is(odd), what=_noun(odd),
        first=tr(", first at {index}", index=_index(index)) if index else "",
        derivative=_derivative(node, i, index, name, tangents[i]),
    )  # fmt: skip


def _adding(node: Node, odd: str, frame: Any) -> str:
    """Say that a gradient is not finite, though all that was added to it is."""
    unnamed = tr("an input") if node.rule is None else tr("the result of {operation}", operation=_where(node))
    return tr(
        "the gradient of {name} ({kind}) is {odd}, and each of its contributions is finite: their sum leaves the range "
        "of the dtype, or a hook has changed it.",
        name=_name_of_node(node, frame) or unnamed, kind=node.aval, odd=_is(odd),
    )  # fmt: skip


def _derivative(node: Node, i: int, index: tuple[int, ...] | None, name: str, cotangent: Any) -> str:
    """Say what the derivative is at the entry, from what value, and what came in."""
    kept = node.rule.kept(node)
    if kept is None or not isinstance(node.rule, Elementwise) or not node.rule.computes:
        return ""
    shape: tuple[int, ...] = node.aval.shape
    with np.errstate(all="ignore"):
        slope = _at(node.rule.partial(i, kept), index if len(index or ()) == len(shape) else None, shape)
    if len(index or ()) != len(shape) or not slope:
        return ""
    values = [
        (name or tr("the input"), kept.args[i]),
        (tr("the result"), kept.out),
        (tr("what came in"), cotangent),
    ]
    parts = [
        tr("{called} is {entry}", called=called, entry=_at(value, index, shape))
        for called, value in values
        if value is not None
    ]
    return tr(
        ": its derivative{by}{formula} is {slope} there, {values}", by=tr(" by {name}", name=name) if name else "",
        formula=_formula(node, i, name), slope=slope, values=tr(", ").join(parts),
    )  # fmt: skip


def _formula(node: Node, i: int, name: str) -> str:
    text, letters = node.rule.formula(i)
    # The rule's letters are not the reader's: the result, this argument, another one.
    words = [tr("result"), *(tr("(argument {number})", number=k + 1) for k in range(len(letters)))]
    words[i + 1 : i + 2] = [name or tr("input")]
    into = dict(zip(letters, words, strict=False))
    text = re.sub(r"(?<![\w.])[^\W\d]\w*(?!\()", lambda word: into.get(word[0], word[0]), text)
    return tr(" ({formula})", formula=text) if text else ""


def _name_of_node(node: Node | None, frame: Any) -> str:
    """Find what the user's code at `frame` calls the value of `node`."""
    for names in (frame.f_locals, frame.f_globals) if node is not None else ():
        for name, held in list(names.items()):
            if isinstance(held, Tracked) and held.node is node and name.isidentifier() and name[:1] != "_":
                return str(name)
    return ""
