"""Code that goes entry by entry, by Python's math and by imported names: followed, with NumPy's values and dtypes."""

from __future__ import annotations

import cmath
import functools
import importlib.util
import math
import sys
import types
import warnings
from math import exp, sqrt

import numpy as np
import pytest
from numpy import array, zeros
from numpy.lib.stride_tricks import as_strided

import gradmagic as gm
from gradmagic.errors import ArgumentError

X = np.array([1.1, 2.13, 3.29])


@np.vectorize
def hinge(t, k=2.0):  # made before anything is traced
    return k * t if t > 2 else t * 0.5


halves = np.vectorize(lambda t: (t / 2, t * t), otypes=[float, np.float32])
lines = np.vectorize(lambda t, c: c[0] + c[1] * t, excluded=[1])


def imported_names(x):
    out = zeros(3)
    out[0] = exp(x[0]) * sqrt(x[1])
    return (out * array([x[2], 1.0, x[0]])).sum()


def odometer(x):
    total, it = 0.0, np.nditer(x, flags=["multi_index"])
    while not it.finished:
        total += it[0] ** 2 * (1 + it.multi_index[0])
        it.iternext()
    return total


def doubled_in_place(x):
    y = x * 2
    for v in np.nditer(y, op_flags=["readwrite"]):
        v[...] = v * v
    with np.nditer([x[:, None], np.arange(2.0)]) as it:
        return y.sum() + sum(a * b for a, b in it)


def windows(x):
    y = x * 1
    seen = as_strided(y, (2, 2), (8, 8))
    before = (seen**2).sum()
    y[1] = x[0] * x[2]  # seen through the windows
    new = np.zeros(4)
    into = np.lib.stride_tricks.as_strided(new, (2, 2), (16, 8))
    into[1, 0] = x[1]
    return before * (seen**3).sum() + new[2] ** 2


PROGRAMS = [
    imported_names, odometer, doubled_in_place, windows,
    lambda x: hinge(x).sum() + hinge(x, k=3.0).prod() + hinge(x[0]),
    lambda x: halves(x)[0].sum() * halves(x[::-1])[0][0] + lines(x, [1.0, 2.0]).prod(),
    lambda x: sum(v * (1 + i[0]) for i, v in np.ndenumerate(x)) + max(v for _, v in np.ndenumerate([[x[0], 2]])),
    lambda x: math.sin(x[0]) * math.pow(x[1], 1.5) + math.atan2(x[2], x[0]) + math.log(x[1], 3) + math.degrees(x[0]),
    lambda x: math.hypot(*x) * math.dist(x, [0.0, 1.0, 2.0]) + math.fsum(v * v for v in x) / math.prod(x),
    lambda x: abs(cmath.exp(1j * x[0]) + cmath.sqrt(x[1])) + cmath.phase(complex(1) * x[0] + 1j * x[2]),
    lambda x: math.sqrt(x[:1]) if math.isfinite(x[0]) and not math.isclose(x[1], 9) else 0.0,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Conversion of an array")
@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_the_value_is_numpys_and_the_gradient_that_of_differences(f):
    if f is PROGRAMS[-1] and np.lib.NumpyVersion(np.__version__) >= "2.4.0":
        f = lambda x: math.sqrt(x[0])  # an array of one entry is no number any more
    assert gm.value_and_grad(f)(X)[0] == f(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        gm.check_grads(f, (X,))


@pytest.mark.skipif(importlib.util.find_spec("scipy") is None, reason="SciPy is not installed")
def test_maths_special_functions_are_scipys():
    gm.check_grads(lambda x: math.erf(x) * math.erfc(2 * x) + math.gamma(x) * math.lgamma(x + 2), (0.7,))


def test_vectorize_gives_the_dtype_of_its_first_entry_as_numpy_does():
    steps = np.vectorize(lambda t: 0 if t < 1 else 1.9 * t)  # the first entry makes whole numbers of all
    at = np.array([0.5, 1.5])
    value, gradient = gm.value_and_grad(lambda x: steps(x).sum() + halves(x)[1].sum())(at)
    assert value == steps(at).sum() + halves(at)[1].sum() and gradient.tolist() == [1.0, 3.0]
    seen = []
    kinds = np.vectorize(lambda t: seen.append(isinstance(t, float) and type(t + 0)) or 1.0 * t)
    gm.grad(lambda x: kinds(x).sum())(at)
    once, seen[:] = len(seen), []
    kinds(at)
    assert once == len(seen) == 3  # the first entry is computed twice
    with pytest.raises(ZeroDivisionError):  # of Python's numbers, as NumPy hands them on
        gm.grad(lambda x: np.vectorize(lambda t: 1 / t, otypes=[float])(x).sum())(np.zeros(2))


def test_what_nditer_cannot_do_entry_by_entry_is_refused():
    with pytest.raises(ArgumentError, match="external_loop"):
        gm.grad(lambda x: sum(v.sum() for v in np.nditer(x, flags=["external_loop"])))(X)
    with pytest.raises(ArgumentError, match="as_strided of 'x'"):
        gm.grad(lambda x: as_strided(x, (9,), (8,)).sum())(X)


def test_math_raises_what_it_raises():
    with pytest.raises(ValueError, match=r"math domain|nonnegative"):
        gm.grad(lambda x: math.sqrt(x))(-1.0)
    with pytest.raises(TypeError):
        gm.grad(lambda x: math.sin(x))(X)


def module(name: str, text: str, file: str = "/home/user/model.py") -> types.ModuleType:
    made = types.ModuleType(name)
    made.__file__ = file
    exec(compile(text, file, "exec"), vars(made))
    sys.modules[name] = made
    return made


@pytest.fixture
def mine():
    inner = module(
        "gm_inner", "from numpy import zeros\ndef fill(v):\n    o = zeros(2)\n    o[1] = v\n    return o"
    )
    outer = module(
        "gm_outer", "import gm_inner\nfrom gm_inner import fill\ndef f(x): return fill(x[0] * x[1]).sum()"
    )
    yield outer, inner
    del sys.modules["gm_inner"], sys.modules["gm_outer"]


def test_names_imported_in_the_users_own_modules_are_followed_and_put_back(mine):
    outer, inner = mine
    assert gm.grad(outer.f)(X).tolist() == [X[1], X[0], 0.0]
    assert gm.grad(functools.partial(outer.f))(X).tolist() == [X[1], X[0], 0.0]
    assert inner.zeros is np.zeros
    nested = gm.grad(lambda x: gm.grad(outer.f)(x)[0] + zeros(1)[0] + outer.f(x))
    assert nested(X).tolist() == [X[1], X[0] + 1.0, 0.0]
    assert inner.zeros is np.zeros is zeros
    with pytest.raises(ZeroDivisionError):
        gm.grad(lambda x: outer.f(x) / (1 // 0))(X)
    assert inner.zeros is np.zeros is zeros


def test_afterwards_all_is_as_it_was():
    before = np.vectorize.__call__, math.sin, type(math), type(np.lib.stride_tricks)
    for f in PROGRAMS[:-1]:
        gm.grad(f)(X)
    assert (np.vectorize.__call__, math.sin, type(math), type(np.lib.stride_tricks)) == before
    assert array is np.array and type(hinge) is np.vectorize


def test_an_iterator_of_several_arrays_can_be_asked_written_and_started_again():
    def f(x):
        out, total = np.zeros(3), 0.0
        with np.nditer([x, out], op_flags=[["readonly"], ["writeonly"]]) as entries:
            for a, _ in entries:
                entries[1] = a * a
            entries.reset()
            first, _ = entries.value
            total = first * len(entries) * len(entries.operands)
        return np.sum(out) + total

    x = np.array([1.0, 2.0, 3.0])
    assert gm.grad(f)(x).tolist() == [2.0 + 4.0, 4.0, 6.0]
