"""What a trace says of a cell: names, places, formulas, in the reader's own words."""

import numpy as np
import pytest

from tests.cell.cells import W, X
from tests.cell.helpers import fresh, traced


def operation(trace, **wanted):
    (found,) = [o for o in trace.operations if all(getattr(o, k) == v for k, v in wanted.items())]
    return found


def test_names_in_functions_are_those_of_the_function():
    text = "a = 2.0\ndef f(u):\n    inner = u * 3\n    return inner + 1\nouter = f(a)\nz = outer * a"
    trace = traced(text, fresh(), "a")
    place = operation(trace, names=("inner",)).place
    assert (place.text, place.line, place.line_in_cell, place.function, place.inside) == (
        "u * 3",
        3,
        5,
        "f",
        True,
    )
    place = operation(trace, names=("outer",)).place
    assert (place.text, place.line, place.line_in_cell) == ("inner + 1", 4, 5)
    assert [edge.formula for edge in operation(trace, names=("z",)).inputs] == ["a", "outer"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("y = w = x * 2\nz = y.sum()", ("y", "w")),
        ("a, (y, c) = 1, (x * 2, 3)\nz = y.sum()", ("y",)),
        ("for y in [x * 2]:\n    z = y.sum()", ("y",)),
        ("z = (y := x * 2).sum()", ("y",)),
        ("y: object = x * 2\nz = y.sum()", ("y",)),
        ("with __import__('contextlib').nullcontext(x * 2) as y:\n    z = y.sum()", ("y",)),
        ("d = {}\nd['k'] = x * 2\nz = d['k'].sum()", ("d['k']",)),
        ("class Box: pass\nbox = Box()\nbox.y = x * 2\nz = box.y.sum()", ("box.y",)),
        ("ys = []\nys.append(x * 2)\nz = ys[0].sum()", ("ys[0]",)),
        ("z = (x * 2).sum()", ()),
    ],
)
def test_a_value_has_the_names_that_the_reader_gave_it(text, names):
    trace = traced(text, fresh(X), "x")
    assert operation(trace, rule="multiply").names == names


def test_an_augmented_name_is_the_last_value():
    trace = traced("s = x[0] * 1\ns += x[1]\ns *= 2\n", fresh(X), "x")
    assert operation(trace, key=trace.result.key).place.text == "s *= 2" and trace.result.name == "s"
    assert operation(trace, rule="add").names == ("s",)


def test_columns_are_counted_in_characters():
    text = "重み = np.ones(3)\n出力 = (重み * 2).sum()  # 合計"
    place = operation(traced(text, fresh(), "重み"), rule="multiply").place
    assert (place.text, place.column, place.end_column) == ("重み * 2", 6, 12)


def test_formulas_are_in_the_readers_names():
    trace = traced("h = np.tanh(W @ v + b)\nk = h**3\nz = (k / (h + 2)).sum()", fresh(W), "W b")
    assert [e.formula for e in operation(trace, rule="tanh").inputs] == ["1 - h*h"]
    assert (
        operation(trace, names=("k",)).inputs[0].formula == "3*h**2"
        or "h" in operation(trace, names=("k",)).inputs[0].formula
    )
    assert operation(trace, rule="divide").inputs[0].formula == "1/(h + 2)"


def test_constants_are_written_as_in_the_cell():
    trace = traced("z = (x * 2.50 + np.pi).sum()", fresh(X), "x")
    constants = [edge.constant for o in trace.operations for edge in o.inputs if edge.source is None]
    assert constants == ["2.50", "np.pi"]


def test_keys_count_from_zero_in_tape_order():
    trace = traced("y = x * 2\nz = y.sum()", fresh(X), "x")
    assert [o.key for o in trace.operations] == [0, 1, 2] and trace.inputs[0].key == 0


@pytest.mark.parametrize(
    ("text", "each"),
    [
        ("z = (2 * x**2 + 2).sum()", True),
        ("z = np.sin(x).mean()", True),
        ("z = x[::-1].sum()", False),
        ("z = (x * x.sum()).sum()", False),
        ("z = x.sum() * 2", False),
    ],
)
def test_a_slope_at_each_point_is_claimed_only_where_it_is_one(text, each):
    assert traced(text, fresh(X), "x").elementwise is each


def test_memory_does_not_grow_with_the_sweeps_of_a_loop():
    import tracemalloc

    def peak(sweeps):
        text = f"for i in range({sweeps}):\n    loss = ((t * t - i)**2).sum()\n    loss.backward()"
        namespace = fresh("t = gm.tensor(np.ones(50), requires_grad=True)")
        tracemalloc.start()
        traced(text, namespace)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(10)
    few, many = peak(400), peak(1600)
    assert many < few + 1_000_000, (few, many)


def test_an_entry_of_a_container_or_an_attribute_can_be_the_result():
    trace = traced("d = {}\nd['loss'] = (x * x).sum()\nn = 3", fresh(X), "x")
    assert (trace.result.name, trace.inputs[0].array[0]) == ("d['loss']", -4.0)


def test_a_written_array_keeps_its_name():
    trace = traced("y = x * 1\ny[0] = x[1] * 5\nz = (y * y).sum()", fresh(X), "x")
    assert operation(trace, rule="set_item").names == ("y",)


@pytest.mark.parametrize("text", ["(x * 2).sum()  # twice", "(x *\n 2).sum();", "q = 1; (x*2).sum()"])
def test_the_last_expression_is_called_by_its_text(text):
    assert traced(text, fresh(X), "x").result.name == "(x*2).sum()"


def test_the_parameters_of_a_module_have_their_values_at_the_sweep_too():
    names = fresh(
        "gm.manual_seed(0)\nmodel = gm.nn.Linear(2, 1)\nopt = gm.optim.SGD(model.parameters(), lr=0.5)"
    )
    names["X"] = names["gm"].tensor([[1.0, 2.0]])
    first = names["model"].weight.tolist()
    trace = traced("loss = model(X).square().sum()\nloss.backward()\nopt.step()", names)
    weight, bias = trace.inputs
    assert [entry.name for entry in trace.inputs] == ["model.weight", "model.bias"]
    np.testing.assert_allclose(weight.value.items, first, rtol=1e-6)
    assert "after the cell" in weight.note and "after the cell" in bias.note
    assert list(trace.sweeps[-1].inputs) == ["model.weight[0,0]", "model.weight[0,1]", "model.bias[0]"]


def test_a_tensor_that_a_step_changes_has_its_value_at_the_sweep():
    """The gradient beside it, and the derivatives on the edges, are those at this value."""
    names = fresh(
        "x = gm.tensor([1.0, 3.0], requires_grad=True)\nw = gm.tensor(np.ones(1000), requires_grad=True)"
    )
    trace = traced(
        "for _ in range(3):\n    x.grad = w.grad = None\n    z = (x**2).sum() + (w**2).sum()\n    z.backward()\n"
        "    x.data -= 0.25 * x.grad\n    w.data -= 0.25 * w.grad",
        names,
        "x w",
    )
    np.testing.assert_allclose(names["x"].detach().numpy(), [0.125, 0.375])
    x, w = trace.inputs
    assert x.value.items == (0.25, 0.75) and x.grad.items == (0.5, 1.5)
    assert w.value.low == 0.25 and w.grad.low == 0.5
    assert "[0.125, 0.375]" in x.note
    assert [o.value.low for o in trace.operations if not o.rule] == [0.25, 0.25]
    unchanged, _ = traced("z = (x**2).sum() + (w**2).sum()\nz.backward()", names, "x w").inputs
    assert not unchanged.note
