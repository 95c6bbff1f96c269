"""Every error has a help page: what happened, why, a wrong and a right program. The programs are run here."""

import gc
import re
import textwrap
import warnings

import pytest

import gradmagic as gm
from gradmagic import errors

CLASSES = [
    c
    for c in vars(errors).values()
    if isinstance(c, type) and issubclass(c, Exception) and c is not errors.GradmagicError
]


def programs(page):
    """Give the programs of a page by their headings, Wrong and Right."""
    found = re.findall(r"^(Wrong|Right)[^\n]*::\n\n((?:    [^\n]*\n|\n)+)", page + "\n", re.MULTILINE)
    return {heading: textwrap.dedent(text).strip() for heading, text in found}


@pytest.fixture(autouse=True)
def _the_limit_stays():
    yield
    gm.set_tape_limit("auto")


@pytest.mark.parametrize("error", CLASSES, ids=lambda c: c.__name__)
def test_a_page_says_what_and_why_and_what_to_write(error):
    page = textwrap.dedent("    " + error.__doc__)
    first, *_ = page.split("\n\n")
    assert first.rstrip().endswith(".") and "\n\nWhy: " in page
    assert set(programs(page)) == {"Wrong", "Right"}


@pytest.mark.parametrize("error", CLASSES, ids=lambda c: c.__name__)
def test_the_wrong_program_raises_it_and_the_right_one_does_not(error, run):
    page = programs(textwrap.dedent("    " + error.__doc__))

    def ran(text):
        before, magic, cell = text.partition("%%grad")
        if magic:
            run(before)
        run.shell.showtraceback = lambda *_, **__: None
        result = run.shell.run_cell(magic + cell if magic else before)
        return result.error_in_exec or result.error_before_exec

    try:
        if issubclass(error, Warning):
            with pytest.warns(error):
                assert ran(page["Wrong"]) is None
        else:
            assert type(ran(page["Wrong"])) is error
        run.shell.reset(new_session=False)
        gc.collect()  # the graphs of the wrong program
        run("import numpy as np\nimport gradmagic as gm")
        with warnings.catch_warnings():
            warnings.simplefilter("error", errors.MaskedWarning)
            warnings.simplefilter("error", errors.ConversionWarning)
            warnings.simplefilter("error", errors.NotDifferentiableWarning)
            assert ran(page["Right"]) is None
    finally:
        del run.shell.showtraceback
