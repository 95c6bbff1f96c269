"""The operations of a trace: the nodes of a tape as columns, with the numbers that may ever be shown.

In: nodes in tape order, the recorder, the names. Out: `Recorded`; it holds no node. What it takes grows by 2 us and 20
bytes an operation; the texts and numbers of a single one are made when it is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.places import Place as Spot
from ...engine.core.values import Summaries, on_the_host
from ...engine.rules.kinds import General
from ...engine.rules.pointwise import Elementwise
from ...engine.sweeps.jacobians import brought_home
from ...engine.tape.nodes import Node
from ...engine.tape.tracked import Tracked, is_a, raw
from ...engine.watch.recorder import constants_in
from ...report.model import Place
from ...report.operations import CONSTANT, Columns, Kept, Kind, Numbers, Recorded
from ..reading import source
from .cell_recorder import CellRecorder
from .expressions import expression_of, is_literal, is_value, mark_of, own_texts
from .kinds import Constant, constants_of, kind_of
from .naming import Naming
from .slopes import Slopes

TURNS = 4  # of a loop, from its start and its end, whose values may be shown: three, and the last of the rest
ENDS = 500  # operations from the tape's start and from its end


class Places:
    """The places of nodes as a report shows them, each resolved once, with the texts of the arguments there."""

    def __init__(self, recorder: CellRecorder, shown: Any) -> None:
        self._recorder, self._shown = recorder, shown
        # By id: a code object is hashed by all that is in it. The nodes hold the places meanwhile.
        self._known: dict[tuple[int, int | None], tuple[Place, tuple[str, ...]]] = {}

    def of(self, spot: Spot, number: int) -> tuple[Place, tuple[str, ...]]:
        line = self._recorder.lines.get(number)
        found = self._known.get((id(spot), line))
        if found is None:
            place = self._shown(source.resolve(spot, self._recorder.filename, line))
            found = self._known[id(spot), line] = place, source.argument_texts(place.text)
        return found


def recorded(
    nodes: list[Node],
    recorder: CellRecorder,
    names: Mapping[int, list[str]],
    places: Places,
    nowhere: set[int],
    held: Mapping[int, Tracked],
    odd: bool,
    module_of: Callable[[int], str],
    rebound: set[str],
    namespace: Mapping[str, Any],
) -> Recorded:
    """Make the operations of a trace.

    Parameters
    ----------
    nodes : list of Node
        In tape order: an operation's key is its place in the list.
    recorder, names, places
        What was kept and called, and where it stands, by the nodes' numbers.
    nowhere : set of int
        Nodes that were made by the magic, outside of the user's source.
    held : mapping of int to Tracked
        Values that the user still has, and those of the inputs.
    odd : bool
        Whether something is not finite: then the first such value is looked for.
    module_of : function
        Gives the path of the module in which a node was made, by its number.
    rebound : set of str
        Names that the source assigns more than once.
    namespace : mapping of str to object
        The reader's names after the run.
    """
    keys = {node.number: key for key, node in enumerate(nodes)}
    known: dict[Any, int] = {}
    kinds: list[Kind] = []
    codes: list[int] = []
    sources: list[int] = []
    called_at = names.get
    marks: dict[str, str] = {}  # of what the reader's names are, as far as they are asked for

    def is_value_of(text: str, value: Any) -> bool:
        """Tell whether a text is a number, or a name of the reader's, that has this value."""
        tree = expression_of(text)
        if value is None or tree is None:
            return False
        if is_literal(tree):
            return is_value(tree, value)
        if text not in marks:
            marks[text] = mark_of(raw(namespace[text])) if _has_value(namespace.get(text)) else ""
        return marks[text] != "" and marks[text] == mark_of(on_the_host(value))

    # Several operations at one place are parts of what stands there: its arguments are not theirs.
    computed = Counter(spot for spot, _ in {(id(n.place), n.rule.name) for n in nodes if n.rule is not None})
    own: dict[Any, tuple[str, ...] | None] = {}
    for node in nodes:
        number, inputs = node.number, node.inputs
        place: Place | None = None
        texts: tuple[str, ...] = ()
        if node.place is not None and number not in nowhere:
            place, texts = places.of(node.place, number)
        called = called_at(number, ())
        constants: tuple[Constant, ...] = ()
        if None in inputs:
            at = id(place), node.rule
            if at not in own:
                own[at] = None
                if place is not None and node.rule is not None and computed[id(node.place)] == 1:
                    sequence = getattr(node.rule, "sequence", False)
                    own[at] = own_texts(place.text, node.rule.name, node.name(), sequence)
            sure = own[at]
            met = recorder.constants.get(number, ())
            constants = constants_of(
                node, texts if sure is None else sure, sure is not None, is_value_of, met
            )
        module = module_of(number)
        mark = (id(place), node.rule, node.aval, module, *called, constants)
        code = known.get(mark)
        if code is None:
            code = known[mark] = len(kinds)
            kinds.append(
                replace(kind_of(node, place, tuple(called), constants, _args(node, recorder)), module=module)
            )
        codes.append(code)
        for origin in inputs:
            sources.append(CONSTANT if origin is None else keys[origin.number])
    made = Recorded(kinds, codes, sources, Kept())
    values, shown = _values(keys, recorder, held), _may_be_shown(made.columns.codes)
    wanted = np.ones(len(nodes), bool) if odd else shown.copy()
    wanted[list(values)] = False
    saved = _saved(nodes, keys, wanted, made.columns)
    if odd:
        saved = _with_first_odd(saved, shown, made.columns)
    made.naming = Naming(
        made.columns, _constants(nodes, keys, shown, recorder, made.columns), rebound, namespace
    )
    for key, value in saved.items():
        values.keep(key, value)
    return made.with_numbers(
        values=values,
        grads=recorder.grads.renumbered(keys),
        locals=recorder.locals.renumbered(keys),
        flows=recorder.flows.renumbered(keys),
        jacobians={keys[number]: recorder.jacobian(number) for number in recorder.pulled if number in keys},
        slopes=Slopes({keys[n]: brought_home(kept) for n, kept in recorder.saved.items() if n in keys}),
    )


def _has_value(value: Any) -> bool:
    return arrays.is_array(value) or is_a(value, Tracked) or type(value) in (bool, int, float, complex)


def _values(keys: Mapping[int, int], recorder: CellRecorder, held: Mapping[int, Tracked]) -> Summaries:
    """Give the values by key: what was kept, else what the user still has."""
    values = recorder.values.renumbered(keys)
    for number, tracked in held.items():
        key = keys.get(number)
        if key is None or key in values:
            continue
        then = recorder.then.get(number)
        now = recorder.starts.get(number) if then is None else None
        values.keep(key, now or arrays.to_host(tracked.array if then is None else then))
    return values


def _may_be_shown(codes: Numbers) -> Numbers:
    """Choose whose value a report may show: a loop is shown by its first and last turns, a long tape by its ends."""
    order = np.argsort(codes, kind="stable")
    alike, at = codes[order], np.arange(len(codes))
    before = at - np.searchsorted(alike, alike)
    after = np.searchsorted(alike, alike, "right") - 1 - at
    chosen = np.zeros(len(codes), bool)
    chosen[order] = (before < TURNS) | (after < TURNS)
    chosen[:ENDS] = chosen[-ENDS:] = True
    return chosen


def _saved(nodes: list[Node], keys: Mapping[int, int], wanted: Numbers, columns: Columns) -> dict[int, Any]:
    """Give wanted values that the tape itself has kept, by key: those of cells that nobody watched."""
    by_whom = np.repeat(np.arange(len(nodes)), np.diff(columns.starts))
    asked = wanted.copy()
    asked[by_whom[(columns.sources != CONSTANT) & wanted[columns.sources]]] = True
    found: dict[int, Any] = {}
    for at in np.flatnonzero(asked).tolist():
        node = nodes[at]
        if not isinstance(node.rule, (Elementwise, General)) or (kept := node.rule.kept(node)) is None:
            continue
        found[at] = kept.out
        for origin, value in zip(node.inputs, kept.args, strict=False):
            if origin is not None and found.get(key := keys[origin.number]) is None:
                found[key] = value
    return {key: value for key, value in found.items() if wanted[key] and _usable(value)}


def _constants(
    nodes: list[Node], keys: Mapping[int, int], shown: Any, recorder: CellRecorder, columns: Columns
) -> dict[int, tuple[Any, ...]]:
    """Give the values of the constants of operations that may be shown, by key: as a sweep met them, or the tape."""
    kinds: Any = columns.kinds
    worded = np.array([any(map(len, kind.parameters)) for kind in kinds], np.bool_)[columns.codes]
    having = np.repeat(np.arange(len(nodes)), np.diff(columns.starts))[columns.sources == CONSTANT]
    having = np.union1d(having, np.flatnonzero(worded & columns.computed))
    found = {}
    for at in having[shown[having]].tolist():
        node = nodes[at]
        told = _args(node, recorder)
        if told:
            found[at] = told
    return found


def _args(node: Node, recorder: CellRecorder) -> tuple[Any, ...]:
    """Give the arguments of an operation that are constants: as a sweep met them, or as the tape has them."""
    told = recorder.constants.get(node.number)
    if told is None and node.rule is not None and (isinstance(node.rule, _KEEPING) or node.rule.readings):
        kept = node.rule.kept(node)
        told = None if kept is None else constants_in(node, kept)
    return tuple(map(on_the_host, told or ()))


_KEEPING = (Elementwise, General)


def _usable(value: Any) -> bool:
    return arrays.is_array(value) or isinstance(value, (np.generic, int, float, complex))


def _with_first_odd(saved: dict[int, Any], shown: Numbers, columns: Columns) -> dict[int, Any]:
    """Of all saved values, keep what may be shown, and the first that is not finite, with those it was made of."""
    first = next((key for key in sorted(saved) if columns.computed[key] and not _finite(saved[key])), None)
    also: Iterable[int] = ()
    if first is not None:
        also = [first, *columns.sources[columns.starts[first] : columns.starts[first + 1]].tolist()]
    return {key: value for key, value in saved.items() if shown[key] or key in also}


def _finite(value: Any) -> bool:
    host = np.asarray(arrays.to_host(value))
    return host.dtype.kind not in "fc" or bool(np.isfinite(host).all())
