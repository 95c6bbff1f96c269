"""The tables of translations, held to the code: `python -m tests.language.catalogue` updates and compiles them.

In: every `tr("...")` and `mark("...")` of the Python files, templates and scripts. Out: `gradmagic.po` of each
language, with new sentences left empty and lost ones taken out, and `gradmagic.mo`, which gradmagic reads.
"""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
TABLES = {path.parts[-3]: path for path in (ROOT / "gradmagic/language").glob("*/LC_MESSAGES/gradmagic.po")}
METHODS = [("**/templates/**.html", "jinja2.ext:babel_extract"), ("**/templates/**.js", "javascript")]

_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


def extracted() -> Catalog:
    """Give all sentences of the code, each with the files that say it."""
    found = Catalog(project="gradmagic", charset="utf-8")
    for path in sorted((ROOT / "gradmagic").rglob("*.py")):
        for sentence in of_python(path.read_text()):
            found.add(sentence, locations=[(path.relative_to(ROOT / "gradmagic").as_posix(), 0)])
    for file, _, sentence, _, _ in extract_from_dir(
        ROOT / "gradmagic",
        METHODS,
        keywords={"tr": None, "mark": None},
        options_map={"**/templates/**.html": {"trimmed": "true"}},
    ):
        found.add(sentence, locations=[(file, 0)])
    return found


def of_python(source: str) -> Iterator[str]:
    """Give the sentences of a Python file by its syntax tree: Babel loses those in f-strings before Python 3.12."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        match call:
            case ast.Call(func=ast.Name("tr" | "mark"), args=[ast.Constant(str() as sentence), *_]):
                yield sentence


def table(language: str) -> Catalog:
    """Read a language's table."""
    with TABLES[language].open("rb") as file:
        return read_po(file, locale=language)


def compiled(made: Catalog) -> bytes:
    """Give what gradmagic reads of a table: without today's date, which would make each one another."""
    undated = Catalog(charset="utf-8", creation_date=_NEVER, revision_date=_NEVER)
    for message in made:
        if message.id:
            undated.add(message.id, message.string)
    file = BytesIO()
    write_mo(file, undated)
    return file.getvalue()


def written(made: Catalog) -> bytes:
    """Write a table, by file and sentence; without a header's dates."""
    file = BytesIO()
    write_po(file, made, width=110, omit_header=True, sort_by_file=True, include_lineno=False)
    return b'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n' + file.getvalue()


def updated(language: str) -> Catalog:
    """Bring a table up to date with the code."""
    made, known = extracted(), table(language)
    for message in made:
        if message.id and (old := known.get(message.id)):
            message.string = old.string
    return made


if __name__ == "__main__":
    for language, path in TABLES.items():
        made = updated(language)
        path.write_bytes(written(made))
        path.with_suffix(".mo").write_bytes(compiled(made))
        print(f"{language}: {sum(bool(m.string) for m in made if m.id)} of {len(made)} sentences")
