"""Steps of training as programs: parameters, gradients, what optimisers keep and count, all as the step leaves them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.errors import ReplayWarning

OPTIMISERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: gm.optim.SGD(p, lr=0.05),
    "momentum": lambda p: gm.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    **{
        name: lambda p, name=name: getattr(gm.optim, name)(p, lr=0.01)
        for name in "Adam AdamW Adamax NAdam RAdam RMSprop Adagrad Adadelta Rprop ASGD".split()
    },
    "amsgrad": lambda p: gm.optim.Adam(p, lr=0.01, amsgrad=True, weight_decay=0.1),
}


def batches(number: int, size: int = 6) -> list[tuple[Any, Any]]:
    rng = np.random.default_rng(0)
    make = lambda *shape: gm.tensor(rng.normal(size=shape).astype("f"))
    return [(make(size, 3), make(size, 1)) for _ in range(number)]


def trained(make: Any, optimiser: Any, wrap: Any, number: int = 7, between: Any = None) -> tuple[Any, ...]:
    """Train a net for some steps; give losses, net, optimiser and the step."""
    gm.manual_seed(0)
    net = make()
    moving = optimiser(net.parameters())

    def step(x: Any, y: Any) -> float:
        moving.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        moving.step()
        return loss.item()

    one = wrap(step)
    losses = []
    for i, (x, y) in enumerate(batches(number)):
        losses.append(one(x, y))
        if between is not None:
            between(i, net, moving)
    return losses, net, moving, one


def equal(a: Any, b: Any) -> None:
    (losses, net, moving, _), (others, other_net, other, _) = a, b
    np.testing.assert_allclose(losses, others, rtol=1e-6)
    for name, value in net.state_dict().items():
        np.testing.assert_allclose(
            value.numpy(), other_net.state_dict()[name].numpy(), rtol=1e-5, atol=1e-7, err_msg=name
        )
    for p, q in zip(net.parameters(), other_net.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-5, atol=1e-7)
    mine, theirs = moving.state_dict()["state"], other.state_dict()["state"]
    assert mine.keys() == theirs.keys()
    for i, kept in mine.items():
        for name, value in kept.items():
            np.testing.assert_allclose(np.asarray(value), np.asarray(theirs[i][name]), rtol=1e-5, atol=1e-7)


def small() -> Any:
    return gm.nn.Sequential(gm.nn.Linear(3, 4), gm.nn.Tanh(), gm.nn.Linear(4, 1))


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_step_of_every_optimiser_is_a_program(name: str) -> None:
    eager = trained(small, OPTIMISERS[name], lambda f: f)
    replayed = trained(small, OPTIMISERS[name], gm.replay)
    equal(replayed, eager)
    assert not replayed[3].refused
    assert replayed[3].served >= 2, replayed[3].explain()


NETS: dict[str, Callable[[], Any]] = {
    "norm": lambda: gm.nn.Sequential(
        gm.nn.Linear(3, 4), gm.nn.BatchNorm1d(4), gm.nn.ReLU(), gm.nn.Linear(4, 1)
    ),
    "layers": lambda: gm.nn.Sequential(
        gm.nn.Linear(3, 4), gm.nn.LayerNorm(4), gm.nn.GELU(), gm.nn.Linear(4, 1)
    ),
    "shared": lambda: gm.nn.Sequential(
        *[one := gm.nn.Linear(3, 3), gm.nn.Sigmoid(), one, gm.nn.Linear(3, 1)]
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_buffers_and_shared_layers_are_left_as_they_would_be(name: str) -> None:
    eager = trained(NETS[name], OPTIMISERS["Adam"], lambda f: f)
    replayed = trained(NETS[name], OPTIMISERS["Adam"], gm.replay)
    equal(replayed, eager)
    assert replayed[3].served >= 2, replayed[3].explain()


CHANGES: dict[str, Callable[[int, Any, Any], None]] = {
    "rate": lambda i, net, moving: moving.param_groups[0].update(lr=0.01 * 0.8**i),
    "frozen": lambda i, net, moving: net[0].weight.requires_grad_(i < 3),
    "replaced": lambda i, net, moving: net.__setitem__(1, gm.nn.ReLU() if i == 3 else net[1]),
    "appended": lambda i, net, moving: net.append(gm.nn.Identity()) if i == 3 else None,
    "written": lambda i, net, moving: net[2].bias.data.fill_(0.5),
    "rebound": lambda i, net, moving: setattr(net[2].bias, "data", gm.tensor([0.25 * i])),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_between_steps_is_seen(name: str) -> None:
    eager = trained(small, OPTIMISERS["Adam"], lambda f: f, 9, CHANGES[name])
    replayed = trained(small, OPTIMISERS["Adam"], gm.replay, 9, CHANGES[name])
    losses, others = replayed[0], eager[0]
    np.testing.assert_allclose(losses, others, rtol=1e-6)
    for p, q in zip(replayed[1].parameters(), eager[1].parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-5, atol=1e-7)


def test_gradients_that_collect_go_on_collecting() -> None:
    def run(wrap: Any) -> Any:
        w = gm.tensor([1.0, 2.0], requires_grad=True)

        @wrap
        def add(x: Any) -> None:
            (w * w * x).sum().backward()

        for k in range(5):
            add(gm.tensor([1.0, float(k)]))
        return w.grad.numpy()

    np.testing.assert_array_equal(run(gm.replay), run(lambda f: f))


def test_a_tensor_among_the_arguments_gets_its_gradient() -> None:
    step = gm.replay(lambda w: (w**3).sum().backward())
    for k in range(4):
        w = gm.tensor([1.0, 2.0 + k], requires_grad=True)
        step(w)
        np.testing.assert_allclose(w.grad.numpy(), 3 * w.detach().numpy() ** 2)
    assert step.served == 3


def test_a_step_with_statistics_of_its_batches_is_a_program() -> None:
    """It counts them in a number that is written in place."""
    left = []
    for wrap in (gm.replay, lambda f: f):
        gm.manual_seed(0)
        net = gm.nn.Sequential(gm.nn.Linear(3, 4), gm.nn.BatchNorm1d(4), gm.nn.Linear(4, 1))
        optimiser = gm.optim.SGD(net.parameters(), lr=0.1)

        def step(x: Any, y: Any, net: Any = net, optimiser: Any = optimiser) -> Any:
            optimiser.zero_grad()
            loss = ((net(x) - y) ** 2).mean()
            loss.backward()
            optimiser.step()
            return loss.detach()

        does = wrap(step)
        losses = [does(*batch).item() for batch in batches(6)]
        left.append((losses, [b.numpy().copy() for b in net.buffers()]))
        assert wrap is not gm.replay or does.served == 4, does.explain()
    for one, other in zip(*(losses + buffers for losses, buffers in left), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_a_write_makes_older_tapes_stale() -> None:
    w = gm.tensor([1.0, 2.0], requires_grad=True)
    moving = gm.optim.SGD([w], lr=0.1)

    @gm.replay
    def step() -> None:
        moving.zero_grad()
        (w**2).sum().backward()
        moving.step()

    step(), step(), step()
    before = (w * w).sum()
    step()
    assert step.served
    with pytest.raises(gm.GradmagicError, match="modified by an inplace operation"):
        before.backward()


def test_hooks_keep_a_step_as_it_is() -> None:
    w = gm.tensor([1.0, 2.0], requires_grad=True)
    seen: list[Any] = []
    w.register_hook(lambda g: seen.append(g))
    step = gm.replay(lambda: (w**2).sum().backward())
    with pytest.warns(ReplayWarning, match="hook"):
        step()
    step(), step()
    assert len(seen) == 3


def test_a_list_that_grows_keeps_a_step_as_it_is() -> None:
    losses: list[float] = []
    step = gm.replay(lambda x: losses.append(float(np.sum(x))))
    for k in range(2):
        step(np.ones(k + 1))
    with pytest.warns(ReplayWarning, match="it changes losses"):
        step(np.ones(3))
    for k in range(3, 5):
        step(np.ones(k + 1))
    assert losses == [1, 2, 3, 4, 5]


def test_a_global_that_a_function_rebinds_is_left_rebound() -> None:
    global POINT
    POINT = np.array([1.0, 2.0])

    @gm.replay
    def step(rate: float) -> Any:
        global POINT
        POINT = POINT - rate * 2 * POINT
        return POINT.sum()

    values = [step(0.1 * k) for k in range(4)]
    expected, found = np.array([1.0, 2.0]), []
    for k in range(4):
        expected = expected - 0.1 * k * 2 * expected
        found.append(expected.sum())
    np.testing.assert_allclose(values, found)
    np.testing.assert_allclose(POINT, expected)
    assert step.served == 3


POINT = np.zeros(2)
