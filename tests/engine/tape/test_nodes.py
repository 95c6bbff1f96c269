"""Modes of recording, avals, walking."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.tape import modes, nodes
from gradmagic.engine.tape.modes import mode_now
from gradmagic.engine.tape.nodes import aval_of, between, constant_for, walk


@pytest.fixture
def x():
    return gm.tensor([1.0, 2.0], requires_grad=True)


def test_no_grad_as_a_block_and_as_a_decorator(x):
    with gm.no_grad():
        assert not (x * 2).requires_grad
        assert not gm.is_grad_enabled()
        with gm.enable_grad():
            assert (x * 2).requires_grad
    assert (x * 2).requires_grad

    @gm.no_grad()
    def plain(t):
        return t * 2

    @gm.no_grad
    def bare(t):
        return t * 2

    assert not plain(x).requires_grad
    assert not bare(x).requires_grad
    assert gm.is_grad_enabled()


def test_an_exception_ends_no_grad(x):
    with pytest.raises(ZeroDivisionError), gm.no_grad():
        1 / 0
    assert gm.is_grad_enabled()


def test_set_grad_enabled_in_its_three_forms(x):
    with gm.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    gm.set_grad_enabled(False)
    assert not (x * 2).requires_grad
    gm.set_grad_enabled(True)
    assert (x * 2).requires_grad

    @gm.set_grad_enabled(False)
    def plain(t):
        return t * 2

    assert (x * 2).requires_grad
    assert not plain(x).requires_grad


def test_watching_survives_no_grad_inside(x):
    class Seen:
        nodes = 0

        def made(self, node, array, frame):
            self.nodes += 1

    with modes.watch(Seen()) as seen:
        with gm.no_grad():
            x * 2
        x * 2
    assert seen.nodes == 1
    assert mode_now() is None


def test_equal_shapes_and_dtypes_have_one_aval():
    assert aval_of(np.ones(3)) is aval_of(np.zeros(3))
    assert aval_of(np.ones(3)) is not aval_of(np.ones(3, np.float32))
    assert aval_of(np.float64(1)) is aval_of(np.array(1.0))
    assert aval_of(1.0) is not aval_of(np.float64(1))
    assert aval_of(True).dtype == bool
    assert aval_of(3).tangent == np.float64


@pytest.mark.parametrize("value", [0.0, -0.0, float("nan"), 1e300])
def test_numbers_that_a_cache_could_change_are_not_cached(value):
    aval = aval_of(np.ones(2, np.float32))
    with np.errstate(over="ignore"):
        assert constant_for(aval, value) is value


def test_a_product_with_minus_zero_keeps_its_sign(x):
    assert np.signbit((x * -0.0).detach().numpy()).all()
    assert not np.signbit((x * 0.0).detach().numpy()).any()


def test_the_cache_of_constants_is_bounded(x):
    for k in range(2 * nodes._MOST_CONSTANTS):
        x * (k + 0.5)
    assert len(x.node.aval.constants) <= nodes._MOST_CONSTANTS


def test_walk_goes_from_the_latest_to_the_first(x):
    y = x * 2
    z = y + x
    assert [n.name() for n in walk(z.node)] == ["AddBackward0", "MulBackward0", "AccumulateGrad"]


def test_between_leaves_out_what_leads_elsewhere(x):
    w = gm.tensor([3.0, 4.0], requires_grad=True)
    y = x * 2
    z = y * w
    assert between(z.node, [x.node]) == {x.node.number, y.node.number, z.node.number}


def test_a_node_prints_as_pytorchs_grad_fn(x):
    y = 1 - x
    assert repr(y.grad_fn).startswith("<RsubBackward1 object at 0x")
    assert [n.name() for n, _ in y.grad_fn.next_functions] == ["AccumulateGrad"]  # the 1 is no input there
    assert type(y.grad_fn).__name__ == "RsubBackward1" and isinstance(y.grad_fn, nodes.Node)
    assert type(y.grad_fn) is type((2 - x).grad_fn) is not type((x * 2).grad_fn)
    (y * y).sum().backward()  # what was looked at is a node as before
    np.testing.assert_allclose(x.grad, -2 * (1 - x.detach()))
