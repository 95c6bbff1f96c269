"""What `r.source`, `r.explain()` and `gm.make_dot(r)` say of a program."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.errors import NoResultError


def test_the_source_is_the_program() -> None:
    r = gm.replay(gm.value_and_grad(lambda x: np.sum(np.sin(x) * x)))
    assert "not recorded yet" in r.source
    r(np.ones(3))
    assert [line.strip().partition("(")[0] for line in r.source.splitlines() if "sin(" in line] == ["sin"]
    assert "cos(x0, b" in r.source


def test_a_program_of_an_english_reader_is_explained_to_a_japanese_one(
    request: pytest.FixtureRequest,
) -> None:
    r = gm.replay(lambda x: np.tanh(x) * 2)
    r(np.ones(100_000))
    request.getfixturevalue("japanese")
    text = str(r.explain())
    assert "by NumPy" not in text and "NumPyで実行" in text


def test_what_became_of_it_is_said() -> None:
    weights = np.ones(3)
    r = gm.replay(lambda x: (np.exp(x) * weights).sum() if x[0] > 0 else x)
    for k in range(3):
        r(np.ones(3) + k)
    text = str(r.explain())
    assert text.startswith("<lambda>: 1 program, 2 of 3 calls by it\n")
    assert "program of float64[3]" in text and "reads weights" in text
    assert "guard: the value at line" in text


def test_a_stretch_in_blocks_is_said() -> None:
    r = gm.replay(lambda x: np.exp(np.sin(np.cos(x) + 1) * 2))
    r(np.ones(200_000))
    assert "5 entry by entry in blocks of 32,768 rows" in str(r.explain())


def test_names_are_those_of_the_user() -> None:
    net = gm.nn.Sequential(gm.nn.Linear(2, 1))
    r = gm.replay(lambda x: net(x).sum().item())
    r(gm.tensor([[1.0, 2.0]]))
    assert "reads net[0].weight, net[0].weight.grad, net[0].bias" in str(r.explain())


def test_a_program_is_drawn() -> None:
    r = gm.replay(gm.grad(lambda x: np.sum(x * x)))
    with pytest.raises(NoResultError, match="no program yet"):
        gm.make_dot(r)
    r(np.ones(3))
    dot = gm.make_dot(r).source
    assert "np.add" in dot and "float64[3]" in dot and "->" in dot


def test_what_was_computed_while_recording_is_let_go() -> None:
    r = gm.replay(gm.value_and_grad(lambda x: np.sum(np.tanh(np.sin(x) * x) ** 2)))
    x = np.ones(300_000)
    r(x), r(x)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    again = gm.replay(gm.value_and_grad(lambda x: np.sum(np.tanh(np.sin(x) * x) ** 2)))
    again(x), again(x)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert held < 3 * x.nbytes, f"{held:,} bytes"
