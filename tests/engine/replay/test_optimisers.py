"""Steps of optimisers that run as programs by themselves: the same numbers, and what they keep the same too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.optim import programs


def moved(name: str, **settings: Any) -> Any:
    rng = np.random.default_rng(0)
    shapes = [(40, 30), (30,), ()]
    params = [gm.tensor(rng.normal(size=s).astype("f"), requires_grad=True) for s in shapes[:2]]
    optimiser = getattr(gm.optim, name)(params, lr=0.01, **settings)
    for k in range(8):
        for p in params:
            p.grad = gm.tensor((rng.normal(size=p.shape) * (1 + k)).astype("f"))
        optimiser.step()
        if k == 5:
            optimiser.param_groups[0]["lr"] = 0.02
    return [p.detach().numpy() for p in params], optimiser


NAMES = "Adam AdamW Adamax NAdam RAdam RMSprop Adagrad Adadelta Rprop ASGD SGD".split()


@pytest.mark.parametrize("name", NAMES)
def test_a_step_as_a_program_moves_to_the_same_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"momentum": 0.9} if name == "SGD" else {}
    eager, plain = moved(name, **settings)
    assert not plain.replayed
    monkeypatch.setattr(programs, "_LEAST", 1)
    monkeypatch.setattr(programs, "_ENTRIES", 2 * 1230)
    found, optimiser = moved(name, **settings)
    assert sum(r.served for r in optimiser.replayed) >= 3
    for a, b in zip(found, eager, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
    mine, theirs = optimiser.state_dict()["state"], plain.state_dict()["state"]
    for i, kept in theirs.items():
        for key, value in kept.items():
            np.testing.assert_allclose(np.asarray(mine[i][key]), np.asarray(value), rtol=1e-5, atol=1e-7)


def test_small_parameters_are_moved_without() -> None:
    x = gm.tensor([1.0], requires_grad=True)
    optimiser = gm.optim.Adam([x])
    for _ in range(300):
        x.grad = gm.tensor([1.0])
        optimiser.step()
    assert optimiser.replayed == []
