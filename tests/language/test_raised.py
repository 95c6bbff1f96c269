"""What is raised, warned of or printed comes from the table; but for sentences of PyTorch's, NumPy's and Python's own.

Those stand in theirs.txt, a line each, fields as {}. A new one that is ours goes through `tr`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from . import catalogue

THEIRS = Path(__file__).with_name("theirs.txt")
SAID = re.compile(r"[A-Za-z]{2,} +[a-z]{2,}.* [\w{]")  # three words
SAYING = frozenset({"warn", "warn_explicit", "print", "add_note", "UsageError", "refuse"})
TABLE = frozenset({"tr", "mark"})


def _named(call: ast.expr) -> str:
    return str(getattr(call, "id", getattr(call, "attr", "")))


def _texts(node: ast.AST) -> Iterator[str]:
    """Give the literal texts under a node that do not go through the table; {} is what fills an f-string."""
    match node:
        case ast.Call(func=func) if _named(func) in TABLE:
            return
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in parts)
        case _:
            for part in ast.iter_child_nodes(node):
                yield from _texts(part)


def _said() -> set[str]:
    found: set[str] = set()
    for path in (catalogue.ROOT / "gradmagic").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and _named(node.func) in SAYING):
                found |= {" ".join(text.split()) for text in _texts(node) if SAID.search(text)}
    return found


def test_what_is_raised_comes_from_the_table_or_is_theirs():
    said, theirs = _said(), set(THEIRS.read_text(encoding="utf-8").splitlines())
    assert not said - theirs, (
        "through tr(), with a twin in the table; or a sentence of PyTorch's: into theirs.txt"
    )
    assert not theirs - said, "nobody says it any more"


def test_a_sentence_outside_the_table_is_found():
    (raised,) = ast.parse('raise ValueError(tr("this is in it") + f"and this {x} is not")').body
    assert list(_texts(raised)) == ["and this {} is not"]
