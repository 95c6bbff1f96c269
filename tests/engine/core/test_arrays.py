"""The seam to devices: CuPy asked for where there is none, and only then imported."""

import subprocess
import sys
import types

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.core import arrays
from gradmagic.errors import DeviceError


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
    from gradmagic.engine.faces.numpy.array import Array

    lifted = Array.lift(np.ones(2))
    assert isinstance(lifted, np.ndarray)
    assert not arrays.is_array(lifted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("rows", [3, 40, 3000])
def test_rows_are_added_as_by_add_at(rows, dtype):
    rng = np.random.default_rng(0)
    index = rng.integers(-rows, rows, (30, 20))
    values = rng.normal(size=(30, 20, 4, 8)).astype(dtype)
    target = rng.normal(size=(rows, 4, 8)).astype(dtype)
    expected = target.copy()
    np.add.at(expected, index, values)
    for form in (index, (index,)):
        made = target.copy()
        arrays.add_at(made, form, values)
        np.testing.assert_allclose(made, expected, rtol=1e-3 if dtype is np.float32 else 1e-11)
        if rows == 3000:  # few are named twice: the same order of additions, the same bits
            assert made.tobytes() == expected.tobytes()
    with pytest.raises(IndexError):
        arrays.add_at(target, index + rows, values)


def test_a_library_is_known_by_its_first_array(put):
    made = put(np.ones(2))
    assert type(made) not in arrays.KINDS
    assert arrays.is_array(made) and arrays.on_device(made) and arrays.device_of(made) == "cuda:0"
    assert arrays.module_of(made).ndarray is type(made)
    unmet = type("ndarray", (), {"__module__": "somewhere"})()  # its home is not imported
    assert not arrays.is_array(unmet) and arrays.module_of(unmet) is np
