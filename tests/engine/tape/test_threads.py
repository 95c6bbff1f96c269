"""Every setting belongs to the thread that made it; the tape serves several threads at once, all with right numbers."""

import asyncio
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradmagic as gm
from gradmagic.engine.tape import modes
from gradmagic.engine.tape.observers import Observer
from gradmagic.errors import AnomalyError, ConversionError, FreedError, TapeLimitError

THREADS = 4


@contextmanager
def often():
    """Let threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def in_thread(function):
    """Run `function` in a thread of its own and give what it gives."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(60)


def together(*functions):
    """Run functions in threads that begin at one moment; give their results."""
    begin = threading.Barrier(len(functions))

    def run(function):
        begin.wait(60)
        return function()

    with ThreadPoolExecutor(len(functions)) as pool, often():
        return [future.result(120) for future in [pool.submit(run, f) for f in functions]]


def leaf(values=(1.0, 2.0, 3.0)):
    return gm.tensor(np.array(values), requires_grad=True)


# ---- settings ----------------------------------------------------------------------------------------------------


class Seen(Observer):
    def __init__(self):
        self.threads = set()

    def made(self, node, array, frame):
        self.threads.add(threading.get_ident())


def records():
    return (leaf() * 2.0).requires_grad


def finds_nan():
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            np.log(leaf([-1.0]))
        except AnomalyError:
            return True
    return False


def masks():
    with np.errstate(all="ignore"):
        return not np.isnan(gm.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)))(np.zeros(2))).any()


def is_limited():
    try:
        np.tanh(leaf(np.ones(1000)))
    except TapeLimitError:
        return True
    return False


def keeps_places():
    return (leaf() * 2.0).node.place is not None


@contextmanager
def called(setter, off):
    setter()
    try:
        yield
    finally:
        off()


SETTINGS = {
    "no_grad": (gm.no_grad, records),
    "set_grad_enabled": (lambda: gm.set_grad_enabled(False), records),
    "set_grad_enabled, called": (
        lambda: called(lambda: gm.set_grad_enabled(False), lambda: gm.set_grad_enabled(True)),
        records,
    ),
    "detect_anomaly": (gm.detect_anomaly, finds_nan),
    "set_detect_anomaly": (lambda: gm.autograd.set_detect_anomaly(True), finds_nan),
    "guard_where": (lambda: gm.guard_where(quiet=True), masks),
    "set_tape_limit": (
        lambda: called(lambda: gm.set_tape_limit(5000), lambda: gm.set_tape_limit("auto")),
        is_limited,
    ),
    "keep_places": (
        lambda: called(lambda: modes.keep_places(True), lambda: modes.keep_places(False)),
        keeps_places,
    ),
    "watch": (lambda: modes.watch(Seen()), lambda: modes.settings().observer is not None),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_the_threads_that_made_it(name):
    block, effect = SETTINGS[name]
    usual = effect()
    with block():
        assert effect() is not usual
        assert in_thread(effect) is usual
    assert effect() is usual


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_of_a_thread_does_not_reach_the_others(name):
    block, effect = SETTINGS[name]
    usual, ready, go = effect(), threading.Event(), threading.Event()

    def other():
        with block():
            ready.set()
            go.wait(60)
            return effect()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(other)
        ready.wait(60)
        assert effect() is usual
        go.set()
        assert future.result(60) is not usual


BLOCKS = [
    gm.no_grad,
    gm.enable_grad,
    lambda: gm.set_grad_enabled(False),
    gm.detect_anomaly,
    lambda: gm.guard_where(quiet=True),
]


@given(st.lists(st.sampled_from(range(len(BLOCKS))), max_size=6))
@settings(max_examples=25, deadline=None)
def test_blocks_nest_in_any_order_and_leave_nothing(order):
    before = modes.mode_now(), modes.settings()

    def nested(rest):
        if rest:
            with BLOCKS[rest[0]]():
                inside = modes.mode_now()
                nested(rest[1:])
                assert modes.mode_now() is inside

    nested(order)
    assert (modes.mode_now(), modes.settings()) == before


def test_one_block_may_be_entered_by_several_threads():
    block = gm.no_grad()
    entered, left = threading.Barrier(2), threading.Barrier(2)

    def first():
        with block:
            entered.wait(60)
        left.wait(60)
        return records()

    def second():
        with gm.no_grad():
            with block:
                entered.wait(60)
                left.wait(60)
            return records()

    assert together(first, second) == [True, False]


def test_decorated_functions_of_two_threads():
    slow = threading.Barrier(2)

    @gm.no_grad()
    def without():
        slow.wait(60)
        return records()

    def recording():
        slow.wait(60)
        return records()

    assert together(without, recording) == [False, True]


# ---- asyncio -----------------------------------------------------------------------------------------------------


def test_tasks_that_take_turns_do_not_share_settings():
    async def quiet():
        with gm.no_grad():
            await asyncio.sleep(0.01)
            inside = records()
        return inside, records()

    async def loud():
        found = []
        for _ in range(5):
            await asyncio.sleep(0.003)
            found.append(records())
        return all(found)

    async def main():
        return await asyncio.gather(quiet(), loud(), quiet())

    assert asyncio.run(main()) == [(False, True), True, (False, True)]


def test_a_task_begins_with_the_settings_of_who_started_it():
    async def task():
        before = records()
        gm.set_grad_enabled(True)
        return before, records()

    async def main():
        with gm.no_grad():
            found = await asyncio.create_task(task())
            return found, records()

    assert asyncio.run(main()) == ((False, True), False)


# ---- gradients of many threads -----------------------------------------------------------------------------------


def mixed(seed, rounds):
    """Gradients of all kinds, with known answers; give how many were wrong."""
    rng, wrong = np.random.default_rng(seed), 0

    def close(a, b):
        return np.allclose(getattr(a, "array", a), b, rtol=1e-10, atol=1e-12)

    for i in range(rounds):
        v = rng.uniform(0.5, 2.0, int(rng.integers(1, 6)))
        t = gm.tensor(v, requires_grad=True)
        (np.sin(t) * t**2).sum().backward()
        wrong += not close(t.grad, np.cos(v) * v**2 + 2 * v * np.sin(v))
        wrong += not close(gm.grad(lambda x: np.sum(np.exp(x) / x))(v), np.exp(v) * (1 / v - 1 / v**2))
        wrong += not close(gm.grad(gm.grad(lambda x: x**3))(float(v[0])), 6 * v[0])

        def filled(x):
            out = np.zeros(x.size)
            for j in range(x.size):
                out[j] = x[j] ** 2
            return out.sum()

        wrong += not close(gm.grad(filled)(v), 2 * v)
        if i % 3 == 0:
            with gm.no_grad():
                u = gm.tensor(v, requires_grad=True)
                wrong += (u * 2).requires_grad
        y = gm.tensor(v, requires_grad=True)
        z = y * 1.0
        z += y
        z[0] = 5.0
        (z * z).sum().backward()
        expected = 8 * v
        expected[0] = 0
        wrong += not close(y.grad, expected)
        x, w = gm.tensor(v, requires_grad=True), gm.tensor(v + 1, requires_grad=True)
        (gx,) = gm.autograd.grad((x * w).sum(), [x])
        wrong += not close(gx, v + 1)
    return wrong


def test_thousands_of_gradients_in_four_threads():
    assert together(*(lambda k=k: mixed(k, 150) for k in range(THREADS))) == [0] * THREADS


def test_threads_in_different_modes():
    def off():
        with gm.no_grad():
            return sum((leaf() * 2.0).requires_grad for _ in range(3000))

    def on():
        return sum((leaf() * 2.0).requires_grad for _ in range(3000))

    assert together(off, on, off, on) == [0, 3000, 0, 3000]


def test_a_sweep_may_run_in_another_thread():
    x = leaf()
    y = (np.exp(x) * x).sum()
    in_thread(y.backward)
    v = x.detach().numpy()
    np.testing.assert_allclose(x.grad.numpy(), np.exp(v) * (1 + v))
    with pytest.raises(FreedError):
        in_thread(y.backward)


def test_graphs_made_in_many_threads_are_one_graph():
    x = leaf()
    parts = together(*(lambda k=k: (x * float(k)).sum() for k in range(THREADS)))
    sum(parts[1:], parts[0]).backward()
    assert x.grad.tolist() == [6.0] * 3


def test_no_contribution_to_a_shared_leaf_is_lost():
    x = gm.tensor(np.zeros(1000), requires_grad=True)

    def work():
        for _ in range(300):
            (x * 1.0).sum().backward()

    together(*[work] * THREADS)
    assert x.grad.tolist() == [300.0 * THREADS] * 1000


def test_a_write_in_another_thread_makes_saved_values_stale():
    x = leaf()
    y = x * 1.0
    z = (y * y).sum()

    def write():
        with gm.no_grad():
            y.mul_(2.0)

    in_thread(write)
    with pytest.raises(gm.errors.StaleError):
        z.backward()


def test_shapes_met_first_by_several_threads_at_once():
    """Shapes and dtypes are interned: two objects for one would leave the fast paths, and once compare unequal."""

    def work():
        found = []
        for n in range(200, 260):
            t = gm.tensor(np.ones((n, 1, 3)), requires_grad=True)
            found.append(((t * t) + (t * t)).node.aval)
        return found

    first, *others = together(*[work] * THREADS)
    assert all(a is b for other in others for a, b in zip(first, other, strict=True))


# ---- what a thread loses -----------------------------------------------------------------------------------------


def test_a_number_taken_in_a_thread_of_a_differentiated_function_is_told():
    def f(x):
        return in_thread(lambda: np.asarray([x[0]], dtype=object).astype(float)[0]) * np.sum(x)

    with pytest.raises(ConversionError):
        gm.grad(f)(np.array([1.0, 2.0]))


def test_a_float_taken_in_a_thread_of_a_differentiated_function_is_told():
    def f(x):
        return in_thread(lambda: float(x)) * x

    differentiated = gm.grad(f)
    with pytest.warns(UserWarning, match="becomes plain"):
        differentiated(2.0)


def test_what_leaks_out_of_gm_grad_is_not_wanted_any_more():
    held = []

    def f(x):
        held.append(x)
        return x * x

    gm.grad(f)(2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(held[0]) == 2.0
