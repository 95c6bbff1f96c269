"""Each option is declared once, and whoever takes it takes it from there; `--time` and `--stop nan`."""

import argparse
import inspect
import sys

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.__main__ import main
from gradmagic.cell.hosts.magic import GradMagics
from gradmagic.cell.options import OPTIONS, Options
from gradmagic.report import Report

SHOWN = [flag for flag, option in OPTIONS.items() if option.help is not argparse.SUPPRESS]

LOOP = "%%grad x --time\ny = np.tanh(x)\nfor _ in range(10):\n    y = y * 0.5\nz = y.sum()"


def test_the_time_of_every_expression_is_told(run):
    report = run(LOOP)
    timings = {t.text: t for t in report._trace.timings}
    assert {t.text: t.count for t in timings.values()} == {"np.tanh(x)": 1, "y * 0.5": 10, "y.sum()": 1}
    assert all(t.forward > 0 and t.backward > 0 for t in timings.values())
    assert timings["y * 0.5"].size == 10 * run.names["x"].nbytes and timings["y * 0.5"].place.line == 4
    text = report.to_text(width=80, color=False)
    (head,) = [line for line in text.split("\n") if "forward" in line and "backward" in line]
    assert head.split() == ["line", "expression", "times", "forward", "backward", "share", "values"]
    assert any(line.split()[:1] == ["all"] and "100%" in line for line in text.split("\n"))


def test_without_it_nothing_is_timed(run):
    assert run(LOOP.replace(" --time", ""))._trace.timings == ()


def test_the_users_own_sweeps_are_timed_too(run):
    run("w = gm.tensor(1.0, requires_grad=True)")
    report = run("%%grad --time\nfor _ in range(3):\n    loss = (w - 3)**2\n    loss.backward()")
    assert {t.text: t.count for t in report._trace.timings} == {"w - 3": 3, "(w - 3)**2": 3}
    assert "3 sweeps" in report.to_text(width=80, color=False)


@pytest.mark.filterwarnings("ignore:invalid value")
def test_stop_raises_where_the_first_nan_is_made(run):
    text = run.fails("%%grad x --stop nan\nw = np.sqrt(x)\nz = np.log(w).sum()")
    assert "AnomalyError" in text and "np.sqrt(x)" in text and "makes NaN" in " ".join(text.split())
    assert type(run.names["x"]) is np.ndarray and "w" not in run.names
    frames = []
    tb = run.error.__traceback__
    while tb is not None:
        frames.append(tb.tb_frame)
        tb = tb.tb_next
    assert frames[-1].f_globals is run.names and frames[-1].f_lineno == 2  # where %debug opens


def test_stop_finds_what_is_made_on_the_way_back(run):
    text = run.fails("%%grad v --stop nan\nv = np.array([0.0, 4.0])\nz = np.sqrt(v).sum()")
    assert "on the way back" in " ".join(text.split()) and "line 3 of In" in " ".join(text.split())


def test_all_well_and_nothing_stops(run):
    assert run("%%grad x --stop nan\nz = np.exp(x).sum()").grads["x"].shape == (17,)
    assert not gm.is_anomaly_enabled()
    assert "inf" not in run.out and sys.exc_info() == (None, None, None)


# -- the declaration ------------------------------------------------------------------------------------


def test_a_line_of_nothing_has_the_declared_defaults():
    assert Options(**GradMagics.grad.parser.read([])) == Options()


def test_help_and_completion_have_every_option_that_is_for_readers(run):
    described = GradMagics.grad.__doc__
    assert all(f"\n  {flag} " in described for flag in SHOWN) and "--always" not in described
    assert set(SHOWN) <= set(run.shell.complete("--", "%%grad --")[1])


def test_the_command_line_has_those_that_it_takes(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    described = capsys.readouterr().out
    assert [flag for flag in SHOWN if f"\n  {flag} " in described] == [f for f in SHOWN if OPTIONS[f].command]
    assert "the file's last value" in described and "the cell's" not in described


def test_a_trace_has_those_that_it_takes():
    known = {*inspect.signature(gm.trace).parameters, *inspect.signature(Report).parameters}
    told = [option.trace.partition("=")[0] for option in OPTIONS.values() if option.trace]
    assert len(told) == 6 and set(told) <= known


def test_values_are_read_without_their_quotes(run):
    run("%%grad x --dtype 'float32' --explain 'x[0]' --explain \"x[1]\" --into r\nz = (x * x).sum()")
    assert run.names["r"].grads["x"].dtype == np.float32
    text = run.names["r"].to_text(color=False)
    assert "dz/dx[0] =" in text and "dz/dx[1] =" in text


@pytest.mark.parametrize(
    ("written", "meant"),
    [("--chek", "--check"), ("--maxnodes 3", "--max-nodes"), ("--savee=a.html", "--save")],
)
def test_of_an_unknown_option_is_said_what_may_be_meant(run, capsys, written, meant):
    said = f"unrecognized arguments: {written}. Did you mean {meant}?"
    text = run.fails(f"%%grad x {written}\nz = x.sum()")
    assert text.strip() == f"UsageError: {said}" if " " not in written else meant in text
    with pytest.raises(SystemExit, match="2"):
        main(["program.py", *written.split()])
    assert meant in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("--nonsense", "unrecognized arguments: --nonsense. %%grad -h lists the options."),
        ("-of z", "unrecognized arguments: -of z. Did you mean --of?"),
        ("--steps=3", "--steps takes no value, and is given '3': write --steps alone"),
        ("--max-nodes ten", "--max-nodes ten: write a whole number, such as --max-nodes 60"),
        ("--max-nodes 0", "--max-nodes 0: write how many operations are drawn at most, such as 60"),
        ("--image gif", "--image gif: write --image png or svg"),
        ("--of", "--of takes EXPR, the result, if it is not the cell's last value: write --of EXPR"),
        ("--dtype int32", "--dtype int32 has no derivatives: write float32, float64 or complex128, say"),
        ("--device gpu", "--device gpu is unknown: write --device cpu, --device cuda or --device cuda:0."),
        ("--into x", "--into x: x is an input on this line; write another name, such as r"),
        ("--save no/a.html", "--save no/a.html: there is no folder no: make it first, or write another path"),
        (
            "--save .",
            "--save .: a report is saved as html, txt, md, tex, json, svg, png, pdf or dot, not as ''.",
        ),
        ("check", "or assign it in this one. Did you mean --check?"),
    ],
)
def test_other_slips_in_options_are_told_in_the_readers_words(run, written, said):
    x = run.names["x"]
    assert run.fails(f"%%grad x {written}\nran = z = x.sum()").strip().endswith(said)
    assert run.names["x"] is x and "ran" not in run.names


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--save", "no/a.html"], "--save no/a.html: there is no folder no"),
        (["--device", "gpu"], "--device gpu is unknown"),
        (["--max-nodes", "0"], "--max-nodes 0: write how many operations"),
        (["--of", "y +"], "--of y + is not a Python expression"),
        (["--of"], "--of takes EXPR, the result, if it is not the file's last value"),
        (["--dtype", "int8"], "--dtype int8 has no derivatives"),
    ],
)
def test_the_command_line_says_a_slip_before_the_file_runs(tmp_path, capsys, arguments, said):
    path = tmp_path / "program.py"
    path.write_text("x = 3.0\nprint('ran')\ny = x**2\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main([str(path), "x", *arguments])
    out, err = capsys.readouterr()
    assert said in err and "ran" not in out and len(err.splitlines()) == 2


def test_the_command_line_says_what_only_the_magic_takes(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["program.py", "--plot"])
    assert "--plot is an option of %%grad only" in capsys.readouterr().err
