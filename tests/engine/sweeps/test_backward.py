"""The backward sweep: order, sharing, freeing, nesting, hooks."""

import gc
import sys
import weakref

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.tape import modes
from gradmagic.engine.tape.nodes import HOOKS
from gradmagic.errors import FreedError, NonScalarError, ShapeError


def leaf(*values, dtype=np.float64):
    return gm.tensor(np.array(values, dtype), requires_grad=True)


def test_a_value_used_twice_gets_the_sum_over_both_paths():
    a, b = gm.tensor(2.0, requires_grad=True), gm.tensor(1.0, requires_grad=True)
    e = (a + b) * (b + 1)
    e.backward()
    assert (e.item(), a.grad.item(), b.grad.item()) == (6.0, 2.0, 5.0)


def test_two_leaves_that_receive_one_buffer_do_not_share_it():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (a + b).backward(np.array([1.0, 1.0]))
    a.grad.zero_()
    assert b.grad.tolist() == [1.0, 1.0]


def test_the_seed_stays_the_users():
    a, seed = leaf(1.0, 2.0), np.array([5.0, 6.0])
    (a + 0.0).backward(seed)
    a.grad.zero_()
    assert seed.tolist() == [5.0, 6.0]


def test_gradients_add_up_until_they_are_zeroed():
    x = leaf(1.0, 2.0)
    for k in (1, 2, 3):
        (x * x).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), 2 * k * np.array([1.0, 2.0]))
    x.grad.zero_()
    (x * x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [2.0, 4.0])


def test_a_second_backward_names_the_way_out():
    z = (leaf(1.0, 2.0) ** 2).sum()
    z.backward()
    with pytest.raises(FreedError, match=r"second time.*retain_graph=True"):
        z.backward()


def test_a_second_backward_says_which_line_to_run_again():
    modes.keep_places(True)
    try:
        x = leaf(1.0, 2.0)
        y = x * x
        line = sys._getframe().f_lineno - 1
        y.sum().backward()
        with pytest.raises(FreedError, match=rf"line {line} of test_backward.py"):
            y.sum().backward()
    finally:
        modes.keep_places(False)


def test_retain_graph_allows_another_sweep():
    x = leaf(3.0)
    z = (x * x).sum()
    z.backward(retain_graph=True)
    z.backward()
    assert x.grad.tolist() == [12.0]


def test_a_chain_of_100_000_operations_needs_no_recursion():
    x = leaf(1.0, 2.0)
    h = x
    for _ in range(50_000):
        h = h * 1.0000001
        h = h + 1e-9
    h.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 1.0000001**50_000)
    del h
    gc.collect()


def test_a_graph_dies_with_its_last_reader():
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        y = x * x
        dead = weakref.ref(y.node)
        z = y.sum()
        z.backward()
        del y, z
        assert dead() is None
    finally:
        gc.enable()


def test_backward_of_several_entries_asks_for_a_sum():
    y = 2 * leaf(1.0, 2.0)
    with pytest.raises(NonScalarError, match=r"scalar outputs: 'y'.*2 entries.*\.sum\(\)"):
        y.backward()


def test_a_gradient_of_the_wrong_shape_is_refused():
    y = 2 * leaf(1.0, 2.0)
    with pytest.raises(ShapeError, match=r"\(3,\).*\(2,\)"):
        y.backward(np.ones(3))


def test_a_float32_leaf_gets_a_float32_gradient_whatever_it_meets():
    x = leaf(1.0, 2.0, dtype=np.float32)
    np.multiply(x, np.array([1.0, 2.0])).sum().backward()
    assert x.grad.numpy().dtype == np.float32


def test_a_real_leaf_gets_a_real_gradient_from_complex_numbers():
    x = leaf(1.0, 2.0)
    z = x * np.array([1 + 2j, 3j])
    np.real(z * np.conjugate(z)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.array([5.0, 9.0]) * np.array([1.0, 2.0]))


def test_a_hook_sees_and_changes_the_gradient():
    x, seen = leaf(1.0, 2.0), []
    y = x * 3
    y.register_hook(lambda g: seen.append(g.tolist()) or g * 10)
    y.sum().backward()
    assert seen == [[1.0, 1.0]] and x.grad.tolist() == [30.0, 30.0]


def test_a_hook_can_be_taken_away():
    x = leaf(1.0)
    before = set(HOOKS)  # others' may wait for the collector
    hook = x.register_hook(lambda g: g * 100)
    hook.remove()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0]
    assert HOOKS.keys() <= before


def test_retain_grad_keeps_the_gradient_of_an_intermediate():
    x = leaf(1.0, 2.0)
    y = x * x
    y.retain_grad()
    (3 * y).sum().backward()
    assert y.grad.tolist() == [3.0, 3.0]


def test_inputs_limits_what_is_visited_and_freed():
    x, w = leaf(2.0), leaf(3.0)
    y = x * x
    z = (y * w).sum()
    (g,) = gm.autograd.grad(z, w)
    assert g.tolist() == [4.0] and x.grad is None
    y.sum().backward()  # y's own graph was not freed
    assert x.grad.tolist() == [4.0]


def test_the_gradient_by_an_intermediate_result():
    x = leaf(2.0)
    y = x * x
    z = (y * y).sum()
    gy, gx = gm.autograd.grad(z, [y, x])
    assert (gy.tolist(), gx.tolist()) == ([8.0], [32.0])


def test_an_element_loop_adds_into_one_buffer():
    x = leaf(*range(200))
    total = x[0] * 0
    for i in range(200):
        total = total + x[i] * x[i]
    total.backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.arange(200))


def test_backward_from_a_leaf_is_one():
    x = gm.tensor(3.0, requires_grad=True)
    x.backward()
    assert x.grad.item() == 1.0
