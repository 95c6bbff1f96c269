"""Every derivative on every kind of array: NumPy's, the strict stand-in for CuPy, CuPy's own where there is a GPU.

The same cotangents everywhere, on the device where they belong; and no sweep makes the host wait.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradmagic.engine.sweeps.forward import push
from tests.engine import strict

from . import numeric
from .cases import CASES, Case


def arguments(case: Case, kind: str) -> list[Any]:
    shapes = [
        (2, 3) if isinstance(s, str) else s for s in case.shapes for _ in range(2 if s == "pair" else 1)
    ]
    return numeric.arguments_of(case, shapes, 3, kind)


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in CASES if c.devices], ids=repr)
@pytest.mark.parametrize("order", [1, 2])
def test_the_same_cotangents_without_waiting(case: Case, order: int, device: Any) -> None:
    for kind in case.kinds:
        args = arguments(case, kind)
        expected = through(case, args, order, lambda x: x, lambda: 0)
        got = through(case, [device.asarray(a) for a in args], order, device.asarray, device.waited)
        for e, g in zip(expected, got, strict=True):
            assert (e is None) == (g is None)
            if e is not None:
                assert type(g) is device.kind
                assert g.dtype == e.dtype
                assert g.shape == e.shape
                np.testing.assert_allclose(device.asnumpy(g), e, rtol=1e-9, atol=1e-10)


def through(case: Case, args: list[Any], order: int, to_device: Any, waited: Any) -> list[Any]:
    """Compute the case's cotangents, or those of a number made of them; the sweeps must not wait."""

    def weights(ys: list[Any]) -> list[Any]:
        return [to_device(w) for w in numeric.weights(ys, 5)]

    lifted = [numeric.Array.lift(a, share=False) for a in args]
    ys = numeric.outputs(case.call(*lifted))
    total = numeric.loss(ys, weights([numeric.raw(y) for y in ys]))
    before = waited()
    cs = numeric.cotangents(total, lifted, create_graph=order == 2)
    if order == 2:
        reached = [c for c in cs if c is not None]
        total = numeric.loss(reached, [numeric.raw(c) for c in reached]) if reached else 0
        cs = numeric.cotangents(total, lifted)
    assert waited() == before
    return [numeric.raw(c) for c in cs]


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in CASES if c.devices], ids=repr)
def test_tangents_on_the_device_without_waiting(case: Case, device: Any) -> None:
    for kind in case.kinds:
        args = arguments(case, kind)
        ways = [numeric.weights([a], 7 + i)[0] for i, a in enumerate(args)]
        expected = forward(case, args, ways, lambda: 0)
        got = forward(case, *([device.asarray(a) for a in xs] for xs in (args, ways)), device.waited)
        for e, g in zip(expected, got, strict=True):
            assert (e is None) == (g is None)
            if e is not None:
                assert type(g) is device.kind
                np.testing.assert_allclose(device.asnumpy(g), e, rtol=1e-9, atol=1e-10)


def forward(case: Case, args: list[Any], ways: list[Any], waited: Any) -> list[Any]:
    """Carry tangents through the case; the sweep must wait no more than the function itself (x[mask] has to)."""
    before = waited()
    lifted = [numeric.Array.lift(a, share=False) for a in args]
    ys = [
        y
        for y in numeric.outputs(case.call(*lifted))
        if isinstance(y, numeric.Tracked) and y.node is not None
    ]
    after = waited()
    tangents = push([y.node for y in ys], {x.node.number: w for x, w in zip(lifted, ways, strict=True)})
    assert waited() - after <= after - before
    return tangents


def test_the_stand_in_lacks_what_cupy_lacks() -> None:
    cupy = pytest.importorskip(
        "cupy", reason="cupy is not installed"
    )  # its functions can be listed without a GPU

    def lacking(module: str) -> set[str]:
        ours, theirs = (getattr(m, module, m) for m in (np, cupy))
        dispatched = {
            n for n in dir(ours) if type(getattr(ours, n)).__name__ in ("_ArrayFunctionDispatcher", "ufunc")
        }
        return {f"{module}.{n}".removeprefix(".") for n in dispatched if not hasattr(theirs, n)}

    assert lacking("") | lacking("linalg") | lacking("fft") == strict.LACKING


def test_the_stand_in_is_strict() -> None:
    x = strict.asarray(np.arange(3.0))
    for wrong in (
        lambda: np.asarray(x),
        lambda: x + np.arange(3.0),
        lambda: np.arange(3.0) + x,
        lambda: np.maximum(x, [1, 2, 3]),
        lambda: np.where(np.array([True, False, True]), x, 0),
        lambda: np.sum(x, where=x > 1),
        lambda: np.insert(x, 0, 1),
        lambda: np.linalg.svdvals(x),
        lambda: np.concatenate([x, np.ones(1)]),
        lambda: strict.module.add.at(strict.asarray(np.ones(2, complex)), 0, 1),
    ):
        with pytest.raises(TypeError):
            wrong()
    assert type(np.sum(x)) is strict.StrictArray
    assert np.sum(x).shape == ()
    before = len(strict.synchronised)
    assert float(np.sum(x)) == 3
    assert strict.synchronised[before:] == ["float"]
    assert len(x[x > 1]) == 1
    assert strict.synchronised[before:] == ["float", "mask"]
