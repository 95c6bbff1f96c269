"""The Jacobian of one operation: every entry, against differences, and the name of each factor of a product."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.sweeps.jacobians import is_small, jacobian, remembered

A = np.array([[1.0, 3.0, -2.0], [4.0, 2.0, 0.5]])
B = np.array([[0.5, -1.0], [2.0, 0.75], [1.5, -3.0]])
CALLS = {
    "sum": lambda x: np.sum(x, axis=0),
    "mean": np.mean,
    "trace": lambda x: np.trace(x, offset=1),
    "transpose": np.transpose,
    "index": lambda x: x[:, [0, 2, 2]],
    "sort": lambda x: np.sort(x, axis=1),
    "max": lambda x: np.max(x, axis=1),
    "cumsum": lambda x: np.cumsum(x, axis=1),
    "cumprod": lambda x: np.cumprod(x, axis=1),
    "matmul left": lambda x: np.matmul(x, B),
    "matmul right": lambda x: np.matmul(B, x),
    "einsum": lambda x: np.einsum("ij,jk->ki", x, B),
    "inner": lambda x: np.inner(x, B.T),
    "tile": lambda x: np.tile(x, 2),
}


def matrix(entries, shape):
    found = np.zeros(shape)
    for out, source, value, _ in entries:
        found[out, source] += value
    return found


@pytest.mark.parametrize("name", CALLS)
def test_it_is_what_differences_give(name):
    call, x = CALLS[name], gm.tensor(A, requires_grad=True)
    out = call(x)
    found = jacobian(remembered(out.node))
    (entries,) = (e for source, e in zip(out.node.inputs, found, strict=False) if source is x.node)
    size = int(np.prod(out.shape, dtype=int))
    total = matrix(entries, (size, A.size))
    steps = np.eye(A.size).reshape(A.size, *A.shape) * 1e-6
    numerical = np.array([np.ravel(call(A + h) - call(A - h)) / 2e-6 for h in steps]).T
    np.testing.assert_allclose(total, numerical, atol=1e-6)


@pytest.mark.parametrize("name", ["matmul left", "matmul right", "einsum", "inner"])
def test_each_factor_of_a_product_is_an_entry_of_the_other_operand(name):
    x = gm.tensor(A, requires_grad=True)
    other = B.T if name == "inner" else B
    entries = [e for argument in jacobian(remembered(CALLS[name](x).node)) for e in argument]
    assert entries
    for entry in entries:
        assert other.ravel()[entry.factor] == entry.value


def test_equal_numbers_are_told_apart_by_their_place_and_a_zero_is_a_dependence():
    x = gm.tensor([[1.0, 2.0]], requires_grad=True)
    (entries, _) = jacobian(remembered((x @ np.array([[7.0, 7.0], [0.0, 7.0]])).node))
    assert [(e.out, e.source, e.value, e.factor) for e in entries] == [
        (0, 0, 7.0, 0), (0, 1, 0.0, 2), (1, 0, 7.0, 1), (1, 1, 7.0, 3)
    ]  # fmt: skip


def test_what_is_entry_by_entry_large_or_not_real_has_none():
    x = gm.tensor(A, requires_grad=True)
    assert not is_small((x * 2).node)
    assert not is_small(gm.tensor(np.ones((20, 20)), requires_grad=True).sum().node)
    assert not is_small(np.fft.fft(x).node)


def test_it_stays_right_when_the_operand_is_changed_later():
    m = B.copy()
    held = remembered((gm.tensor(A, requires_grad=True) @ m).node)
    m *= 0
    assert {e.value for e in jacobian(held)[0]} == set(B.ravel())
