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
