"""Replay and all else that runs functions: gradients of and in replayed functions, tensors, modes, replay in replay,
threads.
"""

from __future__ import annotations

import copy
import pickle
import threading
import warnings
from typing import Any

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.tape import modes
from gradmagic.errors import ReplayWarning

from ...cell.helpers import traced
from .against import Cases, arrays, check

case = Cases()
V, U = arrays((3,)), arrays((4,))


def loss(x: Any) -> Any:
    return np.sum(np.tanh(x) * x) + (x**2).sum()


TRANSFORMS: dict[str, Any] = {
    "grad": gm.grad,
    "value_and_grad": gm.value_and_grad,
    "hessian": gm.hessian,
    "jacobian": gm.jacobian,
    "grad of grad": lambda f: gm.grad(lambda x: gm.grad(f)(x).sum()),
    "jacobian of parts": lambda f: gm.jacobian(lambda x: np.array([x[0] * x[1], f(x), x.sum()])),
    "jvp": lambda f: lambda x: gm.jvp(f, (x,), (x + 1,)),
    "vjp": lambda f: lambda x: gm.vjp(f, x)[1](2.0),
    "hvp": lambda f: lambda x: gm.hvp(f, x, x + 1),
    "of a replayed function": lambda f: gm.grad(gm.replay(f)),
}


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_a_transformed_function_is_replayed(transform: Any) -> None:
    check(transform(loss), (V, V, V), {"programs": 1})


def tensors(*shapes: tuple[int, ...], grad: bool = False) -> Any:
    return lambda r: tuple(gm.tensor(r.normal(size=s), requires_grad=grad) for s in shapes)


T, L = tensors((3,)), tensors((3,), grad=True)
inner, slope = gm.replay(loss), gm.replay(gm.grad(loss))


@case(T, T)
def computed(t):
    return t * 2, t.sum(), t.numpy() * 1


@case(L, L, T, T)
def detached(t):
    return (t * 2).detach()


@case(L, L, L)
def detached_number(t):
    return (t * t).sum().detach()


@case(L, L, refused="hangs on a tape")
def with_a_tape(t):
    return t * 2


@case(L, L, L)
def swept(t):
    made = (t**3).sum()
    made.backward()
    return made.item()


@case(T, T, T)
def written(t):
    t.add_(1)
    t[0] = 5
    return t.sum()


@case(T, T)
def seen(t):
    return t, t[1:], t.view(3), t.detach(), t.numpy()


@case(V, V, V)
def made_within(x):
    t = gm.tensor(x, requires_grad=True)
    (t**2).sum().backward()
    return t.grad.numpy()


@case(V, V, V)
def under_no_grad(x):
    with gm.no_grad():
        t = gm.tensor(x, requires_grad=True) * 2
    return t.numpy(), t.requires_grad


@case(V, V, U, V)
def a_replayed_function(x):
    return inner(x) * 2 + x


@case(V, V, U, V)
def a_replayed_gradient(x):
    return slope(x) * 2


@case(V, V, U, V)
def its_gradient(x):
    return gm.grad(inner)(x)


@pytest.mark.parametrize(("f", "calls", "options"), [r[1:] for r in case.rows], ids=[r[0] for r in case.rows])
def test_replayed(f: Any, calls: Any, options: Any) -> None:
    check(f, calls, options)


PICKING: dict[str, Any] = {
    "a mask": lambda x: (np.where(x > 0, x, 0) ** 2).sum(),
    "the largest": lambda x: x.max(0).sum() + np.median(x, 0).sum(),
    "places of the largest": lambda x: x.sum() + x[np.argmax(x, 0), np.arange(3)].sum(),
    "sorted": lambda x: (np.sort(x, 0) * np.arange(4.0)[:, None]).sum(),
    "along": lambda x: np.take_along_axis(x, np.argsort(x, 0), 0)[0].sum(),
    "running": lambda x: np.maximum.accumulate(x, 0).sum(),
    "clipped": lambda x: x.clip(-0.5, 0.5).sum(),
}


def added(x: Any) -> Any:
    total = 0
    for i, v in enumerate(x.reshape(-1)):
        total += v * i
    total *= 2
    return total


PICKING["a number added to in place"] = added


@pytest.mark.parametrize("f", PICKING.values(), ids=PICKING.keys())
def test_what_values_pick_needs_one_program(f: Any) -> None:
    check(gm.value_and_grad(f), (arrays((4, 3)),) * 4, {"programs": 1})


def test_a_number_of_picked_entries_is_a_kind_of_call() -> None:
    slope = gm.replay(gm.grad(lambda x: (x[x > 0] ** 2).sum()))
    for x in [1.0, -1, 2], [-1.0, 2, 3], [1.0, 2, 3]:
        np.testing.assert_array_equal(slope(np.array(x)), np.maximum(x, 0) * 2)
    assert len(slope.programs) == 2


def test_a_replayed_function_is_traced_by_a_cell_and_by_a_tensor() -> None:
    f = gm.replay(lambda x: np.sum(x * x))
    x = np.arange(3.0)
    assert f(x) == f(x) == 5
    np.testing.assert_array_equal(gm.grad(f)(x), 2 * x)
    t = gm.tensor(x, requires_grad=True)
    with pytest.warns(ReplayWarning, match="hangs on a tape"):
        f(t).backward()
    np.testing.assert_array_equal(t.grad.numpy(), 2 * x)
    names = {"f": f, "x": x}
    trace = traced("z = f(x) * 2", names, "x")
    np.testing.assert_array_equal(trace.inputs[0].array, 4 * x)
    assert names["z"] == 10


def test_threads_that_meet_at_one_function_get_their_own_results() -> None:
    weights = np.random.default_rng(0).normal(size=(5, 2))
    eager = gm.value_and_grad(lambda x, w: np.sum(np.tanh(x @ w) ** 2), argnums=(0, 1))
    shared = gm.replay(lambda x: np.tanh(x @ weights))
    replayed = gm.replay(eager)
    r = np.random.default_rng(1)
    data = [r.normal(size=(n, 5)) for n in (4, 6, 8) * 10]
    wrong: list[Any] = []

    def work(seed: int) -> None:
        for i in np.random.default_rng(seed).permutation(len(data)):
            want, got = eager(data[i], weights), replayed(data[i], weights)
            close = np.allclose(want[0], got[0]) and all(map(np.allclose, want[1], got[1]))
            if not close or not np.allclose(shared(data[i]), np.tanh(data[i] @ weights)):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(replayed.programs) == len(shared.programs) == 3


def test_it_warns_once_and_goes_on() -> None:
    f = gm.replay(lambda x: x * float(x[0]))
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        values = [f(np.full(2, float(k)))[1] for k in range(4)]
    assert values == [0, 1, 4, 9] and len(heard) == 1 and heard[0].filename == __file__


def test_places_that_are_kept_do_not_keep_a_program_away() -> None:
    """As in a notebook with the extension loaded, where operations remember their lines."""
    r = gm.replay(gm.value_and_grad(lambda x: np.sum(x * x)))
    modes.keep_places(True)
    try:
        for k in range(3):
            r(np.ones(3) * k)
        assert r.served == 2
    finally:
        modes.keep_places(False)
    r(np.ones(3))
    assert r.served == 3


def test_numpy_warns_once_for_one_call() -> None:
    r = gm.replay(lambda x: np.log(x))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        r(np.zeros(2))
        assert len(caught) == 1
        r(np.zeros(2))
        assert len(caught) == 2


class Walker:
    """Something that moves on by a replayed step of its own."""

    def __init__(self) -> None:
        self.w = np.ones(3)
        self.step = gm.replay(self._step)

    def _step(self, x: Any) -> Any:
        self.w = self.w + x
        return self.w * 1


@gm.replay
def doubled(x: Any) -> Any:
    return x * 2


def test_a_copy_of_what_has_a_replayed_step_goes_its_own_way() -> None:
    walker = Walker()
    for _ in range(3):
        walker.step(np.ones(3))
    for other in (copy.deepcopy(walker), pickle.loads(pickle.dumps(walker))):
        for k in range(3):
            assert (other.step(np.ones(3)) == 5 + k).all() and (other.w == 5 + k).all()
        assert other.step.served == 2 and (walker.w == 4).all()
    assert copy.deepcopy(doubled) is copy.copy(doubled) is pickle.loads(pickle.dumps(doubled)) is doubled
    shared = copy.copy(walker.step)
    assert (shared(np.ones(3)) == 5).all() and (walker.w == 5).all()
