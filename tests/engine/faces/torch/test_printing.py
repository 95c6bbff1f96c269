"""Tensors print as PyTorch 2.13 prints them (tests/golden/torch.json), and where they say more, they say it alike."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.faces.torch.printing import tensor_text
from tests.golden.compare import TORCH
from tests.golden.prints import ARRAYS, array_of


@pytest.mark.parametrize("text", ARRAYS)
def test_prints_as_pytorch(text):
    assert repr(gm.tensor(array_of(text))) == TORCH["arrays"][text]


def test_golden_prints_are_complete():
    assert sorted(TORCH["arrays"]) == sorted(ARRAYS)


def test_what_made_it_stands_behind_the_numbers():
    x = gm.tensor([[1.0, 2.0]], requires_grad=True)
    assert repr(x) == "tensor([[1., 2.]], requires_grad=True)"
    assert repr(x + 1) == "tensor([[2., 3.]], grad_fn=<AddBackward0>)"
    assert repr(x.max()) == "tensor(2., grad_fn=<MaxBackward1>)"
    assert repr(x.detach()) == "tensor([[1., 2.]])"
    assert repr((x.double() * 2).sum()) == "tensor(6., dtype=torch.float64, grad_fn=<SumBackward0>)"


def test_a_long_word_goes_to_the_next_line():
    # Printed by PyTorch: F.binary_cross_entropy_with_logits(x, t, reduction="none").
    text = tensor_text(np.array([[1.5, 2, 3]], "f"), ["grad_fn=<BinaryCrossEntropyWithLogitsBackward0>"])
    assert (
        text == "tensor([[1.5000, 2.0000, 3.0000]],\n       grad_fn=<BinaryCrossEntropyWithLogitsBackward0>)"
    )


def test_the_device_is_named_unless_it_is_the_cpu():
    assert tensor_text(np.ones(1, "f"), device="cuda:0") == "tensor([1.], device='cuda:0')"
    assert tensor_text(np.ones(1), ["requires_grad=True"], "cuda:0") == (
        "tensor([1.], device='cuda:0', dtype=torch.float64, requires_grad=True)"
    )


def test_str_and_formats():
    x = gm.tensor([1.0, 2.0])
    assert str(x) == repr(x) == f"{x}" == "tensor([1., 2.])"
    assert f"{gm.tensor(2.5)}" == "2.5"
    assert f"{gm.tensor(2.5):.3f}" == "2.500"
    assert str(gm.tensor(2.5)) == "tensor(2.5000)"


@pytest.fixture
def default_options():
    yield
    gm.set_printoptions(profile="default")


@pytest.mark.usefixtures("default_options")
def test_printoptions():
    x = gm.tensor([0.5, 1.25])
    gm.set_printoptions(precision=2)
    assert repr(x) == "tensor([0.50, 1.25])"
    gm.set_printoptions(profile="default")
    assert repr(x) == "tensor([0.5000, 1.2500])"
    gm.set_printoptions(sci_mode=True)
    assert repr(x) == "tensor([5.0000e-01, 1.2500e+00])"
    gm.set_printoptions(profile="default", threshold=4, edgeitems=1)
    assert repr(gm.arange(6)) == "tensor([0,  ..., 5])"
    gm.set_printoptions(profile="full")
    assert "..." not in repr(gm.arange(1200))
    gm.set_printoptions(profile="default", linewidth=20)
    assert repr(gm.arange(6)) == "tensor([0, 1, 2, 3,\n        4, 5])"


def test_a_parameter_says_so():
    assert repr(gm.nn.Parameter(gm.zeros(1))) == "Parameter containing:\ntensor([0.], requires_grad=True)"
