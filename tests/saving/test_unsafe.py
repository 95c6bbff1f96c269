"""A file of PyTorch's that asks for more than its numbers is refused, and changes nothing."""

import pickle
import zipfile

import pytest

import gradmagic as gm


@pytest.mark.parametrize("pickled", [
    b"\x80\x02ctorch\nfloat32\n(N}U\x04nameU\x07float64sb.",  # attributes of a dtype
    b"\x80\x02ctorch._utils\n_rebuild_tensor\n}U\x0c__defaults__)sb.",  # of a function
    b"\x80\x02cos\nsystem\n(U\x04trueR.", b"\x80\x02cbuiltins\neval\n.",
])  # fmt: skip
def test_is_refused(pickled, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as file:
        file.writestr("a/data.pkl", pickled)
        file.writestr("a/version", "3")
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        gm.load(tmp_path / "a.pt")
    assert repr(gm.float32) == "torch.float32"


@pytest.mark.parametrize("format", [None, "pytorch", "safetensors"])
def test_a_damaged_file_is_said_to_be_one(format, tmp_path):
    file = tmp_path / "a.bin"
    gm.save({"w": gm.ones(300)}, file, **({} if format is None else {"format": format}))
    whole = file.read_bytes()
    for cut in (20, len(whole) // 2, len(whole) - 8):
        file.write_bytes(whole[:cut])
        with pytest.raises(pickle.UnpicklingError):
            gm.load(file)
