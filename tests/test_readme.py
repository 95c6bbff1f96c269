"""README says what is true: its cells run, its two commands are the ones that CI takes from it."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from gradmagic.cell.options import OPTIONS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.M | re.S)


def test_two_commands_do_everything():
    commands = [
        line for block in blocks("sh") for line in block.splitlines() if line.startswith("pip install")
    ]
    assert commands[:2] == [
        "pip install . && python -m gradmagic",
        "pip install '.[test]' && python -m pytest -n auto",
    ]


def test_the_cells_run_one_after_the_other():
    # A process of its own: a shell is a singleton, and the extension stays loaded in it.
    program = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance(history_manager=None)\n"
        "for cell in sys.stdin.read().split('\\0'):\n"
        "    shell.run_cell(cell, store_history=True).raise_error()\n"
    )
    cells = blocks("python")
    assert cells
    done = subprocess.run(
        [sys.executable, "-c", program], input="\0".join(cells), capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "dz/dx" in done.stdout


def test_every_local_link_leads_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert not [link for link in links if not (ROOT / link).exists()]


def options_table() -> str:
    lines = ["| option of `%%grad` | | also |", "|---|---|---|"]
    for flag, option in OPTIONS.items():
        if option.help is not argparse.SUPPRESS:
            written = f"{flag} {option.metavar}".strip().replace("|", "\\|")
            also = ["`python -m gradmagic`"] * bool(option.command)
            also += [f"`gm.trace({option.trace})`"] * bool(option.trace)
            help = option.help.replace("%%", "%").replace("*", r"\*")
            lines.append(f"| `{written}` | {help} | {', '.join(also)} |")
    return "\n".join(lines)


def test_the_options_are_those_that_are_declared():
    (table,) = re.findall(r"<!-- options -->\n(.*?)\n<!-- /options -->", README, flags=re.S)
    assert table == options_table()
