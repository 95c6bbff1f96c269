"""The style and the script of a page, from the files in templates/, made small.

In: nothing. Out: text that stands in a `<style>` and in a `<script>`. The style is plain, for readers without scripts.
The script is packed (26 KB are 13). Style and script may stand in one report of many on a page: whichever brings them,
above or below, all of the same version come alive. The others only ask for it, in 40 bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from base64 import b64encode
from functools import cache

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from ...language import tr
from ..pictures import charts, svg

SCRIPTS = ("base.js", "boxes.js", "graph.js", "walk.js", "quiz.js", "entries.js", "turns.js", "script.js")


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


def packed(text: str) -> str:
    """Press text for the page's script, which unpacks it where a browser can: from 2023 on all do."""
    return b64encode(zlib.compress(text.encode(), 9)).decode()


def version() -> str:
    """Name this script and style: a report that another version of gradmagic has made is left to its own."""
    return hashlib.sha256(f"{style()}{_script()}".encode()).hexdigest()[:8]


def loader() -> Markup:
    """Give what unpacks the script and runs it."""
    return Markup(_squeezed(_source("loader.js")).replace("{{ of }}", version()))


def script() -> str:
    """Give the script that makes reports alive, packed."""
    return packed(_script().replace("{{ of }}", version()))


def twins() -> dict[str, str]:
    """Give the script's sentences in the reader's language; none in English, which the script has itself."""
    return {sentence: twin for sentence in _sentences() if (twin := tr(sentence)) != sentence}


@cache
def _sentences() -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.findall(r'\btr\("([^"\\]+)"', "".join(map(_source, SCRIPTS)))))


def _script() -> str:
    """Put the parts of the script together; with the drawings' styles, which live in the page's colours."""
    styles = json.dumps([svg.STYLE, charts.STYLE])
    parts = "\n".join(map(_source, SCRIPTS))
    return f"(()=>{{const STYLES={styles};{_squeezed(parts)}}})();"


def _squeezed(source: str) -> str:
    """Leave out what only a script's readers need."""
    pieces = _TEXTS.split(source)
    for i, piece in enumerate(pieces):
        if i % 2 == 0:
            piece = re.sub(r"\s+", " ", piece)
            pieces[i] = re.sub(r" ?([{}()\[\];,=<>?:&|*!]) ?", r"\1", piece)
        elif piece.startswith("/*"):
            pieces[i] = ""
    return "".join(pieces).strip()
