"""The smallest program of the same verdict: lines and parts of expressions are left out while it stays.

In: a program, and what a smaller one must still show. Out: the smaller program. `python -m tests.fuzz.shrink 1 17`
prints program 17 of seed 1, shrunk: in a process of its own, which a program may crash.
"""

from __future__ import annotations

import ast
import copy
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from .batches import judged
from .draw import draw
from .judge import FAULTS, VERDICTS, Finding
from .running import Program, plainly


def signature(findings: list[Finding]) -> tuple[str, str, str] | None:
    """Give the kind of fault: mode, verdict, words of the detail without names and numbers. None if there is none."""
    faults = [f for f in findings if f.verdict in (*FAULTS, "unneeded")]
    if not faults:
        return None
    worst = min(faults, key=lambda f: (*FAULTS, "unneeded").index(f.verdict))
    if worst.verdict in ("silent", "unneeded"):
        return worst.mode, worst.verdict, "of another value" if "the report is about" in worst.detail else ""
    first = worst.detail.partition("; ")[0]  # one of what may be many differences
    words = re.sub(r"'[^']*'|\"[^\"]*\"|-?\d[\d.]*(e[-+]?\d+)?|\b[a-z]+\d+\b|\[[^]]*\]|\([^)]*\)", "#", first)
    return (
        worst.mode,
        worst.verdict,
        (words if words.startswith("raises") else words.rpartition(": ")[2])[:70],
    )


def shrunk(program: Program, same: Callable[[Program], bool], seconds: float = 20.0) -> Program:
    """Leave out what can be left out, greedily, within a time."""
    end = time.monotonic() + seconds
    for part in ("cell", "setup"):
        program = _fewer(program, part, same, end)
    progress = True
    while progress:
        progress = False
        for smaller in _smaller(program):
            if time.monotonic() > end:
                return program
            if same(smaller):
                program, progress = smaller, True
                break
    return program


def _fewer(program: Program, part: str, same: Callable[[Program], bool], end: float) -> Program:
    """Leave out statements, the last first: half of what is left at a time, then a quarter, at last one by one."""
    statements = [ast.unparse(s) for s in ast.parse(getattr(program, part)).body]
    size = len(statements) // 2
    while size and time.monotonic() < end:
        for start in range(len(statements) - size, -1, -size):
            left = statements[:start] + statements[start + size :]
            smaller = replace(program, **{part: "\n".join(left)})
            if left and same(smaller):
                program, statements = smaller, left
        size = size // 2 if size > 1 else 0
    return program


def _smaller(program: Program) -> Iterator[Program]:
    """Give programs with one thing less."""
    for text in _less(program.cell):
        yield replace(program, cell=text)
    names = program.names.split()
    if len(names) > 1:
        for name in names:
            yield replace(program, names=" ".join(n for n in names if n != name))
    for text in _less(program.setup, expressions=False):
        yield replace(program, setup=text)


def _less(text: str, expressions: bool = True) -> Iterator[str]:
    tree = ast.parse(text)
    bodies = list(_bodies(tree))
    for place, statements in enumerate(bodies):
        for i in range(len(statements) - 1, -1, -1):
            smaller = copy.deepcopy(tree)
            body = list(_bodies(smaller))[place]
            inner = getattr(body[i], "body", None)
            if len(body) > 1:
                removed = body.pop(i)
                yield ast.unparse(smaller)
                body.insert(i, removed)
            if isinstance(inner, list):  # a block gives way to its lines
                body[i : i + 1] = inner
                yield ast.unparse(smaller)
    if expressions:
        yield from _simpler(tree)


def _bodies(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            if isinstance(statements := getattr(node, name, None), list) and statements:
                yield statements


def _simpler(tree: ast.Module) -> Iterator[str]:
    """Put an operand in the place of an operation, an argument in that of a call."""
    places = [(n, f, i) for n in ast.walk(tree) for f, v in ast.iter_fields(n) for i in _positions(v)]
    for node, name, i in places:
        held = getattr(node, name)
        old = held if i is None else held[i]
        for new in _parts(old):
            _put(node, name, i, new)
            yield ast.unparse(ast.fix_missing_locations(tree))
            _put(node, name, i, old)


def _positions(value: object) -> list[int | None]:
    if isinstance(value, ast.expr):
        return [None]
    return [i for i, v in enumerate(value) if isinstance(v, ast.expr)] if isinstance(value, list) else []


def _put(node: ast.AST, name: str, i: int | None, new: ast.expr) -> None:
    if i is None:
        setattr(node, name, new)
    else:
        getattr(node, name)[i] = new


def _parts(node: ast.expr) -> list[ast.expr]:
    """Give what may stand for an expression: its operands and arguments."""
    if isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)):
        return []
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.Call):
        owner = (
            [node.func.value] if isinstance(node.func, ast.Attribute) and node.func.value is not None else []
        )
        return [a for a in (*node.args, *owner) if not isinstance(a, (ast.Starred, ast.GeneratorExp))]
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    if isinstance(node, ast.Subscript):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    return []


def _shows(program: Program, kind: tuple[str, str, str], raises: bool, device: str) -> bool:
    try:
        alike = (plainly(program).error is not None) == raises
        return alike and signature(judged(program, kind[0] != "cell", 5.0, device)) == kind
    except Exception:  # no program any more: a yield outside of its function, a setup without its names
        return False


def main(seed: int, number: int, device: str = "") -> None:
    program = draw(seed, number)
    kind = signature(judged(program, device=device))
    if kind is not None and kind[1] != "timeout":
        raises = plainly(program).error is not None
        program = shrunk(program, lambda p: _shows(p, kind, raises, device))
    findings = judged(program, device=device)
    worst = min(findings, key=lambda f: VERDICTS.index(f.verdict))
    print(f"# {seed}/{number}: {worst.mode} {worst.verdict}: {worst.detail}\n{program}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
