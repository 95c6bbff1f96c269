"""Programs written for PyTorch run with only their import lines changed, and print the same."""

import contextlib
import io
import warnings

import numpy as np
import pytest

import gradmagic as gm

from .golden.compare import TORCH, same_print
from .golden.programs import PROGRAMS, with_gradmagic


@pytest.mark.parametrize("name", PROGRAMS)
def test_prints_what_pytorch_prints(name):
    printed, namespace = io.StringIO(), {}
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # log(0), which PyTorch takes in silence
        exec(compile(with_gradmagic(PROGRAMS[name]), f"<{name}>", "exec"), namespace)
    namespace.clear()  # its hooks hold it, and it holds their tensors
    theirs = TORCH["programs"][name]
    if name in ("parabola", "root of 2", "two paths", "one layer", "four small ones", "three errors"):
        assert printed.getvalue() == theirs  # what the textbooks print, to the last digit
    for mine, line in zip(printed.getvalue().splitlines(), theirs.splitlines(), strict=True):
        same_print(mine, line)


def test_only_import_lines_change():
    for source in PROGRAMS.values():
        changed = [
            (a, b)
            for a, b in zip(source.splitlines(), with_gradmagic(source).splitlines(), strict=True)
            if a != b
        ]
        assert changed and all("import" in a and "gradmagic" in b for a, b in changed)


def test_print_of_grad_fn_as_pytorch_shows_it():
    x = gm.ones(2, requires_grad=True)
    assert repr((x + 1).grad_fn).startswith("<AddBackward0 object at 0x")
    assert repr((x + 1).sum().grad_fn).startswith("<SumBackward0 object at 0x")
    assert x.grad_fn is None


class TestErrors:
    """The first sentence is PyTorch's; the second says what to write."""

    def test_nothing_requires_grad(self):
        with pytest.raises(RuntimeError, match=r"does not require grad.*requires_grad=True"):
            gm.ones(2).sum().backward()

    def test_whole_numbers(self):
        with pytest.raises(RuntimeError, match=r"Only Tensors of floating point and complex dtype.*1\.0"):
            gm.tensor([1, 2], requires_grad=True)

    def test_no_scalar(self):
        with pytest.raises(RuntimeError, match=r"only for scalar outputs.*\.sum\(\)\.backward\(\)"):
            (gm.ones(2, requires_grad=True) * 2).backward()

    def test_float_of_a_tensor_warns_as_pytorch(self):
        x = gm.tensor(2.0, requires_grad=True)
        with pytest.warns(UserWarning, match="Converting a tensor with requires_grad=True to a scalar"):
            assert float(x * 3) == 6.0

    def test_a_shape_that_does_not_fit_three_operations_in(self):
        weights, inputs = gm.ones(4, 2, requires_grad=True), gm.ones(3, 2)
        hidden = (inputs * 2).relu()
        with pytest.raises(ValueError, match="weights") as caught:
            hidden @ weights
        assert "(3, 2)" in str(caught.value) and "(4, 2)" in str(caught.value)


def test_ten_thousand_operations():
    x = gm.tensor(np.ones(4, np.float32), requires_grad=True)
    y = x
    for _ in range(10_000):
        y = y * 1.0
    y.sum().backward()
    assert x.grad.tolist() == [1.0] * 4
