"""What a reader sees when a cell cannot be traced, or fails: the name, the line, what to write; everything put back."""

# ruff: noqa: E501  (a cell on one line of a table)

import re

import numpy as np
import pytest

from gradmagic.errors import GradmagicError

ENGINE = (
    "class Tensor: pass\nTensor.__module__ = 'torch'"  # another library's tensor, as far as its class tells
)
# (setup, cell, words that the message must have)
CASES = {
    "unknown name": ("", "%%grad nope\nz = 1", ["nope", "%%grad line", "not defined"]),
    "a typing slip": ("weight = 1.0", "%%grad wieght\nz = weight", ["Did you mean weight?"]),
    "a list": ("l = [1.0, 2.0]", "%%grad l\nz = 1", ["l on the %%grad line is a list", "l = np.array(l)"]),
    "a string": ("s = 'abc'", "%%grad s\nz = 1", ["s on the %%grad line is a str", "array"]),
    "a bool": ("b = True", "%%grad b\nz = 1", ["b on the %%grad line", "truth"]),
    "a module": ("", "%%grad np\nz = 1", ["np on the %%grad line is a module"]),
    "a function": ("def f(): pass", "%%grad f\nz = 1", ["f on the %%grad line is a function"]),
    "not a name": ("", "%%grad 1+\nz = 1", ["'1+'", "not a name"]),
    "no result": ("", "%%grad x\nq = 1", ["x", "nothing that the cell computes depends on"]),
    "result on the line": ("", "%%grad z\nz = x.sum()", ["z is on the %%grad line and is itself the result (line 2)"]),
    "an expression that is not a number": ("", "%%grad x\nx*2 + 1", ["Write (x*2 + 1).sum()", "(x*2 + 1).mean()", '--of "(x*2 + 1).sum()"']),
    "a call that is not a number": ("", "%%grad x\nnp.exp(x)", ["Write np.exp(x).sum()"]),
    "a quotient of whole numbers": ("", "%%grad x\ny = x // 2\nz = y.sum()", ["Line 2: x // 2 rounds", "write x / 2"]),
    "a cast to whole numbers": ("", "%%grad x\ny = (x / 2).astype(int)\nz = y.sum()", ["Line 2: (x / 2).astype(int) rounds", "astype(float)"]),
    "an array of whole numbers": ("", "%%grad x\nc = np.zeros(3, int)\nc[0] = x[0]*1.5\nz = c.sum()", ["Line 3: c is of int64", "make c of floats"]),
    "torch in the cell": (ENGINE, "%%grad x\nz = Tensor()", ["z is a torch Tensor", "not on gradmagic's tape", "import gradmagic as torch"]),
    "torch on the line": (ENGINE + "\nt = Tensor()", "%%grad t\nz = 1", ["t on the %%grad line is a torch Tensor"]),
    "not a number": ("", "%%grad x\ny = x * 2", ["y has the shape (17,)", "y.sum()", "slope", "y.mean()", "--gradient"]),
    "computed in the cell": ("", "%%grad x q\nq = x * 2\nz = q.sum()", ["q is on the %%grad line, but the cell computes it", "%%grad x;"]),
    "assigned only in a function": ("", "%%grad q\ndef f():\n    q = 1.0\nz = 1", ["q"]),
    "gradient of another shape": ("", "%%grad x --gradient np.ones(3)\ny = x * 2", ["--gradient np.ones(3)", "(17,)"]),
    "of something else": ("", "%%grad x --of 3\ny = x.sum()", ["--of 3"]),
    "below a comment": ("", "# a comment\n%%grad x\ny = 1", ["%%grad x must be the first line"]),
    "nested": ("", "%%grad x\n%%grad x\nz = x.sum()", ["inside a %%grad"]),
    "a tensor without grad": ("t = gm.tensor([1.0])", "%%grad t\nz = (t * 2).sum()", ["t", "requires_grad"]),
    "unknown to numpy": ("", "%grad np.busday_count(x)", []),
}  # fmt: skip


@pytest.mark.parametrize("title", CASES)
def test_errors_name_the_variable_and_say_what_to_write(run, title):
    setup, cell, words = CASES[title]
    run(setup or "pass")
    before = {n: (type(v), id(v)) for n, v in run.names.items() if not n.startswith("_")}
    text = " ".join(run.fails(cell).split())
    assert not words or isinstance(run.error, GradmagicError)
    for word in words:
        assert word in text, text
    assert "gradmagic/" not in text and "site-packages" not in text.replace("site-packages/numpy", "")
    after = {
        n: (type(v), id(v)) for n, v in run.names.items() if n in before and n not in ("In", "Out", "y", "v")
    }
    assert after == {n: v for n, v in before.items() if n in after}


SHAPES = {
    "an operator": ("y = x * v", "operands could not be broadcast together with shapes (17,) (3,) ", ["x of shape (17,)", "v of shape (3,)"]),
    "in place": ("x += v", "operands could not be broadcast together with shapes (17,) (3,) (17,) ", ["x of shape (17,)", "v of shape (3,)"]),
    "a function": ("y = np.hypot(x, v)", "operands could not be broadcast together with shapes (17,) (3,) ", ["x of shape (17,)", "v of shape (3,)"]),
    "a product": ("y = x @ v", "matmul: Input operand 1 has a mismatch in its core dimension 0", ["x of shape (17,)", "v of shape (3,)"]),
    "a function that dispatches": ("y = np.concatenate([x, v[None]])", "all the input arrays must have same number of dimensions", []),
}  # fmt: skip


@pytest.mark.parametrize("title", SHAPES)
def test_an_error_of_numpys_has_its_class_and_words_and_ours_beside_them(run, title):
    statement, numpys, ours = SHAPES[title]
    run("def f():\n    v = np.ones(3)\n    " + statement.replace("x +=", "x[:] +="))
    run("f()", fails=True)
    plain = run.error
    text = " ".join(run.fails(f"%%grad x\nv = np.ones(3)\n{statement}").split())
    assert type(run.error) is type(plain) is ValueError
    assert str(run.error) == str(plain) and str(plain).startswith(numpys)
    notes = " ".join(getattr(run.error, "__notes__", []))
    for word in ours:
        assert word in notes and word in text
    assert "line 3" in text and "gradmagic/" not in text
    assert type(run.names["x"]) is np.ndarray


def test_the_cell_can_catch_an_error_of_numpys_and_reads_its_words(run):
    cell = "try:\n    y = x * np.ones(3)\nexcept ValueError as error:\n    said = str(error), error.args\nz = x.sum()"
    run(cell)
    plain = run.names["said"]
    report = run(f"%%grad x\n{cell}")
    assert run.names["said"] == plain and report._trace.notes == ()


def test_a_failing_cell_shows_what_was_computed_and_then_a_short_right_traceback(run):
    text = run.fails("%%grad x\ny = x * 2\n\ndef f(u):\n    return u[99]\nz = f(y)")
    assert "y = x * 2" in run.displayed[0].data["text/plain"] and isinstance(run.error, IndexError)
    traceback = text[text.index("Traceback") :]
    assert "line 6" in traceback and "line 5, in f" in traceback
    assert "gradmagic" not in traceback and "interactiveshell" not in traceback
    assert type(run.names["x"]) is type(run.names["y"]) is np.ndarray


def test_causes_and_contexts_of_the_users_errors_are_shown(run):
    text = run.fails(
        "%%grad x\ntry:\n    x['a']\nexcept IndexError as e:\n    raise ValueError('mine') from e"
    )
    assert "IndexError" in text and "direct cause" in text and "ValueError: mine" in text
    text = run.fails("%%grad x\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    raise ValueError('mine')")
    assert "ZeroDivisionError" in text and "During handling" in text


@pytest.mark.parametrize(
    ("cell", "line"),
    [("%%grad x\ny = (x*2", 2), ("%%grad x\nz = x.sum()\nreturn 5", 3), ("%%grad x\n\nif x:\nz = 1", 4)],
)
def test_syntax_errors_are_pythons_own(run, cell, line):
    text = run.fails(cell)
    assert isinstance(run.error, SyntaxError) and f"line {line}" in text
    assert "gradmagic" not in text and "interactiveshell" not in text
    assert type(run.names["x"]) is np.ndarray


def test_usage_errors_are_one_line(run):
    text = run.fails("%%grad x --nonsense\nz = 1")
    assert text.strip().startswith("UsageError:") and len(text.strip().splitlines()) == 1


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit", "ValueError('e')"])
def test_after_an_exception_every_name_has_its_plain_value(run, error):
    run("l = [x]; p = {'w': np.ones(2)}; keep = p['w']")
    run(f"%%grad x p\ny = x * 2\nl.append(y)\np['new'] = p['w'] * 2\nx[0] = 9\nraise {error}", fails=True)
    names = run.names
    assert (
        type(names["x"]) is type(names["y"]) is type(names["l"][1]) is type(names["p"]["new"]) is np.ndarray
    )
    assert names["l"][0] is names["x"] and names["p"]["w"] is names["keep"] and names["x"][0] == 9


def test_after_an_error_the_next_cell_traces_again(run):
    run.fails("%%grad x\nz = nothing")
    assert run("%%grad x\nz = x.sum()").grads["x"][0] == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('x --of "y +"', "UsageError: --of y + is not a Python expression"),
        ("x --gradient (1", "UsageError: --gradient (1 is not a Python expression"),
        ("x --into 3x", "UsageError: --into 3x: a report is assigned to a name, such as r"),
        ("x --dtype floaty", "UsageError: --dtype floaty is not a dtype: write float32, say"),
        ('"x', 'UsageError: %%grad "x: No closing quotation'),
        ("x --save x.docx", "UsageError: --save x.docx: a report is saved as html, txt, md"),
    ],
)
def test_a_slip_in_an_option_is_said_in_one_line_before_the_cell_runs(run, line, said):
    text = run.fails(f"%%grad {line}\nran = x * 2\nz = ran.sum()").strip()
    assert text.startswith(said) and len(text.splitlines()) == 1 and "ran" not in run.names


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x --of q", "NoResultError: --of q cannot be computed: NameError: name 'q' is not defined"),
        ("x --gradient q", "NoResultError: --gradient q cannot be computed: NameError"),
        (
            "x --expect \"'hello'\"",
            "ExpectError: --expect \"'hello'\" is a str, no number or array of numbers.",
        ),
    ],
)
def test_an_option_that_cannot_be_computed_is_said_in_one_line(run, line, said):
    text = run.fails(f"%%grad {line}\ny = x * 2\nz = y.sum()").strip()
    assert text.startswith(said) and len(text.splitlines()) == 1


def test_a_report_that_cannot_be_saved_is_shown(run, tmp_path):
    report = run(f"%%grad x --save {tmp_path}/{'x' * 300}.html\nz = x.sum()")
    assert report.grads["x"][0] == 1 and run.out.startswith(
        "--save: not saved: [Errno 36] File name too long"
    )


def test_an_expression_that_is_none_shows_no_frames_of_ours(run):
    text = run.fails("%grad 1 +").strip()
    assert text == "UsageError: %grad 1 + is not a Python expression: invalid syntax"


@pytest.mark.parametrize(
    "call",
    [
        "y.reshape(3, 40)",
        "y.sum(axis=5)",
        "y.transpose(1, 0)",
        "np.reshape(y, (3, 40))",
        "np.sum(y, axis=5)",
        "y.swapaxes(0, 3)",
    ],
)
def test_an_error_of_numpys_shows_the_users_line_alone(run, call):
    run(f"y = x * 2\ndef plain(): return {call}")
    run("plain()", fails=True)
    numpys = run.error
    text = run.fails(f"%%grad x\ny = x * 2\nz = {call}")
    assert (type(run.error), str(run.error)) == (type(numpys), str(numpys))
    assert f"----> 3 z = {call}" in text and "File " not in text and "During handling" not in text
    text = run.fails(f"import gradmagic as gm\ngm.grad(lambda y: {call}.sum())(x)")
    assert "During handling" not in text and "direct cause" not in text


FAILED = {
    "a line": ("y = x * 2\n1 / 0\nz = y.sum()", 3, "1 / 0"),
    "in a loop": ("for i in range(3):\n    y = x * 2\n    if i: y.nope\nz = y.sum()", 4, "    if i: y.nope"),
    "in a function of the cell": (
        "def f(v):\n    u = v * 2\n    return u[99]\nz = f(x)",
        4,
        "    return u[99]",
    ),
    "in an earlier cell": ("y = x * 2\nz = outer(y)", 3, "z = outer(y)"),
}


@pytest.mark.parametrize("title", FAILED)
def test_the_line_that_failed_is_marked_and_gradients_are_not_spoken_of(run, title):
    cell, number, line = FAILED[title]
    run("def outer(v):\n    return v['a']")
    run.fails(f"%%grad x\n{cell}")
    (shown,) = run.displayed
    rows = shown.data["text/plain"].split("\n")
    at = next(i for i, row in enumerate(rows) if row.strip().startswith(str(number)) and line.strip() in row)
    kind = type(run.error).__name__
    assert rows[at + 1].strip() == f"^ {kind}" and rows[at + 1].index("^") == rows[at].index(line.strip())
    for text in (
        shown.data["text/plain"],
        re.sub(r"<(style|script).*?</\1>", "", shown.data["text/html"], flags=re.S),
    ):
        assert "gm.last()" not in text  # which has the report of another cell
        assert "not reached" not in text and "gradient of" not in text and "∂" not in text.split("<svg")[0]
    assert f"^\u00a0{kind}" in shown.data["text/html"] or f"^ {kind}" in shown.data["text/html"]


def test_gradients_of_a_sweep_before_the_failure_are_not_those_of_what_came_after(run):
    run("w = gm.tensor(1.0, requires_grad=True)")
    run.fails("%%grad\nl = (w*2)**2\nl.backward()\nw.nope")
    assert "adds to" not in run.displayed[0].data["text/plain"]


def test_entries_of_whole_numbers_have_gradients(run):
    run("k = np.array([1, 2, 3])")
    for text in (
        "k[0]*1.5",
        "k.sum()*1.5",
        "(k*k).sum()",
        "np.array([k[0], 2]).sum()*1.5",
        "np.sum([v*v for v in k])",
        "k.max()*1.5",
    ):
        ints = run(f"%%grad k\nz = {text}").grads["k"]
        run("f = k*1.0")
        assert ints.tolist() == run(f"%%grad f\nz = {text.replace('k', 'f')}").grads["f"].tolist(), text


def test_a_failed_cell_shows_what_it_made_and_not_views_of_before(run):
    run("earlier = x[:2]")
    run.fails("%%grad x\nv = x[1:]\nw = v * 2\nt = w[0]\nx['a'] = 3")
    text = run.displayed[0].data["text/plain"]
    assert "v = x[1:]" in text and "t = w[0]" in text and "w = v * 2" in text
    assert "earlier" not in text and "contextlib" not in text
