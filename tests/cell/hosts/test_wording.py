"""What the cell says, in the words of other hosts: in every language, and no phrase of theirs without its place."""

import re

import pytest

import gradmagic as gm
from gradmagic.cell.hosts import wording
from gradmagic.cell.hosts.wording import COMMAND, LINE, OPTION, TRACE, found, in_words
from gradmagic.language import set_language, tr

from ...language import catalogue

THEIRS = ("cell/", "engine/core/arrays.py")  # where sentences are said that another host says in its words


@pytest.mark.parametrize("words", ["TRACE", "LINE", "COMMAND", "OPTION"])
def test_where_a_sentence_has_a_phrase_its_twin_has_the_phrases_twin(japanese, words):
    sentences = [
        m for m in catalogue.table("ja") if m.id and any(f.startswith(THEIRS) for f, _ in m.locations)
    ]
    held, lost = 0, []
    for said, _ in getattr(wording, words):
        if said == "the cell":  # a twin may do without it
            continue
        for sentence in sentences:
            if re.search(found(said), sentence.id):
                held += 1
                if not re.search(found(tr(said)), sentence.string):
                    lost.append((said, sentence.string))
    assert held > (0 if words == "OPTION" else 1) or words == "LINE"
    assert not lost


def test_no_line_of_the_magic_is_spoken_of_where_there_is_none(japanese):
    for m in catalogue.table("ja"):
        if not m.id or not any(f.startswith("cell/lifting") for f, _ in m.locations):
            continue
        for words in (TRACE, COMMAND):
            set_language("en")
            clean = "%%grad" not in in_words(m.id, words)
            set_language("ja")
            assert not clean or "%%grad" not in in_words(m.string, words), m.string


@pytest.mark.parametrize(
    ("words", "said", "instead"),
    [
        (
            TRACE,
            "%%gradの行の名前'q'は定義されていません。前のセルで定義するか、このセルで代入してください。",
            "gm.trace(...)の引数の名前'q'は定義されていません。ブロックの前で定義してください。",
        ),
        (
            COMMAND,
            "%%gradの行の名前'q'は定義されていません。前のセルで定義するか、このセルで代入してください。",
            "コマンドラインの名前'q'は定義されていません。ファイルの中で代入してください。",
        ),
        (COMMAND, "行にsと書くか、前のセルで定義してください。", "行にsと書いてください。"),
        (OPTION, "デバイス'gpu'は使えません。device=\"cpu\"", "--device gpuは使えません。--device cpu"),
    ],
)
def test_it_is_said_in_japanese(japanese, words, said, instead):
    assert in_words(said, words) == instead


def test_a_whole_sentence_is_said_anew(japanese):
    ((whole, _),) = LINE
    assert in_words(tr(whole, inputs="x"), LINE).startswith("この式の値はxに依存していません。")


def test_the_traced_block_and_its_errors_are_japanese(japanese):
    x = [1.0]
    with pytest.raises(
        gm.GradmagicError, match=r"gm\.trace\(\.\.\.\)の引数のx.*コードの前にx = np\.array\(x\)と"
    ):
        gm.trace("x").__enter__()
    assert repr(gm.trace("x")) == "<gradmagicが追跡しているブロック>"
    assert x == [1.0]
