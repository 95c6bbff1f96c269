"""The tables of translations: no sentence without its twin, and no twin that says something else than its sentence."""

import re
from string import Formatter

import pytest

from . import catalogue

LANGUAGES = sorted(catalogue.TABLES)
GRAMMAR = {"s", "es", "it", "is_are"}  # fields of English grammar, which a twin may leave out


@pytest.fixture(scope="module")
def said():
    return {m.id for m in catalogue.extracted() if m.id}


@pytest.fixture(scope="module", params=LANGUAGES)
def twins(request):
    return {m.id: m.string for m in catalogue.table(request.param) if m.id}


def fields(sentence):
    """What a sentence is filled in with: names, without how each is written."""
    return {re.match(r"\w*", name)[0] for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def test_every_sentence_has_its_twin(said, twins):
    assert not said - twins.keys(), "python -m tests.language.catalogue, then fill in what is new"
    assert not twins.keys() - said, "python -m tests.language.catalogue takes lost sentences out"
    assert not [sentence for sentence, twin in twins.items() if not twin]


def test_twins_are_filled_in_with_what_their_sentences_are(twins):
    wrong = {}
    for sentence, twin in twins.items():
        missing, unknown = fields(sentence) - fields(twin) - GRAMMAR, fields(twin) - fields(sentence)
        if missing or unknown:
            wrong[sentence] = missing, unknown
    assert not wrong


def test_japanese_is_japanese():
    """Kana or kanji in every twin, but for what is a sign in both; marks of its own, as a book sets them."""
    twins = {m.id: m.string for m in catalogue.table("ja") if m.id}
    bare = [
        t
        for s, t in twins.items()
        if not re.search("[、。぀-ヿ一-鿿]", t) and re.search("[A-Za-z]{2}", re.sub(r"{.*?}", "", s))
    ]
    assert not bare
    assert not [t for t in twins.values() if re.search(r"[぀-ヿ一-鿿][.,;?!](\s|$)", t)], "。、 after Japanese"
    assert not [t for t in twins.values() if re.search(r"[｡､０-９Ａ-Ｚａ-ｚ]", t)], (
        "letters and digits are narrow, marks wide"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_read_is_what_is_written(language):
    table = catalogue.table(language)
    path = catalogue.TABLES[language]
    assert path.read_bytes() == catalogue.written(catalogue.updated(language))
    assert path.with_suffix(".mo").read_bytes() == catalogue.compiled(table)
