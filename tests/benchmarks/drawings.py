"""How graphs are drawn: eleven cells from 5 to 98 operations and inputs, with the size of each drawing and its time.

python tests/benchmarks/drawings.py            # the table, and drawings/*.svg beside this file
python tests/benchmarks/drawings.py net loop   # some

Sizes are in points, which a page shows as pixels: a column of JupyterLab or of a saved page has some 800.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gradmagic.report.parts.graph import MOST
from gradmagic.report.pictures.drawing import drawing
from gradmagic.report.pictures.scene import Scene, Text
from gradmagic.report.pictures.svg import alone, svg
from gradmagic.report.shown.view import View
from gradmagic.report.shown.wholes import by_statements
from tests.cell.helpers import fresh, traced

RANDOM = "r = np.random.default_rng(0)\n"
SIGMOID = "def sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n"
WEIGHTS = "\n".join(
    f"{name}{i}{j} = {value:.2f}"
    for name, shape, seed in (("u", (2, 4), 1), ("v", (4, 3), 2))
    for (i, j), value in np.ndenumerate(np.random.default_rng(seed).normal(size=shape))
)

CELLS = {  # name: (setup, cell)
    "parabola": ("x = np.arange(-2, 2.25, .25)", "y = 2*x**2 + 2\nz = np.sum(y)"),
    "two paths": ("a = 2.0; b = 1.0", "c = a + b\nd = b + 1\ne = c * d"),
    "loop": (
        "w = 1.0; xs = [float(i) for i in range(1, 13)]",
        "s = 0.0\nfor x in xs:\n    s = np.tanh(s + w*x*0.1)\nloss = (s - 0.3)**2",
    ),
    "softmax": (
        f"{RANDOM}X = r.normal(size=(4, 3)); W = r.normal(size=(3, 5)); b = np.zeros(5); y = np.array([0, 3, 1, 2])",
        "z = X @ W + b\nz = z - z.max(axis=1, keepdims=True)\n"
        "logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))\nloss = -logp[np.arange(4), y].mean()",
    ),
    "Newton": ("x = 1.5", "y = x\nfor i in range(3):\n    y = y - (y**2 - 2)/(2*y)\nz = y**2"),
    "attention": (
        f"{RANDOM}d = 4; x, y = r.normal(size=(5, d)), r.normal(size=(5, d))\n"
        "Wq, Wk, Wv = r.normal(size=(d, d)), r.normal(size=(d, d)), r.normal(size=(d, d))",
        "q = x @ Wq\nk = x @ Wk\nv = x @ Wv\ns = q @ k.T / np.sqrt(d)\ne = np.exp(s - s.max(axis=-1, keepdims=True))\n"
        "A = e / e.sum(axis=-1, keepdims=True)\nout = A @ v\nloss = np.mean((out - y)**2)",
    ),
    "network": (
        f"{RANDOM}X = r.normal(size=(8, 2)); y = (r.random(8) > .5)*1.0\n"
        "W1 = r.normal(size=(2, 4)); b1 = np.zeros(4); W2 = r.normal(size=(4, 1)); b2 = np.zeros(1)",
        "h = np.tanh(X @ W1 + b1)\np = (1 / (1 + np.exp(-(h @ W2 + b2))))[:, 0]\n"
        "loss = -np.mean(y*np.log(p) + (1-y)*np.log(1-p))",
    ),
    "residual": (
        f"{RANDOM}h0 = r.normal(size=(6, 4))\n" + "\n".join(f"W{i} = r.normal(size=(4, 4))" for i in range(1, 9)),
        "\n".join([*(f"h{i} = h{i - 1} + np.tanh(h{i - 1} @ W{i})" for i in range(1, 9)), "loss = np.mean(h8**2)"]),
    ),
    "2-2-1": (
        f"{SIGMOID}x1, x2, t = .5, -.2, 1.0\n"
        "w11, w12, w21, w22, b1, b2, v1, v2, c = .1, .2, .3, .4, .01, .02, .5, .6, .03",
        "h1 = sigmoid(w11*x1 + w12*x2 + b1)\nh2 = sigmoid(w21*x1 + w22*x2 + b2)\no = sigmoid(v1*h1 + v2*h2 + c)\n"
        "loss = (o - t)**2",
    ),
    "2-4-3-1": (
        f"{SIGMOID}x1, x2, t = .4, .6, .1\nw0, w1, w2 = .3, .01, -.6\n{WEIGHTS}",
        "\n".join([
            *(f"h{j} = sigmoid(u0{j}*x1 + u1{j}*x2)" for j in range(4)),
            *(f"g{j} = sigmoid(v0{j}*h0 + v1{j}*h1 + v2{j}*h2 + v3{j}*h3)" for j in range(3)),
            "o = sigmoid(w0*g0 + w1*g1 + w2*g2)", "loss = (o - t)**2",
        ]),
    ),
    "mixed": (
        "a, b, c = 1.5, .7, 2.0; u = np.linspace(.1, 1, 6); M = np.array([[2.0, .3], [.4, 1.5]])",
        "s = a*b\nt = np.sin(s) + c\nr = np.exp(-t/4)\nf = u * r\ng = np.cos(f) + a\nh = g**2\nm = h.mean()\n"
        "k = np.log1p(m)\nw = u.reshape(3, 2)\nq = w @ M\nn = np.tanh(q)\nv = n.sum(axis=0)\no = v*b\nl = o[0] - o[1]\n"
        "p = np.sqrt(l*l + 1)\ni = np.maximum(u, .5)\nj = i.cumsum()\nz = j[-1] / j[0]\naa = np.linalg.inv(M)\n"
        "bb = np.trace(aa)\ncc = bb*k\ndd = np.where(u > .4, f, h)\nee = dd.max()\nff = ee*z\ngg = np.arctan(ff)\n"
        "hh = gg + p\nii = np.concatenate([v, o])\njj = (ii**2).sum()\nkk = jj/(1+jj)\nll = hh*kk\nmm = cc - ll\n"
        "nn = np.abs(mm)\noo = np.linalg.det(M)\npp = oo**.5\nqq = pp*c\nrr = qq - s\nss = rr*nn\ntt = ss + k*m\n"
        "uu = tt / c\nloss = uu + r",
    ),
}  # fmt: skip


def form(scene: Scene) -> str:
    """Tell which form a drawing has."""
    cards = sum(group.what == "c" for group in scene.groups)
    heads = any(isinstance(s, Text) for group in scene.groups if group.what == "c" for s in group.shapes)
    return "boxes" if not scene.tall else "rows" if heads else f"{cards} card{'s' * (cards > 1)}"


def main() -> None:
    folder = Path(__file__).with_name("drawings")
    folder.mkdir(exist_ok=True)
    print("| cell | values | drawn as | points | ms | by lines |\n|---|---:|---|---|---:|---|")
    for name in sys.argv[1:] or CELLS:
        setup, cell = CELLS[name]
        trace = traced(cell, fresh(setup))
        view = View.of(trace, MOST)
        start = time.perf_counter()
        scene = drawing(view)
        spent = time.perf_counter() - start
        lines = by_statements(view)
        other = drawing(replace(lines, parts={})) if len(lines.operations) < len(view.operations) else None
        (folder / f"{name.replace(' ', '_')}.svg").write_text(alone(svg(scene)), "utf-8")
        size = f"{scene.width:.0f}x{scene.height:.0f}"
        told = "" if other is None else f"{form(other)}, {other.width:.0f}x{other.height:.0f}"
        print(f"| {name} | {len(view.operations)} | {form(scene)} | {size} | {spent * 1e3:.0f} | {told} |")


if __name__ == "__main__":
    main()
