"""Which language is spoken: what is asked for, then the environment, then the locale; English where none is known."""

import subprocess
import sys

import pytest

import gradmagic as gm
from gradmagic import language


@pytest.fixture(autouse=True)
def _back():
    before = gm.get_language()
    yield
    gm.set_language(before)


@pytest.mark.parametrize(
    ("environment", "spoken"),
    [
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ja_JP"}, "ja"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "ja:en"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LANGUAGE": "de:en:ja"}, "en"),
        ({"LANG": "ja_JP.UTF-8", "LANGUAGE": ""}, "ja"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "no language at all"}, "en"),
    ],
)
def test_the_environment_chooses(monkeypatch, environment, spoken):
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    gm.set_language()
    assert gm.get_language() == spoken


@pytest.mark.parametrize(
    ("name", "spoken"),
    [("ja_JP", "ja"), ("Japanese_Japan", "ja"), ("English_United States", "en"), (None, "en")],
)
def test_the_locale_chooses_where_the_environment_says_nothing(monkeypatch, name, spoken):
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(language.locale, "getlocale", lambda *category: (name, "UTF-8"))
    gm.set_language()
    assert gm.get_language() == spoken


def test_an_unknown_language_is_refused_and_nothing_changes():
    gm.set_language("ja")
    with pytest.raises(ValueError, match=r"'klingon'.*'en'.*'ja'"):
        gm.set_language("klingon")
    assert gm.get_language() == "ja"


def test_a_sentence_that_no_table_has_is_said_in_english():
    gm.set_language("ja")
    assert language.tr("no table has {this}", this="x") == "no table has x"


def test_nothing_is_said_as_nothing():
    for spoken in gm.language.LANGUAGES:
        gm.set_language(spoken)
        assert language.tr("") == ""


def test_what_fills_a_sentence_in_is_not_read_again():
    for spoken in gm.language.LANGUAGES:
        gm.set_language(spoken)
        assert "{name}" in language.tr("gradient of {name}", name="{name}")


def test_importing_gradmagic_reads_no_table_in_english():
    code = "import gradmagic, sys; print(gradmagic.get_language(), gradmagic.language._twins)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "en None\n"
