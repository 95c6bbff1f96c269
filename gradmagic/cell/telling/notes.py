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
from ...language import get_language, mark, tr
from ...report.model import Input, Note, Result
from ..reading import source
from ..reading.flow import Flow, Span
from ..reading.source import parsed
from .run_record import RunRecord

_INSTEAD = {
    "float": mark("keep {name} as it is instead of {text}"),
    "int": mark("keep {name} as it is instead of {text}"),
    "complex": mark("keep {name} as it is instead of {text}"),
    "item": mark("keep {name} as it is instead of {text}"),
    "tolist": mark("keep {name} an array instead of {text}"),
    "assignment": mark("collect the values in a list and write np.stack([...])"),
    "out=": mark("write out = np.f(...) without out="),
    "list": mark("write np.stack([...]) of the values"),
    "gm.tensor": mark("write gm.as_tensor({name})"),
    "asarray": mark("use {name} itself: it already is an array here"),
    "pickle": mark("keep {name} in memory"),
    "text": mark("keep {name} as it is, its text is for people"),
    "view": mark("keep {name} in its own dtype"),
    "data": mark("use {name} itself"),
    "ctypes": mark("use {name} itself, or declare the function's derivative with gm.custom"),
    "tobytes": mark("keep {name} as it is"),
    "magic": mark("write the line without the magic"),
    "cache": mark("its cache has it from before this cell: call its cache_clear() first"),
    "source": mark(
        "the source of that function is gone, and it is not followed: define it in a cell or in a file"
    ),
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
    inside = own or place is here
    where = tr("line {line}", line=source.span_of(place)[0]) if inside else places.describe(place)
    instead = _instead(cut.how, text, name)
    if cut.how == "assignment":
        return tr(
            "{where}: {text} = ... keeps a plain value, and no gradient flows through it: {instead}.",
            where=where, text=text, instead=instead,
        )  # fmt: skip
    return tr(
        "{where}: {text} makes a plain value of {name}, and no gradient flows through it: {instead}.",
        where=where, text=text, name=name, instead=instead,
    )  # fmt: skip


def _instead(how: str, text: str, name: str) -> str:
    """Say what to write instead of `text`, by which `name` became plain."""
    if isinstance(how, Foreign):
        advice = how.instead.replace("{name}", _other(text, name))
        return tr("it meets {what}; {advice}", what=how, advice=advice)
    if engine := engine_of(how):
        return tr(
            "{engine} does not record on gradmagic's tape: write it with NumPy's functions or with gm.tensor",
            engine=engine,
        )  # fmt: skip
    if (how == "asarray" or how not in _INSTEAD) and (advice := taken_by(text)[1]):
        return advice[0].lower() + advice[1:] if get_language() == "en" else advice
    if _is_list(name):
        return tr(_INSTEAD["list"])
    if how not in _INSTEAD:
        function = how.strip(".()")
        return tr("use a function that has a derivative instead of {function}", function=function)
    return tr(_INSTEAD[how]).replace("{name}", name).replace("{text}", text)


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
        Note(
            "not reached",
            tr("the result does not depend on {name}: its gradient is zero.", name=entry.name),
        )
        for entry in inputs
        if not entry.reached
    ]
    whole = [entry.name for entry in inputs if entry.value.dtype.startswith(("int", "uint"))]
    if whole:
        one, several = _INTS if all(e.value.python for e in inputs if e.name in whole) else _OF_INTS
        notes.append(Note("dtype", tr(one if len(whole) == 1 else several, names=joined(whole))))
    return notes


_INTS = (
    mark("{names} is int: used as a float, given back as it was."),
    mark("{names} are int: used as floats, given back as they were."),
)
_OF_INTS = (
    mark("{names} is of an int dtype: used as a float, given back as it was."),
    mark("{names} are of an int dtype: used as floats, given back as they were."),
)


def joined(names: list[str]) -> str:
    """List names as a sentence does: `a, b and c`."""
    if len(names) == 1:
        return names[0]
    return tr("{names} and {last}", names=tr(", ").join(names[:-1]), last=names[-1])


def numeric_notes(nodes: list[Node], filename: str) -> list[Note]:
    """Say which functions were differentiated by differences (`gm.numeric`), and on which lines of the cell."""
    found = []
    for node in nodes:
        if isinstance(node.rule, Numeric):
            place = node.place if node.place is not None and node.place[0].co_filename == filename else None
            line = source.span_of(place)[0] if place is not None else None
            note = Note("numeric", tr("{text}.", text=node.rule.note), line)
            if note not in found:
                found.append(note)
    return found
