"""The tree of a cell with hooks: every kind of syntax is known, and without a run it computes what it computes."""

# ruff: noqa: E501  (a cell on one line of a table)

import ast
import linecache
import traceback

import pytest

from gradmagic.cell.membrane import tree
from gradmagic.cell.membrane.hooks import put_hooks
from gradmagic.cell.membrane.tree import Instrument, instrument

from ..cells import CELLS
from ..helpers import differences, fresh, printed


def concrete(kind):
    return [k for sub in kind.__subclasses__() for k in (concrete(sub) if sub.__subclasses__() else [sub])]


def test_every_kind_of_syntax_is_known():
    deprecated = ("Num", "Str", "Bytes", "NameConstant", "Ellipsis", "Index", "ExtSlice", "Suite", "AugLoad",
                  "AugStore", "Param", "FunctionType", "TypeIgnore")  # fmt: skip
    for kind in concrete(ast.AST):
        if kind.__module__ not in ("ast", "_ast") or kind.__name__ in deprecated:
            continue
        own = hasattr(Instrument, f"visit_{kind.__name__}")
        known = own or issubclass(kind, (*tree._PLAIN, *tree._LEAVES, *tree._TYPES))
        within = ("FormattedValue", "arg", "withitem")  # a JoinedStr, an arguments node, a With
        assert known or kind.__name__ in within, kind.__name__


def test_what_is_not_known_is_refused():
    class Later(ast.expr):
        _fields = ()

    with pytest.raises(NotImplementedError, match="Later"):
        instrument(ast.Module([ast.Expr(Later())], []))


def run(text, names, hooks):
    put_hooks()
    parsed = ast.parse(text)
    exec(compile(instrument(parsed) if hooks else parsed, "<cell of a test>", "exec"), names)


@pytest.mark.parametrize("title", CELLS)
def test_a_cell_with_hooks_computes_the_same_where_nothing_runs(title):
    setup, _, text = CELLS[title]
    plain, hooked = fresh(setup), fresh(setup)
    assert printed(run, text, plain, False) == printed(run, text, hooked, True)
    for name in plain.keys() - {"__builtins__"}:
        assert differences(plain[name], hooked[name]) == [], name


ORDER = """
log = []
class L:
    def __init__(self, n): self.n = n
    def __repr__(self): return self.n
    def __getattr__(self, name):
        if name.startswith('_'): raise AttributeError(name)
        log.append(('get', self.n, name)); return L(name)
    def __setattr__(self, name, value):
        if name != 'n': log.append(('set', self.n, name))
        object.__setattr__(self, name, value)
    def __getitem__(self, i): log.append(('item', self.n, i.n if isinstance(i, L) else i)); return L('e')
    def __setitem__(self, i, v): log.append(('store', self.n, i.n if isinstance(i, L) else i))
    def __add__(self, o): log.append(('add', self.n)); return L('sum')
    def __iadd__(self, o): log.append(('iadd', self.n)); return self
    def __call__(self, *a, **k): log.append(('call', self.n, len(a), sorted(k))); return L('r')
    def __iter__(self): log.append(('iter', self.n)); return iter((L('p'), L('q')))
    def __format__(self, spec): log.append(('format', self.n, spec)); return 'f'
    def __enter__(self): log.append('enter'); return L('w')
    def __exit__(self, *_): log.append('exit')
def l(n): log.append(n); return L(n)
"""
PROGRAMS = {
    "stores": "l('a')[l('i')] = l('v')\nl('b').c = l('d')\nl('e')[l('j')], x = l('f'), l('g')",
    "changes": "l('a')[l('i')] += l('v')\nl('b').c += l('d')\nx = l('y')\nx += l('z')",
    "calls": "l('f')(l('a'), *l('s'), k=l('b'), **{'m': l('c')})\nl('o').method(l('d'))",
    "chains": "x = l('t')[l('u')].z = l('v')\n(p, q) = y = l('w')\n[*r] = l('x')",
    "text": "s = f\"{l('a'):{l('b')}} {l('c')!r:>3}\"",
    "loops": "for l('a').x in l('b'): pass\nz = [l('c') + w for w in l('d')]",
    "with": "with l('a') as l('b').c, l('d') as (e, f): l('g')",
    "slices": "l('a')[l('b'):l('c'), ..., ::l('d')]\nl('e')[1:2] = l('f')",
    "defaults": "def f(a=l('x'), *, b=l('y')): return a + b\nf()\n(lambda k=l('z'): k)()",
    "class": "class K(L):\n    __x = l('m')\n    def __init__(self): super().__init__('k'); self.__y = 1\nK().__class__",
    "conditions": "l('a') + l('b') if l('c') and l('d') else l('e')\nl('f') < l('g') if False else not l('h')",
    "deletion": "d = {'a': [1, 2]}\ndel d['a'][0]",
    "unpacking": "(a, *b), c = l('x'), l('y')\n(p, q) = l('m').k, [r, *s] = l('n'), (1, 2)\nlog.append((p.n, s))",
    "several targets": "l('o').z = (a, b) = l('i')[0], a = l('p')\n(a, b) = a = l('q')\nlog.append(a.n)",
    "unpacking in loops": "for (a, b), *c in [(l('x'), 1, 2), (l('y'), 3)]: log.append((a.n, c))\n[a for a, (b, c) in [(1, l('z'))] if l('t')]",
    "unpacking by with": "with l('a') as l('b').c, l('d') as (e, f), l('g') as k: log.append(e)",
    "comparison": "l('a') == l('b')\nl('c') != l('d') == l('e')\nl('f') in [l('g')]\nl('h') is not l('i')\nl('j') not in (1, 2)",
    "tests": "while l('a') and not l('b'): pass\nassert l('c') or l('d'), l('e')\nx = l('f') if l('g') or l('h') else l('i')",
    "matching": "match l('a'):\n    case L(n=n) if l('b'): log.append(n)\nmatch (1, l('c')):\n    case [1, x]: log.append(x.n)",
    "decorators": "def d(f): log.append(type(f).__name__); return f\n@d\n@l('e').x\ndef f(): pass\n@d\nclass K: pass",
}


@pytest.mark.parametrize("title", PROGRAMS)
def test_everything_is_evaluated_once_and_in_pythons_order(title):
    logs = []
    for hooks in (False, True):
        names = {}
        exec(ORDER, names)
        run(PROGRAMS[title], names, hooks)
        logs.append([str(entry) for entry in names["log"]])
    assert logs[0] == logs[1]
    assert logs[0] or title == "deletion"


ERRORS = {
    "unpacking in a loop": "for a, b in [(1, 2),\n             (1, 2, 3)]:\n    pass",
    "unpacking in a comprehension": "[a for a, (b, c) in\n [(1, 2)]]",
    "unpacking twice": "(a, b) = (c, d) = \\\n  [1]",
    "a starred target": "a, *b, (c, d) = [1, 2]",
    "no iterable within": "a, (b, c) = 1, 2",
    "unpacking by with": "import contextlib\nwith contextlib.nullcontext(3) as (a, b):\n    pass",
    "comparison": "x = 1\nif x <\\\n  'a': pass",
    "within a number": "1 in 2",
    "a test": "import numpy as np\nassert np.zeros(2)",
    "deletion": "d = [1]\ndel d[3]",
    "operator": "x = 1\ny = (x +\n     'a')",
    "call": "def f(a):\n    return len(a)\nf(3)",
    "item": "d = {}\nprint(d['k'])",
    "attribute": "x = 3\nx.nothing",
    "unpacking": "a, b = 1, 2, 3",
    "unpacking a number": "a, b = len('a')",
    "in place": "x = None\nx += 1",
    "name": "undefined + 1",
    "not callable": "x = 2\nx(1)",
}


@pytest.mark.parametrize("title", ERRORS)
def test_an_error_has_the_same_words_and_the_same_lines_and_columns(title):
    text = ERRORS[title]
    linecache.cache["<cell of a test>"] = (len(text), None, text.splitlines(True), "<cell of a test>")
    seen = []
    for hooks in (False, True):
        try:
            run(text, {}, hooks)
        except Exception as error:
            frames = [
                f for f in traceback.extract_tb(error.__traceback__) if f.filename == "<cell of a test>"
            ]
            seen.append((type(error), str(error), [(f.lineno, f.name) for f in frames]))
    assert len(seen) == 2 and seen[0] == seen[1]


def test_a_name_of_ours_is_never_left():
    for text in ("(a, b) = c = 1, 2, 3", "import contextlib\nwith contextlib.nullcontext(3) as (a, b): pass"):
        names = {}
        with pytest.raises((ValueError, TypeError)):
            run(text, names, True)
        assert not [name for name in names if "gradmagic" in name]


def test_an_error_that_is_caught_has_no_frames_of_ours():
    text = (
        "import traceback\ntry:\n    [1][5]\nexcept IndexError as error:\n    shown = traceback.format_exc()"
    )
    names = {}
    run(text, names, True)
    assert "membrane" not in names["shown"] and "[1][5]" not in names["shown"].replace("line 3", "")


STORES_OF_SELF = """
class A:
    def __init__(self, v):
        "A docstring."
        self.v, (self.w, *self.rest) = v, [2, 3]
        self.counted += 1
        for self.k in (1, 2):
            self.j = lambda self: self.read
        def within():
            self.inner: int = 3
        return None
    def other(self, that):
        with that as self.held:
            that.no = self.read
    class B:
        def f(self):
            self.own = 1
"""


def test_what_python_lists_of_a_class_is_the_same():
    plain, hooked = {}, {}
    run(STORES_OF_SELF, plain, False)
    run(STORES_OF_SELF, hooked, True)
    listed = (
        "__static_attributes__",
        "__firstlineno__",
        "__qualname__",
        "__doc__",
        "__annotations__",
    )  # the first: 3.13
    for a, b in [(plain["A"], hooked["A"]), (plain["A"].B, hooked["A"].B)]:
        assert vars(a).keys() == vars(b).keys()
        for name in listed:
            one, other = vars(a).get(name), vars(b).get(name)
            assert (set(one) == set(other)) if isinstance(one, tuple) else one == other, name
        assert a.__init__.__doc__ == b.__init__.__doc__
