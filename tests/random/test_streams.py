"""The stream itself: where it is, who shares it, and what it costs nothing to know."""

import copy
import pickle
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradmagic as gm
from gradmagic.engine.core.generator import Stream, in_parts

CALLS = [
    "rand(3)",
    "randn(3)",
    "randn(20)",
    "randn(17)",
    "randint(9, (5,))",
    "randperm(6)",
    "rand(2, dtype=gm.float64)",
]


@given(st.lists(st.sampled_from(CALLS), max_size=6), st.lists(st.sampled_from(CALLS), min_size=1, max_size=4))
def test_a_state_brings_the_stream_back(before, after):
    """Also in the middle of a pair of normal numbers, and of a block of the twister."""
    draw = lambda calls: [eval(f"gm.{c}", {"gm": gm}).tolist() for c in calls]
    gm.manual_seed(3)
    draw(before)
    state = gm.get_rng_state()
    first = draw(after)
    end = gm.get_rng_state()
    gm.set_rng_state(state)
    assert gm.equal(gm.get_rng_state(), state)
    assert draw(after) == first and gm.equal(gm.get_rng_state(), end)


@given(st.integers(0, 40_000), st.sampled_from(["float32", "float64"]))
def test_numbers_drawn_in_parts_are_those_drawn_one_after_the_other(n, dtype):
    whole, single = Stream(5), Stream(5)
    single.words(n * (2 if dtype == "float64" else 1))
    whole.uniform(n, dtype, -1, 2)
    assert whole.words(1) == single.words(1)
    whole, single = Stream(5), Stream(5)
    several = [single.uniform(k, dtype, -1, 2) for k in (n // 3, n // 5, n - n // 3 - n // 5)]
    np.testing.assert_array_equal(whole.uniform(n, dtype, -1, 2), np.concatenate(several))


def test_parts():
    assert in_parts(20_000, int, lambda k: np.full(k, k)).tolist() == [8192] * 16384 + [3616] * 3616


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g)), gm.Generator.clone_state]
)
def test_a_generator_is_copied_where_it_is(again):
    g = gm.Generator().manual_seed(5)
    gm.randn(3, generator=g)
    other = again(g)
    assert other.initial_seed() == 5
    assert gm.equal(gm.randn(7, generator=other), gm.randn(7, generator=g))


def test_generators_do_not_share():
    gm.manual_seed(1)
    a = gm.rand(2)
    gm.manual_seed(1)
    gm.rand(9, generator=gm.Generator())
    assert gm.equal(gm.rand(2), a)
    assert gm.manual_seed(1) is gm.random.default_generator


def test_without_a_seed_the_numbers_differ():
    gm.seed()
    a = gm.rand(4)
    gm.seed()
    assert not gm.equal(gm.rand(4), a) and gm.initial_seed() < 2**53


def test_a_stream_of_several_threads_gives_every_word_once():
    s = Stream(0)
    found = []
    threads = [threading.Thread(target=lambda: found.extend(s.words(1000).tolist())) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(found) == sorted(Stream(0).words(8000).tolist())


@pytest.mark.parametrize(
    "wrong", [gm.zeros(5056), gm.zeros(3, dtype=gm.uint8), gm.zeros(5056, dtype=gm.uint8)]
)
def test_what_is_no_state_is_refused(wrong):
    before = gm.get_rng_state()
    with pytest.raises((TypeError, RuntimeError)):
        gm.set_rng_state(wrong)
    assert gm.equal(gm.get_rng_state(), before)


def test_a_cell_draws_what_it_draws_without_the_magic():
    gm.manual_seed(0)
    a = [gm.randn(3).tolist(), gm.rand(2).tolist()]
    gm.manual_seed(0)
    w = gm.ones(3, requires_grad=True)
    with gm.trace():
        x = gm.randn(3)
        y = gm.rand(2)
        z = (w * x).sum()
    assert [x.tolist(), y.tolist()] == a and z.requires_grad
