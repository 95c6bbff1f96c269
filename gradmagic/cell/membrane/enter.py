"""Functions that a cell calls, with hooks in them: their code is exchanged while the cell runs, and given back.

In: a function or class of the user's. Out: whether hooks stand in its code. The function stays the same object, so that
properties, operators, callbacks and decorators are reached; other threads run the exchanged code too, whose hooks find
nothing to tell there. Code whose source is gone is left as it is, and counts as unknown.
"""

from __future__ import annotations
import __future__

import ast
import linecache
import types
from collections.abc import Iterator
from functools import cached_property, partial
from threading import RLock
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ...engine.core.arrays import KINDS
from ...engine.core.interpreter import by_code, inside, parse, parts
from ...engine.core.places import users
from .foreign import foreign
from .syntax import compiled_by
from .tree import instrument

_MOST = 100
FUTURES = 0
for _name in __future__.all_feature_names:
    FUTURES |= getattr(__future__, _name).compiler_flag
_lock = RLock()
# By id of a function: itself, its own code, the same with hooks, and the runs that have entered it.
_entered: dict[int, tuple[FunctionType, CodeType, CodeType, set[Entered]]] = {}


class Plain:
    """The code without hooks: the last constant of the code with hooks, so that it is known as long as that lives."""

    def __init__(self, code: CodeType) -> None:
        self.code = code


def paired(plain: CodeType, hooked: CodeType) -> CodeType:
    """Give code with hooks which knows, as all functions in it do, the code without."""
    inner = iter(inside(plain))
    consts = [paired(next(inner), c) if isinstance(c, CodeType) else c for c in hooked.co_consts]
    return hooked.replace(co_consts=(*consts, Plain(plain)))


def plain_code(code: CodeType) -> CodeType:
    """Give the code without hooks."""
    last = code.co_consts[-1] if code.co_consts else None
    return last.code if isinstance(last, Plain) else code


@by_code
def _hooked(code: CodeType) -> CodeType | None:
    """Give code with hooks; None where its source is gone, or is another by now."""
    if plain_code(code) is not code:
        return code
    text = "".join(linecache.getlines(code.co_filename))
    if not text:
        return None
    flags = code.co_flags & FUTURES

    def compiled(tree: Any) -> CodeType:
        return compile(tree, code.co_filename, "exec", flags, dont_inherit=True)

    # A notebook compiles each statement of a cell for itself, which gives other instructions than all at once.
    for cut in (partial(_statement, line=code.co_firstlineno), _all):
        try:
            tree = cut(parse(text, code.co_filename))
            if code not in parts(compiled(tree)):
                continue
            if any(compiled_by(n) for n in ast.walk(tree) if getattr(n, "name", "") == code.co_name):
                return None
            plain, hooked = compiled(tree), compiled(instrument(tree))
        except (SyntaxError, ValueError, NotImplementedError):  # magics among the lines
            return None
        for new in parts(paired(plain, hooked)):
            if plain_code(new) == code:
                return new
    return None


def _statement(tree: ast.Module, line: int) -> ast.Module:
    """Give the statement of the top level that has this line."""
    body = [s for s in tree.body if _first_line(s) <= line <= (s.end_lineno or s.lineno)]
    return ast.Module(body, [])


def _first_line(statement: Any) -> int:
    decorators = getattr(statement, "decorator_list", ())
    return min([statement.lineno, *(d.lineno for d in decorators)])  # type: ignore[no-any-return]


def _all(tree: ast.Module) -> ast.Module:
    return tree


class Entered:
    """What one run has entered."""

    def __init__(self) -> None:
        self._functions: set[FunctionType] = set()
        self._types: set[type] = set()

    def function(self, function: FunctionType) -> bool:
        """Put hooks into a function of the user's; False if it is not the user's, or its source is gone."""
        return users(function.__code__.co_filename) and self.numpys(function)

    def numpys(self, function: FunctionType) -> bool:
        """Put hooks into any function whose source is there."""
        if function in self._functions:
            return True
        with _lock:
            known = _entered.get(id(function))
            if known is not None and known[0] is function:
                self._functions.add(function)
                known[3].add(self)  # another run, in another thread, has entered it too
                return True
            code = function.__code__
            if plain_code(code) is not code:
                return True  # made by code with hooks
            hooked = _hooked(code)
            if hooked is None or hooked.co_freevars != code.co_freevars:
                return False
            self._functions.add(function)
            _entered[id(function)] = function, code, hooked, {self}
            function.__code__ = hooked
        return True

    def type(self, kind: type) -> None:
        """Put hooks into the methods and properties of a class of the user's, and of what it derives from."""
        if kind in self._types or kind in KINDS:  # an array's own code is its library's
            return
        self._types.add(kind)
        for one in kind.__mro__:
            if one.__module__ in ("builtins", "numpy"):
                continue
            for held in list(vars(one).values()):
                self.anything(held)
                own: Any = type(held)
                if hasattr(own, "__get__") and not foreign(own):  # a descriptor
                    self.type(own)

    def anything(self, value: Any) -> bool:
        """Put hooks into a callable of any kind; tell whether what it runs has them."""
        entered = False
        for function in functions_in(value):
            entered = self.function(function) or entered
        return entered

    def leave(self) -> None:
        """Give every function its own code again. A second time does what an alarm has kept the first from."""
        with _lock:
            for function in self._functions:
                known = _entered.get(id(function))
                if known is None or known[0] is not function:
                    continue
                _, plain, hooked, runs = known
                runs.discard(self)
                if not runs:
                    if function.__code__ is hooked:  # nobody else has exchanged it meanwhile
                        function.__code__ = plain
                    del _entered[id(function)]
            self._functions = set()


def functions_in(value: Any, depth: int = 4) -> Iterator[FunctionType]:
    """Give the Python functions that a callable runs: of methods, properties, partials, what decorators hold."""
    if depth == 0:
        return
    kind = type(value)
    if kind is FunctionType:
        yield value
        if not users(value.__code__.co_filename):  # a decorator of a library around the user's function
            for cell in value.__closure__ or ():
                try:
                    inner = cell.cell_contents
                except ValueError:
                    continue
                if isinstance(inner, (FunctionType, types.MethodType, partial)):
                    yield from functions_in(inner, depth - 1)
                elif type(inner) is dict and len(inner) <= _MOST:  # functools.singledispatch
                    for one in inner.values():
                        yield from functions_in(one, depth - 1) if type(one) is FunctionType else ()
        wrapped = getattr(value, "__wrapped__", None)
        if wrapped is not None:
            yield from functions_in(wrapped, depth - 1)
    elif kind in (staticmethod, classmethod, types.MethodType):
        yield from functions_in(value.__func__, depth - 1)
    elif issubclass(type(value), property):
        for part in (value.fget, value.fset, value.fdel):
            if part is not None:
                yield from functions_in(part, depth - 1)
    elif issubclass(type(value), partial):
        yield from functions_in(value.func, depth - 1)
        for part in (*value.args, *value.keywords.values()):
            if callable(part):
                yield from functions_in(part, depth - 1)
    elif issubclass(type(value), cached_property):
        yield from functions_in(value.func, depth - 1)
    elif not issubclass(type(value), (type, ModuleType)) and hasattr(value, "__wrapped__"):  # lru_cache
        yield from functions_in(value.__wrapped__, depth - 1)
