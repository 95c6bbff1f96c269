"""The recorder: values, gradients, sweeps; its memory does not grow with a loop."""

import tracemalloc

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.faces.numpy.array import Array
from gradmagic.engine.sweeps.backward import sweep
from gradmagic.engine.tape import modes
from gradmagic.engine.watch.recorder import Recorder, Summaries
from gradmagic.errors import StaleError


def watched(compute, **settings):
    recorder = Recorder(**settings)
    with modes.watch(recorder):
        result = compute()
    recorder.settle()
    return recorder, result


def test_values_gradients_and_local_derivatives_of_a_graph():
    a, b = gm.tensor(2.0, requires_grad=True), gm.tensor(1.0, requires_grad=True)

    def compute():
        c, d = a + b, b + 1
        e = c * d
        e.backward()
        return c, d, e

    recorder, (c, d, e) = watched(compute)
    assert [recorder.values[t.node.number].items for t in (c, d, e)] == [3.0, 2.0, 6.0]
    assert [recorder.grads[t.node.number].items for t in (a, b, c, d, e)] == [2.0, 5.0, 2.0, 3.0, 1.0]
    assert [v.items for v in recorder.locals[e.node.number]] == [2.0, 3.0]
    assert recorder.flows[d.node.number][0].items == 3.0
    assert recorder.total == 3


def test_two_uses_of_one_value_are_told_apart():
    x = gm.tensor([3.0, 4.0], requires_grad=True)

    def compute():
        y = x * x
        y.backward(np.ones(2))
        return y

    recorder, y = watched(compute)
    assert [f.items for f in recorder.flows[y.node.number]] == [(3.0, 4.0), (3.0, 4.0)]
    assert recorder.grads[x.node.number].items == (6.0, 8.0)


def test_each_sweep_leaves_its_scalars_and_only_the_last_its_graph():
    x = gm.tensor(1.0, requires_grad=True)

    def compute():
        for _ in range(50):
            loss = (x - 3.0) ** 2
            x.grad = None
            loss.backward()
            x.data -= 0.1 * x.grad
        return loss

    recorder, loss = watched(compute, parameters=lambda: {"x": x})
    assert len(recorder.sweeps) == 50
    assert recorder.sweeps[0].result == 4.0
    assert recorder.sweeps[-1].parameters["x"] == pytest.approx(3.0, abs=1e-3)
    assert loss.node.number in recorder.values
    assert len(recorder.values) <= 4


def test_a_long_loop_keeps_the_first_values_and_the_last_of_each_place():
    x = gm.tensor([1.0], requires_grad=True)

    def compute():
        h = x
        for _ in range(2000):
            h = h * 1.001
        return h

    recorder, h = watched(compute, limit=100)
    assert len(recorder.values) == 101
    assert recorder.values[h.node.number].items == pytest.approx(h.tolist())
    assert recorder.total == 2000


def test_memory_does_not_grow_with_the_sweeps():
    x = gm.tensor(np.ones(8), requires_grad=True)

    def loop(n):
        for _ in range(n):
            y = ((x - 3.0) ** 2).sum()
            x.grad = None
            y.backward()

    def size(n):
        recorder = Recorder()
        tracemalloc.start()
        with modes.watch(recorder):
            loop(n)
        kept = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return kept

    size(50)
    few, many = size(200), size(2000)
    # What is left is the scalars of the history (200 bytes each); a graph would be 2,000.
    assert many - few < 1800 * 600


def test_a_small_array_that_the_cell_changes_later_cannot_corrupt_the_gradient():
    x = Array.lift(np.array([1.0, 2.0]))
    buffer = np.array([1.0, 1.0])

    def compute():
        total = 0.0
        for k in range(3):
            buffer[:] = k
            total = total + np.sum(x * buffer)
        return sweep(total.node, total.node.aval.one)[1][x.node.number]

    _, grad = watched(compute)
    assert grad.tolist() == [3.0, 3.0]


def test_a_large_array_that_the_cell_changes_later_makes_the_gradient_unavailable():
    x = Array.lift(np.ones(20_000))
    buffer = np.ones(20_000)

    def compute():
        y = np.sum(x * buffer)
        buffer[:] = 2.0
        sweep(y.node, y.node.aval.one)

    with pytest.raises(StaleError, match=r"changed\s+afterwards"):
        watched(compute)


def test_a_cut_is_kept_once_for_each_place():
    x = Array.lift(2.0)
    recorder, _ = watched(lambda: [float(x) for _ in range(5)])
    ((how, _),) = recorder.cuts
    assert how == "float"
    assert next(iter(recorder.cuts.values())).times == 5


def test_functions_with_several_results_are_watched_whatever_their_tuple_is_called():
    x = np.array([1.0, 2.0, 3.0])

    def f(x):  # NumPy's eigh, svd, slogdet and qr give tuples with names
        many = np.stack([np.outer(x, x) + np.diag(x)] * 2)
        values, vectors = np.linalg.eigh(many)
        return (vectors[..., 0] ** 2).sum(-1).prod() + values.sum() + np.linalg.slogdet(many)[1].sum()

    expected = gm.grad(f)(x)
    np.testing.assert_allclose(gm.trace(f)(x).grads["x"], expected)
    with gm.detect_anomaly():
        np.testing.assert_allclose(gm.grad(f)(x), expected)


def test_to_ask_whether_a_value_was_kept_does_not_summarise_it():
    kept = Summaries()
    kept.keep(1, object())  # nothing that could be summarised
    assert 1 in kept and 2 not in kept
