"""Recorded operations computed again: the numerical gradient of every rule of the table, without running it twice."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import gradmagic as gm
from gradmagic.engine.derivatives.nn import functions as networks
from gradmagic.engine.faces.numpy.array import Array
from gradmagic.engine.rules.declare import RULES
from gradmagic.engine.rules.pointwise import Elementwise
from gradmagic.engine.rules.rule import Rule
from gradmagic.engine.sweeps.backward import sweep
from gradmagic.engine.sweeps.recomputed import CannotRecompute, Recomputing
from gradmagic.engine.tape.tracked import Tracked
from tests.draws import draws
from tests.engine.derivatives import numeric
from tests.engine.derivatives.cases import CASES, Case
from tests.engine.derivatives.test_tables import drawn, kinds_of


def checked(call, args):
    with Recomputing() as replay:
        lifted = [Array.lift(a, share=False) for a in args]
        nodes = [a.node for a in lifted]
        ys = numeric.outputs(call(*lifted))
        total = numeric.loss(ys, numeric.weights([numeric.raw(y) for y in ys], 1))
    if not isinstance(total, Tracked):
        return []
    found, swept, _ = sweep(total.node, np.ones_like(total.array), inputs=nodes, retain=True)
    reached = {node.number for node in found}
    grads = [
        swept[n.number] if n.number in reached else np.zeros_like(a) for n, a in zip(nodes, args, strict=True)
    ]
    return replay.check(total.node, np.float64(1), list(zip(nodes, args, strict=True)), grads)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=repr)
@settings(max_examples=draws(2))
@given(st.data())
def test_every_rule_agrees_with_its_replay(case: Case, data: st.DataObject) -> None:
    args, call = drawn(case, data, data.draw(kinds_of(case)), empty=False)
    with np.errstate(all="ignore"):
        found = checked(call, args)
    assert all(entry.agrees for entries in found for entry in entries), found


def test_operators_recover_the_constants_they_did_not_keep():
    c = np.array([2.0, 3.0])
    f = lambda x: ((1.0 - x) + c) * (c - x) / (5.0 / x) + (x - 0.5) / c
    entries = checked(f, [np.array([0.7, 1.9])])[0]
    assert len(entries) == 2 and all(e.agrees for e in entries)


def test_a_wrong_gradient_is_found():
    with Recomputing() as replay:
        x = Array.lift(np.array([1.0, 2.0]), share=False)
        y = np.sum(x * x)
    (entries,) = replay.check(y.node, 1.0, [(x.node, x.array)], [np.array([2.0, 5.0])])
    assert [e.agrees for e in entries] == [True, False]
    assert entries[1].index == (1,) and entries[1].numerical == pytest.approx(4.0) and not entries[1].kink


def test_a_kink_is_told_from_a_wrong_rule():
    (entries,) = checked(networks.relu, [np.array([0.0, 1.0])])  # PyTorch's slope at 0 is 0
    assert entries[0].kink and not entries[0].agrees and entries[1].agrees


def test_large_inputs_are_checked_at_some_entries():
    (entries,) = checked(np.tanh, [np.linspace(-1, 1, 5000)])
    assert len(entries) == 100 and entries[0].index == (0,) and entries[-1].index == (4999,)
    assert all(e.agrees for e in entries)


def test_what_cannot_be_computed_again_is_named():
    double = gm.checkpoint(lambda x: 2 * x)
    with pytest.raises(CannotRecompute, match=r"checkpoint \(line \d+ of test_recomputed\.py\)"):
        checked(double, [np.ones(2)])


def test_nothing_is_kept_longer_than_the_block():
    def tables():
        return {f: list(r.keeps) for f, r in RULES.items() if isinstance(r, Elementwise)}

    before = tables()
    with Recomputing(), pytest.raises(ZeroDivisionError), Recomputing():
        1 / 0
    assert tables() == before and not Rule.everything
    with Recomputing():
        with Recomputing():
            pass
        assert all(row == (True,) * len(row) for table in tables().values() for row in table)
