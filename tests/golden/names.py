"""PyTorch's documented names, and which of them gradmagic has: NAMES.md.

`python -m tests.golden.names` writes gradmagic/NAMES.md anew from names.json. With `--torch`, and an interpreter that
has PyTorch, it writes names.json first (made with 2.13.0).
"""

import json
import re
import sys
import types
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE.parent.parent / "gradmagic" / "NAMES.md"
MODULES = {
    "torch": "", "torch.Tensor": "Tensor", "torch.nn": "nn", "torch.nn.functional": "nn.functional",
    "torch.nn.init": "nn.init", "torch.optim": "optim", "torch.optim.lr_scheduler": "optim.lr_scheduler",
    "torch.linalg": "linalg", "torch.special": "special", "torch.fft": "fft",
}  # fmt: skip
HEAD = """# PyTorch's names in gradmagic

Every name that PyTorch 2.13 documents in these modules: **there**; **refused**, with what there is instead (asking for
it says the same); or **absent**. `tests/golden/names.py` writes this file, and a test keeps it true. In every language
that gradmagic speaks (`gm.set_language("ja")`) the names are these.
"""


def documented() -> dict[str, list[str]]:
    """List the names of each module that have a docstring, of PyTorch's own."""
    import torch  # only here

    made = {}
    for full in MODULES:
        home = torch
        for part in full.split(".")[1:]:
            home = getattr(home, part)
        names = []
        for name in dir(home):
            value = getattr(home, name, None)
            if re.search(
                r"^_|_notes$|^common_|^factory_common|^multi_dim_common|torch_function|^TYPE_CHECKING$", name
            ) or isinstance(value, types.ModuleType):
                continue
            if full == "torch" and name not in torch.__all__:
                continue
            if full in ("torch.nn", "torch.optim", "torch.optim.lr_scheduler") and not isinstance(
                value, type
            ):
                continue
            if full.endswith("lr_scheduler") and name == "Optimizer":
                continue
            own = (getattr(value, "__module__", None) or "torch").startswith("torch")
            if own and (getattr(value, "__doc__", None) or isinstance(value, torch.dtype)):
                names.append(name)
        made[full] = names
    return made


def state_of(module: str, name: str) -> tuple[str, str]:
    """Give "there", "refused" or "absent" for a name, and what there is instead."""
    import gradmagic
    from gradmagic.missing import instead_of

    home = gradmagic
    for part in MODULES[module].split(".") if MODULES[module] else []:
        home = getattr(home, part)
    if hasattr(home, name):
        return "there", ""
    instead = instead_of(MODULES[module], name)
    return ("refused", instead) if instead else ("absent", "")


def table() -> str:
    """Give the text of NAMES.md."""
    lines = [HEAD]
    counts = []
    for module, names in json.loads((HERE / "names.json").read_text()).items():
        states = {name: state_of(module, name) for name in names}
        there = [n for n, (state, _) in states.items() if state == "there"]
        refused: dict[str, list[str]] = {}
        for n, (state, instead) in states.items():
            if state == "refused":
                refused.setdefault(instead, []).append(n)
        absent = [n for n, (state, _) in states.items() if state == "absent"]
        number = sum(map(len, refused.values()))
        counts.append(f"| {module} | {len(there)} | {number} | {len(absent)} |")
        lines.append(f"\n## {module}\n\n**There**: {' '.join(f'`{n}`' for n in there)}\n")
        lines += [
            f"* refused: {' '.join(f'`{n}`' for n in group)}: {instead}."
            for instead, group in refused.items()
        ]
        lines += [f"* absent: {' '.join(f'`{n}`' for n in absent)}"] * bool(absent)
    head = ["\n| module | there | refused | absent |", "|---|---:|---:|---:|", *counts]
    return "\n".join([lines[0], *head, *lines[1:]]).replace("\n\n\n", "\n\n") + "\n"


if __name__ == "__main__":
    if "--torch" in sys.argv:
        made = documented()
        text = ",\n".join(f' "{module}": {json.dumps(names)}' for module, names in made.items())
        (HERE / "names.json").write_text("{\n" + text + "\n}\n")
    else:
        TABLE.write_text(table())
