"""Beside a tape that grows Python's full collections wait; nothing else of the collector changes."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.tape import collector
from gradmagic.engine.tape.nodes import tick

pytestmark = pytest.mark.skipif(not collector.by_generations(), reason="a collector of another kind")


@pytest.fixture(autouse=True)
def _as_in_a_program() -> Iterator[None]:
    """conftest.py has frozen what the collection made; where something is frozen nothing is put off."""
    frozen = gc.get_freeze_count()
    gc.unfreeze()
    yield
    if frozen:
        gc.freeze()


def chain(length: int, each=lambda i: None):
    y = gm.tensor(np.full(4, 0.5), requires_grad=True)
    for i in range(length // 2):
        y = y * 0.9999 + 0.0001
        each(i)
    return y


def full_collections(f) -> int:
    chain(2)  # the first tensor: the collector is listened to from now on
    gc.collect()
    before = gc.get_stats()[2]["collections"]
    f()
    return gc.get_stats()[2]["collections"] - before


ALONE = """
import gc, sys
gc.set_threshold(700, 10, 10)  # grown in 3.13, where 200,000 nodes are too few
from gradmagic.engine.tape import collector
from tests.engine.tape.test_collector import chain, full_collections
found = full_collections(lambda: chain(200_000))
collector.FACTOR = 0  # as Python does it
print(found, full_collections(lambda: chain(200_000)))
"""


def test_a_tape_ten_times_as_long_is_not_looked_through_more_often():
    """In a process of its own: beside all that other tests have left there would hardly be a full collection."""
    root = Path(__file__).parents[3]
    ran = subprocess.run([sys.executable, "-c", ALONE], cwd=root, capture_output=True, text=True, check=True)
    found, without = map(int, ran.stdout.split())
    assert found <= 1 < without


@pytest.mark.parametrize("frozen", [False, True])
def test_the_users_settings_are_what_they_were(frozen):
    chain(2)
    settings = gc.isenabled(), gc.get_threshold(), list(gc.callbacks), gc.get_debug()
    if frozen:
        gc.freeze()
    held = gc.get_freeze_count()
    try:
        chain(150_000)
        assert bool(gc.get_freeze_count()) == bool(held) == frozen
    finally:
        gc.unfreeze()
    assert settings == (gc.isenabled(), gc.get_threshold(), list(gc.callbacks), gc.get_debug())


def test_garbage_is_found_while_a_tape_grows():
    class Circle:
        def __init__(self) -> None:
            self.own = self

    made: list[weakref.ref[Circle]] = []
    y = chain(100_000, each=lambda i: made.append(weakref.ref(Circle())))
    assert y.requires_grad and sum(ref() is not None for ref in made) < len(made) / 20


@pytest.mark.parametrize("grown", [1.0, 2.0, 5.0])
def test_a_full_collection_waits_only_as_long_as_there_is_not_three_times_as_much(monkeypatch, grown):
    blocks, put_off = [1000.0], []
    monkeypatch.setattr(collector.sys, "getallocatedblocks", lambda: blocks[0])
    monkeypatch.setattr(collector.gc, "get_threshold", lambda: (700, 10, 10))
    monkeypatch.setattr(collector.gc, "get_count", lambda: (0, 0, 10))
    monkeypatch.setattr(collector.gc, "get_freeze_count", lambda: 0)
    monkeypatch.setattr(collector.gc, "freeze", lambda: put_off.append("aside"))
    monkeypatch.setattr(collector.gc, "unfreeze", lambda: put_off.append("back"))
    waiting = collector.Waiting()
    for _ in range(30_000):
        tick()
    blocks[0] *= grown
    waiting("start", {"generation": 1})
    waiting("stop", {"generation": 0})
    assert not put_off
    waiting("stop", {"generation": 1})
    assert put_off == (["aside", "back"] if grown < 3 else [])


def test_what_is_freed_step_by_step_is_no_tape_that_grows():
    assert not collector.grows(900_000, 77_000) and not collector.grows(50, 77_000)
    assert collector.grows(30_800, 77_000)
