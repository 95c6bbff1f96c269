"""The style and the script of a page, from the files in templates/, made small: they are in every report.

In: nothing. Out: text that stands in a `<style>` and in a `<script>`.
"""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

SCRIPTS = ("base.js", "boxes.js", "graph.js", "walk.js", "quiz.js", "entries.js", "script.js")


def style() -> Markup:
    """Give the style sheet, each rule within the report."""
    return Markup(_nested(re.sub(r"\n\s*", "\n", _source("style.css")).strip()))


def _nested(style: str) -> str:
    """Put neighbouring rules for the report's inside into one, a fifth shorter: `.a.a p{}` as `.a.a{& p{}}`."""
    done: list[str] = []
    for rule in style.split("\n"):
        selectors, brace, body = rule.partition("{")
        inner = [part.removeprefix(_SCOPE) for part in selectors.split(",") if part.startswith(_SCOPE)]
        if len(inner) != selectors.count(",") + 1 or not all(part and part[0] in " [" for part in inner):
            done.append(rule)
            continue
        nested = ",".join(_under(part) for part in inner) + brace + body
        if done and done[-1].startswith(f"{_SCOPE}{{") and done[-1].endswith("}}"):
            done[-1] = f"{done[-1][:-1]}{nested}}}"
        else:
            done.append(f"{_SCOPE}{{{nested}}}")
    return "\n".join(done)


def _under(selector: str) -> str:
    """Write what stands under the report so that it begins with no letter, which browsers of 2023 do not nest."""
    bare = selector.removeprefix(" ")
    return bare if selector[0] == " " and bare[0] in ".[" else f"&{selector}"


def _source(name: str) -> str:
    return PackageLoader("gradmagic.report").get_source(Environment(autoescape=True), name)[0]


_SCOPE = ".gradmagic.gradmagic"

# Texts and templates stay as they are; white space and comments between them go.
_TEXTS = re.compile(r'("(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|/\*.*?\*/)', re.S)


def script() -> Markup:
    """Put the parts of the script together, without what only its readers need."""
    pieces = _TEXTS.split("\n".join(map(_source, SCRIPTS)))
    for i, piece in enumerate(pieces):
        if i % 2 == 0:
            piece = re.sub(r"\s+", " ", piece)
            pieces[i] = re.sub(r" ?([{}()\[\];,=<>?:&|*!]) ?", r"\1", piece)
        elif piece.startswith("/*"):
            pieces[i] = ""
    return Markup("(()=>{" + "".join(pieces).strip() + "})();")
