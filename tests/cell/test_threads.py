"""A cell that is traced and threads: those that work beside it are not touched, those that it starts lose nothing."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import gradmagic as gm
from gradmagic.engine.faces.numpy.array import Array

from .helpers import fresh, traced

CELL = """
y = [x[i] * 2.0 for i in range(3)]
d = {"a": y[0], "b": (y[1], y[2])}
z = sum(y) + d["b"][0]
"""


class Beside:
    """A thread that differentiates without a pause, and holds tracked values in containers of every kind."""

    def __init__(self):
        self.rounds, self.wrong, self.error, self.on = 0, 0, None, True
        self._thread = threading.Thread(target=self._run)

    def _work(self, x):
        held = [x * 2.0, {"k": x * 3.0}, (x, (x * 4.0,))]
        buffer = np.zeros(3)
        for i in range(3):
            buffer[i] = x[i] ** 2
        total = np.sum(held[0]) + np.sum(held[1]["k"]) + np.sum(held[2][1][0]) + buffer.sum()
        self.wrong += not all(type(v) is Array for v in (held[0], held[1]["k"], held[2][0], held[2][1][0]))
        return total

    def _run(self):
        v = np.array([1.0, 2.0, 3.0])
        try:
            while self.on:
                self.wrong += not np.array_equal(gm.grad(self._work)(v), 9 + 2 * v)
                self.rounds += 1
        except BaseException as error:
            self.error = error

    def __enter__(self):
        self._before = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.on = False
        self._thread.join(60)
        sys.setswitchinterval(self._before)


def test_a_thread_that_works_while_cells_run_is_not_touched():
    with Beside() as beside:
        for _ in range(25):
            names = fresh("x = np.array([1.0, 2.0, 3.0])")
            trace = traced(CELL, names, "x")
            assert trace.inputs[0].array.tolist() == [2.0, 4.0, 2.0]
            assert type(names["x"]) is np.ndarray
            assert all(type(v) is np.float64 for v in names["y"])
            assert {op.rule for op in trace.operations} == {"", "getitem", "multiply", "add"}
    assert beside.error is None
    assert beside.rounds > 0
    assert beside.wrong == 0


def test_two_threads_trace_functions_at_once():
    def f(x):
        y = [x[i] * 2.0 for i in range(3)]
        time.sleep(0)
        return y[0] * y[1] + y[2]

    def work(k):
        v = np.array([1.0, 2.0, 3.0]) * k
        reports = [gm.trace(f)(v) for _ in range(10)]
        return all(
            np.array_equal(r.grads["x"], [4 * v[1], 4 * v[0], 2.0]) and not r._trace.notes for r in reports
        )

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(work, (1.0, 2.0, 3.0))) == [True] * 3
    finally:
        sys.setswitchinterval(before)


def test_gradients_flow_through_threads_that_the_cell_starts():
    names = fresh("from concurrent.futures import ThreadPoolExecutor\nx = np.array([1.0, 2.0, 3.0])")
    text = "with ThreadPoolExecutor(3) as pool:\n    parts = list(pool.map(lambda i: x[i] ** 2, range(3)))"
    text += "\nz = sum(parts)"
    trace = traced(text, names, "x")
    assert trace.inputs[0].array.tolist() == [2.0, 4.0, 6.0]
    assert not trace.notes
    assert [type(p) for p in names["parts"]] == [np.float64] * 3


def test_a_number_that_a_thread_of_the_cell_takes_is_followed():
    names = fresh("from concurrent.futures import ThreadPoolExecutor\nx = np.array([1.0, 2.0, 3.0])")
    text = "with ThreadPoolExecutor(1) as pool:\n    c = pool.submit(lambda: float(x[0])).result()\nz = c * x.sum()"
    trace = traced(text, names, "x")
    assert trace.notes == ()
    assert trace.inputs[0].array.tolist() == [7.0, 1.0, 1.0]  # c * x.sum(), c is x[0]
    assert type(names["c"]) is float


def test_a_number_that_a_thread_of_the_cell_loses_is_noted():
    names = fresh("from threading import Thread\nx = np.array([1.0, 2.0, 3.0])\nc = []")
    text = "t = Thread(target=lambda: c.append(float(str(x[0]))))\nt.start()\nt.join()\nz = c[0] * x.sum()"
    trace = traced(text, names, "x")
    assert [(note.kind, note.line) for note in trace.notes] == [("cut", 1)]
    assert trace.inputs[0].array.tolist() == [1.0, 1.0, 1.0]


def test_the_sessions_settings_are_the_cells():
    names = fresh("x = np.array([1.0, 2.0])")
    done = []

    def other():
        with gm.no_grad():
            done.append(True)
            time.sleep(0.05)

    thread = threading.Thread(target=other)
    thread.start()
    trace = traced("z = (x * x).sum()", names, "x")
    thread.join()
    assert done
    assert trace.inputs[0].array.tolist() == [2.0, 4.0]
