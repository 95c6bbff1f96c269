"""Promise 1: nothing changes but what you see. Each cell of cells.py leaves the same namespace with and without."""

import pytest

from .cells import CELLS
from .helpers import fresh, left_behind, printed, traced


@pytest.mark.parametrize("title", CELLS)
def test_a_cell_leaves_what_it_leaves_without_the_magic(title):
    setup, names, text = CELLS[title]
    plain, with_magic = fresh(setup), fresh(setup)
    before = dict(with_magic)
    out = printed(exec, compile(text, "<cell>", "exec"), plain)
    assert printed(traced, text, with_magic, names) == out
    assert left_behind(plain, with_magic) == []
    for name, value in before.items():  # what the cell does not rebind is the very object that it was
        if plain[name] is not None and name in plain and name not in _rebound(text):
            assert with_magic[name] is value, name


LOST = """import collections, json
class Mapping:
    def __init__(self, held): self.held = held
    def keys(self): return self.held.keys()
    def __getitem__(self, key): return self.held[key]
c = json.loads(json.dumps({'k': a, 'l': 2.0}), object_pairs_hook=collections.OrderedDict)
u = collections.UserDict(c)
"""


@pytest.mark.parametrize("text", [
    "k = dict(c)", "k = dict(c, q=1)", "k = collections.OrderedDict(c)", "k = collections.defaultdict(float, c)",
    "k = list(reversed(c))", "k = collections.Counter(c)", "k = collections.ChainMap({'a': a}, c)", "k = dict(u)",
    "k = list(u)", "k = [*u.items()]", "k = {**u}", "k = [v for v in u]", "l = [1.0]\nl += np.ones(1) * a",
    "l = [1.0, 2.0]\nl[0:1] = np.ones(2) * a", "k = dict(Mapping(c))", "k = sorted(u, key=lambda v: u[v])",
])  # fmt: skip
def test_what_lost_its_gradient_is_handed_on_as_it_is(text):
    plain, with_magic = fresh("a = 1.5"), fresh("a = 1.5")
    exec(LOST + text, plain)
    traced(LOST + text + "\nz = a * a", with_magic, "a", of="z")
    with_magic.pop("z")
    assert left_behind(plain, with_magic) == []


def test_a_line_magic_has_the_users_variables_and_leaves_what_it_leaves(run):
    run("a = 2.0")
    before = set(run.names)
    report = run("%%grad a\n%time k = a * 2\n%timeit -n1 -r1 a * 2\nz = k * a")
    assert run.names["k"] == 4.0 and {n for n in set(run.names) - before if not n.startswith("_")} == {
        "k",
        "z",
    }
    (note,) = [n for n in report._trace.notes if n.kind == "cut"]
    assert note.line == 2 and "without the magic" in note.text


@pytest.mark.parametrize(
    "text", ["y = x / k + x / 0.0", "y = np.log(t)", "y = np.divide(t, 0)", "y = np.float_power(t, -1)"]
)
def test_where_numpy_goes_on_the_cell_goes_on(text):
    text, name = (
        f"with np.errstate(all='ignore'):\n    {text}\n    z = np.sum(y)",
        "x" if "x" in text else "t",
    )
    plain, with_magic = (fresh("x = np.array([1.0, 0.0, -2.0]); k = 0; t = 0.0") for _ in range(2))
    exec(text, plain)
    traced(text, with_magic, name)
    assert left_behind(plain, with_magic) == []


def _rebound(text: str) -> set[str]:
    import ast

    return {
        n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
