"""Code that only reads arrays works on lifted ones as it does without the magic: plots, tables, texts, files, SciPy.

Each cell is run plain and traced; what is left behind must be the same. Where a library is missing, its cells are
skipped.
"""

# ruff: noqa: E501  (a cell on one line of a table)

import importlib
import warnings

import numpy as np
import pytest

import gradmagic as gm

from .helpers import fresh, left_behind, traced

SETUP = """
x = np.linspace(0.1, 2, 12)
M = np.arange(12.0).reshape(3, 4) / 7
a = 2.5
n = 3
"""
Z = "\nz = (x * a).sum()"

CELLS = {
    "matplotlib": {
        "plot": "ax.plot(x, x**2, 'o-')\nax.set_xlim(x.min(), x.max())\nax.axhline(a)\nax.semilogy(x, np.exp(x))",
        "imshow": "ax.imshow(M * a, vmin=M.min(), vmax=a)",
        "scatter": "ax.scatter(x, x * a, c=x, s=x * 10)",
        "hist": "counts = ax.hist(x, bins=n)[0]",
        "bars and bands": "ax.bar(x, x * a, width=a / 10)\nax.errorbar(x, x, yerr=x / 10)\nax.fill_between(x, x, x * a)",
        "fields": "ax.contourf(M)\nax.pcolormesh(M)\nax.quiver(x, x, x, x)\nax.boxplot(x)",
        "words": "ax.set_title(f'{a:.2f}')\nax.text(a, a, str(a))\nax.set_ylim(0, a)\nax.plot(x[:3], [a, a * 2, a * 3])",
    },
    "pandas": {
        "a Series": "s = pd.Series(x)\nm = s.mean()\nt = s.rolling(3).mean()",
        "a frame": "df = pd.DataFrame({'x': x, 'y': x * a})\ndf['z'] = x**2\nd = df.describe()\ns = df.to_csv()",
        "a frame of a matrix": "df = pd.DataFrame(M, columns=list('abcd'))\ng = df.loc[df['a'] > M.mean()]\ndf.iloc[0, 0] = 9.0",
        "operations": "s = pd.Series(np.arange(12.0))\nq = s * x\nr = s + x\nt = s.to_numpy() * x\nb = s > x",
        "the other way": "s = pd.Series(np.arange(12.0))\nq = x * s\nr = x - s",
        "of numbers": "s = pd.Series([1.0, float(a)])\nt = pd.Series({'sum': float(x.sum()), 'n': int(n)})",
        "a write to the table": "s = pd.Series(x)\ns.iloc[0] = 5.0",
        "a mask": "df = pd.DataFrame({'x': np.arange(12.0)})\nw = x[df['x'] > 3]\nm = df[x > 1]",
    },
    "scipy": {
        "minimize": "import scipy.optimize\nr = scipy.optimize.minimize(lambda v: ((v - x)**2).sum(), np.zeros(12)).x",
        "interp1d": "import scipy.interpolate\nr = scipy.interpolate.interp1d(x, x**2)(1.0)",
        "CubicSpline": "import scipy.interpolate\nr = scipy.interpolate.CubicSpline(x, x**2)(1.0)",
        "a grid": "import scipy.interpolate\nr = scipy.interpolate.RegularGridInterpolator((x,), x**2)([1.0])",
        "odeint": "import scipy.integrate\nr = scipy.integrate.odeint(lambda y, t: -a * y, 1.0, x)",
        "solve_ivp": "import scipy.integrate\nr = scipy.integrate.solve_ivp(lambda t, y: -a * y, (0, 1), [1.0]).y",
        "stats": "import scipy.stats\nr = scipy.stats.linregress(x, x**2).slope\np = scipy.stats.norm.pdf(x)",
        "signal": "import scipy.signal\nr = scipy.signal.savgol_filter(x, 5, 2)\nq = scipy.signal.convolve(x, x)",
        "sparse": "import scipy.sparse\nA = scipy.sparse.csr_array(np.eye(12))\nr = A @ x\nq = (A * x).toarray()",
        "a tree": "import scipy.spatial\nd, i = scipy.spatial.KDTree(M).query(M[0])",
        "an image": "import scipy.ndimage\nr = scipy.ndimage.gaussian_filter(M, a)",
    },
    "numpy": {
        "files": "import io\no = io.BytesIO()\nnp.save(o, x)\nnp.savez(io.BytesIO(), x=x, a=a)\nb = o.getvalue()\ndel o",
        "text": "import io\no = io.StringIO()\nnp.savetxt(o, x)\nb = o.getvalue()\ndel o",
        "print options": "with np.printoptions(precision=2):\n    s = str(x)\nr = repr(M)",
        "testing": "np.testing.assert_allclose(x, x)\nnp.testing.assert_array_equal(x, x)",
        "random": "r = np.random.default_rng(0)\nv = r.normal(a, 1, n)\nu = r.normal(x)\nk = r.choice(x, 3)\n"
        "i = r.integers(n)\np = r.permutation(x)",
        "masked": "m = np.ma.array(x, mask=x > 1)\ns = m.sum()\nt = np.ma.array([1.0] * 12) * x",
        "matrix": "q = np.matrix(M)\nr = q * q.T",
        "nditer": "l = [float(v) for v in np.nditer(x)]\nd = dict(np.ndenumerate(M))",
        "checks": "assert np.all(np.isfinite(x)) and np.isscalar(a) and not np.iterable(a) and x.dtype == float\n"
        "assert isinstance(x, np.ndarray) and isinstance(n, int) and x.flags.c_contiguous",
    },
    "json": {
        "json": "import json\ns = json.dumps(x.tolist())\nt = json.dumps({'a': float(a)})",
        "formats": "s = f'{a:.3f} {a!r} {x[0]:.2e} {n:03d} {x} {a=}'\nt = '%.2f %d %s' % (a, n, x[1])\nu = '{:.1f}'.format(a)",
        "logging": "import logging\nlogging.getLogger('quiet').debug('%.3f %s', a, x)\nimport pprint\ns = pprint.pformat({'x': x, 'a': a})",
        "pickle": "import copy, pickle\nb = pickle.dumps(x)\nc = copy.deepcopy({'x': x, 'a': a})\nd = copy.copy(x)\ne = pickle.loads(pickle.dumps((a, n)))",
        "csv": "import csv, io\no = io.StringIO()\ncsv.writer(o).writerows([x, [a, n]])\ns = o.getvalue()\ndel o",
        "struct": "import struct\nb = struct.pack('3d', *x[:3])\nc = struct.pack('i', n)",
        "ctypes": "import ctypes\np = x.ctypes.data_as(ctypes.POINTER(ctypes.c_double))\nv = p[0]\nc = ctypes.c_double(a).value\ndel p",
        "statistics": "import statistics\nm = statistics.fmean(x)\nk = statistics.mean(x.tolist())",
        "fractions": "import fractions\nf = fractions.Fraction(a)\ng = a.as_integer_ratio()",
        "random": "import random\nr = random.Random(n).random()\nu = random.Random(0).uniform(0, a)\nk = random.Random(0).sample(list(x), n)",
        "itertools": "import itertools\nl = list(itertools.accumulate(x))\np = list(itertools.product(x[:2], x[:2]))",
        "builtins": "s = sorted(x, key=lambda v: -v)\nm = max(x)\nt = sum(x)\nr = list(reversed(x))\nq = list(zip(x, x))\nu = round(a, 1)",
        "keys": "d = {a: 1, n: 2}\ns = {a, n}\nq = d[2.5]\ne = {i: v for i, v in enumerate(x)}\nh = hash(a)",
        "match": "match a:\n    case float(): k = 1\n    case _: k = 2\nmatch x:\n    case np.ndarray(): j = 1\n    case _: j = 2",
        "math": "import math\nk = math.floor(a)\nj = math.isclose(a, 2.5)\nl = math.fsum(x)\nm = math.hypot(a, n)",
        "counting": "w = [0] * n\nv = list(range(n))\nk = [1, 2, 3, 4][n]\ne = np.eye(n)\ns = n << 2\ni = bin(n)",
        "collections": "import collections, heapq\nc = collections.Counter(x.round().tolist())\nd = collections.deque(x)\nh = list(x)\nheapq.heapify(h)",
        "dataclasses": "import dataclasses\np = dataclasses.make_dataclass('P', ['a', 'x'])(a, x)\nr = repr(p)\nd = dataclasses.asdict(p)\ndel p",
        "hashes": "import hashlib\nh = hashlib.sha1(x.tobytes()).hexdigest()",
    },
}  # fmt: skip
NEEDS = {
    "matplotlib": "import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt\n",
    "pandas": "import pandas as pd\n",
    "scipy": "import scipy\n",
}
AROUND = {"matplotlib": ("fig, ax = plt.subplots()\n", "\nfig.canvas.draw()\nplt.close(fig)\ndel fig, ax")}


@pytest.mark.parametrize(("library", "name"), [(k, name) for k, cells in CELLS.items() for name in cells])
def test_a_reading_cell_leaves_what_it_leaves_without_the_magic(library, name):
    try:
        importlib.import_module(library)
    except ImportError:
        pytest.skip(f"{library} is not installed")
    before, after = AROUND.get(library, ("", ""))
    cell = before + CELLS[library][name] + after + Z
    setup = NEEDS.get(library, "") + SETUP
    plain, with_magic = fresh(setup), fresh(setup)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(cell, plain)
        trace = traced(cell, with_magic, "x a M n", of="z")
    for namespace in (plain, with_magic):
        namespace.pop("__warningregistry__", None)
    assert left_behind(plain, with_magic) == []
    (grad,) = [entry.grad.items for entry in trace.inputs if entry.name == "x"]
    assert grad == (2.5,) * 12


def test_a_table_made_of_inputs_is_of_numbers():
    """Pandas asks C for a number's exact type."""
    pytest.importorskip("pandas")
    namespace = fresh(NEEDS["pandas"] + SETUP)
    traced("s = pd.Series([a, 1.0])\nk = str(s.dtype)" + Z, namespace, "x a", of="z")
    assert namespace["k"] == "float64" and namespace["s"].tolist() == [2.5, 1.0]


def test_scipy_takes_a_value_and_its_gradient_as_they_are():
    optimize = pytest.importorskip("scipy.optimize")

    def rosenbrock(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    both = gm.value_and_grad(rosenbrock)
    value, gradient = both(np.array([-1.0, 2.0, 0.5]))
    assert isinstance(value, float) and type(gradient) is np.ndarray and gradient.dtype == np.float64
    assert gradient.flags.writeable and gradient.flags.c_contiguous
    for method in ("BFGS", "L-BFGS-B", "CG", "SLSQP", "trust-constr"):
        found = optimize.minimize(
            both, np.array([-1.0, 2.0, 0.5]), jac=True, method=method, options={"maxiter": 3000}
        )
        np.testing.assert_allclose(found.x, 1.0, atol=2e-3, err_msg=method)
    start = np.array([-1.0, 2.0, 0.5])
    whole = optimize.minimize(
        rosenbrock, start, jac=gm.grad(rosenbrock), hess=gm.hessian(rosenbrock), method="Newton-CG"
    )
    np.testing.assert_allclose(whole.x, 1.0, atol=1e-5)
    residuals = optimize.least_squares(
        lambda p: p**2 - 2, np.array([3.0]), jac=gm.jacobian(lambda p: p**2 - 2)
    )
    np.testing.assert_allclose(residuals.x, 2**0.5)


def test_a_function_that_plots_is_differentiated():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    def loss(x):
        fig, ax = plt.subplots()
        ax.plot(x, x**2)
        ax.set_title(f"{x.sum():.2f}")
        fig.canvas.draw()
        plt.close(fig)
        np.testing.assert_allclose(x**2, x * x)
        return np.sum(x**3)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(gm.grad(loss)(np.array([1.0, 2.0])), [3.0, 12.0])
