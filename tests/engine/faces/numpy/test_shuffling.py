"""Arrays that are shuffled in place, by NumPy and by Python, in a cell and under gm.grad: followed, or refused by name.

The values are those without the magic, and the gradients those of differences, after the same seed. Of rows NumPy's
own shuffle would make two of one: it is refused, and what it says to write instead works.
"""

import itertools
import random
import re
import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import gradmagic as gm
from gradmagic.errors import ArgumentError, ConversionError

from ....cell.helpers import fresh, left_behind, traced

NUMPYS = {
    "a generator's": lambda y, seed: np.random.default_rng(seed).shuffle(y),
    "a generator's, of a variable": lambda y, seed: (lambda shuffle: shuffle(y))(
        np.random.default_rng(seed).shuffle
    ),
    "NumPy's own": lambda y, seed: [np.random.seed(seed), np.random.shuffle(y)],  # noqa: NPY002
    "NumPy's old generator's": lambda y, seed: np.random.RandomState(seed).shuffle(y),
}
PYTHONS = {
    "Python's": lambda y, seed: [random.seed(seed), random.shuffle(y)],
    "Python's generator's": lambda y, seed: random.Random(seed).shuffle(y),
}
FROM = {
    "the value itself": lambda x: x,
    "a computed one": lambda x: x * x,
    "a part of it": lambda x: (x * x)[1:],
    "every other": lambda x: (x * x)[::-2],
    "a new array": lambda x: [y := np.zeros(np.shape(x)), y.__setitem__(slice(None), x * x)][0],
}


def weighed(y):
    return np.sum(y * np.cos(np.arange(np.size(y)) + 1.0).reshape(np.shape(y)))


def _array(data, ndim):
    shape = tuple(data.draw(st.integers(1, 5)) for _ in range(ndim))
    return np.random.default_rng(data.draw(st.integers(0, 99))).uniform(0.5, 2, shape), data.draw(
        st.integers(0, 99)
    )


def _agrees(loss, x):
    steps, before = np.zeros_like(x), x.copy()
    for at in np.ndindex(x.shape):
        sides = []
        for step in (1e-5, -1e-5):
            moved = x.copy()
            moved[at] += step
            sides.append(loss(moved))
        steps[at] = (sides[0] - sides[1]) / 2e-5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, g = gm.value_and_grad(loss)(x)
    assert value == loss(before)
    np.testing.assert_allclose(g, steps, atol=1e-7, rtol=1e-7)


@pytest.mark.parametrize("of", FROM)
@pytest.mark.parametrize("name", NUMPYS | PYTHONS)
@settings(max_examples=10)
@given(data=st.data())
def test_entries_are_followed_under_grad(name, of, data):
    x, seed = _array(data, 1)

    def loss(x):
        y = FROM[of](x)
        (NUMPYS | PYTHONS)[name](y, seed)
        return weighed(y) + np.sum(np.sin(x))

    _agrees(loss, x)


@pytest.mark.parametrize("of", FROM)
@pytest.mark.parametrize("name", PYTHONS)
@settings(max_examples=10)
@given(data=st.data())
def test_rows_are_followed_as_python_shuffles_numpys_own(name, of, data):
    x, seed = _array(data, 2)

    def loss(x):
        y = FROM[of](x)
        PYTHONS[name](y, seed)
        return weighed(y)

    _agrees(loss, x)


@pytest.mark.parametrize("ndim", [1, 2])
@pytest.mark.parametrize("name", NUMPYS | PYTHONS)
@settings(max_examples=10)
@given(data=st.data())
def test_lists_are_followed(name, ndim, data):
    x, seed = _array(data, ndim)

    def loss(x):
        y = list(x * x)
        (NUMPYS | PYTHONS)[name](y, seed)
        return weighed(np.stack(y))

    _agrees(loss, x)


@pytest.mark.parametrize("of", FROM)
@pytest.mark.parametrize("name", NUMPYS)
def test_rows_that_numpy_would_mix_up_are_refused_by_name_and_unchanged(name, of):
    kept = []

    def loss(x):
        y = FROM[of](x)
        kept.append((y, np.array(y.array)))
        NUMPYS[name](y, 3)
        return weighed(y)

    with pytest.raises(ArgumentError, match=r"'y' \(of shape .*test_shuffling.py, is shuffled in place.*"):
        gm.grad(loss)(np.arange(8.0).reshape(4, 2) + 1)
    ((y, before),) = kept
    np.testing.assert_array_equal(y.array, before)


def test_what_is_to_be_written_instead_is_followed():
    rng = np.random.default_rng(4)
    with pytest.raises(ArgumentError) as error:
        gm.grad(lambda x: rng.shuffle(x, axis=1) or np.sum(x))(np.ones((3, 2)))
    said = re.search(r"write (.*) instead, of columns (.*)\.$", str(error.value))
    for code in (said[1], f"x = {said[2]}"):

        def loss(x, code=code):
            names = {"x": x, "rng": np.random.default_rng(4)}
            exec(code, names)
            return weighed(names["x"])

        _agrees(loss, np.arange(6.0).reshape(3, 2))


def test_permutation_and_choice_say_what_to_write():
    rng = np.random.default_rng(4)
    with pytest.raises(ConversionError, match=r"take those: x\[rng\.permutation\(len\(x\)\)\]"):
        gm.grad(lambda x: np.sum(rng.permutation(x)))(np.ones(3))
    with pytest.raises(ConversionError, match=r"take those: x\[rng\.choice\(len\(x\), 2, replace=False\)\]"):
        gm.grad(lambda x: np.sum(rng.choice(x, 2, replace=False)))(np.ones(3))


def test_what_is_not_tracked_is_shuffled_by_numpy_itself_also_under_grad():
    plain, table = np.arange(5), np.arange(10.0).reshape(5, 2)
    with pytest.warns(UserWarning, match="not a subclass of 'Sequence'"):
        np.random.default_rng(1).shuffle({0: "a", 1: "b"})

    def loss(x):
        order, rows = plain.copy(), table.copy()
        np.random.default_rng(1).shuffle(order)
        np.random.default_rng(1).shuffle(rows)
        assert rows[:, 0].tolist() == (2 * order).tolist()
        with pytest.warns(UserWarning, match="not a subclass of 'Sequence'"):
            np.random.default_rng(1).shuffle({0: "a", 1: "b"})
        return np.sum(x[order] * rows[:, 1])

    _agrees(loss, np.arange(5.0))


CELLS = {
    "a generator's": "rng = np.random.default_rng(3)\nrng.shuffle(y)",
    "a generator's along the last axis": "rng = np.random.default_rng(3)\nrng.shuffle(y, axis=np.ndim(y) - 1)",
    "NumPy's own": "np.random.seed(3)\nnp.random.shuffle(y)",
    "Python's generator's": "import random\nrandom.Random(4).shuffle(y)",
    "Python's": "import random\nrandom.seed(3)\nrandom.shuffle(y)",
    "in a function": "def mixed(v, s):\n    s(v)\n    return v\ny = mixed(y, np.random.default_rng(3).shuffle)",
}


MADE = ("y = x", "y = x * x", "y = (x * x)[1:]", "y = [*(x * x)]", "y = x.copy().T")
SHAPES = ((5,), (4, 2), (1, 3), (2, 3, 2))


def _shuffles(name, shape, made):
    """A list has one axis."""
    return len(shape) == 1 or "axis" not in name or "[*" not in made


@pytest.mark.parametrize(
    ("name", "shape", "made"), [case for case in itertools.product(CELLS, SHAPES, MADE) if _shuffles(*case)]
)
def test_in_a_cell(name, shape, made):
    setup = f"x = np.random.default_rng(7).uniform(0.5, 2, {shape})"
    text = f"{made}\n{CELLS[name]}\nz = x.sum() + sum((y[i] * (i + 1) ** 2).sum() for i in range(len(y)))"
    plain, with_magic = fresh(setup), fresh(setup)
    exec(compile(text, "<cell>", "exec"), plain)
    trace = traced(text, with_magic, "x")
    assert left_behind(plain, with_magic) == []
    assert trace.notes == ()

    def z(x):
        names = fresh(setup) | {"x": x}
        exec(compile(text, "<cell>", "exec"), names)
        return float(names["z"])

    x = fresh(setup)["x"]
    steps = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        sides = []
        for step in (1e-5, -1e-5):
            moved = x.copy()
            moved[at] += step
            sides.append(z(moved))
        steps[at] = (sides[0] - sides[1]) / 2e-5
    np.testing.assert_allclose(trace.inputs[0].array, steps, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0), (1,), (1, 3)])
@pytest.mark.parametrize("shuffle", ["np.random.shuffle(x)", "rng.shuffle(x)", "random.shuffle(x)"])
def test_where_nothing_is_to_be_shuffled_the_cell_goes_on(shape, shuffle):
    setup = f"import random\nrng = np.random.default_rng(0)\nx = np.ones({shape})"
    trace = traced(f"{shuffle}\nz = (x * 2).sum()", fresh(setup), "x")
    assert trace.notes == ()
    np.testing.assert_array_equal(trace.inputs[0].array, np.full(shape, 2.0))
