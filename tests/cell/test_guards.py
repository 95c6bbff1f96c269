"""What watches over a cell: 0 * inf counted as 0, a search for NaN, a limit to the tape; each in the reader's words."""

import re

import numpy as np

import gradmagic as gm
from gradmagic.engine.core import heap
from gradmagic.engine.tape.modes import settings
from gradmagic.engine.watch import memory_limit as limit

ROOTS = "y = np.where(r > 0, np.sqrt(r), 0)\nz = y.sum()"
NOTE = (
    "line 2: 0 * inf was taken as 0 in the derivative of sqrt (np.sqrt(r)): the result does not depend on such an "
    "entry, and the derivative there is not finite."
)


def words(text: str) -> str:
    """The text without its line breaks."""
    return " ".join(text.split())


def test_guard_counts_0_times_inf_as_0_and_says_where(run):
    run("r = np.array([0.0, 4.0])")
    report = run(f"%%grad r --guard\n{ROOTS}")
    assert report.grads["r"].tolist() == [0.0, 0.25]
    assert NOTE in words(report.to_text()) and "NaN" not in report.to_text()
    assert NOTE in words(report.to_html().replace("&gt;", ">"))
    assert settings().masking is None


def test_without_it_the_nan_is_named(run):
    run("r = np.array([0.0, 4.0])")
    report = run(f"%%grad r\n{ROOTS}")
    assert np.isnan(report.grads["r"][0])
    assert "np.sqrt(r) makes the gradient of r NaN" in words(report.to_text())
    assert "not around it, or count 0 * inf as 0: %%grad --guard." in words(report.to_text())


def test_it_holds_for_the_cells_own_sweeps(run):
    report = run(
        "%%grad --guard\nt = gm.tensor([0.0, 4.0], requires_grad=True)\n"
        "z = np.where(t.detach().numpy() > 0, np.sqrt(t), 0.0).sum()\nz.backward()"
    )
    assert report.grads["t"].tolist() == [0.0, 0.25]
    assert "line 3: 0 * inf was taken as 0 in the derivative of sqrt" in words(report.to_text())


def test_where_it_has_nothing_to_do_nothing_is_said(run):
    assert "0 * inf" not in run("%%grad x --guard\nz = (x * x).sum()").to_text()


def test_in_a_function_of_another_cell_the_note_names_that_cell(run):
    run("def f(u):\n    return np.where(u > 0, np.sqrt(u), 0)\nr = np.array([0.0, 4.0])")
    number = run.shell.execution_count - 1
    text = words(run("%%grad r --guard\nz = f(r).sum()").to_text())
    assert f"sqrt (np.sqrt(u)), line 2 of In [{number}]: the result" in text


def test_detect_anomaly_inside_a_cell(run):
    text = run.fails(
        "%%grad x\nwith gm.detect_anomaly():\n    y = np.log(x[x > 0] - 0.25)\n    z = np.exp(y).sum()"
    )
    number = run.shell.execution_count - 1
    assert type(run.error).__name__ == "AnomalyError"
    assert f"log (np.log(x[x > 0] - 0.25), line 3 of In [{number}]) makes -inf" in words(text)
    assert type(run.names["x"]) is np.ndarray and settings().guards == ()


def test_detect_anomaly_in_the_cells_sweep_knows_the_names(run):
    text = run.fails(
        "%%grad\nt = gm.tensor([0.0, 4.0], requires_grad=True)\n"
        "with gm.detect_anomaly():\n    np.sqrt(t).sum().backward()"
    )
    assert "makes the gradient of t (shape (2,)) infinite, first at [0]: its derivative by t" in words(text)


def test_switched_on_for_good_it_sees_the_cells_own_sweep_too(run):
    run("gm.set_detect_anomaly(True); r = np.array([0.0, 4.0])")
    try:
        text = run.fails(f"%%grad r\n{ROOTS}")
    finally:
        gm.set_detect_anomaly(False)
    assert "Function 'SqrtBackward0' returned nan values" in text
    assert type(run.names["r"]) is np.ndarray and run.names["z"] == 2.0


def test_a_cell_whose_tape_does_not_fit_the_machine_stops_and_loses_nothing(run, monkeypatch):
    monkeypatch.setattr(limit, "free_memory", lambda: 4e6)
    text = run.fails("%%grad x\nhs = [np.tile(x, 1000)]\nwhile True:\n    hs.append(np.tanh(hs[-1]))")
    number = run.shell.execution_count - 1
    assert re.search(r"the tape keeps 3\.\d+ MB for the way back, more than its limit of 3 MB:", text)
    assert f"by line 4 of In [{number}], hs.append(np.tanh(hs[-1])) (tanh;" in words(text)
    assert type(run.names["x"]) is np.ndarray and len(run.names["hs"]) > 10
    assert {type(h) for h in run.names["hs"]} == {np.ndarray}
    assert run("%%grad x\nz = x.sum()").grads["x"].tolist() == [1.0] * 17


def test_the_users_limit_goes_before_the_machines(run, monkeypatch):
    monkeypatch.setattr(limit, "free_memory", lambda: 1e3)
    run("gm.set_tape_limit(None)")
    try:
        assert run("%%grad x\nz = np.exp(np.tile(x, 1000)).sum()").grads["x"].shape == (17,)
    finally:
        gm.set_tape_limit("auto")


def test_after_a_cell_with_large_arrays_what_is_free_is_given_back(run, monkeypatch):
    given = []
    monkeypatch.setattr(heap, "give_back", lambda: given.append(True))
    run("x = np.ones(50_000)")
    run("%%grad x\ny = (x * x).sum()")
    assert given == [True]
    run("%%grad x\nz = x[:3].sum()")
    assert given == [True]
    run("%%grad x\ny = x * x\n1 / 0", fails=True)
    assert given == [True, True]
