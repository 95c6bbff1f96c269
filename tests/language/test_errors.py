"""Errors in Japanese: behind what readers know of PyTorch and NumPy each is Japanese to its end; code stays code."""

import re

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.core.foreign import foreign
from gradmagic.language import capital, tr

from ..test_errors import ELSEWHERE, ODD, PROVOKED, WAYS

KANA = re.compile("[぀-ヿ一-鿿]")
ENGLISH = re.compile(r"\b(the|of|is|are|has|its|it|and|or|for|write|line|give)\b", re.IGNORECASE)

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # np.matrix


pytestmark = pytest.mark.usefixtures("japanese")


def said(act):
    """The text of an error, with its notes."""
    with pytest.raises(gm.GradmagicError) as caught:
        act()
    return "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


def is_japanese(text):
    found = KANA.search(text)
    assert found, text
    assert not ENGLISH.search(text[found.start() :]), text
    assert not re.search(r"{\w|[぀-ヿ一-鿿][.,;](\s|$)|。\.(\s|$)|\.。", text), text


@pytest.mark.parametrize("error", PROVOKED, ids=lambda e: e.__name__)
def test_what_an_error_says_is_japanese(error):
    is_japanese(said(PROVOKED[error][0]))


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("way", WAYS)
def test_a_value_that_no_gradient_passes_through_is_named_in_japanese(way, name):
    make, _, instead = ODD[name]
    if name in ELSEWHERE.get(way, ()):
        return
    odd, t = make(), gm.tensor([1.0, 2.0, 3.0], requires_grad=True)
    text = said(lambda: WAYS[way](t, odd))
    is_japanese(text)
    if "\\" in instead and "[" not in instead:  # code: what to write is the same in both languages
        assert re.search(instead.replace("odd", r"(odd|v|data|gradient|結果)"), text), text


def test_its_words_are_kept_in_english_and_said_in_japanese():
    masked = foreign(np.ma.array([1.0]))
    assert masked == "a masked array" and {masked: 1}["a masked array"] == 1
    assert f"{masked}" == str(masked) == "マスク付き配列"
    assert masked.rewritten and not foreign(None).rewritten
    gm.set_language("en")
    assert f"{masked}" == str(masked) == "a masked array"
    assert masked.rewritten and not foreign(None).rewritten
    assert masked.of("m").advice("n").startswith("Write m.filled(0)")


def test_code_at_the_beginning_of_a_japanese_sentence_is_written_as_it_is():
    assert foreign({1.0}).advice("names") == "np.array(list(names))と書いてください"
    assert capital("np.sum(x)を使う") == "np.sum(x)を使う"
    gm.set_language("en")
    assert foreign({1.0}).advice("names") == "Write np.array(list(names))"
    assert capital("") == "" and capital("use np.sum(x)") == "Use np.sum(x)"


def test_places_are_said_when_they_are_asked_for():
    x = gm.tensor([1.0, 2.0], requires_grad=True)
    text = said(lambda: (2 * x).backward())
    assert re.search(r"test_errors\.pyの\d+行目", text)
    assert tr("a tensor") == "テンソル"
