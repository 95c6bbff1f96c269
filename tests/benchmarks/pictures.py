"""The same programs drawn by gradmagic, torchviz and TorchLens, side by side: pictures/*.png beside this file.

python tests/benchmarks/pictures.py            # all
python tests/benchmarks/pictures.py attention  # some

Needs what comparison.py needs for gradmagic, torchviz and TorchLens (Pillow comes with matplotlib). The programs are
the six of comparison.py and the cells of drawings.py that PyTorch runs with np standing for torch. Each picture is
shown as in a column of 800 pixels, at its own size or as much smaller as it has to be, and then all three at 60 %.
"""

import sys
import tempfile
import types
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gradmagic.report import Report
from gradmagic.report.pictures.matplotlib_graph import pictured
from tests.benchmarks import comparison, drawings
from tests.cell.helpers import fresh, traced

COLUMN, HIGHEST, SCALE, GAP, HEAD = 800, 1_100, 0.6, 24, 26
CELLS = ("softmax", "Newton", "attention", "network", "residual", "2-2-1", "2-4-3-1", "loop")
MODEL = """
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 8), nn.Linear(8, 4)
    def forward(self, x):
        return x + self.fc2(T.tanh(self.fc1(x)))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks, self.head = nn.Sequential(Block(), Block(), Block()), nn.Linear(4, 2)
    def forward(self, x):
        return self.head(self.blocks(x))
net, x, y = Net(), T.ones(5, 4), T.tensor([0, 1, 1, 0, 1])
"""
RUN = "loss = nn.functional.cross_entropy(net(x), y)"


def shown(report: Report) -> bytes:
    """Draw what a page of gradmagic shows first."""
    forms = {drawn.form: drawn for drawn in report._unfolded}
    first = forms.get("boxes") if len(report._trace.operations) > 24 else None
    if first is None and len(report._view.operations) > 60:
        first = forms.get("lines")
    return pictured(first.scene, "", "png") if first is not None else report._drawn("png")


def ours(name: str) -> Report:
    """Run a program and give its report."""
    if name == "model":
        setup = f"import gradmagic as T\nfrom gradmagic import nn\ngm.manual_seed(0)\n{MODEL}"
        return Report(traced(f"{RUN}\nloss.backward()", fresh(setup)))
    if name in drawings.CELLS:
        return Report(traced(drawings.CELLS[name][1], fresh(drawings.CELLS[name][0])))
    line, cell = comparison.CELLS[name]
    functional = "from gradmagic.nn.functional import binary_cross_entropy_with_logits, mse_loss\n"
    return Report(traced(cell, fresh(functional + comparison.SETUP[name]), "" if name == "descent" else line))


def theirs(name: str):
    """Give the program as a function of tensors, and these by name, or a module with its input."""
    import torch

    torch.manual_seed(0)
    if name == "model":
        space: dict = {"T": torch, "nn": torch.nn}
        exec(MODEL, space)
        net, y = space["net"], space["y"]

        class WithLoss(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.net = net

            def forward(self, x):
                return torch.nn.functional.cross_entropy(self.net(x), y)

        return WithLoss(), {"x": space["x"]}
    if name not in drawings.CELLS:
        function, leaves = comparison._torch_programs()[name]
        return function, dict(zip(function.__code__.co_varnames, leaves, strict=False))
    setup, cell = drawings.CELLS[name]
    space = fresh(setup)
    before = {**space}
    leaves = {
        key: torch.tensor(value, requires_grad=True)
        for key, value in before.items()
        if isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")
    }
    shim = types.SimpleNamespace(**{key: getattr(torch, key) for key in dir(torch)}, ndarray=torch.Tensor)
    shim.sqrt = lambda value: value.sqrt() if isinstance(value, torch.Tensor) else value**0.5

    def program(**values):
        space = {**before, **values, "np": shim}
        for key, value in before.items():  # helpers see torch too
            if isinstance(value, types.FunctionType):
                space[key] = types.FunctionType(value.__code__, space)
        if "xs" in space:
            space["xs"] = [torch.tensor(value) for value in before["xs"]]
        exec(cell.replace(".max(", ".amax("), space)
        return space["loss"] if "loss" in space else space["z"]

    return program, leaves


def torchviz(name: str, folder: Path) -> Path:
    import torch
    import torchviz

    program, leaves = theirs(name)
    module = isinstance(program, torch.nn.Module)
    result = program(**leaves) if module or name in drawings.CELLS else program(*leaves.values())
    named = {**leaves, **(dict(program.named_parameters()) if module else {})}
    dot = torchviz.make_dot(result, params=named, show_attrs=False, show_saved=True)
    return Path(dot.render(folder / "torchviz", format="png", cleanup=True))


def torchlens(name: str, folder: Path) -> Path:
    import torch
    import torchlens as tl

    program, leaves = theirs(name)
    module = program
    if not isinstance(program, torch.nn.Module):
        names, by_name = list(leaves), name in drawings.CELLS

        class Program(torch.nn.Module):
            def forward(self, *values):
                return program(**dict(zip(names, values, strict=True))) if by_name else program(*values)

        module = Program()
    trace = tl.trace(module, tuple(leaves.values()))
    trace.draw(vis_outpath=str(folder / "torchlens"), vis_save_only=True, vis_fileformat="png")
    return folder / "torchlens.png"


def panel(picture: Image.Image, finer: int) -> tuple[Image.Image, float]:
    """Reduce a picture to what a column shows of it; give also by how much. `finer`: pixels for each on a screen."""
    share = min(1.0, COLUMN * finer / picture.width, HIGHEST * finer / picture.height)
    size = [max(1, round(edge * share * SCALE / finer)) for edge in picture.size]
    return picture.convert("RGB").resize(size, Image.Resampling.LANCZOS), share


def main() -> None:
    out = Path(__file__).with_name("pictures")
    out.mkdir(exist_ok=True)
    font = ImageFont.load_default(13)
    for name in sys.argv[1:] or (*comparison.CELLS, *CELLS, "model"):
        with tempfile.TemporaryDirectory() as made:
            folder, panels = Path(made), []
            (folder / "gradmagic.png").write_bytes(shown(ours(name)))
            for tool in ("gradmagic", "torchviz", "torchlens"):
                try:
                    path = folder / "gradmagic.png" if tool == "gradmagic" else globals()[tool](name, folder)
                    picture, share = panel(Image.open(path), 2 if tool == "gradmagic" else 1)
                    panels.append((f"{tool}, {share:.0%} of its size", picture))
                except Exception as error:  # what a tool cannot do belongs to the comparison
                    panels.append((f"{tool}: {type(error).__name__}", Image.new("RGB", (160, 20), "white")))
                    print(name, tool, str(error)[:200])
        wide = sum(picture.width for _, picture in panels) + GAP * (len(panels) + 1)
        sheet = Image.new("RGB", (wide, HEAD + GAP + max(picture.height for _, picture in panels)), "white")
        draw, x = ImageDraw.Draw(sheet), GAP
        for title, picture in panels:
            draw.text((x, 6), title, fill="#5b6875", font=font)
            sheet.paste(picture, (x, HEAD))
            x += picture.width + GAP
        path = out / f"{name.replace(' ', '_')}.png"
        sheet.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
        told = ", ".join(title for title, _ in panels)
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} KB; {told}", flush=True)


if __name__ == "__main__":
    main()
