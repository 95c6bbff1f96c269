"""The READMEs say what is true: their cells run, their commands are CI's; the Japanese says what the English does.

`python -m tests.test_readme` writes their tables of options anew.
"""

import argparse
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gradmagic.cell.options import OPTIONS
from gradmagic.language import get_language, set_language, tr
from tests.test_examples import IN_JAPANESE, has_japanese

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"en": "README.md", "ja": "README.ja.md"}
TEXTS = {language: (ROOT / page).read_text(encoding="utf-8") for language, page in PAGES.items()}
README = TEXTS["en"]
OPTIONS_HEAD = {
    "en": "| option of `%%grad` | | also |",
    "ja": "| `%%grad` のオプション | | ほかに使えるところ |",
}
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
each_page = pytest.mark.parametrize("language", PAGES)


@pytest.fixture
def speaking(language):
    before = get_language()
    set_language(language)
    yield language
    set_language(before)


def blocks(language: str, kind: str = r"\w*") -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", TEXTS[language], flags=re.M | re.S)


def prose(language: str) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", TEXTS[language], flags=re.M | re.S)


def sections(language: str) -> list[str]:
    return re.split(r"^#+ ", prose(language), flags=re.M)[1:]


def links(text: str) -> list[str]:
    return re.findall(r"\]\((?!https?:)([^)]+)\)", text)


def spans(text: str) -> set[str]:
    """What stands between backticks, however its lines are broken."""
    return {" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)}


def anchors(text: str) -> list[str]:
    """The anchors that GitHub gives the headings of a page."""
    heads = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), flags=re.M)
    return ["#" + re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads]


def rows(text: str) -> list[list[str]]:
    """The cells of all rows of all tables."""
    return [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("|")]


@each_page
def test_two_commands_do_everything(language):
    commands = [
        line
        for block in blocks(language, "sh")
        for line in block.splitlines()
        if line.startswith("pip install")
    ]
    assert commands[:2] == [
        "pip install . && python -m gradmagic",
        "pip install '.[test]' && python -m pytest -n auto",
    ]


@each_page
def test_the_cells_run_one_after_the_other_and_print_what_stands_behind_them(language):
    # A process of its own: a shell is a singleton, and the extension stays loaded in it.
    program = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance(history_manager=None)\n"
        "for cell in sys.stdin.read().split('\\0'):\n"
        "    shell.run_cell(cell, store_history=True).raise_error()\n"
        "    if 'z.backward()' in cell: shell.run_cell('print(gm.last().explain(\"a[0,0]\"))')\n"
    )
    cells = blocks(language, "python")
    assert cells
    done = subprocess.run(
        [sys.executable, "-c", program],
        input="\0".join(cells),
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "LANGUAGE": "en", "PYTHONIOENCODING": "utf-8"},  # the page's cells choose another
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "dz/dx" in done.stdout
    assert has_japanese(done.stdout) == (language == "ja")
    said = re.findall(r"^print\(.*\) +# (\w+\(.*?)(?:[;。].*)?$", "\n".join(cells), flags=re.M)
    printed = [part.strip() for line in said for part in line.split(" ...")]
    assert len(said) == 2
    assert not [part for part in printed if part not in done.stdout]
    (entry,) = [span for span in spans(prose(language)) if span.startswith("dc/da[0,0] = ")]
    formula, _, value = entry.removeprefix("dc/da[0,0] = ").rpartition(" = ")
    assert re.search(rf"dz/da\[0,0\] = {re.escape(formula)} = .*= {value}\b", done.stdout)


@each_page
def test_every_local_link_leads_somewhere(language):
    for link in links(TEXTS[language]):
        path, sharp, anchor = link.partition("#")
        page = ROOT / path if path else ROOT / PAGES[language]
        assert page.exists(), link
        assert not sharp or sharp + anchor in anchors(page.read_text(encoding="utf-8")), link


def options_table(language: str) -> str:
    lines = [OPTIONS_HEAD[language], "|---|---|---|"]
    for flag, option in OPTIONS.items():
        if option.help is not argparse.SUPPRESS:
            written = f"{flag} {option.metavar}".strip().replace("|", "\\|")
            also = ["`python -m gradmagic`"] * bool(option.command)
            also += [f"`gm.trace({option.trace})`"] * bool(option.trace)
            help = tr(option.help).replace("%%", "%").replace("*", r"\*")
            lines.append(f"| `{written}` | {help} | {', '.join(also)} |")
    return "\n".join(lines)


def with_options_table(language: str) -> str:
    """The page, with the table as it ought to be."""
    before, _, rest = TEXTS[language].partition("<!-- options -->\n")
    _, _, after = rest.partition("<!-- /options -->\n")
    return f"{before}<!-- options -->\n{options_table(language)}\n<!-- /options -->\n{after}"


@each_page
def test_the_options_are_those_that_are_declared(language, speaking):
    assert TEXTS[language] == with_options_table(language)


def in_japanese(link: str) -> str:
    """Where a link of the English page leads on the Japanese one."""
    if link.startswith("#"):
        return anchors(TEXTS["ja"])[anchors(README).index(link)]
    if link == PAGES["ja"]:
        return PAGES["en"]
    twins = re.sub(r"(\.\w+)$", r".ja\1", link), link.replace("examples/", "examples/ja/")
    return next((twin for twin in twins if (ROOT / twin).exists()), link)


def code(block: str) -> str:
    """A block without its comments, and without the line by which the Japanese cells speak Japanese."""
    block = block.replace(f"%load_ext gradmagic\n{IN_JAPANESE}\n", "%load_ext gradmagic\n")
    return re.sub(r" *#.*$", "", block, flags=re.M)


def test_the_twins_have_the_same_headings_and_the_same_code():
    levels = [re.findall(r"^(#+) ", prose(language), flags=re.M) for language in PAGES]
    assert levels[0] == levels[1]
    assert has_japanese(TEXTS["ja"]) and IN_JAPANESE in blocks("ja", "python")[0]
    kinds = [re.findall(r"^```(\w+)$", TEXTS[language], flags=re.M) for language in PAGES]
    assert kinds[0] == kinds[1]
    assert list(map(code, blocks("ja"))) == list(map(code, blocks("en")))
    for here, there in zip(sections("ja"), sections("en"), strict=True):
        assert spans(here) == spans(there)


def test_the_twins_have_the_same_links():
    for here, there in zip(sections("ja"), sections("en"), strict=True):
        assert Counter(links(here)) == Counter(map(in_japanese, links(there)))


def figures(text: str) -> Counter[str]:
    """The numbers of a text, but for those in code and in the targets of links."""
    return Counter(NUMBER.findall(re.sub(r"`[^`]*`|\]\([^)]*\)", "", text)))


def test_the_twins_have_the_same_figures():
    """Cell by cell in tables; the Japanese page may write more numbers as such: 3回目, 100万."""
    tables = rows(prose("ja")), rows(README)
    for here, there in zip(*tables, strict=True):
        assert len(here) == len(there)
        assert [set(re.findall("`[^`]+`", cell)) for cell in here] == [
            set(re.findall("`[^`]+`", cell)) for cell in there
        ]
        for cell, original in zip(here, there, strict=True):
            assert not figures(original) - figures(cell), f"{original} -> {cell}"
            if not re.search(r"[^\W\d]", original):
                assert cell == original
    for here, there in zip(sections("ja"), sections("en"), strict=True):
        assert not figures(there) - figures(here), there.partition("\n")[0]


if __name__ == "__main__":
    for language, page in PAGES.items():
        set_language(language)
        (ROOT / page).write_text(with_options_table(language), encoding="utf-8")
