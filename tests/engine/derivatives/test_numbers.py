"""Python's numbers in every place of every function that takes them: as NumPy's own, in both modes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.dispatch.protocols import COMPOSED
from gradmagic.engine.rules.declare import RULES
from gradmagic.engine.rules.rule import CONSTANT

NUMBERS = (0.37, 0.81, 0.52)


def taking_numbers() -> list[object]:
    """List (function, how many numbers) of NumPy's functions that give one float of one to three of them."""
    found = []
    for f in {**RULES, **COMPOSED}:
        if (
            RULES.get(f) is CONSTANT
            or f.__name__ in PLACES
            or not str(getattr(f, "__module__", "numpy")).startswith("numpy")
            or (isinstance(f, np.ufunc) and getattr(np, f.__name__, None) is not f)  # SciPy's
        ):
            continue
        for n in (1, 2, 3):
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    out = f(*NUMBERS[:n])
                except Exception:  # not so many arguments, or other ones
                    continue
            if (
                isinstance(out, (float, np.ndarray))
                and np.size(out) == 1
                and np.asarray(out).dtype.kind == "f"
            ):
                found.append(pytest.param(f, n, id=f"{getattr(f, '__name__', f)} {n}"))
    return found


PLACES = (
    "take repeat roll extract trim_zeros polyint polyval2d polygrid2d".split()
)  # or counts, tables of coefficients


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("f", "n"), taking_numbers())
def test_a_python_number_is_differentiated_as_numpys_own(f, n):
    for i in range(n):

        def at(x, i=i):
            return np.sum(f(*(x if k == i else v for k, v in enumerate(NUMBERS[:n]))))

        try:
            expected = gm.grad(at)(np.array(NUMBERS[i]))
        except gm.GradmagicError:
            continue
        got = gm.grad(at)(NUMBERS[i])
        assert type(got) is float
        np.testing.assert_allclose(got, expected)
        np.testing.assert_allclose(gm.jvp(at, (NUMBERS[i],), (1.0,))[1], expected)
        step = (at(NUMBERS[i] + 1e-6) - at(NUMBERS[i] - 1e-6)) / 2e-6
        np.testing.assert_allclose(got, step, rtol=1e-5, atol=1e-7)


def test_an_integer_is_one_too():
    assert gm.grad(np.prod)(3) == 1.0
    assert gm.grad(np.var)(3) == 0.0
    assert gm.grad(np.tensordot, (0, 1))(3, 2.0, 0) == (2.0, 3.0)
