"""Where hooks stand: in the syntax tree of a cell, and of the functions that it enters.

In: a tree. Out: the same tree, in which each expression that may compute from a tracked value calls a hook (hooks.py)
at its own place in the source: the order of evaluation, positions in tracebacks and the names are as they were.
Every kind of syntax is known here; another is refused, since a missing hook would lose a gradient in silence.
"""

from __future__ import annotations

import ast
from collections.abc import Container
from typing import Any

from ...engine.core.interpreter import NAMES_VALUES
from ...language import tr
from .syntax import compiled_by, is_super, stores_of_self, unpacking, unpacks
from .turned import turned

_HELD = "__gradmagic_held__"  # a name for the time of one statement
HOOK = "__gradmagic_{}__"  # with underscores at both ends: a class would put its own name before others
# What is left as it is, with what is inside it looked at.
_PLAIN = (
    ast.Module, ast.Expression, ast.Interactive, ast.Return, ast.Delete, ast.Raise,
    ast.Try, ast.TryStar, ast.Expr, ast.NamedExpr, ast.Set, ast.Await, ast.Yield,
    ast.Tuple, ast.List, ast.Slice, ast.keyword, ast.Match,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip
# What has nothing inside that computes.
_LEAVES = (
    ast.Pass, ast.Break, ast.Continue, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Constant, ast.Name,
    ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop, ast.alias, ast.pattern,
)  # fmt: skip
_TYPES = tuple(
    getattr(ast, name) for name in ("TypeAlias", "type_param") if hasattr(ast, name)
)  # Python 3.12


class Instrument(ast.NodeTransformer):
    """Put hooks into a tree. `modules` are names that hold modules: `np.exp` there is no value's attribute."""

    def __init__(self, modules: Container[str] = ()) -> None:
        self._modules = modules

    def generic_visit(self, node: ast.AST) -> Any:
        if isinstance(node, (*_LEAVES, *_TYPES)):
            return node
        if not isinstance(node, _PLAIN):
            kind = type(node).__name__
            raise NotImplementedError(tr("gradmagic does not know the syntax {kind}", kind=kind))
        return super().generic_visit(node)

    # -- expressions -----------------------------------------------------------------------------
    def visit_BinOp(self, node: ast.BinOp) -> Any:
        if isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant):
            return node
        super().generic_visit(node)
        return _call(node, type(node.op).__name__, node.left, node.right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.operand, ast.Constant):
            return node
        if isinstance(node.op, ast.Not):
            node.operand = self._tested(node.operand)
            return node
        super().generic_visit(node)
        return _call(node, type(node.op).__name__, node.operand)

    def visit_Compare(self, node: ast.Compare) -> Any:
        values = [node.left, *node.comparators]
        asked = [not isinstance(op, (ast.Is, ast.IsNot)) for op in node.ops]
        if len(asked) == 1 and asked[0] and not all(isinstance(v, ast.Constant) for v in values):
            return _call(node, type(node.ops[0]).__name__, *map(self.visit, values))
        node.left, *node.comparators = [self._met(v) if any(asked) else self.visit(v) for v in values]
        return node

    def _met(self, node: ast.expr) -> ast.expr:
        """Give an expression whose value Python asks something."""
        made = self.visit(node)
        return made if isinstance(node, (ast.Constant, ast.Compare, ast.BoolOp)) else _call(node, "met", made)

    def _tested(self, node: Any) -> Any:
        return self.visit(node) if isinstance(node, ast.UnaryOp) else self._met(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        node.values = [self._tested(v) for v in node.values]
        return node

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        node.test, node.body, node.orelse = (
            self._tested(node.test),
            self.visit(node.body),
            self.visit(node.orelse),
        )
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Name) and node.func.id == NAMES_VALUES:
            node.args = [self.visit(a) for a in node.args]
            return node
        function = node.func
        if isinstance(function, ast.Name) and function.id == "super":
            return node
        if isinstance(function, ast.Attribute) and not self._of_module(function):
            owner = self.visit(function.value)
            node.func = _call(function, "method", owner, ast.Constant(function.attr))
        else:
            node.func = _call(
                function, "call", function if self._of_module(function) else self.visit(function)
            )
        node.args = [self.visit(a) for a in node.args]
        node.keywords = [self.visit(k) for k in node.keywords]
        for keyword in node.keywords:
            if keyword.arg is None:
                keyword.value = _call(keyword.value, "mapping", keyword.value)
        return node

    def visit_Dict(self, node: ast.Dict) -> Any:
        values = []
        for key, value in zip(node.keys, node.values, strict=True):
            made = self.visit(value)
            values.append(made if key is not None else _call(value, "mapping", made))
        node.keys = [None if key is None else self._keyed(key) for key in node.keys]
        node.values = values
        return node

    def _keyed(self, node: ast.expr) -> ast.expr:
        return node if isinstance(node, ast.Constant) else _call(node, "keyed", self.visit(node))

    def visit_SetComp(self, node: ast.SetComp) -> Any:
        self.generic_visit(node)
        node.elt = _call(node.elt, "keyed", node.elt)
        return node

    def visit_DictComp(self, node: ast.DictComp) -> Any:
        self.generic_visit(node)
        node.key = _call(node.key, "keyed", node.key)
        return node

    def visit_Set(self, node: ast.Set) -> Any:
        node.elts = [self.visit(e) if isinstance(e, ast.Starred) else self._keyed(e) for e in node.elts]
        return node

    def _of_module(self, node: ast.AST) -> bool:
        while isinstance(node, ast.Attribute):
            node = node.value
            if isinstance(node, ast.Name) and node.id in self._modules:
                return True
        return False

    def visit_Starred(self, node: ast.Starred) -> Any:
        if isinstance(node.ctx, ast.Load):
            node.value = _call(node.value, "iter", self.visit(node.value))
        else:
            node.value = self.visit(node.value)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        if isinstance(node.ctx, ast.Store):
            node.value = _call(node.value, "target", self.visit(node.value))
            return node
        if isinstance(node.ctx, ast.Del):
            node.value = self._met(node.value)
            return node
        if self._of_module(node):
            return node
        node.value = self.visit(node.value)
        if not isinstance(node.ctx, ast.Load) or is_super(node.value):
            return node
        return _call(node, "attribute", node.value, ast.Constant(node.attr))

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        index = self._index(node.slice)
        if isinstance(node.ctx, ast.Store):
            name = "part" if isinstance(node.slice, ast.Slice) else "target"
            node.value = _call(node.value, name, self.visit(node.value))
            node.slice = self.visit(node.slice)
            return node
        if isinstance(node.ctx, ast.Del):
            node.value, node.slice = self._met(node.value), self.visit(node.slice)
            return node
        return _call(node, "item", self.visit(node.value), index)

    def _index(self, node: ast.expr) -> ast.expr:
        """Give an index as an expression: a slice is a call."""
        if isinstance(node, ast.Slice):
            parts = [
                ast.Constant(None) if p is None else self.visit(p)
                for p in (node.lower, node.upper, node.step)
            ]
            return _call(node, "slice", *parts)
        if isinstance(node, ast.Tuple):
            return ast.copy_location(ast.Tuple([self._index(e) for e in node.elts], ast.Load()), node)
        return self.visit(node)  # type: ignore[no-any-return]

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Any:
        parts: list[ast.expr] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                spec = part.format_spec
                text = ast.Constant("") if spec is None else self.visit(spec)
                shown = _call(part, "formatted", self.visit(part.value), ast.Constant(part.conversion), text)
                parts.append(shown)
            else:
                parts.append(part)
        return _call(node, "text", *parts)

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        node.args = self._arguments(node.args)
        node.body = self.visit(node.body)
        return _call(node, "defined", node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> Any:
        node.value = _call(node.value, "iter", self.visit(node.value))
        return node

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        node.target, node.ifs = self.visit(node.target), [self._tested(i) for i in node.ifs]
        node.iter = self._gone_through(node.iter, node.target, bool(node.is_async))
        return node

    def _gone_through(self, value: ast.expr, target: ast.expr, asynchronous: bool = False) -> ast.expr:
        """Give what a loop goes over, and hands on to a target that may unpack it further."""
        value = self.visit(value)
        if not asynchronous:
            value = _call(value, "iter", value)
        if not unpacks(target):
            return value
        return _call(
            value, "unpacked_async" if asynchronous else "unpacked", value, ast.Constant(unpacking(target))
        )

    # -- statements ------------------------------------------------------------------------------
    def visit_Assign(self, node: ast.Assign) -> Any:
        node.value = self.visit(node.value)
        node.targets = [self.visit(t) for t in node.targets]
        if not any(unpacks(t, node.value) for t in node.targets):
            return node
        if len(node.targets) == 1:
            node.value = _unpacked(node.targets[0], node.value)
            return node
        held = ast.Assign([ast.Name(_HELD, ast.Store())], node.value)
        return [ast.copy_location(held, node), self._from_held(node.targets, node)]

    def _from_held(self, targets: list[ast.expr], at: Any) -> ast.stmt:
        """Store what a name of ours holds, and forget the name: what has several targets may unpack the same twice."""
        stores: list[ast.stmt] = [
            ast.copy_location(
                ast.Assign([t], _unpacked(t, ast.copy_location(ast.Name(_HELD, ast.Load()), t))), t
            )
            for t in targets
        ]
        forgotten = ast.Delete([ast.Name(_HELD, ast.Del())])
        return ast.copy_location(ast.Try(stores, [], [], [ast.copy_location(forgotten, at)]), at)

    def visit_With(self, node: Any) -> Any:
        for item in node.items:
            item.context_expr = self._met(item.context_expr)
            item.optional_vars = None if item.optional_vars is None else self.visit(item.optional_vars)
        node.body = self._body(node.body)
        for k in reversed(range(len(node.items))):
            target = node.items[k].optional_vars
            if target is None or not unpacks(target):
                continue
            rest, node.items = node.items[k + 1 :], node.items[: k + 1]
            body = [ast.copy_location(type(node)(rest, node.body), node)] if rest else node.body
            node.items[k].optional_vars = ast.copy_location(ast.Name(_HELD, ast.Store()), target)
            node.body = [self._from_held([target], target), *body]
        return node

    visit_AsyncWith = visit_With

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        node.target = self.visit(node.target)
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """Write `a += v` out as Python does it: the old value is read before `v` is computed, the new one stored."""
        owner: ast.expr
        place: ast.expr
        target, kind, value = node.target, f"I{type(node.op).__name__}", self.visit(node.value)
        if isinstance(target, ast.Name):
            old = ast.copy_location(ast.Name(target.id, ast.Load()), target)
            return ast.copy_location(ast.Assign([target], _call(node, kind, old, value)), node)
        if isinstance(target, ast.Attribute):
            owner, place = self.visit(target.value), ast.Constant(target.attr)
            begun = _call(target, "attribute_changed", owner, place, ast.Constant(kind))
        else:
            owner, place = self.visit(target.value), self._index(target.slice)
            begun = _call(target, "item_changed", owner, place, ast.Constant(kind))
        done = ast.copy_location(ast.Call(begun, [value], []), node)
        return ast.copy_location(ast.Expr(done), node)

    def visit_For(self, node: Any) -> Any:
        node.target = self.visit(node.target)
        node.iter = self._gone_through(node.iter, node.target, isinstance(node, ast.AsyncFor))
        node.body, node.orelse = self._body(node.body), self._body(node.orelse)
        return node

    visit_AsyncFor = visit_For

    def visit_While(self, node: ast.While) -> Any:
        node.test, node.body, node.orelse = (
            self._tested(node.test),
            self._body(node.body),
            self._body(node.orelse),
        )
        return node

    def visit_If(self, node: ast.If) -> Any:
        node.test, node.body, node.orelse = (
            self._tested(node.test),
            self._body(node.body),
            self._body(node.orelse),
        )
        return node

    def visit_Assert(self, node: ast.Assert) -> Any:
        node.test = self._tested(node.test)
        node.msg = None if node.msg is None else self.visit(node.msg)
        return node

    def visit_Match(self, node: ast.Match) -> Any:
        node.subject = _call(node.subject, "matched", self.visit(node.subject))
        node.cases = [self.visit(case) for case in node.cases]
        return node

    def visit_match_case(self, node: ast.match_case) -> Any:
        node.guard, node.body = (
            None if node.guard is None else self._tested(node.guard),
            self._body(node.body),
        )
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        node.decorator_list = [_call(d, "decorator", self.visit(d)) for d in node.decorator_list]
        node.bases = [self.visit(b) for b in node.bases]
        node.keywords = [self.visit(k) for k in node.keywords]
        node.body = self._body(node.body)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> Any:
        if node.type is not None:
            node.type = self.visit(node.type)
        stripped = ast.copy_location(ast.Expr(_call(node.body[0], "caught")), node.body[0])
        node.body = [stripped, *self._body(node.body)]
        return node

    def visit_FunctionDef(self, node: Any) -> Any:
        if compiled_by(node):
            return node  # what reads a function's own instructions finds them as they were
        node.decorator_list = [_call(d, "decorator", self.visit(d)) for d in node.decorator_list]
        node.decorator_list.append(_hook(node, "defined"))
        node.args = self._arguments(node.args)
        stores = stores_of_self(node)
        node.body = [*self._body(node.body), *stores]
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_arguments(self, node: ast.arguments) -> Any:
        return self._arguments(node)

    def _arguments(self, node: ast.arguments) -> ast.arguments:
        """Only default values compute; annotations are for readers."""
        node.defaults = [self.visit(d) for d in node.defaults]
        node.kw_defaults = [None if d is None else self.visit(d) for d in node.kw_defaults]
        return node

    def _body(self, body: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for statement in body:
            new = self.visit(statement)
            made += new if isinstance(new, list) else [new]
        return made


def _unpacked(target: ast.expr, value: ast.expr) -> ast.expr:
    parts = unpacking(target)
    return value if parts is None else _call(value, "entries", value, ast.Constant(parts))


def _hook(at: Any, name: str) -> ast.expr:
    return ast.copy_location(ast.Name(HOOK.format(name), ast.Load()), at)


def _call(at: Any, name: str, *args: ast.expr) -> ast.Call:
    """Call a hook, at the place of what it stands for."""
    made = ast.Call(_hook(at, name), list(args), [])
    for arg in args:
        if not hasattr(arg, "lineno"):
            ast.copy_location(arg, at)
    return ast.copy_location(made, at)


def instrument(tree: Any, modules: Container[str] = ()) -> Any:
    """Put hooks into a tree, in place.

    Examples
    --------
    >>> print(ast.unparse(instrument(ast.parse("y = 2 * x[0] + np.sin(x)"), {"np"})))
    y = __gradmagic_Add__(__gradmagic_Mult__(2, __gradmagic_item__(x, 0)), __gradmagic_call__(np.sin)(x))
    """
    return turned(Instrument(modules).visit(tree))
