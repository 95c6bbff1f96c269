"""Writes in place: tracked, refused, or never a stale number."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.faces.numpy.array import Array
from gradmagic.errors import ConversionError, LeafWriteError, StaleError


def leaf(*values):
    return gm.tensor(np.array(values, np.float64), requires_grad=True)


def test_item_assignment_is_differentiated():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1.0
    y[0] = x[1] * 3
    (y * y).sum().backward()
    assert x.grad.tolist() == [0.0, 36.0 + 4.0, 6.0]


def test_an_augmented_assignment_is_differentiated():
    x = leaf(1.0, 2.0)
    y = x * 2
    y += x * x
    y *= 3
    y.sum().backward()
    assert x.grad.tolist() == [3 * (2 + 2.0), 3 * (2 + 4.0)]


def test_an_untracked_tensor_takes_up_a_gradient_when_it_is_filled():
    x = leaf(1.0, 2.0)
    out = gm.zeros(2, dtype=gm.float64)
    for i in range(2):
        out[i] = x[i] * x[i]
    out.sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_leaf_is_not_written_while_recording():
    x = leaf(1.0, 2.0)
    with pytest.raises(LeafWriteError, match=r"leaf Variable.*'x', line \d+ of .*gm\.no_grad\(\)"):
        x += 1
    with pytest.raises(LeafWriteError):
        x[0] = 5.0
    assert x.detach().tolist() == [1.0, 2.0]
    with gm.no_grad():
        x += 1
    assert x.detach().tolist() == [2.0, 3.0] and x.requires_grad


def test_a_saved_value_that_changed_is_an_error_with_name_and_line():
    x = leaf(1.0, 2.0)
    y = x * x
    z = y * y
    y += 1
    with pytest.raises(
        StaleError, match=r"modified by an inplace operation: y was changed in place, line \d+ of"
    ):
        z.sum().backward()


def test_a_change_that_nobody_saved_is_fine():
    x = leaf(1.0, 2.0)
    y = x * x
    z = y + 1
    y += 1
    z.sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_data_is_the_same_memory_unseen_by_the_tape():
    x = leaf(1.0, 2.0)
    x.data[0] = 9.0
    x.data -= 1
    assert x.detach().tolist() == [8.0, 1.0]
    s = gm.tensor(3.0, requires_grad=True)
    s.data.fill_(4.0)
    assert s.item() == 4.0


def test_an_update_after_the_forward_pass_makes_the_old_graph_stale():
    x = leaf(1.0, 2.0)
    z = (x * x).sum()
    with gm.no_grad():
        x -= 0.1
    with pytest.raises(StaleError, match="x was changed in place"):
        z.backward()


def test_a_write_flows_through_every_view_of_the_memory():
    x = leaf(1.0, 2.0, 3.0)
    v = x * 1.0
    w = v[1:]
    v[1] = 0.0
    assert w.detach().tolist() == [0.0, 3.0]  # the same memory, as in PyTorch
    (w * w).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 6.0]


def test_a_write_through_a_view_flows_through_its_base_and_leaves_what_lies_beside_it():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 2
    first, rest = y[:1], y[::-1][:2]
    y[1:] *= 3
    rest[0] = x[0]
    (y.sum() + (first * 5).sum() + (rest * rest).sum()).backward()
    assert y.detach().tolist() == [2.0, 12.0, 1.0]
    assert x.grad.tolist() == [2 + 1 + 10 + 2, 6 + 2 * 12 * 6, 0.0]


def test_a_part_of_a_leaf_is_no_more_written_than_the_leaf():
    x = leaf(1.0, 2.0)
    v = x[1:]
    with pytest.raises(LeafWriteError, match=r"a view of a leaf.*'x'"):
        v *= 2
    assert x.detach().tolist() == [1.0, 2.0]


def test_a_tensor_in_a_plain_array_is_refused():
    t, a = leaf(1.0, 2.0), np.zeros(2)
    with pytest.raises(ValueError, match="array element with a sequence") as caught:
        a[0] = t[0]
    assert isinstance(caught.value.__cause__, ConversionError)
    assert "np.stack" in str(caught.value.__cause__)
    with pytest.raises(ConversionError, match=r"'t'.*detach\(\)\.numpy\(\)"):
        a[:] = t
    with pytest.raises(ConversionError, match=r"t.*detach"):
        np.asarray(t)
    with pytest.raises(ConversionError):
        a += t
    assert a.tolist() == [0.0, 0.0]


class TestLifted:
    """An Array over the user's memory: writes are legal, and the gradient is by the value at the start."""

    def test_a_write_reaches_the_users_array(self):
        mine = np.array([1.0, 2.0])
        x = Array.lift(mine)
        x[0] = 7.0
        x += 1
        assert mine.tolist() == [8.0, 3.0] and x.tolist() == [8.0, 3.0]

    def test_what_was_saved_before_stays_right(self):
        x = Array.lift(np.array([1.0, 2.0]))
        node = x.node
        y = x * x
        x[0] = 100.0
        z = np.sum(y) + np.sum(x)
        nodes, cotangents, _ = _sweep(z)
        assert node in nodes
        assert cotangents[node.number].tolist() == [2.0, 5.0]

    def test_a_view_moves_along(self):
        mine = np.array([1.0, 2.0, 3.0])
        x = Array.lift(mine)
        v = x[1:]
        v[0] = 9.0
        assert x.tolist() == [1.0, 9.0, 3.0] and mine.tolist() == [1.0, 9.0, 3.0]

    def test_a_write_flows_through_the_views(self):
        x = Array.lift(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
        node = x.node
        v, t = x[:, 1:], x.T
        x[0, 1] = 5.0
        v[1] *= 10
        _, cotangents, _ = _sweep(np.sum(v * v) + np.sum(t))
        assert t.tolist() == [[1.0, 4.0], [5.0, 50.0], [3.0, 60.0]]
        assert cotangents[node.number].tolist() == [[1.0, 0.0, 7.0], [1.0, 1010.0, 1210.0]]

    def test_the_gradient_through_an_overwritten_view_of_other_numbers_is_refused(self):
        x = Array.lift(np.array([1.0 + 1j, 2.0]))
        v = x.real
        x[1] = 5.0
        with pytest.raises(StaleError, match=r"through v is not available"):
            _sweep(np.sum(v * v))


def _sweep(z):
    from gradmagic.engine.sweeps.backward import sweep

    return sweep(z.node, z.node.aval.one)


LAYOUTS = {
    "gaps": lambda a: a[:, ::2],
    "gaps, turned": lambda a: a[:, ::2].T,
    "backwards": lambda a: a[::-1, 1:],
    "one column": lambda a: a[:, 1],
    "fortran": np.asfortranarray,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_lifted_array_is_laid_out_as_the_users(layout):
    """So that what is a view without the magic is one with it, and what is a copy is a copy."""

    def cell(x):
        flat, view = x.ravel(), x[..., 1:]
        flat[0] = 50.0
        view[...] = 7.0
        return flat, view

    plain, lifted = (LAYOUTS[layout](np.arange(12.0).reshape(3, 4)) for _ in range(2))
    x = Array.lift(lifted)
    assert (x.array.strides, x.array.flags.num | 4) == (plain.strides, plain.flags.num | 4)
    expected, found = cell(plain), cell(x)
    np.testing.assert_array_equal(x.array, plain)
    np.testing.assert_array_equal(lifted, plain)
    for theirs, ours in zip(expected, found, strict=True):
        np.testing.assert_array_equal(getattr(ours, "array", ours), theirs)


def test_a_lifted_array_that_may_not_be_written_may_not_be_written():
    frozen = np.arange(3.0)
    frozen.flags.writeable = False
    x = Array.lift(frozen)
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        x += 1
    assert x.array.tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("number", [3, 1000])  # many are filed before anybody asks
def test_a_write_reaches_the_views_that_live_however_many_were_made(number):
    x = gm.tensor(np.arange(5.0), requires_grad=True)
    y = x * 1
    first = y[1:3]
    for _ in range(number):
        y[2:]
    last = y[::2]
    y[2] = x[4] * 10
    np.testing.assert_array_equal(first.detach().numpy(), [1, 40])
    (np.sum(first) + np.sum(last)).backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1, 1, 0, 0, 21])


@pytest.mark.parametrize("face", [gm.tensor, np.array], ids=["Tensor", "Array"])
@pytest.mark.parametrize(
    "other", [np.float32(2), np.full(3, 2, np.float32), np.full((2, 1), 2, np.float32), 2.0]
)
def test_what_stands_beside_is_a_constant_of_any_kind(face, other):
    x = face(np.array([1, 2, 3], np.float32))
    for f, slope in (lambda x: x * other, 2), (lambda x: other - x, -1), (lambda x: x / other, 0.5):
        value, slopes = gm.value_and_grad(lambda x, f=f: np.sum(f(x)))(x)
        times = np.size(other) if np.ndim(other) == 2 else 1
        assert float(value) == np.sum(f(np.array([1, 2, 3], np.float32)))
        np.testing.assert_array_equal(
            np.asarray(slopes.detach() if face is gm.tensor else slopes), np.full(3, slope * times)
        )
