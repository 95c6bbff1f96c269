"""Every file that a docstring, a comment or a page names is there: what leads a reader astray is worse than nothing."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *ROOT.glob("README*.md"),
    ROOT / ".github" / "CONTRIBUTING.md",
    *sorted((ROOT / "tests").rglob("*.md")),
]
SOURCES = sorted((ROOT / "gradmagic").rglob("*.py"))
FILES = [p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*.py") if ".git" not in p.parts]
NOT_OURS = {"file.py", "f.py", "test_.py"}  # what a user would write


def named_in(path: Path) -> list[str]:
    """The names of Python files in a text; of code only in its comments and texts."""
    return [
        name
        for name in re.findall(r"[\w./*]*\w\.py\b", path.read_text(encoding="utf-8"))
        if name not in NOT_OURS
    ]


@pytest.mark.parametrize("path", [*SOURCES, *PAGES], ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_files_that_a_text_names_are_there(path: Path) -> None:
    here = path.parent.relative_to(ROOT).as_posix()
    for name in named_in(path):
        pattern = re.escape(name.removeprefix("./")).replace(r"\*", r"[^/]*")
        found = [file for file in FILES if re.search(rf"(^|/){pattern}$", file)]
        assert found, name
        if path in SOURCES and "*" not in name and f"{here}/{name}" not in found:
            ours = [file for file in found if file.startswith("gradmagic/")]
            assert len(ours) <= 1, f"{name} may be any of {ours}: name its folder too"
