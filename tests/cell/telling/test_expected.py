"""`--expect`: the reader's formula against the tape's gradient."""

import pytest

import gradmagic as gm

PARABOLA = "y = 2 * x**2 + 2\nz = y.sum()"


def notes(report):
    return [(note.kind, note.text) for note in report._trace.notes]


def test_a_quiz_does_not_give_the_answer_away(run):
    report = run('%%grad x --quiz --expect "5*x"\ny = 2 * x**2 + 2\nz = y.sum()')
    for shown in (report.to_text(width=80), report.to_html(), report.to_markdown()):
        assert "dz/dx[0] is not what 5*x gives. 16 of 17 entries differ." in " ".join(
            shown.replace("\\", "").split()
        )
    assert "-8" not in report.to_text()


def test_a_right_formula_is_said_below_the_table(run):
    report = run(f'%%grad x --expect "4*x"\n{PARABOLA}')
    assert notes(report) == [("agrees", "dz/dx is 4*x, as expected, entry by entry.")]
    assert "no notes" in report.to_text(width=100, color=False)


def test_a_wrong_formula_is_said_on_top_with_its_first_entry(run):
    report = run(f"%%grad x --expect 4*abs(x)\n{PARABOLA}")
    assert notes(report) == [
        ("differs", "dz/dx[0] is -8, and 4 * abs(x) gives 8. 8 of 17 entries differ.")
    ] or notes(report) == [("differs", "dz/dx[0] is -8, and 4*abs(x) gives 8. 8 of 17 entries differ.")]


def test_several_inputs_have_a_formula_each(run):
    run("a, b = 2, 1")
    report = run('%%grad a b --expect "a=b + 1, b=a + 2*b + 1"\ne = (a + b) * (b + 1)')
    assert [kind for kind, _ in notes(report) if kind != "dtype"] == ["agrees", "agrees"]
    report = run('%%grad a b --expect "b=5.0"\ne = (a + b) * (b + 1)')
    assert ("agrees", "de/db is 5.0, as expected.") in notes(report)


def test_the_formula_is_of_the_values_at_the_start(run):
    report = run("%%grad x --of z --expect 2*x\nz = (x**2).sum()\nx = x * 0")
    assert notes(report)[-1][0] == "agrees"
    report = run("%%grad w --expect 2*w\nw = 3.0\nz = w**2")
    assert notes(report)[-1] == ("agrees", "dz/dw is 2*w, as expected.")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('%%grad x c --expect "4*x"', 'does not say which gradient it is: write --expect "x=..., c=..."'),
        ('%%grad x --expect "w=4*x"', "names 'w', which is no input: those are x"),
        ('%%grad x --expect "4 x"', "is not Python"),
        ('%%grad x --expect "4*nothing"', "cannot be computed: NameError"),
        ('%%grad x --expect "x[:3]"', r"has the shape (3,), and dz/dx has the shape (17,)"),
    ],
)
def test_what_cannot_be_held_against_it_is_an_error(run, line, message):
    run("c = 2.0")
    text = run.fails(f"{line}\nz = (c * x**2).sum()")
    assert "ExpectError" in text and message in " ".join(text.split())
    assert type(run.names["x"]).__name__ == "ndarray"


def test_after_a_loop_of_sweeps_it_is_of_the_last(run):
    run("w = gm.tensor(1.0, requires_grad=True)")
    run('%%grad w --expect "2*(w - 3)"\nloss = (w - 3)**2\nloss.backward()')
    assert gm.last()._trace.notes[-1].kind == "agrees"
