"""What the parts say: the table, the sum over paths, the annotated lines, the steps, the history, the lanes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradmagic.report import Report
from gradmagic.report.model import Edge, Note, Operation, Place, Sweep, Timing, Trace
from gradmagic.report.parts.annotated_cell import lines, others
from gradmagic.report.parts.history import history
from gradmagic.report.parts.lanes import lanes
from gradmagic.report.parts.paths import at_first, paths_to, sum_over_paths
from gradmagic.report.parts.steps import modes, steps
from gradmagic.report.parts.table import table
from gradmagic.report.parts.timing import rows
from gradmagic.report.shown.naming import circled
from gradmagic.report.shown.simplified import tidy
from gradmagic.report.shown.view import View
from tests.report import traces


def view(trace: Trace, limit: int = 60) -> View:
    return View.of(trace, limit)


def key(shown: View, name: str) -> int:
    return next(o.key for o in shown.operations if name in o.names)


# -- table and paths -----------------------------------------------------------------------------
def test_the_gradient_of_b_is_the_sum_over_its_two_paths():
    rows = {row.name: row for row in table(view(traces.product()))}
    assert (rows["a"].sum.edges, rows["a"].sum.values) == ("(4)(1)", "2*1")
    assert (rows["b"].sum.edges, rows["b"].sum.values) == ("(4)(2) + (5)(3)", "2*1 + 3*1")
    assert (rows["a"].grows, rows["b"].grows) == ("0.02", "0.05")


def test_the_chain_rule_of_the_parabola_is_a_product_of_formulas():
    shown = view(traces.parabola())
    assert sum_over_paths(shown, key(shown, "x")).formulas == "1 * 1 * 2 * (2*x)"
    assert at_first(shown, key(shown, "x")) == ("x[0] = -2", "1 * 1 * 2 * (-4) = -8")


def test_more_than_twenty_paths_are_not_written_out():
    steps_ = [
        Operation(i, "add", inputs=(Edge(i - 1, argument=0), Edge(i - 1, argument=1))) for i in range(1, 6)
    ]
    trace = replace(traces.product(), operations=(Operation(0, ""), *steps_), inputs=())
    trace = replace(trace, result=replace(trace.result, key=5))
    assert paths_to(view(trace), 0) is None  # 32 paths
    assert len(paths_to(view(replace(trace, result=replace(trace.result, key=4))), 0)) == 16


def test_flags_say_what_is_odd():
    flags = {row.name: row.flag for row in table(view(traces.troubled()))}
    assert flags == {"u": "1 NaN", "勾配": "zero", "v": "not reached"}
    assert {row.flag for row in table(view(traces.network()))} == {""}


def test_a_table_prints_itself():
    assert str(table(view(traces.product()))).splitlines()[2].split() == ["b", "1", "5"]


# -- source --------------------------------------------------------------------------------------
def test_each_line_has_its_value_and_gradient():
    found = lines(view(traces.product()))
    numbers = [(line.number, line.main.value.items, line.main.grad.items, line.main.start) for line in found]
    assert numbers == [(2, 3, 2, False), (3, 2, 3, False), (4, 6, 1, True)]


def test_sub_expressions_are_found_by_their_columns():
    first = lines(view(traces.parabola()))[0]
    assert [first.text[part.column : part.end] for part in first.parts] == ["2 * x**2", "x**2"]


def test_a_loop_counts_its_turns():
    found = lines(view(traces.chain()))
    assert [line.main.count for line in found if line.main] == [5000, 1]


def test_lines_of_other_cells_are_listed_by_cell():
    trace = traces.product()
    moved = [
        replace(o, place=replace(o.place, label="In [2]", inside=False))
        if o.place and o.place.line < 4
        else o
        for o in trace.operations
    ]
    found = others(view(replace(trace, operations=tuple(moved))))
    assert [(other.label, [line.text for line in other.lines]) for other in found] == [
        ("In [2]", ["c = a + b", "d = b + 1"])
    ]


def test_a_line_that_only_calls_has_what_the_call_came_to():
    place = Place("helpers.py", 7, 7, 0, 5, "v * v", inside=False, line_in_cell=2, function="square")
    called = Operation(1, "multiply", inputs=(Edge(0),), names=("y",), place=place)
    trace = replace(traces.product(), source="y = square(a)", operations=(Operation(0, ""), called))
    assert lines(view(trace))[0].main.key == 1


# -- steps ---------------------------------------------------------------------------------------
def test_the_sweep_is_told_from_the_result_down():
    told = steps(view(traces.product()))
    assert [step.text for step in told] == ["e = c * d", "d = b + 1", "c = a + b"]
    assert [(flow.target, flow.how, flow.amount) for flow in told[0].flows] == [
        ("c", "1*(4) = 1*d", "2"),
        ("d", "1*(5) = 1*c", "3"),
    ]


def test_a_gradient_that_comes_in_parts_is_added_up_where_it_is_complete():
    flows = [flow for step in steps(view(traces.product())) for flow in step.flows if flow.target == "b"]
    assert [(flow.after, flow.total) for flow in flows] == [((), ""), (((2, "3"),), "5")]


def test_x_times_x_is_added_up_once():
    s = traces.Sketch("y = x * x")
    x = s.input("x", 3.0, 6.0, "float")
    s.step("multiply", "x * x", 9.0, 1.0, (x, "x", 3.0, 3.0), (x, "x", 3.0, 3.0), name="y")
    (step,) = steps(view(s.trace("y", 9.0)))
    assert [flow.total for flow in step.flows] == ["", "6"]


def test_forward_mode_would_take_a_sweep_for_each_number():
    assert modes(view(traces.product())).startswith(
        "One backward sweep gave both; forward mode takes one for a, one for b"
    )
    assert "17 sweeps" in modes(view(traces.parabola()))
    assert "26 sweeps" in modes(view(traces.network()))


def test_arrays_are_told_in_words():
    hows = [flow.how for step in steps(view(traces.network())) for flow in step.flows]
    assert hows[0] == "(11) 1/16 for each element"
    assert "(6) h.T @ grad" in hows
    assert "(4) grad*(1 - h*h)" in hows


# -- history -------------------------------------------------------------------------------------
def test_the_history_has_the_loss_and_the_numbers_that_were_followed():
    past = history(traces.descent())
    assert [series.name for series in past.series] == ["loss", "x"]
    assert [i for i, _ in past.rows()] == [0, 1, 2, 99]
    assert [texts[1] for _, texts in past.rows()] == ["1", "1.04", "1.0782053", "1.4142133"]


def test_a_parameter_that_comes_late_has_a_gap_and_no_nan():
    s = traces.Sketch("z = w * w")
    w = s.input("w", 2.0, 4.0)
    s.step("multiply", "w * w", 4.0, 1.0, (w, "w", 2.0, 2.0), (w, "w", 2.0, 2.0), name="z")
    sweeps = [Sweep(4.0 + i, {"w": 2.0 + i} | ({"b": 0.5 + i} if i > 1 else {})) for i in range(5)]
    trace = replace(s.trace("z", 4.0), sweeps=tuple(sweeps))
    past = history(trace)
    assert past.series[2].values == (None, None, 2.5, 3.5, 4.5) and past.series[2].ends == (2.5, 4.5)
    assert [texts[2] for _, texts in past.rows()] == ["–", "–", "2.5", "4.5"]
    report = Report(trace)
    for shown in (report.to_text(80, False, False), report.to_html(), report.to_markdown()):
        assert "–" in shown and "NaN" not in shown and "no finite number" not in shown
    assert " b    ▁▅█  2.5 to 4.5" in report.to_text(80, False, False)
    assert "–" not in report.to_text(80, True, False)


def test_one_sweep_is_no_history():
    assert history(traces.product()) is None


# -- lanes and words -----------------------------------------------------------------------------
def test_lanes_are_for_values_that_are_used_later():
    assert [row.lanes for row in lanes(view(traces.product()))] == ["●  ", "│ ●", "╰─▼"]
    assert {row.lanes for row in lanes(view(traces.network()))} == {"●"}


def test_lanes_cross_without_touching():
    operations = [Operation(0, "")]
    for i, used in enumerate([(0,), (0,), (0,), (1, 3), (2, 4)], 1):
        operations.append(Operation(i, "f", inputs=tuple(Edge(u, argument=k) for k, u in enumerate(used))))
    drawn = [row.lanes for row in lanes(view(Trace("", "", operations=tuple(operations))))]
    assert drawn == ["●    ", "│ ●  ", "│ │ ●", "╰─╎─▼", "  ╰─▼"]


@pytest.mark.parametrize(
    ("formula", "tidied"),
    [("2*x**(2 - 1)", "2*x"), ("3*x**(3 - 1)", "3*x**2"), ("1*y", "y"), ("2*x", "2*x"), ("not (", "not ("),
     ("np.cos(x)", "np.cos(x)"), ("a.T*1", "a.T")],
)  # fmt: skip
def test_formulas_are_tidied(formula, tidied):
    assert tidy(formula) == tidied


def test_an_edge_is_written_with_its_number_where_all_is_numbers():
    shown = view(traces.product())
    last = shown.computed[-1]
    assert [shown.derivative(last, edge) for edge in last.inputs] == ["de/dc = d = 2", "de/dd = c = 3"]


def test_what_broadcasting_repeated_is_summed():
    shown = view(traces.network())
    bias = next(o for o in shown.computed if shown.expression(o) == "h @ W2 + b2")
    assert [shown.derivative(bias, edge) for edge in bias.inputs] == ["1", "1, summed"]


def test_the_last_number_of_a_local_derivative_follows_from_what_flowed():
    s = traces.Sketch("loss = mse(y, t)")
    y = s.input("y", 3.0, 4.0, "float")
    s.step("mse_loss", "mse(y, t)", 4.0, 2.0, (y, "", None, 8.0), name="loss")
    shown = view(s.trace("loss", 4.0))
    assert shown.derivative(shown.computed[0], shown.computed[0].inputs[0]) == "dloss/dy = 4"


def test_an_augmented_assignment_is_written_once():
    s = traces.Sketch("y += x * 2")
    x = s.input("x", 3.0, 2.0, "float")
    s.step("add", "y += x * 2", 6.0, 1.0, (x, "2", 2.0, 2.0), name="y")
    shown = view(s.trace("y", 6.0))
    assert shown.title(shown.computed[0]) == "y += x * 2"


def test_notes_are_alerts_or_remarks():
    shown = view(
        replace(traces.product(), notes=(Note("dtype", "a is int"), Note("cut", "line 3: float(a)", 3)))
    )
    assert [note.text for note in shown.alerts] == ["line 3: float(a)"]
    assert [note.text for note in shown.remarks] == ["a is int"]


def test_numbers_in_circles():
    assert [circled(i) for i in (1, 10, 11, 51)] == ["①", "⑩", "(11)", "(51)"]


def test_the_slowest_expressions_are_listed_and_the_rest_counted():
    timings = tuple(Timing(f"f({i})", "", None, 1, 1.0 / (i + 1), 0.0, 8) for i in range(15))
    shown = rows(replace(traces.product(), timings=timings))
    assert len(shown) == 14 and shown[-2][1] == "… 3 more" and shown[-1][2] == "15"
