"""What only the bytecode can tell: what a function does with a name. What a frame is at stands in frames.py.

In: code objects. Out: answers. The two are the only places of gradmagic that read instructions, by their names in
`dis`; their tests hold them on Python 3.11, 3.12 and 3.13. What is not recognised is called "kept": then a function is
NumPy's own, and a lost gradient is told as ever.
"""

from __future__ import annotations

import ast
import dis
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import CodeType
from typing import Any, NamedTuple, TypeVar
from weakref import ref

_Answer = TypeVar("_Answer")
_MOST = 4096  # code objects that are remembered


def by_code(function: Callable[[CodeType], _Answer]) -> Callable[[CodeType], _Answer]:
    """Remember the answer for each code object while it lives; by its identity: its hash reads all its instructions."""
    known: dict[int, tuple[ref[CodeType], _Answer]] = {}

    def answer(code: CodeType) -> _Answer:
        found = known.get(id(code))
        if found is None or found[0]() is not code:
            if len(known) >= _MOST:
                known.clear()
            key = id(code)
            found = known[key] = ref(code, partial(known.pop, key)), function(code)
        return found[1]

    return answer


def parse(text: str, filename: str = "<unknown>", mode: str = "exec", flags: int = 0) -> Any:
    """Parse a text as `ast.parse` does, with more flags of `compile`; again where threads are in each other's way.

    CPython 3.11 counts its depth for all of them together (python/cpython#106905): two at once get a SystemError.
    """
    tree = partial(compile, text, filename, mode, ast.PyCF_ONLY_AST | flags, dont_inherit=True)
    for _ in range(100):
        with suppress(SystemError):
            return tree()
    return tree()


# ---- what code does ------------------------------------------------------------------------------------------------


@by_code
def writes(code: CodeType) -> bool:
    """Tell whether this code, or a function defined in it, writes into arrays."""
    return (
        not _WRITERS.isdisjoint(code.co_names)
        or any(
            i.opname in ("STORE_SUBSCR", "STORE_SLICE") or (i.opname == "BINARY_OP" and "=" in i.argrepr)
            for i in dis.get_instructions(code)
        )
        # The names of a call's keywords are a constant of the code in every Python, wherever the call finds them.
        or any(type(c) is tuple and "out" in c for c in code.co_consts)
        or any(map(writes, inside(code)))
    )


# ndarray.dot(tracked) asks for a plain array; of a Buffer it is followed
_WRITERS = frozenset(
    "copyto put fill place putmask put_along_axis fill_diagonal at sort partition dot".split()
)


def parameter_given(code: CodeType) -> int | None:
    """Give k if the code does nothing but give its k-th parameter (`lambda _z, _x, y: y`); None if it does more."""
    steps = _steps(code)
    if len(steps) == 2 and steps[0].kind == "local" and steps[1].kind == "RETURN_VALUE":
        return code.co_varnames.index(steps[0].name)
    return None


def takes_next(code: CodeType, at: int) -> bool:
    """Tell whether the instruction at `at` takes the next value of what a loop goes over."""
    return code.co_code[at] == dis.opmap["FOR_ITER"]


def inside(code: CodeType) -> list[CodeType]:
    """Give what is defined in a code object itself."""
    return [c for c in code.co_consts if isinstance(c, CodeType)]


# ---- what becomes of a function ------------------------------------------------------------------------------------

CALLED, ENTRIES_CALLED, KEPT = "called", "entries called", "kept"
NAMES_VALUES = "__gradmagic_named__"  # the hook of an instrumented cell: it gives its value through


@dataclass(frozen=True)
class Uses:
    """What a code object, with the functions defined in it, does with names.

    Attributes
    ----------
    globals, attributes, modules
        The names that it looks up: among the globals, on objects and in modules, as modules.
    kept, entries_kept
        The names with whose value, or with whose value's entries (`table[key]`), it does anything else but call it:
        their kind ("global", "local" or "attr"), and for an attribute the global name that it is asked of, or "".
    stored
        The global names under which it puts such values meanwhile (`make = zeros`); with "()" that of a function whose
        default argument it is.
    dots
        Of what it calls `.dot(...)`: the global name, or an empty one.
    """

    globals: frozenset[str]
    attributes: frozenset[str]
    modules: frozenset[str]
    kept: frozenset[tuple[str, str, str]]
    entries_kept: frozenset[tuple[str, str, str]]
    stored: frozenset[str]
    dots: frozenset[str]


@by_code
def uses(code: CodeType) -> Uses:
    """Look through a code object."""
    found: dict[str, set[Any]] = {field: set() for field in Uses.__dataclass_fields__}
    for part in parts(code):
        steps = _steps(part)
        for i, step in enumerate(steps):
            if step.kind == "IMPORT_NAME":
                found["modules"].add(step.name)
            elif step.kind in ("attr", "import"):
                found["attributes"].add(step.name)
            elif step.kind == "global":
                found["globals"].add(step.name)
            if step.kind in ("global", "local", "attr"):
                fate, of = (
                    _Fate(code),
                    steps[i - 1].name if step.kind == "attr" and steps[i - 1].kind == "global" else "",
                )
                what, name = fate.of(part, i), (step.kind, step.name, of)
                found["kept"] |= {name} if what != CALLED else set()
                found["entries_kept"] |= {name} if what != ENTRIES_CALLED else set()
                found["stored"] |= fate.stored
                if step.kind == "attr" and step.name == "dot" and what == CALLED:
                    found["dots"].add(of)
    return Uses(**{field: frozenset(names) for field, names in found.items()})


def only_called(code: CodeType, at: int) -> frozenset[str] | None:
    """Give the global names under which what is asked for at `at` is put before it is called, most often none.

    None if anything else becomes of the attribute or imported name, or if Python code does not ask at all: compiled
    code (numpy.random, pickle) has no frame of its own.
    """
    steps = _steps(code)
    fate = _Fate(code)
    for i, step in enumerate(steps):
        if step.at == at and step.kind in ("attr", "import"):
            return frozenset(fate.stored) if fate.of(code, i) == CALLED else None
    return None


class _Fate:
    """What becomes of values in a code object `whole`; `stored` has the global names that they come to meanwhile."""

    def __init__(self, whole: CodeType) -> None:
        self.whole = whole
        self.stored: set[str] = set()
        self._known: dict[tuple[str, str], str] = {}

    def of(self, code: CodeType, i: int) -> str:
        """Tell it of what step `i` of `code`, a part of the whole, completes."""
        steps = _steps(code)
        if _called(steps, i) or _mapped(steps, i):
            return CALLED
        if (stored := _stored(steps, i)) is not None:
            return self._under(stored)
        if (entry := _entry(steps, i)) >= 0:
            return ENTRIES_CALLED if self.of(code, entry) == CALLED else KEPT
        if (variable := _variable(steps, i)) is not None:
            return ENTRIES_CALLED if self._under(variable) == CALLED else KEPT
        if (built := _display(steps, i)) >= 0:
            if (default := _default(steps, i, built)) is not None:
                function, parameter = default
                self.stored |= {f"{function.name}()"} if function.kind == "store global" else set()
                return self._named(("local", parameter))
            return CALLED if self.of(code, built) == ENTRIES_CALLED else KEPT
        return KEPT

    def _under(self, step: _Step) -> str:
        kind = step.kind.removeprefix("store ")
        if kind == "global":
            self.stored.add(step.name)
        return self._named((kind, step.name))

    def _named(self, name: tuple[str, str]) -> str:
        """Tell it of a name wherever it is looked up; `KEPT` if it is nowhere."""
        if name in self._known:
            return self._known[name]
        self._known[name] = ""  # `f = hook("f", f)` says nothing of f
        fates = {
            self.of(part, i)
            for part in parts(self.whole)
            for i, step in enumerate(_steps(part))
            if (step.kind, step.name) == name
        } - {""}
        if name[1].startswith("@"):  # pytest's, in an assert that it rewrites: it shows them besides
            fates &= {CALLED}
        self._known[name] = fates.pop() if len(fates) == 1 else KEPT
        return self._known[name]


class _Step(NamedTuple):
    """One instruction, or one half of a fused one."""

    at: int
    kind: str  # "global", "local", "store global", "store local", "attr", "import", "const", "null", or its own name
    name: Any
    null: bool  # whether it also says that what begins here, or ends here, is called


_SILENT = ("RESUME", "NOP", "CACHE", "EXTENDED_ARG", "PRECALL", "KW_NAMES", "COPY_FREE_VARS", "MAKE_CELL")
_KINDS = {
    "LOAD_GLOBAL": "global", "LOAD_NAME": "global", "LOAD_FAST": "local", "LOAD_FAST_CHECK": "local",
    "LOAD_FAST_BORROW": "local", "LOAD_DEREF": "local", "LOAD_CLASSDEREF": "local", "STORE_FAST": "store local",
    "STORE_DEREF": "store local", "STORE_NAME": "store global", "STORE_GLOBAL": "store global", "LOAD_ATTR": "attr",
    "LOAD_METHOD": "attr", "IMPORT_FROM": "import", "LOAD_CONST": "const", "PUSH_NULL": "null",
}  # fmt: skip
_FIRST = ("global", "local", "const")  # what an expression of names, attributes and entries begins with


@by_code
def _steps(code: CodeType) -> list[_Step]:
    cells = {*code.co_cellvars, *code.co_freevars}
    steps = []
    for i in dis.get_instructions(code):
        if i.opname in _SILENT:
            continue
        # dis writes "NULL + f" (3.11, 3.12) or "f + NULL" (3.13) where an instruction pushes both.
        null = i.opname == "LOAD_METHOD" or (i.opname in ("LOAD_GLOBAL", "LOAD_ATTR") and " + " in i.argrepr)
        halves = re.findall("LOAD_FAST|STORE_FAST", i.opname)
        fused = len(halves) == 2 and isinstance(i.argval, tuple)  # LOAD_FAST_LOAD_FAST and its kin
        for opname, name in zip(halves, i.argval, strict=True) if fused else [(i.opname, i.argval)]:
            kind = _KINDS.get(opname, opname)
            if opname == "STORE_NAME" and "__qualname__" in code.co_names:  # the body of a class
                kind = opname
            if opname == "LOAD_FAST" and name in cells:  # so Python 3.13 hands variables to an inner function
                kind = "LOAD_CLOSURE"
            steps.append(_Step(i.offset, kind, name, null))
    return steps


def parts(code: CodeType) -> Iterator[CodeType]:
    """Give a code object and all that is defined in it."""
    yield code
    for inner in inside(code):
        yield from parts(inner)


def _kind(steps: list[_Step], i: int) -> str:
    return steps[i].kind if 0 <= i < len(steps) else ""


def _start(steps: list[_Step], i: int) -> int:
    """Give where the expression begins that step `i` completes; -1 for what is not made of names and entries."""
    while _kind(steps, i) not in _FIRST:
        if _kind(steps, i) == "attr":
            i -= 1
        elif _kind(steps, i) == "BINARY_SUBSCR":
            i = _start(steps, i - 1) - 1
        else:
            return -1
    return i


def _entry(steps: list[_Step], i: int) -> int:
    """Give the step that takes an entry (`[key]`) of what step `i` completes; -1 if none does."""
    first = _start(steps, i)
    for j in range(i + 2, i + 8) if first >= 0 else ():
        if _kind(steps, j) == "BINARY_SUBSCR" and _start(steps, j) == first:
            return j
    return -1


def _called(steps: list[_Step], i: int) -> bool:
    """Tell whether what step `i` completes is called: then Python pushes NULL behind it (3.13) or before it (3.12)."""
    if _kind(steps, i + 1) == "attr" or _entry(steps, i) >= 0:
        return False  # it is asked for something else first
    if steps[i].kind == "attr" and steps[i].null:
        return True
    if _NULL_BEHIND:
        return steps[i].null or _kind(steps, i + 1) == "null"
    first, j = _start(steps, i), i + 2
    while _kind(steps, j) == "attr":
        j += 1
    compared = _kind(steps, j) in ("IS_OP", "COMPARE_OP", "CONTAINS_OP")  # (f if f is g else h)(x)
    return first >= 0 and not compared and (steps[first].null or _kind(steps, first - 1) == "null")


_NULL_BEHIND = _kind(_steps(compile("f()", "", "eval")), 1) == "null"


def _mapped(steps: list[_Step], i: int) -> bool:
    """Tell whether it is the first argument of a call that does nothing but call it: `map(f, xs)`."""
    before = _start(steps, i) - 1
    before -= _kind(steps, before) == "null"
    return before >= 0 and steps[before].name in ("map", "filter", "reduce") and _called(steps, before)


def _stored(steps: list[_Step], i: int) -> _Step | None:
    """Give the step that puts it under a name; in a cell by way of the hook that names values."""
    hooked = _kind(steps, i + 1) == "const" and _kind(steps, i + 2) == "CALL"
    if hooked and any(step.name == NAMES_VALUES for step in steps[:i]):
        i += 2
    return steps[i + 1] if _kind(steps, i + 1).startswith("store ") else None


def _variable(steps: list[_Step], i: int) -> _Step | None:
    """Give the step that assigns the variable of the loop or comprehension over what step `i` completes."""
    if _kind(steps, i + 1) != "GET_ITER":
        return None
    j = i + 2
    if _kind(steps, j) == "CALL":  # a comprehension's function: its code, MAKE_FUNCTION, what it goes over
        made = [step.name for step in steps[:i] if isinstance(step.name, CodeType)]
        steps, j = _steps(made[-1]) if made else [], 0
    while j < len(steps) and steps[j].kind != "FOR_ITER":
        j += 1
    return steps[j + 1] if _kind(steps, j + 1).startswith("store ") else None


def _display(steps: list[_Step], i: int) -> int:
    """Give the step that builds a list, tuple or dict with it as a value; -1 if none does."""
    j = i + 1
    while _kind(steps, j) in (*_FIRST, "attr"):
        j += 1
    kind = _kind(steps, j)
    if kind == "BUILD_MAP" and j == i + 1 and steps[j].name == 1:
        return j if _kind(steps, _start(steps, i) - 1) == "const" else -1
    return j if kind in ("BUILD_TUPLE", "BUILD_LIST", "BUILD_CONST_KEY_MAP") else -1


def _default(steps: list[_Step], i: int, built: int) -> tuple[_Step, str] | None:
    """Of a default argument, built into a tuple or dict: give the step that names the function, and the parameter."""
    j = built + 1
    while _kind(steps, j) in ("LOAD_CLOSURE", "BUILD_TUPLE"):
        j += 1
    made = steps[j].name if _kind(steps, j + 1) == "MAKE_FUNCTION" else None
    j += 2
    while _kind(steps, j) == "SET_FUNCTION_ATTRIBUTE":
        j += 1
    if not isinstance(made, CodeType) or not _kind(steps, j).startswith("store "):
        return None
    names = made.co_varnames[: made.co_argcount]
    if steps[built].kind == "BUILD_CONST_KEY_MAP":
        built -= 1
        names = steps[built].name
    return steps[j], names[-1 - sum(step.kind in _FIRST for step in steps[i + 1 : built])]
