"""Both fast sweeps give what the plain one gives (engine/sweeps/reference.py), on every rule of the tables."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from gradmagic.engine.faces.numpy.array import Array
from gradmagic.engine.sweeps.backward import sweep
from gradmagic.engine.sweeps.reference import gradients
from gradmagic.engine.tape.nodes import walk
from gradmagic.engine.tape.tracked import Tracked, raw
from tests.draws import draws
from tests.engine.derivatives import numeric
from tests.engine.derivatives.cases import Case
from tests.engine.derivatives.test_tables import drawn, each_case


def held_against_the_plain_sweep(
    root: Any, leaves: list[Any], cotangent: Any = 1.0, blas: bool = False
) -> None:
    """Compare what the sweeps give for the leaves: shapes, dtypes and bits.

    The last bits may differ where parts of an array are read: the fast sweeps add the cotangents of x[i] and x[j] one
    after the other into one buffer, the plain one first makes an array of each. And where a sweep over complex numbers
    is recorded: NumPy rounds the product of two numbers otherwise than that of two arrays without dimensions. And where
    `blas` multiplies matrices: it rounds by where in memory they lie.
    """
    expected = gradients(root, cotangent)
    reads = any(node.rule is not None and node.rule.into is not None for node in walk(root))
    recorded = {
        "inputs": leaves,
        "create_graph": True,
    }  # by `_watched`, as with inputs alone; else by `_everyday`
    for way in ({}, {"inputs": leaves}, recorded):
        _, found, _ = sweep(root, cotangent, retain=True, **way)
        for node in leaves:
            assert (node.number in found) == (node.number in expected), way
            if node.number in found:
                got, wanted = raw(found[node.number]), expected[node.number]
                assert (np.shape(got), got.dtype) == (np.shape(wanted), wanted.dtype), way
                last_bits = reads or blas or (way is recorded and got.dtype.kind == "c")
                eps = 16 * float(np.finfo(got.dtype).eps) * last_bits
                scale = np.max(np.abs(wanted), initial=0.0, where=np.isfinite(wanted))
                np.testing.assert_allclose(got, wanted, rtol=eps, atol=eps * scale, err_msg=str(way))


@pytest.mark.slow
@each_case
@settings(max_examples=draws(2))
@given(st.data())
def test_every_rule(case: Case, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(case.kinds))
    args, call = drawn(case, data, kind)
    if data.draw(st.booleans(), label="single precision"):
        args = [np.asarray(a, "F" if kind == "c" else "f") for a in args]
    with np.errstate(all="ignore"):
        lifted = [Array.lift(a, share=False) for a in args]
        ys = numeric.outputs(call(*lifted))
        total = numeric.loss(ys, numeric.weights([raw(y) for y in ys], 1))
        if isinstance(total, Tracked) and total.node is not None:
            one, home = np.ones_like(total.array), getattr(case.rule, "__module__", "")
            blas = "linalg" in home or "decompositions" in home
            held_against_the_plain_sweep(total.node, [a.node for a in lifted], one, blas)
