"""Write two files with PyTorch, of today's kind and of the one before 1.6: `python -m tests.recorded.files`."""

import importlib
from collections import OrderedDict
from pathlib import Path

HERE = Path(__file__).parent


def content(torch):
    """Give what is saved."""
    net = torch.nn.Linear(3, 2)
    a = torch.arange(6.0).reshape(2, 3)
    kinds = "int8 uint8 int16 int32 int64 float16 float64 complex64 bool".split()
    return {
        "state": net.state_dict(), "epoch": 3, "loss": 0.25, "plain": (1, None, True, "é", -5, 2**70), "a": a,
        "turned": a.t(), "row": a[1], "kinds": [torch.tensor([1, 2], dtype=getattr(torch, k)) for k in kinds],
        "scalar": torch.tensor(3.5), "empty": torch.zeros(0, 3), "wanted": torch.ones(2, requires_grad=True),
        "parameter": torch.nn.Parameter(torch.ones(2)), "size": a.shape, "dtype": torch.float32,
        "ordered": OrderedDict(x=1), "set": {1, 2}, "complex": 1 + 2j,
    }  # fmt: skip


if __name__ == "__main__":
    torch = importlib.import_module("torch")
    torch.manual_seed(0)
    made = content(torch) | {"half": torch.tensor([1.5, 2.0, -3.25], dtype=torch.bfloat16)}
    torch.save(made, HERE / "today.pt")
    torch.save(made, HERE / "before_1_6.pt", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(1, 1), HERE / "whole.pt")
