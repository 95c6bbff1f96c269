"""Programs drawn at random, of views, writes, reads and buffers: their gradients are those of differences.

A program is a list of steps on a list of arrays: views of them, results, and new buffers. A step reads some and writes
into others, whatever shares memory with whatever, as NumPy allows.
"""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from hypothesis import assume, given, settings

import gradmagic as gm
from gradmagic.engine.transforms.traced import TracedCall
from tests.draws import draws
from tests.engine.sweeps.test_reference import held_against_the_plain_sweep

VIEWS = {
    "x[1:]": lambda x: x[1:],
    "x[::2]": lambda x: x[::2],
    "x[::-1]": lambda x: x[::-1],
    "x[..., 0]": lambda x: x[..., 0],
    "x[-1]": lambda x: x[-1],
    "x[None]": lambda x: x[None],
    "x.T": lambda x: x.T,
    "x.reshape(-1)": lambda x: x.reshape(-1),
    "np.ravel(x)": lambda x: np.ravel(x),
    "x[:, 1:]": lambda x: x[:, 1:],
    "np.diagonal(x[:2, :2])": lambda x: np.diagonal(x[:2, :2]),
    "x[[0, -1, 0]]": lambda x: x[[0, -1, 0]],  # copies from here on
    "x[x > 0.2]": lambda x: x[x > 0.2],
    "x.copy()": lambda x: x.copy(),
    "np.asarray(x)": lambda x: np.asarray(x),
    "x[np.ix_([1, 0])]": lambda x: x[np.ix_([1, 0])],
}
RESULTS = {
    "np.sin(x)": lambda x, y: np.sin(x),
    "x * sum(y)": lambda x, y: x * np.sum(y),
    "x + y": lambda x, y: x + y,
    "np.outer": lambda x, y: np.outer(x, y)[:3, :3],
    "np.cumsum(x)": lambda x, y: np.cumsum(x, axis=-1) / 2,
    "np.array([x.., y..])": lambda x, y: np.array([x.flat[0], y.flat[-1], 0.5]),
    "np.concatenate": lambda x, y: np.concatenate([np.ravel(x), np.ravel(y)])[:6],
    "np.where": lambda x, y: np.where(x > 0, x, 2 * x),
    "np.zeros_like(x)": lambda x, y: np.zeros_like(x),
    "np.zeros((3, 2))": lambda x, y: np.zeros((3, 2)),
    "np.ones(4)": lambda x, y: np.ones(4),
    "np.full(3, x..)": lambda x, y: np.full(3, x.flat[0]),
    "np.empty": lambda x, y: np.copyto(e := np.empty(np.shape(x)), x) or e,
}


def _add(x, y):
    x += y


def _times(x, y):
    x *= np.tanh(y)


def _swap(x, y):
    x[0], x[-1] = x[-1] + 0.1, np.copy(x[0])


def _rows(x, y):
    for i in range(len(x)):
        x[i] = np.sin(x[i]) + np.sum(y)


def _at(x, y):
    if x.flags.writeable:  # NumPy's own add.at writes to what is read-only; ours refuses
        np.add.at(x, [0, 0], np.ravel(y)[0])


WRITES = {
    "x[:] = y": lambda x, y: x.__setitem__(slice(None), y),
    "x[0] = sum(y)": lambda x, y: x.__setitem__(0, np.sum(y)),
    "x[1:] = x[:-1]": lambda x, y: x.__setitem__(slice(1, None), x[:-1]),
    "x[..., -1] *= 2": lambda x, y: x.__setitem__((..., -1), x[..., -1] * 2),
    "x[x > 0] = y.flat[0]": lambda x, y: x.__setitem__(x > 0.1, y.flat[0]),
    "x[[0, 0]] = 3": lambda x, y: x.__setitem__([0, 0], 3.0),
    "x += y": _add,
    "x *= tanh(y)": _times,
    "x.flat[1] = y": lambda x, y: x.flat.__setitem__(0, y.flat[-1]),
    "np.multiply(x, y, out=x)": lambda x, y: np.multiply(x, y, out=x),
    "np.exp(y, out=x)": lambda x, y: np.sin(y, out=x),
    # NumPy lets a read-only array be copied onto itself; ours refuses.
    "np.copyto(x, y, where)": lambda x, y: x.flags.writeable and np.copyto(x, y, where=x < 0.3),
    "np.add.at": _at,
    "swap": _swap,
    "loop": _rows,
    "fill": lambda x, y: x.fill(y.flat[0]),
    "put": lambda x, y: np.put(x, [0, 1], [y.flat[0], 0.5]),
    "sort": lambda x, y: x.sort(),
    "diagonal": lambda x, y: np.fill_diagonal(x, y.flat[0]),
}
STEPS = {"view": VIEWS, "make": RESULTS, "write": WRITES}
step = st.sampled_from(list(STEPS)).flatmap(
    lambda kind: st.tuples(
        st.just(kind), st.sampled_from(list(STEPS[kind])), st.integers(0, 9), st.integers(0, 9)
    )
)
programs = st.lists(step, min_size=2, max_size=8)


def run(steps, x, y):
    arrays = [x, y]
    for kind, name, i, j in steps:
        a, b = arrays[i % len(arrays)], arrays[j % len(arrays)]
        if kind == "view":
            arrays.append(VIEWS[name](a))
        elif kind == "make":
            arrays.append(RESULTS[name](a, b))
        else:
            WRITES[name](a, b)
    total = 0.0
    for k, a in enumerate(arrays):
        total = total + np.sum(np.cos(a + 0.3 * k) * np.arange(1.0, np.size(a) + 1).reshape(np.shape(a)))
    return total


def allowed(steps, x, y):
    """Keep the steps that NumPy takes (a write that fails half way is left out, too)."""
    kept = []
    for s in steps:
        try:
            run([*kept, s], x.copy(), y.copy())
        except (ValueError, IndexError, TypeError, AttributeError):
            continue
        kept.append(s)
    return kept


def slope(f, h):
    return (f(h) - f(-h)) / (2 * h)


@settings(max_examples=draws(80))
@given(programs, st.integers(0, 99))
def test_a_random_program_has_the_gradient_of_differences(steps, seed):
    rng = np.random.default_rng(seed)
    x, y, dx, dy = rng.normal(size=(4, 3, 2))
    y, dy = y[:, 0].copy(), dy[:, 0].copy()
    steps = allowed(steps, x, y)

    def along(h):
        return run(steps, x + h * dx, y + h * dy)

    expected, coarse = slope(along, 1e-6), slope(along, 3e-6)
    assume(abs(expected - coarse) <= 1e-6 * (1 + abs(expected)))

    def f(x, y):
        return run(steps, x, y)

    value, (gx, gy) = gm.value_and_grad(f, (0, 1))(x.copy(), y.copy())
    assert value == along(0.0)
    tolerance = 1e-5 * (1 + abs(expected))
    assert abs(np.sum(gx * dx) + np.sum(gy * dy) - expected) < tolerance
    assert abs(gm.jvp(f, (x, y), (dx, dy))[1] - expected) < tolerance


@settings(max_examples=draws(30))
@given(programs, st.integers(0, 99))
def test_both_fast_sweeps_over_a_random_program_give_what_the_plain_one_gives(steps, seed):
    x, y = np.random.default_rng(seed).normal(size=(2, 3, 2))
    steps = allowed(steps, x, y[:, 0].copy())
    run_of = TracedCall(lambda x, y: run(steps, x, y), (x, y[:, 0].copy()), {}, (0, 1))
    with np.errstate(all="ignore"):
        held_against_the_plain_sweep(run_of.results[0].node, run_of.nodes)
