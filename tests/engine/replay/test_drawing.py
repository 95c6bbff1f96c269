"""Random numbers in programs: what the function draws, in its order; the streams end where it leaves them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import gradmagic as gm
import gradmagic.nn.functional as F
from gradmagic import nn
from gradmagic.errors import ReplayWarning

from .against import Cases, against, check

case = Cases()
own = gm.Generator()
settings = {"p": 0.5}


def seeded(n):
    gm.manual_seed(n)
    own.manual_seed(n + 100)
    np.random.seed(n)  # noqa: NPY002
    settings["p"] = 0.5


def left():
    return [gm.get_rng_state().numpy(), own.get_state().numpy()]


def tensors(*shapes):
    return lambda r: tuple(gm.tensor(r.normal(size=shape), dtype=gm.float32) for shape in shapes)


K = {"before": seeded, "state": left}
V, M = tensors((6,)), tensors((3, 4))


@case(V, V, V, programs=1, **K)
def two_draws(x):
    return x * gm.randn(6) + gm.rand(6) * gm.randn(6)


@case(V, V, V, programs=1, **K)
def a_draw_that_nobody_needs(x):
    gm.rand(3)
    return x * 2, gm.rand(2)


@case(V, V, V, programs=1, **K)
def the_same_draw_twice_is_two(x):
    return x + gm.rand(6) - gm.rand(6)


@case(M, M, M, programs=1, **K)
def like_another(x):
    return x * gm.rand_like(x) + gm.randn_like(x)


@case(M, M, M, programs=1, **K)
def in_the_order_of_memory(x):
    return F.dropout(x.t(), 0.5), F.dropout(x, 0.25)


@case(V, V, V, programs=1, **K)
def from_a_generator(x):
    return x * gm.rand(6, generator=own) + gm.rand(6)


@case(V, V, V, programs=1, **K)
def whole_numbers(x):
    return x * gm.randint(0, 9, (6,))


@case(V, V, V, programs=1, **K)
def chances_by_values(x):
    return x * gm.bernoulli(gm.sigmoid(x))


@case(V, V, V, programs=1, **K)
def noise_of_gumbel(x):
    return F.gumbel_softmax(x, tau=0.5)


@case(V, V, V, programs=1, **K)
def a_distribution(x):
    return gm.distributions.Normal(x, 1.0).rsample()


@case(V, V, V, programs=1, **K)
def a_draw_under_grad(x):
    return gm.grad(lambda x: (F.dropout(x * x, 0.5) * gm.rand(6)).sum())(x)


@case(V, V, V, V, V, **K)
def a_guard_before_a_draw(x):
    return x * gm.rand(6) if x[0] > 0 else x + gm.randn(6)


@case(V, V, V, **K, refused="asks for a value after it has")
def a_guard_by_what_is_drawn(x):
    return x * 2 if gm.rand(1) > 0.5 else x * 3


@case(V, V, V, **K, refused="in a way that is not recorded")
def a_permutation(x):
    return x[gm.randperm(6)]


@case(V, V, V, **K, refused="NumPy's or Python's")
def of_numpy(x):
    return x * gm.tensor(np.random.default_rng(0).random(6)) + float(np.random.rand())  # noqa: NPY002


@case(V, V, V, **K, refused="other numbers")
def seeded_within(x):
    gm.manual_seed(3)
    return x * gm.rand(6)


@pytest.mark.parametrize("row", case.rows, ids=lambda row: row[0])
def test_replayed(row):
    _, f, calls, options = row
    check(f, calls, options)


def test_a_part_that_changes_is_drawn_with_its_new_value():
    """As a schedule of dropout: a setting that a draw was recorded with is never an old one."""

    def f(x):
        return F.dropout(x, settings["p"])

    def before(n):
        seeded(n)
        settings["p"] = (0.5, 0.5, 0.25, 0.25, 0.75, 0.5)[n]

    against(f, *[V] * 6, before=before, state=left)


def test_a_stream_that_begins_with_the_first_call(monkeypatch):
    """Nobody has seeded, and nobody can go back to where it began: the second call is recorded."""
    from gradmagic.engine.core import generator

    monkeypatch.setattr(generator, "_default", [])
    f = gm.replay(lambda x: x + gm.rand(3))
    for _ in range(4):
        f(gm.zeros(3))
    assert not f.refused
    assert (f.eager, f.served) == (2, 2)


def test_a_training_with_dropout():
    def trained(wrap):
        gm.manual_seed(0)
        net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 1))
        optimizer = gm.optim.Adam(net.parameters(), lr=0.01)
        X, y = gm.randn(10, 4), gm.randn(10, 1)

        @wrap
        def step(X, y):
            optimizer.zero_grad()
            loss = F.mse_loss(net(X), y)
            loss.backward()
            optimizer.step()
            return loss.detach()

        losses = [step(X, y).item() for _ in range(8)]
        return losses, [p.tolist() for p in net.parameters()], gm.rand(3).tolist(), step

    *want, _ = trained(lambda f: f)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        *got, step = trained(gm.replay)
    assert step.served >= 4
    assert "1 draw of random numbers" in str(step.explain())
    for a, b in zip(want, got, strict=True):
        np.testing.assert_allclose(
            np.concatenate(list(map(np.ravel, b))), np.concatenate(list(map(np.ravel, a))), rtol=1e-5
        )


def test_numba_is_not_asked():
    pytest.importorskip("numba")
    f = gm.replay(lambda x: x * gm.rand(6), backend="numba")
    gm.manual_seed(0)
    for _ in range(3):
        f(gm.ones(6))
    assert "random numbers" in str(f.explain())
    assert f.served == 2


@pytest.mark.parametrize("draws", [False, True])
def test_np_random_may_have_another_generator(draws):
    before = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(1))
    try:
        f = gm.replay(lambda x: x.sum() + (np.random.rand() if draws else 0.0))  # noqa: NPY002
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            f(np.ones(3))
            f(np.ones(3))
    finally:
        np.random.set_bit_generator(before)
    assert f.served == (0 if draws else 1)
    assert [w.category for w in told] == ([ReplayWarning] if draws else [])
