"""What is saved is loaded again; PyTorch's files are read without running them."""

import io
import json
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

import gradmagic as gm
from gradmagic import nn

from ..recorded.files import HERE, content


def again(obj, format=None, **options):
    file = io.BytesIO()
    gm.save(obj, file, format=format)
    file.seek(0)
    return gm.load(file, **options)


def same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, gm.Tensor):
        assert (found.dtype, found.shape, found.requires_grad) == (
            expected.dtype,
            expected.shape,
            expected.requires_grad,
        )
        assert isinstance(found, nn.Parameter) == isinstance(expected, nn.Parameter)
        assert type(found.array) is type(expected.array)
        np.testing.assert_array_equal(found.detach().numpy(), expected.detach().numpy())
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            same(found[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        for f, e in zip(found, expected, strict=True):
            same(f, e)
    else:
        assert found == expected


@pytest.mark.parametrize("name", ["today.pt", "before_1_6.pt"])
class TestPyTorchsFiles:
    def test_are_read(self, name):
        gm.manual_seed(0)
        found = gm.load(HERE / name)
        half = found.pop("half")
        same({**found, "state": dict(found["state"])}, {**content(gm), "state": dict(content_state())})
        assert half.tolist() == [1.5, 2.0, -3.25]  # bfloat16, as float32

    def test_views_share_memory(self, name):
        found = gm.load(HERE / name)
        found["a"][1, 0] = 9
        assert found["row"][0] == 9 and found["turned"][0, 1] == 9


def content_state():
    gm.manual_seed(0)
    return content(gm)["state"]


def test_a_whole_module_of_pytorchs_is_refused_by_name():
    with pytest.raises(pickle.UnpicklingError, match=r"torch\.nn\.modules\.linear\.Linear.*state_dict"):
        gm.load(HERE / "whole.pt")


class Evil:
    def __reduce__(self):
        return print, ("this ran",)


@pytest.mark.parametrize(
    "data", [pickle.dumps(Evil()), pickle.dumps([1]), b"hello world", b"", b"PK\x03\x04"]
)
def test_other_files_are_refused_and_not_run(data, capsys):
    with pytest.raises((pickle.UnpicklingError, zipfile.BadZipFile)):
        gm.load(io.BytesIO(data))
    assert not capsys.readouterr().out


def test_a_tensor_outside_of_its_memory_is_refused():
    file = io.BytesIO()
    gm.save(gm.arange(3.0), file, format="pytorch")
    broken = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(broken, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data[:4] if name.endswith("data/0") else data)
    broken.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="outside of its memory"):
        gm.load(broken)


@pytest.mark.parametrize("format", ["gradmagic", "pytorch"])
def test_what_is_saved_is_loaded_again(format):
    obj = content(gm)
    if format == "pytorch":
        del obj["set"], obj["complex"]
    else:
        obj |= {
            "bytes": b"ab",
            "scalar of NumPy": np.float32(2),
            "array": np.arange(3),
            "device": gm.device("cpu"),
        }
    obj["plain"] += (float("inf"), [], {}, ())
    found = again(obj, format)
    if format == "gradmagic":
        np.testing.assert_array_equal(found.pop("array"), obj.pop("array"))
    same(found, obj)


@pytest.mark.parametrize("format", ["gradmagic", "pytorch"])
def test_tied_weights_stay_tied(format):
    w = gm.ones(2)
    a, b = again([w, w.detach()], format)
    a[0] = 5
    assert b[0] == 5


def test_the_file_is_read_without_us(tmp_path):
    net = nn.Linear(2, 1)
    gm.save(net.state_dict(), tmp_path / "net.pt")
    arrays = np.load(tmp_path / "net.pt")
    np.testing.assert_array_equal(arrays["weight"], net.weight.detach().numpy())
    assert json.loads(zipfile.ZipFile(tmp_path / "net.pt").read("structure.json"))["gradmagic"] == 1
    assert (
        str(nn.Linear(2, 1).load_state_dict(gm.load(tmp_path / "net.pt")))
        == "<All keys matched successfully>"
    )


def test_safetensors(tmp_path):
    state = {"weight": gm.eye(2), "count": gm.tensor(3), "mask": gm.tensor([True, False])}
    gm.save(state, tmp_path / "m.safetensors")
    data = (tmp_path / "m.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert header["weight"] == {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    found = gm.load(tmp_path / "m.safetensors")
    assert list(found) == list(state) and all(gm.equal(found[k], state[k]) for k in state)
    with pytest.raises(TypeError, match="one dict of tensors"):
        gm.save([1], tmp_path / "m.safetensors")
    assert (tmp_path / "m.safetensors").read_bytes() == data  # a failure leaves the file as it was


class TestWholeObjects:
    def test_are_read_only_when_asked_for(self):
        net = nn.Sequential(nn.Linear(2, 1), nn.ReLU())
        with pytest.raises(pickle.UnpicklingError, match="weights_only=False"):
            again(net)
        found = again(net, weights_only=False)
        assert gm.equal(found(gm.ones(2)), net(gm.ones(2))) and isinstance(found[0].weight, nn.Parameter)

    def test_what_cannot_be_pickled_is_said(self):
        with pytest.raises(TypeError, match="state_dict"):
            again({"f": lambda x: x})


@pytest.mark.parametrize(
    "location", [None, "cpu", {"cuda:0": "cpu"}, lambda storage, where: storage, gm.device("cpu")]
)
def test_map_location(location):
    assert again(OrderedDict(a=gm.ones(2)), map_location=location)["a"].tolist() == [1, 1]


def test_a_device_that_is_not_here():
    file = io.BytesIO()
    gm.save([gm.ones(2)], file)
    moved = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(moved, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'"cpu"', b'"cuda:0"'))
    moved.seek(0)
    if not gm.cuda.is_available():
        with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
            gm.load(moved)
    moved.seek(0)
    assert gm.load(moved, map_location="cpu")[0].device == "cpu"
