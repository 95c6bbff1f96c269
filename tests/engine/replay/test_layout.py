"""Blocks, threads, masks by bits, choices that wait: what large arrays get, on small ones, for every kind of rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.replay import blocks, emit, sink

from ..derivatives.cases import CASES
from .test_rules import test_every_rule_is_replayed_right_or_refused_by_name as replayed_right


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the smallest arrays be treated as large ones are."""
    for name, value in {"_LARGE": 2, "_BLOCK": 2, "_LEAST": 1, "_THREADED": 4}.items():
        monkeypatch.setattr(blocks, name, value)
    monkeypatch.setattr(emit, "_WORTH", 0)
    monkeypatch.setattr(emit, "_MASKED", 0)
    monkeypatch.setattr(sink, "_LEAST", 1)


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("case", CASES[::7], ids=lambda case: case.name)
def test_every_kind_of_rule_in_blocks(case: Any) -> None:
    replayed_right(case)


def layer(x: Any, w: Any, b: Any) -> Any:
    h = np.maximum(x @ w + b, 0)
    return np.sum(np.tanh(h * 2) * np.where(h > 1, np.exp(-h), h))


def norm(x: Any, w: Any, b: Any) -> Any:
    z = (x - np.mean(x, axis=1, keepdims=True)) / np.sqrt(np.var(x, axis=1, keepdims=True) + 1e-5)
    return np.sum((z @ w + b) ** 2 / (1 + np.abs(z @ w)))


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("rows", [1, 2, 3, 7])
@pytest.mark.parametrize("f", [layer, norm])
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_rows_that_do_not_divide_into_blocks(f: Any, rows: int, dtype: str) -> None:
    rng = np.random.default_rng(rows)
    make = lambda: [rng.normal(size=s).astype(dtype) for s in ((rows, 4), (4, 3), (3,))]
    eager = gm.value_and_grad(f, argnums=(0, 1, 2))
    replayed = gm.replay(eager)
    replayed(*make())
    for _ in range(3):
        given = make()
        got, want = replayed(*given), eager(*given)
        np.testing.assert_allclose(got[0], want[0], rtol=1e-5 if dtype == "f" else 1e-12)
        for a, b in zip(got[1], want[1], strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(
                a, b, rtol=1e-4 if dtype == "f" else 1e-11, atol=1e-6 if dtype == "f" else 1e-13
            )
    assert replayed.served == 3


def test_a_large_array_is_done_in_blocks_by_threads_with_the_callers_settings() -> None:
    f = gm.replay(lambda x: np.log(np.sqrt(x) * 2) + np.exp(x))
    x = np.linspace(1, 2, 300_001)
    f(x)
    np.testing.assert_array_equal(f(x), np.log(np.sqrt(x) * 2) + np.exp(x))
    assert "in blocks" in str(f.explain())
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        f(-x)
    np.testing.assert_array_equal(f(x), np.log(np.sqrt(x) * 2) + np.exp(x))


def test_products_of_a_batch_are_one_product() -> None:
    f = gm.replay(gm.value_and_grad(lambda w, x: np.sum((x @ w) ** 2)))
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(4, 3)), rng.normal(size=(5, 6, 4))
    f(w, x)
    value, gradient = f(w, x)
    assert "(30, 3)" in f.source or ".reshape((-1, 4, ))" in f.source
    np.testing.assert_allclose(value, np.sum((x @ w) ** 2))
    np.testing.assert_allclose(gradient, 2 * np.einsum("bik,bij->kj", x, x @ w))
