"""What is refused, and what is compared, in Japanese: no row of a table is English, and columns stay columns."""

import re
from unicodedata import east_asian_width

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.errors import CheckError
from gradmagic.language import tr
from gradmagic.missing import REFUSED


def test_every_name_that_is_refused_says_in_japanese_what_to_write(japanese):
    texts = {text for rows in REFUSED.values() for text in rows.values()}
    assert not [text for text in texts if tr(text) == text]


def test_every_function_without_a_derivative_says_in_japanese_why(japanese):
    pytest.importorskip("scipy.special")
    from gradmagic.engine.derivatives import ordered
    from gradmagic.engine.derivatives.scipy import special  # noqa: F401  (its functions are refused there)

    assert len(ordered.REFUSED) > 30
    assert not [why for why in ordered.REFUSED.values() if tr(why) == why]


def test_a_name_of_pythons_words_stays_as_it_is_searched_for(japanese):
    with pytest.raises(AttributeError, match=r"^module 'gradmagic' has no attribute 'stft': .*gm\.fft\.rfft"):
        gm.stft
    with pytest.raises(AttributeError, match=r"^module 'gradmagic\.fft' has no attribute 'rftt': 'rfft'"):
        gm.fft.rftt


@pytest.mark.parametrize("language", gm.language.LANGUAGES)
def test_what_a_wrong_derivative_is_told_by_stands_in_columns(japanese, language):
    gm.set_language(language)
    wrong = gm.custom(lambda x: x**3, vjp=lambda g, y, x: 2 * x**2 * g)
    with pytest.raises(CheckError) as told:
        gm.check_grads(wrong, (np.array([1.0, 2.0]),), modes=("rev",))
    rows = [re.match(r"  \S.*?\s+(?=[-\d\[])", line)[0] for line in str(told.value).splitlines()[1:6]]
    assert {sum(1 + (east_asian_width(letter) in "WF") for letter in row) for row in rows} == {18}
