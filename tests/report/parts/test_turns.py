"""Turns of loops and calls of functions where there is no slider: in text, in Markdown, in JSON, in a quiz."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from gradmagic.report import Report
from gradmagic.report.page import turn_data
from gradmagic.report.parts.annotated_cell import lines
from gradmagic.report.shown.view import View
from tests.cell.helpers import fresh, traced

LOOP = "h = w\nfor i in range(12):\n    h = np.tanh(h*w)\nz = h*2"
CALLS = "def f(u):\n    return u*u\na = f(w)\nb = f(a)\nz = a + b"
TRAINING = """w = gm.tensor([1.0, 2.0], requires_grad=True)
for k in range(30):
    loss = ((w - k)**2).sum()
    if k == 3:
        loss = loss*2
    loss.backward()
    w.grad = None"""


def row(text: str, code: str) -> list[str]:
    """The row below a line."""
    found = text.split("\n")
    return found[next(i for i, line in enumerate(found) if code in line) + 1].split()


def test_text_shows_the_first_turn_the_last_and_how_it_went():
    text = Report(traced(LOOP, fresh("w = 1.2"), "w")).to_text(width=100)
    *label, value, values, _, grads = row(text, "h = np.tanh(h*w)")
    assert label == "at turn 1 of 12".split() and value == "0.8937"
    assert values[0] == "█" and values[-1] == "▁" and grads[0] == "▁" and grads[-1] == "█"
    line = next(line for line in text.split("\n") if "h = np.tanh(h*w)" in line)
    h = 1.2
    for _ in range(12):
        h = np.tanh(h * 1.2)
    assert line.split()[-3:] == [f"{h:.4g}", "×12", "2"]


def test_calls_are_counted_as_calls():
    text = Report(traced(CALLS, fresh("w = 2.0"), "w")).to_text(width=100)
    assert row(text, "return u*u") == "at call 1 of 2 4 9".split()


def test_a_line_that_only_some_turns_ran_says_at_which():
    text = Report(traced(TRAINING, fresh())).to_text(width=100)
    assert row(text, "loss = loss*2")[:5] == "at turn 4 of 30".split()
    assert "at turn 1 of 30" in Report(traced(TRAINING, fresh())).to_markdown()


def test_what_ran_once_is_told_as_before():
    trace = traced("y = 2*w\nz = y*y", fresh("w = 2.0"), "w")
    text = Report(trace).to_text(width=100)
    assert trace.turns is None and " turn " not in text and " call " not in text


@pytest.mark.parametrize("text", [LOOP, CALLS, TRAINING])
def test_json_has_every_turn_by_plain_words(text, tmp_path):
    report = Report(traced(text, fresh("w = 1.2"), "" if "gm." in text else "w"))
    found = json.loads(Path(report.save(tmp_path / "a.json")).read_text())["trace"]["turns"]
    for series in found["series"]:
        assert len(series["moments"]) == len(series["values"]) == len(series["grads"]) == len(series["order"])
        for at in series["moments"]:
            moment = found["moments"][at]
            assert 1 <= moment["turn"] <= moment["of"] and found["scopes"][moment["scope"]]["kind"] in (
                "for",
                "function",
            )
    again = Report.load(tmp_path / "a.json")
    texts = [
        r.to_text(width=100).rpartition(" gradients: ")[0] for r in (again, report)
    ]  # then, how to ask for more
    assert texts[0] == texts[1] and again.to_html() == report.to_html()


def test_a_quiz_in_text_hides_the_gradients_of_all_turns():
    trace = traced(LOOP, fresh("w = 1.2"), "w")
    text = Report(trace, quiz=True).to_text(width=100)
    *_, value, _, grad = row(text, "h = np.tanh(h*w)")
    assert (value, grad) == ("0.8937", "?")


def slots(trace) -> tuple[dict, int]:
    parts = [p for line in lines(View.of(trace, 100)) for p in (line.main, *line.several, *line.parts) if p]
    return turn_data.turn_data(trace.turns, parts)


def test_the_page_has_all_turns_of_numbers_and_of_too_many_some_evenly_spaced(monkeypatch):
    trace = traced(LOOP.replace("12", "300"), fresh("w = 1.01"), "w")
    data, _ = slots(trace)
    assert [turn for _, turn, _, _ in data["moments"]] == list(range(1, 301))
    monkeypatch.setattr(turn_data, "BUDGET", 3_000)
    data, found = slots(trace)
    turns = [turn for _, turn, _, _ in data["moments"]]
    assert len(json.dumps(data)) <= 3_000 and turns[0] == 1 and turns[-1] == 300 and 20 < len(turns) < 100
    assert len({b - a for a, b in pairwise(turns[:-1])}) == 1 and len(found) == 2


def test_nothing_is_said_of_turns_where_not_even_two_have_room(monkeypatch):
    monkeypatch.setattr(turn_data, "BUDGET", 20)
    assert slots(traced(LOOP, fresh("w = 1.01"), "w")) == ({}, {})
