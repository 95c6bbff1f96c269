"""Names of a cell: which it reads, which it assigns, and the instrumenting that tells what each value is called.

In: the cell's syntax tree. Out: sets of names, and the tree with each assignment reported to the run.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ...engine.core.interpreter import NAMES_VALUES
from ...engine.following.patches import HOOKS, Replacement


class _Usage(ast.NodeVisitor):
    """Names read before they are assigned, now (`read`) or when a function is called (`later`); names assigned."""

    def __init__(self) -> None:
        self.read: dict[str, int] = {}
        self.later: dict[str, int] = {}
        self.assigned: dict[str, int] = {}
        self._scopes: list[
            set[str]
        ] = []  # what the functions, classes and comprehensions around bind themselves
        self._functions = 0

    def visit_Name(self, node: ast.Name) -> None:
        if any(node.id in scope for scope in self._scopes):
            return
        if not isinstance(node.ctx, ast.Load):
            if self._scopes:
                self._scopes[-1].add(node.id)  # the body of a class
            else:
                self.assigned.setdefault(node.id, node.lineno)
        elif self._functions:
            self.later.setdefault(node.id, node.lineno)
        elif node.id not in self.assigned:
            self.read.setdefault(node.id, node.lineno)

    def _visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._visit_all([node.value, *node.targets])  # the value is read before the target is assigned

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.visit(ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target))
        self._visit_all([node.value, node.target])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._visit_all([node.value, node.target])

    def visit_For(self, node: ast.For) -> None:
        self._visit_all([node.iter, node.target, *node.body, *node.orelse])

    def visit_FunctionDef(self, node: Any) -> None:
        arguments = node.args
        self._visit_all([*getattr(node, "decorator_list", ()), *arguments.defaults, *arguments.kw_defaults])
        if hasattr(node, "name"):
            self.visit_Name(ast.copy_location(ast.Name(node.name, ast.Store()), node))
        body = node.body if isinstance(node.body, list) else [node.body]
        parameters = [
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
            arguments.vararg,
            arguments.kwarg,
        ]
        self._scopes.append({a.arg for a in parameters if a is not None} | _bound_in(body))
        self._functions += 1
        self._visit_all(body)
        self._functions -= 1
        self._scopes.pop()

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all([*node.decorator_list, *node.bases, *node.keywords])
        self.visit_Name(ast.copy_location(ast.Name(node.name, ast.Store()), node))
        self._scopes.append(set())
        self._visit_all(node.body)
        self._scopes.pop()

    def visit_ListComp(self, node: Any) -> None:
        self.visit(node.generators[0].iter)
        self._scopes.append(_bound_in([g.target for g in node.generators]))
        self.generic_visit(node)
        self._scopes.pop()

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp


def _bound_in(body: list[Any]) -> set[str]:
    """Give the names that the statements of a function bind in it, without those of functions inside."""
    found: set[str] = set()
    others: set[str] = set()
    todo = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            others.update(node.names)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
            continue
        elif isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            continue
        todo += ast.iter_child_nodes(node)
    return found - others


@dataclass(frozen=True)
class Usage:
    """What a cell does with names: each with the line of its first use.

    Attributes
    ----------
    reads
        From outside: before the cell assigns them, or inside its functions.
    assigns
        At the top level.
    first
        Assigned by a statement of the top level that runs in any case, before anything reads them: what they were
        before the cell does not matter.
    """

    reads: dict[str, int]
    assigns: dict[str, int]
    first: dict[str, int]


def usage(tree: ast.Module) -> Usage:
    """Find the names that `tree` reads and assigns.

    Examples
    --------
    >>> usage(ast.parse("y = 2*x + 1\\nz = y.sum()"))
    Usage(reads={'x': 1}, assigns={'y': 1, 'z': 2}, first={'y': 1, 'z': 2})
    >>> usage(ast.parse("f = lambda u: a*u\\nif b:\\n    c = 2\\na = 1")).first
    {'f': 1, 'a': 4}
    """
    found = _Usage()
    first: dict[str, int] = {}
    for statement in tree.body:
        before = set(found.assigned)
        found.visit(statement)
        if isinstance(
            statement, (ast.Assign, ast.AnnAssign, ast.With, ast.Import, ast.ImportFrom, ast.FunctionDef)
        ):
            new = [name for name in found.assigned if name not in before and name not in found.read]
            first |= {name: found.assigned[name] for name in new}
    later = {name: line for name, line in found.later.items() if name not in first}
    return Usage(later | found.read, found.assigned, first)


def read_in_calls(tree: ast.Module, line: int) -> tuple[set[str], set[str]]:
    """Give what functions of `tree` read when they are called up to a line, and the other functions called by then.

    Examples
    --------
    >>> read_in_calls(ast.parse("def f(a):\\n    return a*w + f(1)\\nb = f(1) + g()\\nw = 2"), 4)
    ({'w'}, {'g'})
    """
    made: dict[str, tuple[set[str], set[str]]] = {}  # what a function of the cell reads, and what it calls
    read: set[str] = set()
    called: set[str] = set()
    for statement in tree.body:
        if statement.lineno > line:
            break
        calls = {
            n.func.id for n in ast.walk(statement) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        name = getattr(statement, "name", None)
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Lambda):
            name = getattr(statement.targets[0], "id", None)
        if name is not None:
            inside = _Usage()
            inside.visit(statement)
            made[name] = set(inside.later) - {name}, calls
            continue
        todo, seen = calls, set[str]()
        while todo:
            one = todo.pop()
            if one in made and one not in seen:
                read, todo = read | made[one][0], todo | made[one][1]
            elif one not in made:
                called.add(one)
            seen.add(one)
    return read - made.keys(), called


def simple_values(tree: ast.Module) -> dict[str, ast.expr]:
    """Give, for names first assigned by `name = value` at the top level, that value."""
    found: dict[str, ast.expr] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                pairs = [(target, statement.value)]
                if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
                    pairs = list(zip(target.elts, statement.value.elts, strict=False))
                for name, value in pairs:
                    if isinstance(name, ast.Name):
                        found.setdefault(name.id, value)
    return found


class _Namer(ast.NodeTransformer):
    """Wrap each assigned value in a call of the hook, at the value's own position, so that tracebacks stay exact."""

    def __init__(self) -> None:
        self._depth = 0

    def _call(self, name: str, value: ast.expr, top: bool) -> ast.expr:
        args: list[ast.expr] = [ast.Constant(name), value, ast.Constant(top)]
        call = ast.Call(ast.Name(NAMES_VALUES, ast.Load()), args, [])
        return ast.fix_missing_locations(ast.copy_location(call, value))

    def _after(self, statement: ast.stmt, targets: list[ast.expr]) -> list[ast.stmt]:
        """Statements that report names which cannot be wrapped: tuple targets, loop targets, `x += y`."""
        made: list[ast.stmt] = []
        for name in _names_in(targets):
            top = not self._depth
            call = self._call(name.id, ast.copy_location(ast.Name(name.id, ast.Load()), name), top)
            new = ast.Assign([ast.Name(name.id, ast.Store())], call) if top else ast.Expr(call)
            made.append(ast.fix_missing_locations(ast.copy_location(new, name)))
        for target in targets:  # x[0] = ... makes another value of x
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                base = ast.copy_location(ast.Name(target.value.id, ast.Load()), target)
                heard = ast.Expr(self._call(target.value.id, base, False))
                made.append(ast.fix_missing_locations(ast.copy_location(heard, target)))
        return made

    def visit_Assign(self, node: ast.Assign) -> Any:
        self.generic_visit(node)
        for target in node.targets:
            if isinstance(target, (ast.Attribute, ast.Subscript)):  # box.y = ..., d['k'] = ...
                node.value = self._call(ast.unparse(target), node.value, not self._depth)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            node.value = self._call(node.targets[0].id, node.value, not self._depth)
            return node
        return [node, *self._after(node, node.targets)]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        self.generic_visit(node)
        if node.value is not None and isinstance(node.target, ast.Name):
            node.value = self._call(node.target.id, node.value, not self._depth)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        self.generic_visit(node)
        return [node, *self._after(node, [node.target])]

    def visit_NamedExpr(self, node: ast.NamedExpr) -> Any:
        self.generic_visit(node)
        node.value = self._call(node.target.id, node.value, False)
        return node

    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        node.body[:0] = self._after(node, [node.target])
        return node

    def _function(self, node: Any) -> Any:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = visit_ClassDef = _function
    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _function


def _names_in(targets: list[ast.expr]) -> list[ast.Name]:
    found: list[ast.Name] = []
    for target in targets:
        if isinstance(target, ast.Name):
            found.append(target)
        elif isinstance(target, (ast.Tuple, ast.List)):
            found += _names_in(target.elts)
        elif isinstance(target, ast.Starred):
            found += _names_in([target.value])
    return found


def instrument(tree: ast.Module) -> ast.Module:
    """Let each assignment of `tree` report (name, value, whether at the top level) to the hook."""
    _hook.once()
    return _Namer().visit(tree)  # type: ignore[no-any-return]


Listener = Callable[[str, Any, bool], Any]
# Who listens in this context. Functions defined in a traced cell call the hook for the rest of the session, in any
# thread; without a listener it hands the value through. It lives in builtins: no namespace of the user's shows it.
_listener: ContextVar[Listener | None] = ContextVar("gradmagic_listener", default=None)


def _named(name: str, value: Any, top: bool = False) -> Any:
    listener = _listener.get()
    return value if listener is None else listener(name, value, top)


_hook = Replacement(HOOKS).add(builtins, NAMES_VALUES, _named)


class listening:
    """Let `listener(name, value, top)` hear of assignments within the block; its result is what is assigned."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def __enter__(self) -> None:
        self._before = _listener.get()
        _listener.set(self._listener)

    def __exit__(self, *_: object) -> None:
        _listener.set(self._before)


def parse_names(words: list[str]) -> list[str]:
    """Split the names on the magic's line, at spaces and commas, Western or Japanese; brackets keep together.

    Examples
    --------
    >>> parse_names(["x,y", "params['W']", "a\\u3000b\\u3001c"])
    ['x', 'y', "params['W']", 'a', 'b', 'c']
    """
    found, word, depth = [], "", 0
    for c in " ".join(words):
        depth += (c in "[(") - (c in "])")
        if c in " ,\t\u3000\u3001\uff0c" and not depth:
            found.append(word)
            word = ""
        else:
            word += c
    return list(dict.fromkeys(name for name in [*found, word] if name))


def entries_read(tree: ast.AST) -> frozenset[str]:
    """List the entries of containers that code names, as it is written by rule.

    Examples
    --------
    >>> sorted(entries_read(ast.parse('z = p["W"] * xs[0]')))
    ["p['W']", 'xs[0]']
    """
    return frozenset(ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Subscript))


def base_of(name: str) -> str:
    """Give the variable of `params['W']` or `model.weight`."""
    return name.partition("[")[0].partition(".")[0]


_SHELLS = re.compile(r"_+|_i+|_i?\d+|_[dio]h|__\w+__")


def is_shells(name: str) -> bool:
    """Tell whether a name is one that IPython or Python sets by itself, and not the reader.

    Examples
    --------
    >>> [name for name in ("_", "__", "_12", "_i3", "_oh", "__file__", "_a", "_ix", "x_") if not is_shells(name)]
    ['_a', '_ix', 'x_']
    """
    return _SHELLS.fullmatch(name) is not None
