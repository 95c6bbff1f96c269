"""Derivatives that are told in words: the reader's names stand in them, in every language, and are found there."""

import pytest

import gradmagic as gm
from gradmagic.engine.derivatives.nn import readings
from gradmagic.engine.rules.declare import RULES
from gradmagic.engine.rules.formulas import Words
from gradmagic.report.signs import SIGN

WORDS = [text for rule in RULES.values() for text in rule.readings if isinstance(text, Words)]
WORDS += [readings._window((None, (2, 2))), readings._layer_norm((None, (5,), None), (None,) * 5)]


@pytest.fixture(params=gm.language.LANGUAGES)
def language(request):
    before = gm.get_language()
    gm.set_language(request.param)
    yield request.param
    gm.set_language(before)


@pytest.mark.parametrize("words", WORDS, ids=str)
def test_signs_of_values_are_found_in_the_words(words, language):
    """A sign is a name with a number below; letters of Japanese right before it would belong to it."""
    put = {
        name: f"h{chr(ord('₀') + i)}" for i, name in enumerate(words.fields.values()) if isinstance(name, str)
    }
    said = words.said(put)
    assert SIGN.findall(said) == list(put.values())
    assert (said == words) == (language == "en" and not put)
