"""Every error of gradmagic: provoked once, found by its base class, with a page that shows the right program."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine import errors
from gradmagic.engine.array import Array

x = gm.tensor([1.0, 2.0], requires_grad=True)


def twice():
    z = (x * x).sum()
    z.backward()
    z.backward()


def stale():
    y = x * x
    z = y * y
    y += 1
    z.sum().backward()


def write_a_leaf():
    global x
    x += 1


PROVOKED = {
    errors.NoGradError: (lambda: gm.tensor([1.0]).sum().backward(), "requires_grad=True"),
    errors.NonScalarError: (lambda: (2 * x).backward(), r"\.sum\(\)"),
    errors.IntegerGradError: (lambda: gm.tensor([1, 2], requires_grad=True), "floating point and complex"),
    errors.FreedError: (twice, "retain_graph=True"),
    errors.LeafWriteError: (write_a_leaf, "no_grad"),
    errors.StaleError: (stale, r"y = y \+ 1|clone"),
    errors.ConversionError: (lambda: np.asarray(x), r"detach\(\)\.numpy\(\)"),
    errors.UnknownFunctionError: (lambda: np.packbits(x), "np.packbits"),
    errors.ShapeError: (lambda: x + np.ones(3), r"'?x'? of shape \(2,\).*\(3,\)"),
    errors.DeviceError: (lambda: gm.tensor([1.0], device="tpu"), 'device="cuda"'),
}


@pytest.mark.parametrize("error", PROVOKED, ids=lambda e: e.__name__)
def test_an_error_says_what_to_write(error):
    provoke, words = PROVOKED[error]
    with pytest.raises(error, match=words) as caught:
        provoke()
    assert isinstance(caught.value, gm.GradmagicError)


CLASSES = [
    c
    for c in vars(errors).values()
    if isinstance(c, type)
    and issubclass(c, Exception)
    and c is not errors.GradmagicError
    and not issubclass(c, Warning)
]


@pytest.mark.parametrize("error", CLASSES, ids=lambda e: e.__name__)
def test_an_error_is_also_the_one_that_the_user_expects(error):
    assert issubclass(error, errors.GradmagicError)
    assert issubclass(error, (RuntimeError, TypeError, ValueError, NameError, AssertionError, MemoryError))
    assert len(error.__doc__.split()) > 10


def test_shapes_that_do_not_fit_name_both_operands_and_the_line():
    weights = gm.tensor(np.ones((4, 5)), requires_grad=True)
    inputs = np.ones((2, 3))
    with pytest.raises(
        errors.ShapeError, match=r"inputs of shape \(2, 3\) and weights of shape \(4, 5\), line \d+"
    ):
        np.matmul(inputs, weights)


def test_a_lifted_value_computes_on_where_a_tensor_would_stop():
    a = Array.lift(np.array([1.0, 2.0]))
    assert np.packbits(a > 1).tolist() == [64]
    assert np.asarray(a).tolist() == [1.0, 2.0]
