"""What is told about a cell, read by a Japanese student: every sentence is Japanese from end to end."""

import re

import pytest

import gradmagic as gm

W = "w = gm.tensor([1.0, 2.0], requires_grad=True); b = gm.tensor(1.0, requires_grad=True)"
LOOP = "%%grad\nfor i in range(4):\n    l = (w * w * b).sum()\n    l.backward()\n    "
# Two English words in a row that are no code.
ENGLISH = re.compile(r"(?<![\w.'\"(\[])[A-Za-z]{2,} [a-z]{2,}(?![\w.(=])")
CODE = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"|import \w+|with gm\.no_grad\(\): \w+|for \w+ in")


pytestmark = pytest.mark.usefixtures("run", "japanese")


def english(text):
    return ENGLISH.findall(CODE.sub("…", text))


NOTES = {
    "cut": ("m = np.ma.array(np.ones(17))", "%%grad x\nz = (x + m).sum() + x.sum()"),
    "cut in a cache": ("import functools\nf = functools.cache(np.square)\na = 2.0; f(a)", "%%grad a\nz = f(a) * a"),
    "cut elsewhere": ("def f(v): return np.array(memoryview(v)).sum()", "%%grad x\nz = f(x) * x[0]"),
    "cut by a draw": ("a = 2.0", "%%grad a\nz = np.random.default_rng(0).normal(a) * a"),
    "not reached": ("a = 2.0", "%%grad x a\ny = x.sum()"),
    "dtype": ("n, k = 3, 4", "%%grad n k\ny = n**2 * k"),
    "large": ("u = np.ones(200_000); a = 2.0", "%%grad\ny = (u * a).sum()"),
    "numeric": ("f = gm.numeric(np.sum)", "%%grad x\ny = f(x)"),
    "agrees": ("", '%%grad x --check --expect "2*x"\ny = (x**2).sum()'),
    "differs": ("f = gm.custom(np.square, vjp=lambda g, y, x: g)", "%%grad x --check --expect 3*x\ny = f(x).sum()"),
    "edge": ("r = np.array([0.0, 4.0])", "%%grad r --check\ny = np.sqrt(r).sum()"),
    "no number": ("r = np.array([0.0, 4.0])", "%%grad r --check\ny = np.where(r > 0, np.sqrt(r), 0.0).sum()"),
    "kink": ("", "%%grad x --check\ny = np.sqrt(np.abs(x)).sum()"),
    "nan": ("", "%%grad x\ny = np.log(x)\nz = y.sum()"),
    "nan on the way back": ("", "%%grad x\ny = np.where(x > 0, np.sqrt(np.abs(x)), 0.0).sum()"),
    "zero": ("", "%%grad x\ny = (x * 0).sum()"),
    "zero sum": ("b = 1.0", "%%grad b\nv = x + b\ne = v - v.mean()\nz = (e * np.arange(17.0)).sum()"),
    "vanishes": ("a = 2.0", "%%grad a\ny = a\nfor i in range(20):\n    y = y * 0.1"),
    "explodes": ("a = 2.0", "%%grad a\ny = a\nfor i in range(20):\n    y = y * 10.0"),
    "dtype trouble": ("h = np.array([0.01], np.float16)", "%%grad h\ny = (h * h * np.float16(1e-5)).sum()"),
    "flat": ("a = 2.0", "%%grad a\ny = np.tanh(a * 20)"),
    "flat units": ("X, V = np.ones((16, 3)), np.eye(3, 8)", "%%grad V\nh = np.maximum(X @ V - 0.5, 0)\nz = h.sum()"),
    "grad kept": (W, f"{LOOP}with gm.no_grad():\n        w -= 0.01 * w.grad"),
    "grad kept from before": (f"{W}; (b * b).backward()", "%%grad\nl = b * b\nl.backward()"),
    "sum": (W, LOOP),
    "grows": (
        f"{W}; opt = gm.optim.SGD([w], lr=1.5)",
        LOOP.replace(" * b", "").replace("4", "6") + "opt.step(); opt.zero_grad()",
    ),
    "unchanged": (f"{W}; opt = gm.optim.SGD([w], lr=0.01)", f"{LOOP}opt.step(); opt.zero_grad(); b.grad = None"),
    "not reached by a loss": (
        f"{W}; c = gm.tensor(1.0, requires_grad=True); opt = gm.optim.SGD([w, b, c], lr=0.01)",
        f"{LOOP}opt.step(); opt.zero_grad()",
    ),
    "not reached by a new name": (
        f"{W}; opt = gm.optim.SGD([w], lr=0.01); w = gm.tensor([1.0, 2.0], requires_grad=True)",
        f"{LOOP}opt.step(); opt.zero_grad()",
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("before", "cell"), NOTES.values(), ids=NOTES)
def test_a_note_is_japanese_from_end_to_end(run, before, cell, request):
    run(before)
    run(cell)
    notes = gm.last()._trace.notes
    expected = request.node.callspec.id
    assert any(expected.startswith(note.kind) for note in notes), notes
    for note in notes:
        assert note.text.endswith("。") and not english(note.text), note.text
        assert "。。" not in note.text and "{" not in note.text, note.text


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("w = w - 0.01 * w.grad", "wは5行目の演算の結果"),
        ("with gm.no_grad(): w = w - 0.01 * w.grad\n    w -= 0.01 * w.grad", "勾配を持たない新しいテンソル"),
        ("c -= 0.01 * c.grad", "結果がcに依存していません。"),
        ("with gm.no_grad(): p -= 0.01 * p.grad", "pのrequires_gradがFalseです。"),
    ],
)
def test_a_missing_gradient_says_why(run, step, why):
    run(f"{W}; c = gm.tensor(1.0, requires_grad=True); p = gm.tensor(1.0)")
    run(LOOP + step, fails=True)
    shown = "".join(run.displayed[0].data["text/plain"].split())
    assert "gradはNoneです。" in shown and "".join(why.split()) in shown


ERRORS = {
    "no name": "%%grad 3x\ny = x",
    "an expression": "%%grad x+1\ny = x",
    "no such name": "%%grad chekc\ny = x",
    "a part of an array": "%%grad x[0]\ny = x",
    "a part of what comes": "%%grad p['W']\np = {'W': x}\ny = x",
    "a part that is not there": "%%grad d['k']\nd = {}\ny = x",
    "text": "%%grad s\ny = x",
    "a masked array": "%%grad masked\ny = x",
    "truth values": "%%grad yes\ny = x",
    "a list": "%%grad several\ny = x",
    "a dict": "%%grad d\ny = x",
    "a module": "%%grad np\ny = x",
    "layers without parameters": "%%grad relu\ny = x",
    "a constant tensor": "%%grad t\ny = x",
    "an array": "%%grad x\ny = x * x",
    "sums": "%%grad x\ny = np.cumsum(x)",
    "no code": "%%grad x\n# nothing",
    "itself": "%%grad x\nx = np.ones(3)",
    "nothing": "%%grad x\ny = 3.0",
    "of something else": "%%grad x --of y\ny = 3.0\nz = x.sum()",
    "of what is not there": "%%grad x --of q\nz = x.sum()",
    "rounded": "%%grad x\ny = np.floor(x).astype(int).sum()",
    "stored in ints": "%%grad x\nk = np.zeros(3, int)\nk[0] = x[1]\nz = k.sum()",
    "cut off": "%%grad x\ny = np.array(memoryview(x)).sum()",
    "a formula that is none": '%%grad x --expect "3*("\ny = x.sum()',
    "a formula of another": '%%grad x --expect "q=3"\ny = x.sum()',
    "a formula of something": '%%grad x --expect "q*x"\ny = x.sum()',
    "a formula that is text": '%%grad x --expect "str(x)"\ny = x.sum()',
    "a formula of another shape": '%%grad x --expect "np.ones(3)"\ny = x.sum()',
}


@pytest.mark.parametrize("cell", ERRORS.values(), ids=ERRORS)
def test_an_error_is_japanese_but_for_what_pytorch_and_python_say(run, cell):
    run(
        "s, yes, several, d, relu = 'text', True, [1.0, 2.0], {}, gm.nn.ReLU()\n"
        "masked, t = np.ma.array([1.0]), gm.tensor([1.0])"
    )
    said = run.fails(cell)
    text = str(run.error) if run.error is not None else said
    text = text.replace("grad can be implicitly created only for scalar outputs", "")
    text = re.sub(r"name … is not defined|name '.*?' is not defined|invalid syntax", "", text)
    assert re.search("[ぁ-ん]", text) and text.rstrip()[-1] in "。？", text
    assert not english(text), text


def test_a_quiz_does_not_give_the_answer_away(run):
    report = run('%%grad x --quiz --check --expect "5*x"\ny = (x**2).sum()')
    (note,) = [note for note in report._trace.notes if note.kind == "differs"]
    assert note.text == "dy/dx[0]は5*xと一致しません。17要素中の16個が違います。"
    assert "-4" not in report.to_text()


def test_a_line_is_said_once(run):
    run("a = 2.0")
    report = run("%%grad a\ny = np.tanh(a * 20)")
    assert report.to_text().count("2行目: ") == 1 == report.to_html().count("2行目: ")
