"""The notes of a report: where a gradient could not flow, in one sentence each, with name, line and what to write.

In: what the recorder saw leave the tape, and the inputs. Out: notes; none when all is well.
"""

from __future__ import annotations

import ast
import linecache
import re
import types

from ...engine.core import places
from ...engine.core.foreign import Foreign, engine_of
from ...engine.tape.messages import taken_by
from ...engine.tape.nodes import Node
from ...engine.tape.tracked import is_a
from ...engine.transforms.numeric import Numeric
from ...engine.watch.recorder import Cut
from ...report.model import Input, Note, Result
from ..reading import source
from ..reading.flow import Flow, Span
from ..reading.source import parsed
from .run_record import RunRecord

_INSTEAD = {
    "float": "keep {name} as it is instead of {text}",
    "int": "keep {name} as it is instead of {text}",
    "complex": "keep {name} as it is instead of {text}",
    "item": "keep {name} as it is instead of {text}",
    "tolist": "keep {name} an array instead of {text}",
    "assignment": "collect the values in a list and write np.stack([...])",
    "out=": "write out = np.f(...) without out=",
    "list": "write np.stack([...]) of the values",
    "gm.tensor": "write gm.as_tensor({name})",
    "asarray": "use {name} itself: it already is an array here",
    "pickle": "keep {name} in memory",
    "text": "keep {name} as it is, its text is for people",
    "view": "keep {name} in its own dtype",
    "data": "use {name} itself",
    "ctypes": "use {name} itself, or declare the function's derivative with gm.custom",
    "tobytes": "keep {name} as it is",
    "magic": "write the line without the magic",
    "cache": "its cache has it from before this cell: call its cache_clear() first",
    "source": "the source of that function is gone, and it is not followed: define it in a cell or in a file",
}


def cut_notes(run: RunRecord, names: dict[int, list[str]], result: Result | None) -> list[Note]:
    """Say where a tracked value became a plain one that the result depends on.

    A value that is only printed, compared, plotted or collected beside the result is no lost gradient.
    """
    recorder, cell = run.recorder, run.cell
    text = "\n" * (cell.first_line - 1) + cell.text
    tree = parsed(text)
    if tree is None:  # magics in the cell: their line counts as a blank one
        text = "\n".join("" if line.lstrip()[:1] in "%!" else line for line in text.split("\n"))
        tree = parsed(text)
    modules = [n for n, v in run.namespace.items() if is_a(v, types.ModuleType)]
    notes: list[Note] = []
    for lost in sorted(run.lost, key=lambda c: (c.here or c.place)[1]):
        here = lost.here or lost.place
        note = Note("cut", _sentence(lost, here, names), source.span_of(here)[0] if lost.here else None)
        if note not in notes:
            notes.append(note)
    for key, cut in recorder.cuts.items():
        if cut.how == "int" and cut.node.aval.dtype.kind == "f":
            continue  # as of np.floor: a step, whose derivative is zero
        here = recorder.cut_places.get(key)
        span = source.span_of(here) if here is not None else None
        if cut.how == "text":
            span = _read_again(tree, span) if tree is not None and span is not None else None
            if span is None:
                continue
        line = span[0] if span is not None else None
        if tree is not None and here is not None and span is not None:
            flow = Flow(tree, [span], text, modules)
            if not _in_result(flow, tree, result, run.options.of) or (
                here is not cut.place and _stays(cut.place)
            ):
                continue
        note = Note("cut", _sentence(cut, here, names), line)
        if note not in notes:  # np.array([x[0], x[1]]) asks two values
            notes.append(note)
    return notes


_READERS = frozenset(
    "float int complex eval literal_eval float64 float32 fromstring Decimal Fraction".split()
)


def _read_again(tree: ast.Module, span: Span) -> Span | None:
    """Give where the text made at `span` is turned into a number there and then: the span of `float(f"{x}")`."""
    line, end, column, end_column = span
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")) in _READERS
        ):
            last = (node.end_lineno or line, node.end_col_offset or column)
            if (node.lineno, node.col_offset) < (line, column) and (end, end_column) <= last:
                return node.lineno, last[0], node.col_offset, last[1]
    return None


def _in_result(flow: Flow, tree: ast.Module, result: Result | None, of: str) -> bool:
    """Tell whether the result depends on what the flow began with; where it is not known, yes."""
    if result is None:
        return True
    wanted = parsed(of or result.name)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr) and not of and not result.name.isidentifier():
        return flow.holds(last.value)
    return wanted is None or not wanted.body or flow.holds(wanted.body[0])


def _stays(place: places.Place) -> bool:
    """Tell whether the plain value stays in the function of another cell that made it."""
    code = place[0]
    if not places.users(code.co_filename):
        return False
    text = "".join(linecache.getlines(code.co_filename))
    tree = parsed(text)
    if not text or tree is None or code.co_name.startswith("<"):
        return False
    flow = Flow(tree, [source.span_of(place)], text)
    return not flow.names


def _sentence(cut: Cut, here: places.Place | None, names: dict[int, list[str]]) -> str:
    own = here is cut.place
    place = cut.place if own or places.users(cut.place[0].co_filename) else here or cut.place
    text = source.text_of(place) or cut.how
    called = (names.get(cut.node.number) if cut.node is not None else None) or []
    name = called[-1] if called else _argument(text, {n for held in names.values() for n in held})
    where = f"line {source.span_of(place)[0]}" if own or place is here else places.describe(place)
    otherwise = f"use a function that has a derivative instead of {cut.how.strip('.()')}"
    instead = _INSTEAD["list"] if _is_list(name) else _INSTEAD.get(cut.how, otherwise)
    if (cut.how == "asarray" or cut.how not in _INSTEAD) and (advice := taken_by(text)[1]):
        instead = advice[0].lower() + advice[1:]
    if engine := engine_of(cut.how):
        instead = (
            f"{engine} does not record on gradmagic's tape: write it with NumPy's functions or with gm.tensor"
        )
    if isinstance(cut.how, Foreign):
        instead = f"it meets {cut.how}; {cut.how.instead.replace('{name}', _other(text, name))}"
    if cut.how == "assignment":
        return f"{where}: {text} = ... keeps a plain value, and no gradient flows through it: {instead}."
    return (
        f"{where}: {text} makes a plain value of {name}, and no gradient flows through it: "
        f"{instead.replace('{name}', name).replace('{text}', text)}."  # the user's text has braces of its own
    )


def _other(text: str, name: str) -> str:
    """Give the operand of an operation that is not `name`; of anything else `name`."""
    tree = parsed(text)
    operation = getattr(tree.body[0], "value", None) if tree is not None and tree.body else None
    if not isinstance(operation, ast.BinOp):
        return name
    operand = operation.left if ast.unparse(operation.right) == name else operation.right
    written = ast.get_source_segment(text, operand) or ast.unparse(operand)
    return f"({written})" if isinstance(operand, (ast.BinOp, ast.UnaryOp)) else written


def _is_list(text: str) -> bool:
    tree = parsed(text)
    return tree is not None and isinstance(getattr(tree.body[0], "value", None), (ast.List, ast.Tuple))


def _argument(text: str, known: set[str]) -> str:
    """Give the argument that a gradient could flow through: the first that has a known name in it, or the first."""
    found = source.argument_texts(text)
    return next((a for a in found if known & set(_WORDS.findall(a))), found[0] if found else text)


_WORDS = re.compile(r"\w+")


def input_notes(inputs: tuple[Input, ...]) -> list[Note]:
    """Say which inputs the result does not depend on, and that whole numbers were used as floats."""
    notes = [
        Note("not reached", f"the result does not depend on {entry.name}: its gradient is zero.")
        for entry in inputs
        if not entry.reached
    ]
    whole = [entry.name for entry in inputs if entry.value.dtype.startswith(("int", "uint"))]
    if whole:
        verb = "is" if len(whole) == 1 else "are"
        listed = whole[0] if len(whole) == 1 else ", ".join(whole[:-1]) + " and " + whole[-1]
        kind = "int" if all(e.value.python for e in inputs if e.name in whole) else "of an int dtype"
        rest = (
            "used as a float, given back as it was"
            if len(whole) == 1
            else "used as floats, given back as they were"
        )
        notes.append(Note("dtype", f"{listed} {verb} {kind}: {rest}."))
    return notes


def numeric_notes(nodes: list[Node], filename: str) -> list[Note]:
    """Say which functions were differentiated by differences (`gm.numeric`), and on which lines of the cell."""
    found = []
    for node in nodes:
        if isinstance(node.rule, Numeric):
            place = node.place if node.place is not None and node.place[0].co_filename == filename else None
            line = source.span_of(place)[0] if place is not None else None
            note = Note("numeric", f"{node.rule.note}.", line)
            if note not in found:
                found.append(note)
    return found
