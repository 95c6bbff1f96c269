"""Promise 2: never silently wrong. Where a gradient is lost there is a note or an error; when all is well, no word."""

# ruff: noqa: E501  (a cell on one line of a table)

import ast
import linecache
import re
import sys

import numpy as np
import pytest

from gradmagic.cell.reading.names import usage
from gradmagic.errors import GradmagicError

from .cells import CELLS, W, X
from .helpers import fresh, traced

# (setup, names, cell, words of the note): the gradient does not flow through the whole of these.
TEXT = "f'{a:.3f}'" if sys.version_info < (3, 12) else "{a:.3f}"  # positions within f-strings came with 3.12

CUTS = {
    "math": ("import math\na = 2.0", "a", "z = math.nextafter(a, 9) * a", "line 1: math.nextafter(a, 9)"),
    "text read again": ("a = 2.0", "a", "k = float(f'{a:.3f}')\nz = k * a", f"line 1: {TEXT} makes a plain value of a"),
    "text in an f-string's own format": ("a = 2.0; n = 3", "a", "k = float(f'{a:.{n}f}')\nz = k * a", "line 1: "),
    "str read again": ("a = 2.0", "a", "z = float(str(a)) * a", "line 1: str(a) makes a plain value of a"),
    "text cut, joined and read again": ("a = 2.0", "a", "t = 'a = %.3f' % a\nk = float(' '.join(t.split()[2:]))\nz = k * a", "line 1: 'a = %.3f' % a makes a plain value of a"),
    "a masked array": (X, "x", "m = np.ma.array(np.ones(17))\nz = (x * m).sum() * x[0]", "line 2: x * m makes a plain value of x, and no gradient flows through it: it meets a masked array; write m.filled(0)"),
    "in compiled code": (f"{X}\nrng = np.random.default_rng(0)", "x", "z = rng.normal(x[0], 1.0, 3).sum() + x.sum()", "line 1: rng.normal(x[0], 1.0, 3) makes a plain value of x[0], and no gradient flows through it: draw plain numbers, and move and scale them"),
    "in a library": (f"{X}\nfrom numpy.ma import masked_less", "x", "z = masked_less(x, 0.5).sum() + x.sum()", "line 1: masked_less(x, 0.5) makes a plain value of x, and no gradient flows through it: write it with NumPy's functions, take differences of it with gm.numeric"),
    "an array that Python code makes, asked for": (
        "class B:\n    def __array__(self, dtype=None, copy=None): return np.array([a * 3])\na = 2.0", "a", "z = np.sum(B()) * a", "line 1: np.sum(B())"
    ),
    "whole numbers of a float": ("a = 1.5", "a", "n, m = a.as_integer_ratio()\nz = n / m * a", "line 1: a.as_integer_ratio()"),
    "bits": (X, "x", "z = x.view(np.int64).sum() * x[0]", "line 1: x.view(np.int64) makes a plain value of x"),
    "pickled and back": (f"{X}\nimport pickle", "x", "y = pickle.loads(pickle.dumps(x))\nz = (y * x).sum()", "line 1: pickle.dumps(x)"),
    "by way of JSON": ("import json\na = 2.0", "a", "d = json.loads(json.dumps({'a': a}))\nz = d['a'] * a", "line 1: json.dumps({'a': a})"),
    "packed bytes": ("import struct\na = 2.0", "a", "(k,) = struct.unpack('d', struct.pack('d', a))\nz = k * a", "line 1: struct.pack('d', a)"),
    "bytes of an array": (X, "x", "y = np.frombuffer(x.tobytes())\nz = (y * x).sum()", "line 1: x.tobytes()"),
    "a memory view": (X, "x", "k = memoryview(x)[3]\nz = k * x.sum()", "line 1: memoryview(x)"),
    "written by compiled code": (f"{X}\nrng = np.random.default_rng(0)", "x", "y = x * 1\nrng.random(out=y)\nz = (y * x).sum()", "line 2: rng.random(out=y)"),
    "a decimal": ("from decimal import Decimal\na = 2.0", "a", "k = float(Decimal(a) * 2)\nz = k * a", "line 1: Decimal(a)"),
    "in a function of the cell": ("a = 2.0", "a", "def f(u):\n    v = float(str(u))\n    return v * 2\nz = f(a) * a", "line 2: str(u)"),
    "through a list": ("a = 2.0", "a", "l = []\nl.append(float(str(a)))\nz = l[0] * a", "line 2"),
    "through a dict": ("a = 2.0", "a", "d = {}\nd['k'] = float(str(a))\nz = d['k'] * a", "line 2"),
    "through an attribute": ("class Box: pass\nbox = Box()\na = 2.0", "a", "box.k = float(str(a))\nz = box.k * a", "line 1"),
    "at the end of a long list": ("import json\na = 2.0", "a", "xs = [0.0] * 5000 + [a]\nk = json.loads(json.dumps(xs))[-1]\nz = k * a", "line 2: json.dumps(xs)"),
    "a mean of values": ("import statistics\na = 2.0", "a", "k = statistics.fmean({1: a, 2: 3.0}.values())\nz = k * a", "line 1: statistics.fmean("),
    "a data base": ("import sqlite3\na = 2.0", "a", "c = sqlite3.connect(':memory:')\nc.execute('create table t (v real)')\nc.execute('insert into t values (?)', (a,))\n(k,) = c.execute('select sum(v) from t').fetchone()\nz = k * a", "line 3: c.execute('insert"),
    "into an older array": (f"{X}\nout = np.zeros(3)", "x", "for i in range(3):\n    out[i] = float(str(x[i]))\nz = out.sum() + x.sum()", "line 2: str(x[i])"),
    "for the last expression": ("a = 2.0", "a", "k = float(str(a))\nk * a", "line 1: str(a)"),
}  # fmt: skip

# What takes numbers out of arrays and puts them into older ones, and loses nothing: (setup, names, cell).
FOLLOWED = {
    "float stored": (X, "x", "w = float(x[3]) * 2\nz = (x * w).sum()"),
    "item": (X, "x", "m = x.max().item()\nz = (x * m).sum()"),
    "item by place": (W, "W", "z = W.item(4) * W.item(1, 2) * W.sum()"),
    "into an older array": (f"{X}\nout = np.zeros(3)", "x", "for i in range(3):\n    out[i] = x[i]\nz = (out * out).sum() * x.sum()"),
    "into an older array of rows": (f"{W}\nrows = np.ones((2, 3))", "v", "rows[1] = v * v\nrows[:, 0] += v[2]\nz = rows.prod()"),
    "through a list": ("a = 2.0", "a", "l = []\nl.append(float(a))\nz = l[0] * a"),
    "through a dict": ("a = 2.0", "a", "d = {}\nd['k'] = float(a)\nz = d['k'] * a"),
    "through a function": ("a = 2.0", "a", "def f(u):\n    v = float(u)\n    return v * 2\nz = f(a) * a"),
    "through an attribute": ("class Box: pass\nbox = Box()\na = 2.0", "a", "box.k = float(a)\nz = box.k * a"),
    "through a class written in Python": ("class F(float): pass\na = 2.0", "a", "k = F(a)\nz = k * a"),
    "in a comprehension": (X, "x", "l = [float(v) for v in x]\nz = sum(l) * x[0]"),
    "asarray": (X, "x", "def f(u):\n    u = np.array([float(v) for v in u])\n    return (u * u).sum()\nz = f(x) * x[1]"),
    "tolist": (X, "x", "l = x.tolist()\nz = l[0] * l[3] * x.sum()"),
    "tolist of rows": (W, "W", "l = W.tolist()\nz = l[1][0] * l[0][2] * W.sum()"),
    "out=": (f"{X}\nbuf = np.zeros(17)", "x", "np.multiply(x, 2, out=buf)\nz = (buf * x).sum()"),
    "out by position": (f"{X}\nbuf = np.zeros(17)", "x", "np.multiply(x, x, buf)\nx.cumsum(0, None, buf)\nz = (buf * x).sum()"),
    "out and where": (f"{X}\nbuf = np.full(17, 2.0)", "x", "np.multiply(x, 3, out=buf, where=x > 0.1)\nz = (buf * buf).sum()"),
    "in place in an older array": (f"{X}\nbuf = np.ones(17)", "x", "buf *= x\nz = (buf * x).sum()"),
    "copyto, fill, put, add.at": (f"{X}\nc = np.zeros(17)", "x", "c.fill(x[1])\nnp.copyto(c[4:], x[4:] * 2)\nc.put([1, 2], x[:2])\nnp.add.at(c, [0, 0, 5], x[7])\nz = (c * c).sum()"),
    "place, putmask, a diagonal": (f"{X}\nC = np.ones((4, 4))", "x", "np.fill_diagonal(C, x[:4])\nnp.place(C, np.eye(4) < 1, x[5:8])\nnp.putmask(C, np.eye(4)[::-1] > 0, x[9])\nz = (C * C).sum()"),
    "an alias and a view of an older array": (f"{X}\nc = np.ones(17); alias = c; tail = c[::-2]", "x", "alias[3:5] = x[3:5]\ntail[1:4] *= x[1:4]\nz = (c * c).sum()"),
    "for the last expression": ("a = 2.0", "a", "k = float(a)\nk * a"),
    "the last value itself": (W, "v", "z = float(v.sum()) ** 2"),
    "complex and back": ("a = 2.0", "a", "c = complex(a, 3)\nz = (c * c.conjugate()).real * a"),
    "int of an int": ("n = 3", "n", "m = int(n)\nz = n * 2.0 * m"),
    "a range that is an input": ("n = 3", "n", "z = 0.0\nfor i in range(4):\n    z = z + n * i * n"),
    "abs, sum, max, pow, divmod": (X, "x", "z = sum(x) * abs(x[0]) * max(x) + pow(x[3], 3) + divmod(x[1], 2)[1]"),
    "sorted and zipped": (X, "x", "z = sum(a * b for a, b in zip(sorted(x), x[::-1]))"),
    "unpacked": (W, "v", "a, *b = v\n(c, d), e = v[1:], b[0]\nz = a * c * d * e * b[1]"),
    "unpacked twice": (W, "W", "(a, b), (c, *d) = p = W[:, 1:]\nq = (e, f) = (g, h) = p[0]\nz = a * b * c * d[0] * e * f * g * h * (q * p).sum()"),
    "unpacked in a loop": (W, "W", "z = 0.0\nfor i, (a, *b) in enumerate(W):\n    for c, d in (b, W[i, :2]):\n        z = z + a * c * d * b[1]"),
    "unpacked in comprehensions": (W, "W", "l = [a * b * c for a, b, c in W]\nd = {k: a * c for k, (a, _, c) in zip('pq', W)}\nz = sum(l) * d['p'] + sum(u * v for u, v in {1: W[:, 0]}.values())"),
    "unpacked by with": (f"{W}\nfrom contextlib import nullcontext", "W", "with nullcontext(W) as ((a, *_), r), nullcontext(r) as [b, c, d], nullcontext(a) as e:\n    z = a * b * c * d * e"),
    "sum of values": ("a = 2.0", "a", "d = {'p': a, 'q': a * a}\nz = sum(d.values()) * sum(k for _, k in d.items())"),
    "sums of what C goes through": (W, "v", "import math, itertools, collections\nz = sum(iter([v[0], v[1]])) * sum(reversed(v)) * sum(v.flat) * math.fsum({1: v[2]}.values()) * sum(collections.deque(v)) * math.prod(iter(v))"),
    "made from what C goes through": (W, "v", "d = dict(enumerate(v))\nz = np.fromiter(d.values(), float).prod() * np.array(list(d.values())).sum() * np.sum([*d.values()])"),
    "functions of C on entries": (W, "v", "import math, operator, itertools\nz = sum(map(math.sqrt, v)) * sum(itertools.starmap(operator.mul, zip(v, v))) * max(v, key=math.sqrt)"),
    "a long list": ("a = 2.0", "a", "xs = [0.0] * 5000 + [a * a]\nz = sum(xs) * np.array(xs).sum() * np.stack(xs)[-1] * np.max(xs)"),
    "a long list of it": ("a = 0.5", "a", "xs = [a * i for i in range(2000)]\nz = np.mean(xs) * sum(xs) / 1e6"),
    "by way of a thread": (f"{X}\nfrom concurrent.futures import ThreadPoolExecutor", "x", "with ThreadPoolExecutor(2) as pool:\n    c = pool.submit(lambda: float(x[0])).result()\nz = c * x.sum()"),
    "code that is run as text": (X, "x", "exec('k = x[2] * 3')\nz = eval('k * x[2]') * x.sum()"),
    "steps of nditer over a part": ("x = np.arange(6.0).reshape(3, 2)[:, 1]", "x", "z = 0.0\nfor t in np.nditer(x):\n    z = z * 2 + t * t"),
    "steps of nditer over a turned array": ("x = np.arange(6.0).reshape(3, 2)", "x", "z = 0.0\nfor t in np.nditer(x.T, order='C'):\n    z = z * 2 + t * t"),
    "steps of nditer over two": (X, "x", "z = 0.0\nfor t, u in np.nditer([x, x * 2]):\n    z = z * 0.5 + t * u"),
    "chunks of nditer": (X, "x", "z = 0.0\nfor t in np.nditer(x * 2, flags=['external_loop']):\n    z = z + (t * t).sum()"),
    "a list and an array": (X, "x", "l = [1.0, 2.0]\nl += x[:2]\nz = l[-1] * x[1] * l[0]"),
    "a list multiplied by an array": (X, "x", "l = list(range(17))\nl *= x\nz = l.sum() + x[0]"),
    "a part of a list that becomes an array": (X, "x", "l = [1.0, 2.0]\nl[0:1] = x\nz = l[0] * l[3]"),
    "an array of objects": (X, "x", "o = np.array([x[0], x[1]], dtype=object)\nz = o.sum() * o.prod()"),
    "an array as objects": (X, "x", "o = x.astype(object)\nz = o.sum() * x[0]"),
    "an imaginary part": (X, "x", "w = complex(np.arange(2) @ np.arange(2), x.max())\nz = x.sum() + abs(w)"),
    "an imaginary part by name": (X, "x", "w = complex(imag=x[1], real=2.0)\nz = x.sum() + abs(w)"),
    "a write from its own part": (X, "x", "c = x * 1\nc[1:] = c[:-1]\nz = (c * c).sum()"),
    "shuffled": (f"{X}\nrng = np.random.default_rng(3)", "x", "y = x * x\nrng.shuffle(y)\nz = (y * np.arange(17)).sum()"),
}  # fmt: skip

# What holds a value in a way of its own, and gives it when it is asked, called or gone through.
FIELDS = "s = np.zeros(4, [('p', 'f8'), ('q', 'f4')])\n"
CUTS |= {
    "a field of a structured array": (X, "x", FIELDS + "s['p'] = x[:4]\nz = s['p'].sum() + x[0]", "line 2"),
    "a record": (X, "x", FIELDS + "s[0] = x[1], 2\nz = s[0]['p'] + x[0]", "line 2"),
    "an object of a library that is called": (X, "x", "f = np.poly1d(x)\nz = f(2.0) + x[0]", "line 1"),
    "a spline of another kind": ("from scipy import interpolate\nx = np.array([0.3, -1.2, 2.1, 0.7])", "x", "f = interpolate.KroghInterpolator([0, 1, 2, 3], x)\nz = f(0.5) + x[0]", "line 1"),
    "an integrand that reads it": ("import json\nfrom scipy.integrate import quad\na = 2.0", "a", "k = json.loads(json.dumps(a))\nz = quad(lambda t: t * k * a, 0, 1)[0]", "line 1"),
    "a density of points": ("from scipy import stats\nx = np.array([0.3, -1.2, 2.1, 0.7])", "x", "f = stats.gaussian_kde(x)\nz = f(0.5).sum() + x[0]", "line 1"),
    "numbers that are counted": (f"import collections\n{X}", "x", "c = collections.Counter({'a': x[-1]}) + collections.Counter({'a': x[-1]})\nz = c['a'] + x[0]", "line 1"),
    "a column of a table": ("import pandas as pd\ndf = pd.DataFrame({'t': [1.0, 2.0]})\na = 2.0", "a", "p = a * df['t']\nz = p.sum() + a", "line 1: a * df['t'] makes a plain value of a, and no gradient flows through it: it meets a pandas Series; write df['t'].to_numpy()"),
    "a difference of columns": ("import pandas as pd\ndf = pd.DataFrame({'t': [1.0, 2.0]})\na = 2.0", "a", "p = (df['t'] - 1) * a\nz = p.sum() + a", "line 1: (df['t'] - 1) * a makes a plain value of a, and no gradient flows through it: it meets a pandas Series; write (df['t'] - 1).to_numpy()"),
    "a row of a table as arguments": (f"import pandas as pd\n{X}", "x", "s = pd.Series({'w': x[0], 'b': 2.0})\ndef f(w, b): return w * b\nz = f(**s) + x[0]", "line 1"),
    "a row of a table as a dict": (f"import pandas as pd\n{X}", "x", "s = pd.Series({'w': x[0], 'b': 2.0})\nz = {**s}['w'] + x[0]", "line 1"),
    "a cell of a table that is stored": (f"import pandas as pd\n{X}", "x", "d = pd.DataFrame({'a': [1.0, 2.0]})\nd.loc[0, 'a'] = x[1]\nz = d['a'].sum() + x[0]", "line 2"),
    "a Polynomial that is called": (X, "x", "f = np.polynomial.Polynomial(x)\nz = f(2.0) + x[0]", "line 1"),
    "a mapping of a library": (f"import collections, json\n{X}", "x", "c = json.loads(json.dumps({'k': x[1]}), object_pairs_hook=collections.OrderedDict)\nz = dict(c)['k'] + x[0]", "line 1"),
    "a result that a cache has from before": ("import functools\na = 2.0\n@functools.lru_cache\ndef f(u): return u * u\nf(2.0)", "a", "z = f(a) * a", "line 1"),
    "a number that changes when it is made": ("a = 2.0", "a", "class F(float):\n    def __new__(cls, v): return super().__new__(cls, v * 2)\nz = F(a) * a", "line 2"),
}  # fmt: skip

# NumPy reads there what it has written already; NumPy's buffer holds a copy.
CUTS |= {
    "a call that writes what it reads": ("x = np.array([1.7, -0.4, 0.5, 0.7])", "x", "c = x * 1\nnp.place(c, c > 0, c)\nz = c.sum() + x.sum()", "line 2"),
    "what nditer has made": (X, "x", "it = np.nditer([x, None])\nfor u, v in it:\n    v[...] = u * u\nz = it.operands[1].sum() + x[0]", "line 2"),
    "a buffer of nditer": (X, "x", "z = x.sum()\nfor t in np.nditer(x, flags=['buffered'], op_dtypes='f', casting='same_kind'):\n    z = z + t", "line 2"),
}  # fmt: skip

# Plain values that go nowhere: nothing is lost, and nothing is said.
QUIET = {
    "texts": (X, "x", "s = f'{x} {x[0]:.2f}'\nt = str(x) + repr(x)\nz = x.sum()\nd = {s: float(len(t))}"),
    "printed": (X, "x", "z = x.sum()\nprint(float(z), f'{float(z):.3f}', z.item())"),
    "collected beside": (W, "W", "losses = []\nloss = ((W @ v)**2).sum()\nlosses.append(float(loss))"),
    "compared": ("a = 2.0", "a", "if float(a) > 1:\n    b = a * 2\nz = b * a"),
    "history of a loop": (
        "w = 2.0", "w", "h = []\nfor i in range(3):\n    loss = w * w * (i + 1)\n    h.append((i, float(loss), loss.item() if i > 5 else 0))"
    ),
    "stored but unused": (X, "x", "best = float(x.max())\nz = x.sum()"),
    "used as an index": (X, "x", "n = int(x[-1])\nz = x[:n + 2].sum()"),
    "text": ("a = 2.0", "a", "title = f'a = {float(a):.2f}' + str(float(a))\nz = a * a"),
    "plotted": (
        X + "\nimport matplotlib; matplotlib.use('agg')\nimport matplotlib.pyplot as plt", "x",
        "y = x**2\nfig, ax = plt.subplots()\nax.plot(x, y)\nplt.title(f'{x.sum()}')\nz = y.sum()",
    ),
    "asserted": (X, "x", "assert np.allclose(np.asarray(x), x.tolist())\nz = x.sum()"),
    "in a function of the cell": ("a = 2.0", "a", "def f(u):\n    print(float(u))\n    return u * u\nz = f(a)"),
}  # fmt: skip


@pytest.mark.parametrize("title", CUTS)
def test_where_a_gradient_is_cut_the_reader_is_told_the_line(title):
    setup, names, text, words = CUTS[title]
    if "pandas" in setup:
        pytest.importorskip("pandas")
    trace = traced(text, fresh(setup), names)
    cuts = [note for note in trace.notes if note.kind == "cut"]
    assert any(words in note.text and note.line == int(words.split()[1].rstrip(":")) for note in cuts), cuts


@pytest.mark.parametrize("title", QUIET)
def test_where_all_is_well_there_is_no_word(title):
    setup, names, text = QUIET[title]
    assert traced(text, fresh(setup), names).notes == ()


def result_with(setup: str, text: str, result: str, name: str, at: tuple[int, ...], by: float) -> float:
    """What `text` makes of `result` without the magic, where one entry of an input is moved."""
    moved = fresh(setup)
    if isinstance(moved[name], np.ndarray):
        moved[name][at] += by
    else:
        moved[name] += by
    tree = ast.parse(text)
    if isinstance(tree.body[-1], ast.Expr):
        tree.body[-1] = ast.parse(f"({result.replace('*', ' * ')})").body[0]
        last = ast.Expression(tree.body.pop().value)
        exec(compile(tree, "<moved>", "exec"), moved)
        return float(np.real(eval(compile(last, "<moved>", "eval"), moved)))
    exec(compile(text, "<moved>", "exec"), moved)
    return float(np.real(eval(result, moved)))


FILES = {
    "np.save": "np.save(p, x * 2)\ny = np.load(p)",
    "tofile": "x.tofile(p)\ny = np.fromfile(p)",
    "write": "f = open(p, 'w')\nf.write(str(x[0]))\nf.close()\ny = float(open(p).read())",
    "pickle": "import pickle\nwith open(p, 'wb') as f: pickle.dump(x * 2, f)\nwith open(p, 'rb') as f: y = pickle.load(f)",
    "json": "import json\nwith open(p, 'w') as f: json.dump({'k': x[0]}, f)\nwith open(p) as f: y = json.load(f)['k']",
    "a Path": "import pathlib\npathlib.Path(p).write_text(str(x[0]))\ny = float(pathlib.Path(p).read_text())",
}  # fmt: skip


@pytest.mark.parametrize("way", FILES)
def test_what_goes_out_into_a_file_and_comes_back_is_noted(way, tmp_path):
    namespace = fresh(X) | {"p": str(tmp_path / "file.npy")}
    trace = traced(f"{FILES[way]}\nz = np.sum(y * x[0]) + x.sum()", namespace, "x")
    assert [note for note in trace.notes if note.kind == "cut"]


@pytest.mark.parametrize("title", FOLLOWED)
def test_what_takes_numbers_out_and_puts_them_in_loses_nothing(title):
    setup, name, text = FOLLOWED[title]
    namespace = fresh(setup)
    start = fresh(setup)[name]
    trace = traced(text, namespace, name)
    assert [note for note in trace.notes if note.kind != "dtype"] == []
    (entry,) = trace.inputs
    step = 1 if type(start) is int else 1e-6
    for at in np.ndindex(np.shape(start)):
        up, down = (result_with(setup, text, trace.result.name, name, at, sign * step) for sign in (1, -1))
        assert np.asarray(entry.array)[at] == pytest.approx((up - down) / (2 * step), rel=1e-6, abs=1e-6)


EARLIER = "def f(u):\n    return float({}) * 2"


@pytest.mark.parametrize("kept", [True, False], ids=["its source is there", "its source is gone"])
def test_a_cut_in_a_function_of_an_earlier_cell(kept):
    text = EARLIER.format("str(u)")
    namespace = fresh("a = 2.0")
    if kept:
        linecache.cache["<earlier>"] = (len(text), None, text.splitlines(True), "<earlier>")
    exec(compile(text, "<earlier>", "exec"), namespace)
    try:
        (note,) = [n for n in traced("y = 1\nz = f(a) * a", namespace, "a").notes if n.kind == "cut"]
    finally:
        linecache.cache.pop("<earlier>", None)
    assert note.line == 2


@pytest.mark.parametrize("body", ["u * 2", "json.loads(json.dumps(u)) * 2.0", "array.array('d', [u])[0] * 2"])
def test_a_function_whose_source_is_gone_gets_the_users_values_and_is_noted(body):
    namespace = fresh("import json, array\na = 2.0")
    exec(compile(f"def f(u): return {body}", "<gone>", "exec"), namespace)
    trace = traced("z = f(a) * a", namespace, "a")
    (note,) = [n for n in trace.notes if n.kind == "cut"]
    assert namespace["z"] == 8.0 and float(trace.inputs[0].array) == 4.0
    assert note.line == 1 and "source of that function is gone" in note.text and "f(a)" in note.text


def test_when_nothing_is_left_the_error_says_where_the_path_ends():
    with pytest.raises(GradmagicError, match=r"line 1.*str\(a\)"):
        traced("y = float(str(a)) * 2", fresh("a = 2.0"), "a")


def test_a_last_value_that_is_cut_off_is_said_on_top():
    """The report is about an earlier value: the reader must not take it for one about the last."""
    trace = traced("y = a * 3\nz = float(str(y)) ** 2", fresh("a = 2.0"), "a")
    assert trace.result.name == "y" and trace.notes[0].kind == "cut" and trace.notes[0].line == 2
    assert "z hangs on a only through str(y) in line 2" in trace.notes[0].text
    assert "this is the report on y" in trace.notes[0].text


@pytest.mark.parametrize("cell", ["y = a * 3\nz = a", "y = a * 3\na", "y = a * 3\nif y > 0: z = a"])
def test_a_last_value_that_is_an_input_is_said_on_top(cell):
    trace = traced(cell, fresh("a = 2.0"), "a")
    assert trace.result.name == "y" and re.match(
        "[az], the cell's last value, is an? ?.*: this is the report on y", trace.notes[0].text
    )


@pytest.mark.parametrize(
    "title", [t for t, (_, names, _) in CELLS.items() if names and "gm." not in CELLS[t][0]]
)
def test_gradients_are_right_or_there_is_a_note(title):
    """Against differences: run the plain cell with one entry of an input moved."""
    setup, names, text = CELLS[title]
    namespace = fresh(setup)
    trace = traced(text, namespace, names)
    if (
        any(note.kind in ("cut", "alias") for note in trace.notes)
        or trace.result is None
        or np.iscomplexobj(namespace.get(names, 0))
    ):
        return
    for entry in trace.inputs:
        name = entry.name
        if (
            entry.kind not in ("ndarray", "float", "int", "numpy scalar")
            or entry.value.size == 0
            or name not in fresh(setup)
        ):
            continue
        if name in usage(ast.parse(text)).first or (
            entry.value.dtype.startswith("int") and entry.kind == "ndarray"
        ):
            continue
        gradient = np.asarray(entry.array, float)
        if entry.value.dtype == "float32":
            tolerance, step = 2e-2, 1e-2
        else:
            tolerance, step = 1e-5, 1e-6
        for at in {(0,) * gradient.ndim, (-1,) * gradient.ndim}:
            try:
                up, down = (
                    result_with(setup, text, trace.result.name, name, at, sign * step) for sign in (1, -1)
                )
            except (TypeError, AssertionError):
                return  # range(n) of a float, an assertion about the unmoved values
            assert gradient[at] == pytest.approx((up - down) / (2 * step), rel=tolerance, abs=tolerance), name


NANS = {
    "backward": ("s = np.array([0.0, 1.0, 4.0])", "y = np.where(s > 0, np.sqrt(s), 0.0)\nz = y.sum() * 1.0", "line 1: on the way back, np.sqrt(s)"),
    "forward": ("s = np.array([0.0, 1.0])", "e = s - 1\ny = np.log(s)\nz = y.sum()", "line 2: y makes an infinity, the first in the cell, from s = [0, 1]"),
}  # fmt: skip


@pytest.mark.parametrize("title", NANS)
def test_the_first_operation_that_is_not_finite_is_named(title):
    setup, text, words = NANS[title]
    namespace = fresh(setup)
    with np.errstate(all="ignore"):
        notes = [note.text for note in traced(text, namespace, "s").notes if note.kind == "nan"]
    assert len(notes) == 1 and words in notes[0]
