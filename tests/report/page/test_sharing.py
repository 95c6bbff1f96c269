"""Which reports of a notebook bring style and script: by what the kernel's requests say of cells and sessions."""

import sys
from types import SimpleNamespace

import pytest

from gradmagic.report.page import sharing
from gradmagic.report.report import Report
from tests.report import traces


@pytest.fixture
def shown(monkeypatch):
    """`shown(session, cell, ...)` tells whether a report that is shown there brings both."""
    monkeypatch.setattr(sharing, "_brought", [])
    shell = SimpleNamespace(display_pub=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))

    def shown(session: str, cell: str | None, message: str = "m", stdin: bool = True) -> bool:
        metadata = {"cellId": cell} if cell else {}
        header = {"session": session, "msg_id": message}
        shell.get_parent = lambda: {"header": header, "metadata": metadata, "content": {"allow_stdin": stdin}}
        return sharing.brings()

    shown.shell = shell
    return shown


def test_the_first_brings_both_and_the_same_cell_again(shown):
    runs = [shown("s", cell) for cell in ("a", "b", "c", "a", "b", "a")]
    assert runs == [True, False, False, True, False, True]


def test_a_page_that_is_opened_anew_has_them_brought_anew(shown):
    assert [shown("s", "a"), shown("s", "b"), shown("t", "b"), shown("t", "a"), shown("s", "b")] == [
        True, False, True, False, True,
    ]  # fmt: skip


def test_a_run_of_the_whole_notebook_shares_and_names_no_cells(shown):
    assert [shown("s", None, message, stdin=False) for message in ("1", "2", "3")] == [True, False, False]


@pytest.mark.parametrize("cell", [None, "vscode-notebook-cell:/home/me/a.ipynb#W0sZmlsZQ==", "x" * 65])
def test_elsewhere_every_report_brings_both(shown, cell):
    assert [shown("s", cell) for _ in range(3)] == [True, True, True]


def test_in_colab_every_report_does(shown, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    assert [shown("s", cell) for cell in "abc"] == [True, True, True]


def test_what_is_captured_is_whole_and_does_not_count(shown):
    shown.shell.display_pub = type("CapturingDisplayPublisher", (), {})()
    assert shown("s", "a")
    shown.shell.display_pub = object()
    assert [shown("s", "b"), shown("s", "c")] == [True, False]


def test_without_a_kernel_every_report_does(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert sharing.brings() and sharing.brings()


def test_what_a_report_is_asked_for_is_whole(shown):
    assert [shown("s", "a"), shown("s", "b")] == [True, False]
    report = Report(traces.product())
    for html in (report.to_html(), report._repr_mimebundle_(include={"text/html"})["text/html"]):
        assert "gm-pack" in html and "<style>" in html
    for name in ("gm-pack", "<style>"):
        assert name not in report._html(brings=False)
