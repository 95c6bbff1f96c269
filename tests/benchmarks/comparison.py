"""Six small programs in five tools, one picture or page each: what comparison.md compares.

python tests/benchmarks/comparison.py FOLDER [gradmagic torchviz torchlens dezero micrograd]

Needs, beside gradmagic, `pip install torch torchviz torchlens dezero micrograd graphviz matplotlib` and Graphviz's
`dot` for the four others. Writes FOLDER/PROGRAM.TOOL.html or .png (.txt where a tool answers in words), and prints
how long each took from the program's first line to the file, in a process where the tool has drawn before.
"""

import inspect
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

# The same programs, as each tool's users write them.
CELLS = {
    "paths": ("a b", "c = a + b\nd = b + 1\ne = c * d"),
    "parabola": ("x", "y = 2 * x**2 + 2\nz = y.sum()"),
    "matrix": ("A", "P = A.T @ A\nm = P.mean()"),
    "layer": ("w b", "z = x @ w + b\nloss = binary_cross_entropy_with_logits(z, y)"),
    "descent": (
        "x",
        "for i in range(100):\n    y = x**2 - 2\n    loss = mse_loss(y, zero)\n    optimizer.zero_grad()\n"
        "    loss.backward()\n    optimizer.step()",
    ),
    "nan": ("x", "root = np.sqrt(x)\ny = np.where(x > 0, root, 0)\nz = y.sum()"),
}
SETUP = {
    "paths": "a, b = 2.0, 1.0",
    "parabola": "x = np.arange(-2, 2.25, 0.25, dtype=np.float32)",
    "matrix": "A = np.array([[1.0, 3.0], [4.0, 2.0]])",
    "layer": "gm.manual_seed(0)\nx, y = gm.ones(5), gm.zeros(3)\n"
    "w, b = gm.randn(5, 3, requires_grad=True), gm.randn(3, requires_grad=True)",
    "descent": "x, zero = gm.tensor([1.0], requires_grad=True), gm.zeros(1)\noptimizer = gm.optim.SGD([x], lr=0.01)",
    "nan": "x = np.array([0.0, 1.0, 4.0])",
}


def gradmagic(folder: Path, name: str) -> None:
    """The report as a page; beside it the same as text."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance(colors="NoColor", history_manager=None)
    shell.run_cell(
        "%reload_ext gradmagic\nimport numpy as np\nimport gradmagic as gm\n"
        "from gradmagic.nn.functional import binary_cross_entropy_with_logits, mse_loss\n" + SETUP[name]
    )
    line, body = CELLS[name]
    shell.run_cell_magic("grad", f"--quiet {line}", body)
    report = sys.modules["gradmagic"].last()
    report.save(folder / f"{name}.gradmagic.html")
    report.save(folder / f"{name}.gradmagic.txt")


# ---- PyTorch: the program as a function of what is differentiated, for torchviz and TorchLens.


def _torch_programs():
    import torch
    from torch.nn import functional as F

    torch.manual_seed(0)

    def paths(a, b):
        c = a + b
        d = b + 1
        e = c * d
        return e

    def parabola(x):
        y = 2 * x**2 + 2
        z = y.sum()
        return z

    def matrix(A):
        P = A.T @ A
        m = P.mean()
        return m

    def layer(w, b):
        z = torch.ones(5) @ w + b
        loss = F.binary_cross_entropy_with_logits(z, torch.zeros(3))
        return loss

    def descent(x):
        y = x**2 - 2
        loss = F.mse_loss(y, torch.zeros(1))
        return loss

    def nan(x):
        root = torch.sqrt(x)
        y = torch.where(x > 0, root, 0)
        z = y.sum()
        return z

    leaves = {
        "paths": (torch.tensor(2.0), torch.tensor(1.0)),
        "parabola": (torch.arange(-2, 2.25, 0.25),),
        "matrix": (torch.tensor([[1.0, 3.0], [4.0, 2.0]]),),
        "layer": (torch.randn(5, 3), torch.randn(3)),
        "descent": (torch.tensor([1.0]),),
        "nan": (torch.tensor([0.0, 1.0, 4.0]),),
    }
    for leaf in (leaf for found in leaves.values() for leaf in found):
        leaf.requires_grad_()
    optimizer = torch.optim.SGD(leaves["descent"], lr=0.01)
    for _ in range(99):  # both draw one graph, not a loop over backward: the last one
        optimizer.zero_grad()
        descent(*leaves["descent"]).backward()
        optimizer.step()
    functions = {f.__name__: f for f in (paths, parabola, matrix, layer, descent, nan)}
    return {name: (functions[name], found) for name, found in leaves.items()}


def torchviz(folder: Path, name: str) -> None:
    """Its picture with everything switched on."""
    import torchviz

    function, leaves = _torch_programs()[name]
    named = dict(zip(inspect.signature(function).parameters, leaves, strict=True))
    dot = torchviz.make_dot(function(*leaves), params=named, show_attrs=True, show_saved=True)
    dot.render(folder / f"{name}.torchviz", format="png", cleanup=True)


def torchlens(folder: Path, name: str) -> None:
    """Forward graph with code and gradients; forward and backward in one; its words on NaN."""
    import torch
    import torchlens as tl

    function, leaves = _torch_programs()[name]
    module = type(
        "Program", (torch.nn.Module,), {"forward": staticmethod(function)}
    )()  # it takes modules only
    trace = tl.trace(
        module, tuple(leaves), capture=tl.options.CaptureOptions(save_grads=True, save_code_context=True)
    )
    trace.log_backward(trace[trace.output_layers[0]].out.sum())
    quiet = {"vis_save_only": True, "vis_fileformat": "png"}
    out = str(folder / f"{name}.torchlens")
    trace.draw(vis_outpath=out, direction="leftright", node_overlay="grad_norm", code_panel=True, **quiet)
    trace.draw_combined(vis_outpath=out + ".combined", **quiet)
    Path(out + ".txt").write_text(f"{trace.first_nonfinite()}\n\n{trace.summary()}\n")


def dezero(folder: Path, name: str) -> None:
    """Its picture with names, shapes and dtypes."""
    vars(np)["int"] = int  # dezero 0.0.13 does not import under NumPy 1.24 and later without it
    import dezero
    import dezero.functions as F
    from dezero.utils import plot_dot_graph

    def leaf(data, name):
        return dezero.Variable(np.array(data, dtype=np.float32), name=name)

    if name == "paths":
        a, b = leaf(2.0, "a"), leaf(1.0, "b")
        c = a + b
        d = b + 1
        z = c * d
        c.name, d.name, z.name = "c", "d", "e"
    elif name == "parabola":
        x = leaf(np.arange(-2, 2.25, 0.25), "x")
        y = 2 * x**2 + 2
        z = F.sum(y)
        y.name, z.name = "y", "z"
    elif name == "matrix":
        a = leaf([[1.0, 3.0], [4.0, 2.0]], "A")
        p = F.matmul(a.T, a)
        z = F.sum(p) / 4  # it has no mean over all entries
        p.name, z.name = "P", "m"
    elif name == "layer":
        rng = np.random.default_rng(0)
        w, b = leaf(rng.normal(size=(5, 3)), "w"), leaf(rng.normal(size=3), "b")
        y = F.matmul(leaf(np.ones((1, 5)), "x"), w) + b
        z = F.sigmoid_cross_entropy(y, leaf(np.zeros((1, 3)), "y"))
        y.name, z.name = "z", "loss"
    elif name == "descent":
        x = leaf([1.0], "x")
        for _ in range(100):
            y = x**2 - 2
            z = F.mean_squared_error(y, leaf([0.0], "zero"))
            x.cleargrad()
            z.backward()
            x.data -= 0.01 * x.grad.data
        y.name, z.name = "y", "loss"
    else:
        x = leaf([0.0, 1.0, 4.0], "x")
        root = x**0.5
        y = (x.data > 0).astype(np.float32) * root  # it has no where
        z = F.sum(y)
        root.name, y.name, z.name = "root", "y", "z"
    z.backward()
    plot_dot_graph(z, verbose=True, to_file=str(folder / f"{name}.dezero.png"))


def micrograd(folder: Path, name: str) -> None:
    """The picture of its notebook and lectures; the package itself has no function for it."""
    from graphviz import Digraph
    from micrograd.engine import Value

    def named(value, label):
        value.label = label
        return value

    if name == "paths":
        a, b = named(Value(2.0), "a"), named(Value(1.0), "b")
        c, d = named(a + b, "c"), named(b + 1, "d")
        z = named(c * d, "e")
    elif name == "parabola":
        xs = [named(Value(float(v)), f"x[{k}]") for k, v in enumerate(np.arange(-2, 2.25, 0.25))]
        z = named(sum(named(2 * x**2 + 2, f"y[{k}]") for k, x in enumerate(xs)), "z")
    elif name == "matrix":
        rows = [
            [named(Value(v), f"A[{i},{j}]") for j, v in enumerate(row)]
            for i, row in enumerate([[1, 3], [4, 2]])
        ]
        columns = list(zip(*rows, strict=True))
        products = [
            named(sum(p * q for p, q in zip(c, d, strict=True)), f"P[{i},{j}]")
            for i, c in enumerate(columns)
            for j, d in enumerate(columns)
        ]
        z = named(sum(products) / 4, "m")
    elif name == "descent":
        x = named(Value(1.0), "x")
        for _ in range(100):
            y = named(x**2 - 2, "y")
            z = named(y**2, "loss")
            x.grad = 0
            z.backward()
            x.data -= 0.01 * x.grad
    elif name == "nan":
        xs = [named(Value(v), f"x[{k}]") for k, v in enumerate([0.0, 1.0, 4.0])]
        z = named(sum(float(x.data > 0) * x**0.5 for x in xs), "z")  # it has no where
    else:
        raise NotImplementedError("no exp, no log")
    if name != "descent":
        z.backward()

    dot, seen, todo = Digraph(graph_attr={"rankdir": "LR"}), set(), [z]
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        label = f"{{ {getattr(value, 'label', '')} | data {value.data:.4f} | grad {value.grad:.4f} }}"
        dot.node(str(id(value)), label, shape="record")
        if value._op:
            dot.node(f"op{id(value)}", value._op)
            dot.edge(f"op{id(value)}", str(id(value)))
        for child in value._prev:
            dot.edge(str(id(child)), f"op{id(value)}")
            todo.append(child)
    dot.render(folder / f"{name}.micrograd", format="png", cleanup=True)


TOOLS = {f.__name__: f for f in (gradmagic, torchviz, torchlens, dezero, micrograd)}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for tool in sys.argv[2:] or TOOLS:
        TOOLS[tool](folder, "paths")
        for name in CELLS:
            start = time.perf_counter()
            try:
                TOOLS[tool](folder, name)
                print(f"{name:10s} {tool:10s} {1e3 * (time.perf_counter() - start):8.0f} ms", flush=True)
            except Exception as error:  # what a tool cannot do belongs to the comparison
                print(f"{name:10s} {tool:10s} {type(error).__name__}: {str(error)[:300]}", flush=True)


if __name__ == "__main__":
    main()
