"""The seam to devices: CuPy asked for where there is none, and only then imported."""

import subprocess
import sys
import types

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine import arrays
from gradmagic.engine.errors import DeviceError


def test_without_cupy_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(DeviceError, match=r'needs CuPy.*pip install "gradmagic\[cuda13\]"'):
        gm.tensor([1.0], device="cuda")


def test_without_a_driver_one_sentence_says_so(monkeypatch):
    cupy = types.ModuleType("cupy")
    cupy.cuda = types.SimpleNamespace(is_available=lambda: False)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    with pytest.raises(DeviceError, match="NVIDIA GPU and its driver"):
        gm.tensor([1.0]).to("cuda")


@pytest.mark.parametrize("name", ["tpu", "cuda:x", "cpu:0x"])
def test_an_unknown_device_is_named(name):
    with pytest.raises(DeviceError, match=name):
        arrays.to_device(np.ones(2), name)


def test_the_cpu_is_where_everything_is():
    t = gm.tensor([1.0], device="cpu")
    assert str(t.device) == "cpu"
    assert t.to("cpu").tolist() == [1.0]


def test_cupy_ipython_and_matplotlib_are_not_imported_until_asked_for():
    heavy = "cupy IPython matplotlib jinja2 rich".split()
    code = f"import sys, gradmagic; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_lifted_array_is_no_plain_one():
    from gradmagic.engine.array import Array

    lifted = Array.lift(np.ones(2))
    assert isinstance(lifted, np.ndarray)
    assert not arrays.is_array(lifted)
