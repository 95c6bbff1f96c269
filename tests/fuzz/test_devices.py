"""The fuzzer sees where a device differs from the host."""

import pytest

from .devices import judge_on
from .running import Program

pytestmark = pytest.mark.gpu
SETUP = "x = np.array([0.5, -1.5, 2.0])"


@pytest.mark.parametrize(
    ("cell", "verdicts"),
    [
        ("y = np.sin(x) * x\nz = y.sum()", [("cell", "right")]),
        ("y = np.insert(x, 1, x[0])\nk = [y, (x[1:], 'text')]\nz = (y * y).sum() / 3", [("cell", "right")]),
        # What CuPy does not do.
        ("try:\n    with np.errstate(all='raise'):\n        y = x / 0\nexcept ArithmeticError:\n    y = x\nz = y.sum()",
         [("names", "differs"), ("gradient", "noted")]),
        ("y = x * 2\ny.resize(2)\nz = y.sum()", [("cell", "error")]),
    ],
)  # fmt: skip
def test_a_device_is_judged_by_the_host(cell, verdicts):
    found = judge_on("cuda", Program(SETUP, "x", cell))
    assert [(f.mode, f.verdict) for f in found] == verdicts, found
