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
