"""Functions and modules of neural networks give on a device what PyTorch gave on the host."""

import json
import warnings
from pathlib import Path

import pytest

import gradmagic as gm

from ..recorded import networks
from ..recorded.summary import same, summary

pytestmark = pytest.mark.gpu

RECORDED = json.loads(Path(networks.__file__).with_suffix(".json").read_text())


@pytest.mark.parametrize("text", [t for t in RECORDED if not t.startswith("repr of")])
def test_is_what_pytorch_gave(text):
    gm.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = summary(networks.CASES[text](gm, "cuda"))
    same(found, RECORDED[text], getattr(networks.CASES[text], "tolerance", None))
