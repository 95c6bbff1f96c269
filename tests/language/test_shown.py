"""Nothing that is shown is left untranslated: cells, reports and errors, in a language of marked letters."""

import pytest

from gradmagic.report import Report

from ..cell.cells import CELLS
from ..cell.conftest import _one_shell, run  # noqa: F401  (fixtures)
from ..cell.helpers import fresh, traced
from ..cell.test_errors import CASES
from ..report import traces
from . import pseudo

SHOWN = {
    "text": lambda report: report.to_text(width=200, ascii=False, color=False),
    "page": lambda report: pseudo.read_of(report.to_html()),
    "markdown": lambda report: report.to_markdown(),
}


@pytest.fixture(autouse=True)
def _spoken():
    with pseudo.spoken():
        yield


def test_the_language_of_tests_changes_letters_only():
    assert pseudo.marked("gradient of {name!r}: {{x}}") == "ǧŕàđìèńť òƒ {name!r}: {{ẋ}}"
    assert pseudo.plain_words("ǧŕàđìèńť of the name", "name") == ["the"]


@pytest.mark.parametrize("how", SHOWN)
@pytest.mark.parametrize("name", ["product", "parabola", "network", "descent", "chain", "troubled"])
def test_reports_say_nothing_that_is_not_in_the_table(name, how):
    trace = getattr(traces, name)()
    shown = SHOWN[how](Report(trace))
    assert not pseudo.plain_words(shown, str(trace)), shown  # what the trace itself says was said before


@pytest.mark.parametrize("title", CELLS)
def test_cells_say_nothing_that_is_not_in_the_table(title):
    setup, names, cell = CELLS[title]
    trace = traced(cell, fresh(setup), names)
    for how, shown in SHOWN.items():
        said = shown(Report(trace))
        assert not pseudo.plain_words(said, setup, cell, names), f"{how}:\n{said}"


@pytest.mark.parametrize(
    "title", [title for title, (_, _, words) in CASES.items() if words]
)  # not NumPy's own
def test_errors_say_nothing_that_is_not_in_the_table(run, title):  # noqa: F811
    setup, cell, _ = CASES[title]
    run(setup or "pass")
    said = run.fails(cell)
    assert not pseudo.plain_words(said.split("Traceback")[0] + said.split("\n\n")[-1], setup, cell), said
