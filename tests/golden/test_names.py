"""NAMES.md says of every name of PyTorch's whether it is there, refused or absent; what is asked for says it too."""

import importlib
import json

import pytest

import gradmagic as gm
from gradmagic.errors import MissingError

from .names import HERE, MODULES, TABLE, state_of, table

NAMES = json.loads((HERE / "names.json").read_text())


def home_of(module):
    home = gm
    for part in MODULES[module].split(".") if MODULES[module] else []:
        home = getattr(home, part)
    return gm.ones(1) if module == "torch.Tensor" else home


def test_the_table_is_true():
    assert TABLE.read_text() == table(), "python -m tests.golden.names writes it anew"


@pytest.mark.parametrize("module", NAMES)
def test_a_refused_name_says_what_there_is_instead(module):
    home = home_of(module)
    for name in NAMES[module]:
        state, instead = state_of(module, name)
        if state == "refused":
            with pytest.raises(MissingError) as caught:
                getattr(home, name)
            assert instead in str(caught.value) and name in str(caught.value)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("gm.soft_max", "softmax"), ("gm.linsapce", "linspace"),
        ("gm.nn.Sequental", "Sequential"), ("gm.nn.functional.cross_entropi", "cross_entropy"), ("gm.fft.rftt", "rfft"),
        ("gm.linalg.nrom", "norm"), ("gm.special.erff", "erf"), ("gm.optim.Adamm", "Adam"),
    ],
)  # fmt: skip
def test_a_misspelt_name_suggests(text, right):
    with pytest.raises(AttributeError, match=f"did you mean '{right}'"):
        eval(text, {"gm": gm})


def test_a_name_that_is_like_nothing_suggests_nothing():
    with pytest.raises(AttributeError, match=r"no attribute 'zzzzzz'$"):
        gm.zzzzzz
    assert not hasattr(gm.ones(1), "__array_struct__") and not hasattr(gm.ones(1), "zzzzzz")


@pytest.mark.parametrize(
    ("address", "name"),
    [("nn.parameter", "Parameter"), ("utils.hooks", "RemovableHandle"), ("utils.data", "DataLoader")],
)
def test_a_name_is_also_at_pytorchs_other_address(address, name):
    assert isinstance(getattr(importlib.import_module(f"gradmagic.{address}"), name), type)
