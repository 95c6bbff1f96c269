"""The guards and the numerical tools on a device: nothing is mixed with host arrays, and results stay there."""

from typing import Any

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.core import arrays
from gradmagic.errors import AnomalyError, TapeLimitError

X = np.array([0.0, 4.0])


def leaf(array: Any) -> Any:
    return gm.tensor(array, requires_grad=True)


def on_host(array: Any) -> Any:
    assert arrays.on_device(array)
    return arrays.to_host(array)


def test_guard_where(put: Any) -> None:
    f = lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0))
    with gm.guard_where(quiet=True) as guard, np.errstate(all="ignore"):
        found = gm.grad(f)(put(X))
        moved = gm.jvp(f, (put(X),), (put(np.array([0.0, 1.0])),))[1]
    assert on_host(found).tolist() == [0.0, 0.25]
    assert float(arrays.to_host(moved)) == 0.25
    assert {masked.name for masked in guard.acted} == {"sqrt"}


def test_detect_anomaly(put: Any) -> None:
    x = leaf(put(X))
    with np.errstate(all="ignore"), gm.detect_anomaly():
        with pytest.raises(
            AnomalyError, match=r"^log .* makes -inf from x = \[0. 4.\].*first at \[0\], where x is 0"
        ):
            np.log(x)
        with pytest.raises(AnomalyError, match=r"SqrtBackward0.*infinite, first at \[0\]: .* is inf there"):
            np.sum(np.sqrt(x)).backward()
        np.sum(np.exp(x)).backward()


def test_numeric(put: Any) -> None:
    @gm.numeric
    def opaque(x: Any, a: float) -> Any:
        assert type(x) is np.ndarray
        return np.array([v**3 * a for v in x.tolist()])

    by_x, by_a = gm.grad(lambda x, a: np.sum(opaque(x, a)), (0, 1))(put(X), 2.0)
    np.testing.assert_allclose(on_host(by_x), 6 * X**2, atol=1e-8)
    assert float(by_a) == pytest.approx(64.0)
    value, moved = gm.jvp(lambda x: opaque(x, 2.0), (put(X),), (put(np.ones(2)),))
    np.testing.assert_allclose(on_host(value), 2 * X**3)
    np.testing.assert_allclose(on_host(moved), 6 * X**2, atol=1e-8)


def test_check_grads(put: Any) -> None:
    checked = gm.check_grads(lambda x: np.sum(np.tanh(x) * x), (put(X),))
    assert checked.compared > 10 and checked.worst < 0.1


def test_the_tape_limit(put: Any) -> None:
    gm.set_tape_limit("1MB")
    try:
        with pytest.raises(TapeLimitError, match="tanh"):
            _ = [np.tanh(leaf(put(np.ones(10_000)))) for _ in range(100)]
    finally:
        gm.set_tape_limit("auto")
