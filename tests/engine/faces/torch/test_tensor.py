"""Tensor's own attributes and refusals, in PyTorch's words: what is asked of it besides operations."""

import copy

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.errors import NoGradError, ShapeError


def test_the_parts_of_complex_numbers_have_gradients():
    z = gm.tensor([3 + 4j, 1 - 1j], requires_grad=True)
    assert z.is_complex() and not gm.ones(2).is_complex()
    assert z.real.tolist() == [3.0, 1.0] and z.imag.tolist() == [4.0, -1.0]
    assert z.conj().tolist() == [3 - 4j, 1 + 1j] and z.angle()[1].item() == pytest.approx(-np.pi / 4)
    (z.real * 2 + z.imag * 3).sum().backward()
    assert z.grad.tolist() == [2 + 3j, 2 + 3j]
    with pytest.warns(UserWarning, match="to a scalar"):
        assert complex(z[0]) == 3 + 4j
    x = gm.ones(2)
    assert x.conj() is x


def test_a_whole_number_is_an_index_and_no_other_is():
    assert ["a", "b"][gm.tensor(1)] == "b"
    for wrong in (gm.tensor(1.0), gm.tensor([0, 1])):
        with pytest.raises(TypeError, match="only integer tensors of a single element"):
            ["a", "b"][wrong]


def test_a_gradient_that_is_assigned_is_a_tensor_of_the_same_shape():
    x = gm.ones(2, requires_grad=True)
    x.grad = gm.tensor([5.0, 6.0])
    assert x.grad.tolist() == [5.0, 6.0]
    with pytest.raises(TypeError, match="Tensor or None but got float"):
        x.grad = 1.0
    with pytest.raises(ShapeError, match=r"shape \(3,\), the tensor \(2,\)"):
        x.grad = gm.ones(3)
    plain = gm.ones(2)
    plain.grad = gm.zeros(2)
    assert plain.grad.tolist() == [0.0, 0.0]


def test_data_of_another_shape_makes_another_leaf():
    x = gm.ones(2, requires_grad=True)
    x.data = np.ones((3, 1))
    (x * 2).sum().backward()
    assert tuple(x.shape) == (3, 1) and x.dtype is gm.float32 and x.grad.tolist() == [[2.0]] * 3


def test_what_only_a_leaf_or_a_tensor_with_a_gradient_can_do():
    y = gm.ones(2, requires_grad=True) * 2
    with pytest.raises(NoGradError, match=r"flags of leaf variables.*detach"):
        y.requires_grad_(False)
    with pytest.raises(NoGradError, match=r"Only leaf Tensors.*clone"):
        copy.deepcopy(y)
    with pytest.raises(NoGradError, match="retain_grad"):
        gm.ones(2).retain_grad()
    with pytest.raises(NoGradError, match="register a hook"):
        gm.ones(2).register_hook(print)


def test_of_anothers_type_and_in_order():
    x = gm.ones(2, 3)
    assert x.type_as(gm.tensor([1])).dtype is gm.int64 and x.nelement() == 6
    assert x.contiguous() is x and x.T.contiguous().is_contiguous() and not x.T.is_contiguous()


def test_what_a_leaf_has_collected_stays_when_it_is_frozen():
    x = gm.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    x.requires_grad_(False)
    assert x.grad.tolist() == [2.0, 4.0] and not x.requires_grad
    x.requires_grad = True
    (x * x).sum().backward()
    assert x.grad.tolist() == [4.0, 8.0]


def test_first_sentences_are_pytorchs():
    x = gm.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError) as error:
        y.backward()
    assert str(error.value).startswith(
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
        "been freed). "
    )
    with pytest.raises(RuntimeError) as error:
        x += 1
    assert str(error.value).startswith(
        "a leaf Variable that requires grad is being used in an in-place operation. "
    )


def test_what_is_retained_is_counted_once_and_is_what_all_hooks_made_of_it():
    w = gm.ones(2, requires_grad=True)
    y = w * 2
    y.retain_grad()
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert y.grad.tolist() == [10.0, 10.0] and w.grad.tolist() == [20.0, 20.0]
