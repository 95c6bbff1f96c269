"""A report as JSON: strict, whole, and the same report when it is read back."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from gradmagic.engine.core.values import summarise
from gradmagic.report import Report, ReportError
from gradmagic.report.files.json import SCHEMA, from_json, to_json
from gradmagic.report.model import Sweep
from tests.report import traces

ALL = ["product", "parabola", "network", "descent", "troubled", "markup"]


def strict(text: str) -> dict:
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("name", ALL)
def test_what_is_read_back_is_the_same_report(name):
    trace = getattr(traces, name)()
    again = from_json(to_json(trace))
    assert to_json(again) == to_json(trace)
    assert Report(again).to_text(80, False, False) == Report(trace).to_text(80, False, False)
    for one, other in zip(again.inputs, trace.inputs, strict=True):
        np.testing.assert_array_equal(one.array, other.array)
        assert type(one.array) is type(other.array)


def test_what_json_has_no_word_for_is_said_in_an_object():
    s = traces.Sketch("y = x")
    s.input("x", np.array([np.nan, np.inf, -np.inf]), np.array([1 + 2j, complex("nan"), 0]))
    trace = s.trace("x", 1.0)
    found = strict(to_json(trace))
    assert found["schema"] == SCHEMA
    value = found["trace"]["inputs"][0]["value"]
    assert value["items"] == [{"float": "NaN"}, {"float": "Infinity"}, {"float": "-Infinity"}]
    assert found["trace"]["inputs"][0]["array"]["array"][0] == {"complex": [1.0, 2.0]}
    np.testing.assert_array_equal(from_json(to_json(trace)).inputs[0].array, trace.inputs[0].array)


def test_a_large_gradient_is_a_summary():
    big = np.linspace(0, 1, 100_000)
    s = traces.Sketch("y = x")
    s.input("x", big, big)
    text = to_json(s.trace("x", 1.0))
    assert len(text) < 10_000
    entry = strict(text)["trace"]["inputs"][0]
    assert entry["array"] is None and entry["grad"]["norm"] == pytest.approx(np.linalg.norm(big))


def test_text_that_looks_like_ours_stays_text():
    trace = replace(traces.product(), label='{"float": "NaN"}')
    assert from_json(to_json(trace)).label == trace.label


def test_a_variable_may_be_called_float():
    trace = replace(
        traces.product(), sweeps=(Sweep(1.0, {"float": 2.0}), Sweep(None, {"float": float("nan")}))
    )
    again = from_json(to_json(trace)).sweeps
    assert again[0] == trace.sweeps[0] and np.isnan(again[1].inputs["float"])


def test_integers_beyond_all_floats_stay_themselves():
    trace = replace(traces.product(), inputs=(replace(traces.product().inputs[0], value=summarise(10**400)),))
    assert from_json(to_json(trace)).inputs[0].value.items == 10**400


@pytest.mark.parametrize("text", ["", "[1]", '{"schema": "gradmagic-trace/999", "trace": {}}'])
def test_other_json_is_refused_in_a_sentence(text):
    with pytest.raises(ReportError, match="JSON"):
        from_json(text)


@pytest.mark.parametrize("text", ["[1, 2]", "3", '{"schema": 1}'])
def test_json_that_is_no_report_is_refused(text):
    with pytest.raises(ReportError):
        from_json(text)
