"""Fonts for the pictures that matplotlib draws: its own monospaced one, and installed ones for what that has not.

In: the text of a picture. Out: a list of family names, tried character by character; and the characters that no
installed font has. Nothing is bundled: a font of Chinese and Japanese alone has 5 to 20 MB. Where no font has the
characters of the reader's language, a picture's own words are English.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from ...language import get_language, set_language, tr

if TYPE_CHECKING:
    from matplotlib.font_manager import FontEntry

OWN = "DejaVu Sans Mono"  # comes with matplotlib; its characters are as wide as parts/graph.py reckons
# Asked first, so that a picture is alike where several are installed; then whatever there is.
_PREFERRED = (
    "Noto Sans Mono CJK JP", "Noto Sans CJK JP", "Source Han Sans JP", "IPAexGothic", "IPAGothic", "TakaoGothic",
    "VL Gothic", "Hiragino Sans", "Yu Gothic", "Meiryo", "MS Gothic", "Noto Sans CJK SC", "Source Han Sans SC",
    "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "PingFang SC", "Microsoft YaHei", "SimHei", "Noto Sans CJK KR",
    "Apple SD Gothic Neo", "Malgun Gothic", "NanumGothic", "DejaVu Sans", "Arial Unicode MS",
)  # fmt: skip
_MOST = 300  # fonts that are looked into
_SAMPLES = {
    "ja": "あア勾配順伝播誤差逆伝播法偏微分、。「」（）"
}  # a font that has these has the rest of a language


def families(text: str) -> tuple[list[str], str]:
    """List the families that have all of `text` between them, and the characters that none has, in order.

    Examples
    --------
    >>> families("dz/dx = 2*x")
    (['DejaVu Sans Mono'], '')
    """
    from matplotlib import font_manager  # optional

    missing = {c for c in text if c.isprintable() and not c.isspace()}
    missing -= {c for c in missing if ord(c) in _held(str(font_manager.findfont(OWN)))}
    found = [OWN]
    for family, path in _installed():
        if not missing:
            break
        if has := {c for c in missing if ord(c) in _held(path)}:
            missing -= has
            found.append(family)
    return found, "".join(dict.fromkeys(c for c in text if c in missing))


@contextmanager
def words_for(kind: str) -> Iterator[str]:
    """Speak English, while a picture is made, where no font could write the reader's language into it.

    Gives what is to be said of it then; `""` where a picture speaks as its reader does. An SVG always does: who shows
    it has fonts. So does no other without matplotlib, whose layout program has one Latin font.
    """
    spoken = get_language()
    sample, told = _SAMPLES.get(spoken, ""), ""
    if sample and kind != "svg" and (importlib.util.find_spec("matplotlib") is None or families(sample)[1]):
        told = tr(
            "no Japanese font for a {kind} was found here, so its words are English: install one (Noto Sans CJK JP, "
            'IPAexGothic) and matplotlib (pip install "gradmagic[plot]"), or save as svg or html, which a browser '
            "writes in its own fonts.",
            kind=kind,
        )  # fmt: skip
        set_language("en")
    try:
        yield told
    finally:
        set_language(spoken)


@contextmanager
def unlogged() -> Iterator[None]:
    """Keep matplotlib from logging that a font of Japanese has no bold letters: it writes with those it has."""
    log = logging.getLogger("matplotlib.font_manager")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _installed() -> Iterator[tuple[str, str]]:
    """Give (family, file): the upright ones, those that are preferred first."""
    from matplotlib import font_manager  # optional

    entries: dict[str, FontEntry] = {}
    listed = font_manager.fontManager.ttflist
    for entry in sorted(listed, key=lambda e: (e.name, abs(_weight(e) - 400), e.fname)):
        if entry.style == "normal" and "Last Resort" not in entry.name:  # its glyphs are boxes with numbers
            entries.setdefault(entry.name, entry)
    rest = sorted(name for name in entries if name not in _PREFERRED)
    for name in [*(name for name in _PREFERRED if name in entries), *rest][:_MOST]:
        yield name, entries[name].fname


def _weight(entry: FontEntry) -> int:
    return entry.weight if isinstance(entry.weight, int) else 700 if "bold" in str(entry.weight) else 400


@cache
def _held(path: str) -> frozenset[int]:
    """Give the characters that a font file has."""
    from matplotlib.ft2font import FT2Font  # optional

    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):  # a file that is gone, or is no font after all
        return frozenset()
