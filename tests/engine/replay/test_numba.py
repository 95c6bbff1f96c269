"""Programs by numba: NumPy's numbers, loops for what repeats, NumPy again for what numba is not given."""

from __future__ import annotations

import functools
import operator
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.replay.compiled import choice, scalars, writer
from gradmagic.engine.replay.compiled.periods import Run, Statement, Var, runs
from tests.engine.derivatives import numeric
from tests.engine.derivatives.cases import CASES

numba = pytest.importorskip("numba")
R = np.random.default_rng(0)


@pytest.fixture(autouse=True, scope="module")
def _own_folder(tmp_path_factory):
    """Keep what is compiled out of the user's cache."""
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(tmp_path_factory.mktemp("numba"))
    yield
    numba.config.CACHE_DIR = before


@pytest.fixture
def interpreted(monkeypatch):
    """Run the kernel's text as Python: what it says, without the second that compiling it takes."""

    def built(source, values, name="kernel"):
        space = {"__name__": "kernel"}
        exec(source.replace("from numba import njit", "njit = lambda **_: lambda f: f"), space)
        kernel = space[name]
        return lambda *args: tuple(
            v.item() if isinstance(v, np.generic) else v for v in kernel(*args)
        )  # as numba

    monkeypatch.setattr(writer, "built", built)


def by_numba(f):
    """Replay by numba, and see that it takes the program and never leaves the kernel."""
    made = gm.replay(f, backend="numba")

    def call(*args):
        out = made(*args)
        (program,) = made.programs
        assert program.choice.text.startswith("by numba"), program.choice.text
        program._space["plain"] = None
        return out

    return call


def same(got, want, ulps=8):
    for a, b in zip(_leaves(got), _leaves(want), strict=True):
        assert type(a) is type(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype
        eps = np.finfo(np.asarray(a).dtype).eps if np.asarray(a).dtype.kind == "f" else 0
        np.testing.assert_allclose(a, b, rtol=ulps * eps, atol=ulps * eps)


def _leaves(tree):
    return [leaf for part in tree for leaf in _leaves(part)] if isinstance(tree, (tuple, list)) else [tree]


# ---- what one operation gives ---------------------------------------------------------------------------------
_SPECIAL = {
    "f": [np.nan, np.inf, -np.inf, -0.0, 0.0, 1, -1, 2.5, -2.5, 0.3, 7, 1e30, 1e-30],
    "i": [0, 1, -1, 2, -2, 7, -7, 100, 3], "u": [0, 1, 2, 7, 200, 255, 3], "b": [True, False],
}  # fmt: skip


def _held(a, b):
    tables = (scalars._NUMBERS, scalars._FLOATS, scalars._DEAR, scalars._WHOLE, scalars._TRUTH)
    for ufunc in dict.fromkeys(f for table in tables for f in table):
        try:
            scalars.of_ufunc(ufunc, (a, b)[: ufunc.nin])
        except (scalars.Unheld, TypeError):
            continue
        yield ufunc


@pytest.mark.slow
@pytest.mark.parametrize("dtypes", ["dd", "ff", "ll", "ii", "bb", "BB", "??", "fi", "If", "Ii", "hB", "?f"])
def test_every_operation_of_the_tables_gives_what_numpys_gives(dtypes):
    a, b = map(np.dtype, dtypes)
    ends = [[np.iinfo(d).min, np.iinfo(d).max] if d.kind in "iu" else [] for d in (a, b)]
    x, y = (np.array(_SPECIAL[d.kind] + end).astype(d) for d, end in zip((a, b), ends, strict=True))
    x, y = map(np.ascontiguousarray, np.broadcast_arrays(x[:, None], y[None, :]))
    ufuncs = list(_held(a, b))
    with np.errstate(all="ignore"):
        f = lambda x, y: tuple(ufunc(*(x, y)[: ufunc.nin]) for ufunc in ufuncs)
        made = by_numba(f)
        made(x, y)
        for ufunc, got, want in zip(ufuncs, made(x, y), f(x, y), strict=True):
            assert got.dtype == want.dtype, ufunc
            eps = 8 * np.finfo(want.dtype).eps if want.dtype.kind == "f" else 0
            np.testing.assert_allclose(got, want, rtol=eps, atol=0, err_msg=ufunc.__name__)


def test_division_of_whole_numbers_stays_with_numpy():
    """numba's ends the process for the least whole number divided by -1."""
    f = gm.replay(lambda x: x // 2, backend="numba")
    f(np.arange(3))
    assert "np.floor_divide of int64" in str(f.explain())


# ---- rules ----------------------------------------------------------------------------------------------------
_NAMES = (
    "add", "multiply", "divide", "power", "maximum", "tanh", "sum", "sum 2", "mean", "max", "prod", "matmul", "dot",
    "matmul 2", "einsum", "einsum 3", "tensordot", "outer", "where", "clip", "reshape 2", "transpose", "swapaxes",
    "concatenate", "stack", "cumsum",
    "getitem", "getitem 2", "getitem 5", "take", "pad", "roll", "tile", "repeat", "set_item", "diag", "split",
    "broadcast_to", "nll", "cross_entropy", "take_along_axis",
)  # fmt: skip


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.name in _NAMES and "f" in c.kinds], ids=lambda c: c.name
)
def test_rules(interpreted, case):
    _rule(case, refuse=pytest.skip)


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in CASES if "f" in c.kinds][::6], ids=lambda c: c.name)
def test_more_rules(interpreted, case):
    _rule(case, refuse=lambda why: None)


def _rule(case, refuse):
    shapes = [
        s
        for kind in case.shapes
        for s in ({"any": [(2, 3)], "pair": [(2, 3), (3,)]}[kind] if isinstance(kind, str) else [kind])
    ]
    first, second = (numeric.arguments_of(case, shapes, seed, "f") for seed in (0, 1))
    settings = {"axis": 0} if case.axes else {}
    weights = numeric.weights([np.asarray(y) for y in numeric.outputs(case.call(*first, **settings))], 3)
    loss = lambda *xs: numeric.loss(numeric.outputs(case.call(*xs, **settings)), weights)
    f = gm.value_and_grad(loss, argnums=tuple(range(len(first))))
    made = gm.replay(f, backend="numba")
    with np.errstate(all="ignore"):
        made(*first)
        if made.refused or not made.programs[0].choice.text.startswith("by numba"):
            refuse("numba is not given it")
            return
        got, want = made(*second), f(*second)
    if len(made.programs) == 1:
        for a, b in zip(_leaves(got), _leaves(want), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


# ---- what repeats ---------------------------------------------------------------------------------------------
def _chain(*ops):
    """Statements of which each takes the one before."""
    entries = [scalars.of_ufunc(op, (np.dtype(float), np.dtype(float))) for op in ops]
    x = Var("x", np.dtype(float))
    return [Statement(e, (i - 1 if i else x, x)) for i, e in enumerate(entries)]


def test_what_repeats_is_one_run():
    statements = _chain(np.add, *[np.multiply, np.subtract] * 50, np.add)
    assert runs(statements) == [Run(0), Run(1, 2, 50), Run(101)]


def test_what_is_too_short_to_repeat_stands_as_it_is():
    assert runs(_chain(*[np.multiply, np.subtract] * 4)) == [Run(i) for i in range(8)]


def _logistic(x, r):
    for _ in range(40):
        x = r * x * (1 - x)
    return x


def _fibonacci(x, y):
    for _ in range(40):
        x, y = y, 0.5 * x + np.sin(y)
    return x * y


def _table(x, y):
    for k in range(40):
        x = x * y + 1 / (k + 1)
    return x


def _entries(x, w):
    total = x[0] * 0
    for k in range(40):
        total = np.tanh(total + w[k] * x[39 - k])
    return total


@pytest.mark.parametrize("f", [_logistic, _fibonacci, _table])
@pytest.mark.parametrize(
    "args",
    [(np.float64(0.3), np.float64(1.7)), (np.array([0.3, 0.4, 0.1]), np.array([1.7, 0.2, 0.6]))],
    ids=["numbers", "arrays"],
)
def test_a_loop_and_its_sweep_backwards(interpreted, f, args):
    loss = f if isinstance(args[0], float) else lambda x, y: np.sum(f(x, y))
    made = gm.replay(gm.value_and_grad(loss, argnums=(0, 1)), backend="numba")
    with np.errstate(all="ignore"):
        made(*args)
        same(made(*args), gm.value_and_grad(loss, argnums=(0, 1))(*args), ulps=100)
    (program,) = made.programs
    assert program.choice.text.startswith("by numba")
    assert program.choice.statements < len(program.program.steps) / 3


def test_entries_read_one_after_the_other(interpreted):
    x, w = R.normal(size=40), R.normal(size=40)
    f = gm.value_and_grad(_entries, argnums=(0, 1))
    made = gm.replay(f, backend="numba")
    made(x, w)
    same(made(x + 1, w), f(x + 1, w), ulps=100)


# ---- compiled -------------------------------------------------------------------------------------------------
def test_a_gradient_of_many_steps_is_compiled_and_right():
    def loss(w, b, x):
        h = np.tanh(x @ w + b)
        return np.mean(np.maximum(h, 0.1) ** 2) + np.sum(b[1:] * b[:-1])

    f = gm.value_and_grad(loss, argnums=(0, 1))
    made = by_numba(f)
    for dtype in (np.float32,):
        args = [R.normal(size=s).astype(dtype) for s in ((4, 3), (3,), (5, 4))]
        made(*args)
        args = [a + dtype(0.5) for a in args]
        same(made(*args), f(*args), ulps=64)


def test_a_sum_is_numpys_bit_for_bit():
    f = lambda x: np.sum(x * x)
    made = by_numba(f)
    for n in (1000,):
        x = R.normal(size=n).astype(np.float32)
        made(x)
        assert made(x) == f(x)


def test_what_cannot_be_done_is_numpys_to_say():
    f = gm.replay(lambda table, i: table[i] * 2.0, backend="numba")
    table, i = np.arange(5.0), np.array([0, -1, 4])
    f(table, i)
    assert f(table, np.array([1, 2, -5])).tolist() == [2.0, 4.0, 0.0]
    with pytest.raises(IndexError, match="index 5 is out of bounds"):
        f(table, np.array([1, 2, 5]))


def test_python_divides_by_zero_as_python():
    f = gm.replay(lambda x, y: x / y + x**0.5, backend="numba")
    f(1.0, 2.0)
    assert f(4.0, 2.0) == 4.0
    with pytest.raises(ZeroDivisionError):
        f(1.0, 0.0)
    assert isinstance(f(-1.0, 1.0), complex)


def test_arrays_laid_out_in_another_way():
    f = gm.replay(lambda x: x.T * 2.0 + 1.0, backend="numba")
    x = R.normal(size=(3, 4))
    f(x)
    for other in (np.asfortranarray(x), x[::-1], np.broadcast_to(x[:1], (3, 4))):
        np.testing.assert_array_equal(f(other), other.T * 2.0 + 1.0)
    assert len(f.programs) == 1


def test_arguments_written_in_place_and_branches():
    def step(x, g):
        if g[0] > 0:
            x -= 0.5 * g
        else:
            x[1:] += x[:-1]
        return np.sum(x)

    made = gm.replay(step, backend="numba")
    for sign in (1.0, -1.0, 1.0, -1.0):
        x, y, g = np.arange(4.0), np.arange(4.0), sign * np.ones(4)
        assert made(x, g) == step(y, g)
        assert x.tolist() == y.tolist()
    assert [p.choice.text[:8] for p in made.programs] == ["by numba"] * 2


def test_what_may_fail_after_a_write_is_numpys():
    def step(x, table, i):
        x += 1.0
        return table[i]

    f = gm.replay(step, backend="numba")
    f(np.zeros(2), np.ones(3), np.array([0]))
    assert "what may fail beside a write" in str(f.explain())
    x = np.zeros(2)
    with pytest.raises(IndexError):
        f(x, np.ones(3), np.array([3]))
    assert x.tolist() == [1.0, 1.0]


# ---- whose program it is --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("f", "why"),
    [
        (lambda x: np.linalg.inv(x), "np.linalg.inv"),
        (lambda x: np.sort(x), "np.sort"),
        (lambda x: x * 1j, "numbers of dtype complex128"),
        (
            lambda x: np.ones((80, 100)) @ np.ones((100, 80)) * x[0, 0] @ np.ones((80, 80)),
            "which BLAS does better",
        ),
    ],
    ids=["inv", "sort", "complex", "matmul"],
)
def test_what_numba_is_not_given_stays_with_numpy(f, why):
    made = gm.replay(f, backend="numba")
    x = np.eye(2) * 3
    made(x)
    np.testing.assert_array_equal(made(x), f(x))
    text = str(made.explain())
    assert "by NumPy: numba is not given" in text
    assert why in text


def test_numba_takes_over_when_it_pays(interpreted, monkeypatch):
    monkeypatch.setattr(choice, "_EARLIEST", 3)
    monkeypatch.setattr(choice, "seconds", lambda program: (1.0, 0.1, 1.0))
    f = gm.replay(lambda x: 2 * x + 1)
    x = np.arange(3.0)
    texts = []
    for _ in range(6):
        assert f(x).tolist() == [1.0, 3.0, 5.0]
        texts.append(f.programs[0].choice.text)
    assert texts[:3] == ["by NumPy, by numba from call 5 on"] * 3
    assert texts[3].startswith("by numba: ")
    assert "kernel(x0)" in f.source


def test_few_calls_and_large_arrays_are_numpys():
    f = gm.replay(lambda x: np.tanh(x) * 2)
    f(np.ones(100_000))
    assert "by NumPy, whose loops are as fast" in str(f.explain())


def test_back_ends_have_names(monkeypatch):
    with pytest.raises(ValueError, match=r"no back end 'jax': write backend=\"numpy\", \"numba\""):
        gm.replay(lambda x: x, backend="jax")
    monkeypatch.setattr(choice, "installed", functools.cache(lambda: False))
    with pytest.raises(ImportError, match=r"pip install \"gradmagic\[jit\]\""):
        gm.replay(lambda x: x, backend="numba")
    f = gm.replay(operator.neg)
    f(np.ones(2))
    assert "by NumPy: numba is not installed" in str(f.explain())


def test_a_kernel_is_read_from_its_file():
    made = by_numba(lambda x: x * 3.0 + x)
    made(np.ones(3))
    folder = next(iter((__import__("pathlib").Path(numba.config.CACHE_DIR)).rglob("kernel_*.py"))).parent
    before = sorted(p.name for p in folder.rglob("*.nbi"))
    again = by_numba(lambda x: x * 3.0 + x)
    again(np.ones(3))
    np.testing.assert_array_equal(again(np.arange(3.0)), [0.0, 4.0, 8.0])
    assert sorted(p.name for p in folder.rglob("*.nbi")) == before


# ---- loops ----------------------------------------------------------------------------------------------------
def _step(state):
    x, v = state
    return x + 0.1 * v, v - 0.1 * np.sin(x)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_loop_is_so_many_steps(backend):
    step = gm.replay(_step, backend=backend)
    x = (np.linspace(0, 1, 5), np.zeros(5))
    assert gm.loop(step, x, 0) is x
    for n in (1, 2, 3, 57):
        want = x
        for _ in range(n):
            want = step(want)
        for a, b in zip(gm.loop(step, x, n), want, strict=True):
            assert a.tolist() == b.tolist()


def test_a_loop_of_numbers_and_one_that_gives_something_else(interpreted):
    root = gm.loop(lambda x: x - 0.04 * x * (x**2 - 2), 1.0, 300, backend="numba")
    assert type(root) is float
    assert root == pytest.approx(2**0.5)
    doubled = gm.loop(lambda x: np.concatenate([x, x]), np.ones(1), 4, backend="numba")
    assert doubled.shape == (16,)


@pytest.mark.slow
def test_what_the_next_session_reads_from_the_file_gives_the_same(tmp_path: Any) -> None:
    """A kernel with sums of more entries than one block: numba crashed on functions that call themselves."""
    script = """
import numpy as np, gradmagic as gm
x = np.linspace(0, 1, 1000, dtype="f")
r = gm.replay(gm.value_and_grad(lambda x: np.sum(np.exp(np.sin(x)))), backend="numba")
r(x)
assert "by numba" in str(r.explain()), r.explain()
print(r(x)[0], r(x)[1].sum())
"""
    told = [
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, cwd=tmp_path,
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [t.returncode for t in told] == [0, 0], told[-1].stderr
    assert told[0].stdout == told[1].stdout


@pytest.mark.slow
def test_errors_of_floating_point_numbers_that_are_asked_for_are_raised() -> None:
    r = gm.replay(lambda x: 1 / x + np.sin(x), backend="numba")
    r(np.ones(3)), r(np.ones(3))
    assert "by numba" in str(r.explain())
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        r(np.zeros(3))
    assert np.isinf(r(np.zeros(3))).all()
