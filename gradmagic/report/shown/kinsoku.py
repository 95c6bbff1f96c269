"""Where a line of Japanese is broken: between any two characters, but not before 、。」 nor behind 「（ (kinsoku).

In: text. Out: its pieces, which are not broken themselves. English words, numbers and code are a piece each; a name of
the reader's like 勾配_1 stays whole, since only what is written like a sentence is taken apart.
"""

from __future__ import annotations

import re
from itertools import pairwise

from wcwidth import wcwidth

# What begins no line, and what ends none (JIS X 4051); of quotes that look alike on both sides neither is sure.
_NOT_FIRST = frozenset(
    "、。，．・：；？！゛゜ヽヾゝゞ々〻ー―‐–—…‥〜～’”）〕］｝〉》」』】»°′″℃％‰"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ,.:;?!)]}%\"'`"
)
_OPENING = frozenset("‘“（〔［｛〈《「『【«")
_NOT_LAST = _OPENING | frozenset(
    "￥＄＃([{\"'`0123456789-+@#$"
)  # nor is a number parted from what is counted
# Names of the reader's are shorter, and no number stands behind a particle in them (ステップ1の5.06とステップ2の…).
_SENTENCE = re.compile(r"[、。「」（）]|[ぁ-ヶー一-鿿々]{7}|[のと]-?\d")


def parts(a: str, b: str) -> bool:
    """Tell whether a line may be broken between two characters that stand side by side.

    Examples
    --------
    >>> parts("勾", "配"), parts("配", "。"), parts("（", "勾"), parts("x", "y"), parts("x", "の"), parts("3", "個")
    (True, False, False, False, True, False)
    """
    wide = wcwidth(a) == 2 or wcwidth(b) == 2
    behind = a not in _NOT_LAST or (a.isdigit() and b in _OPENING)
    return wide and behind and b not in _NOT_FIRST and wcwidth(b) > 0


def is_sentence(text: str) -> bool:
    """Tell whether text is Japanese prose, not a name or a formula with names."""
    return _SENTENCE.search(text) is not None


def pieces(word: str) -> list[str]:
    """Take a word apart where a line may be broken.

    Examples
    --------
    >>> pieces("xの勾配（d_1）です。"), pieces("np.sqrt(勾配)")
    (['x', 'の', '勾', '配', '（d_1）', 'で', 'す。'], ['np.sqrt(勾配)'])
    """
    if not is_sentence(word):
        return [word]
    found = word[:1]
    for a, b in pairwise(word):
        found += ("\0" if parts(a, b) else "") + b
    return found.split("\0")
