"""The graph as PNG and PDF: real pictures, with a glyph for every character, with and without matplotlib."""

from __future__ import annotations

import importlib.util
import io
import re
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest

from gradmagic.report import Report, ReportError
from gradmagic.report.pictures import fonts, layout
from gradmagic.report.pictures.svg import _ALONE
from tests.report import traces

HAS = importlib.util.find_spec("matplotlib") is not None
drawn = pytest.mark.skipif(not HAS, reason="needs matplotlib")


def japanese():
    s = traces.Sketch("予測 = 重み * 2")
    k = s.input("重み", 2.0, 2.0, "float")
    s.step("multiply", "重み * 2", 4.0, 1.0, (k, "2", 2.0, 2.0), ("2",), name="予測")
    return s.trace("予測", 4.0)


def pixels(path) -> np.ndarray:
    from matplotlib.image import imread

    return imread(io.BytesIO(path.read_bytes()) if hasattr(path, "read_bytes") else path, format="png")[
        :, :, :3
    ]


@pytest.fixture
def bare(monkeypatch):
    """A machine without matplotlib and without Graphviz."""
    find, pure = importlib.util.find_spec, layout.program("pure")
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *a: None if n == "matplotlib" else find(n, *a))
    monkeypatch.setattr(layout, "program", lambda engine="pure": pure if engine == "pure" else None)


@drawn
def test_a_png_is_as_large_as_its_layout_and_holds_its_colours(tmp_path):
    report = Report(traces.product())
    found = pixels(report.save(tmp_path / "product.png"))
    high, wide = found.shape[:2]
    assert wide == pytest.approx(report._scene.width * 2, abs=2)  # 144 dots an inch
    assert high == pytest.approx(report._scene.height * 2, abs=2)
    for colour in ("#e8f1fb", "#fdf3d7", "#1d5fa8"):  # an input, the result, a gradient above zero
        rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        assert (np.abs(found - rgb).max(axis=2) < 0.01).sum() > 200, colour


@drawn
def test_pictures_of_the_same_graph_are_the_same_bytes_and_say_what_they_show(tmp_path):
    for kind in ("png", "pdf"):
        a, b = (Report(traces.product()).save(tmp_path / f"{i}.{kind}") for i in (1, 2))
        one, two = (Path(path).read_bytes() for path in (a, b))
        assert one == two
        assert b"Computation graph from a, b to e" in one


@drawn
def test_a_pdf_needs_no_program_and_its_text_is_text(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "render", _only_positions(layout.render))
    found = (tmp_path / "product.pdf", Report(traces.product()).save(tmp_path / "product.pdf"))[
        0
    ].read_bytes()
    assert found.startswith(b"%PDF-")
    streams = [zlib.decompress(s) for s in re.findall(rb"stream\r?\n(x.*?)\r?\nendstream", found, re.S)]
    page = max(streams, key=lambda s: s.count(b" Tf"))
    assert page.count(b"BT") >= 10  # the rows of the boxes and the labels, none of them as outlines


def _only_positions(render):
    def positions(dot, kind, *args, **kwargs):
        assert kind == "json0"
        return render(dot, kind, *args, **kwargs)

    return positions


@drawn
def test_a_japanese_name_is_drawn_in_a_font_that_has_it(tmp_path):
    _, missing = fonts.families("予測 = 重み * 2")
    if missing:
        pytest.skip("no font with Japanese is installed")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in ("png", "pdf"):
            Report(japanese()).save(tmp_path / f"name.{kind}")
    # Two names that differ in one character differ in the picture: boxes would be alike.
    other = japanese()
    named = tuple(
        o if "重み" not in o.names else traces.replace(o, names=("重心",)) for o in other.operations
    )
    Report(traces.replace(other, operations=named)).save(tmp_path / "other.png")
    assert not np.array_equal(pixels(tmp_path / "name.png"), pixels(tmp_path / "other.png"))


@drawn
def test_what_no_font_has_is_said_once(tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "_installed", lambda: iter(()))
    with pytest.warns(UserWarning, match="no font on this machine has") as said:
        Report(japanese()).save(tmp_path / "name.png")
    (only,) = said
    assert "予 測" in str(only.message).replace("重 み ", "") and only.filename == __file__


def test_the_own_font_comes_first_and_is_enough_for_formulas():
    pytest.importorskip("matplotlib")
    assert fonts.families("① ∂e/∂c = d = 2 × …")[1] == ""
    assert fonts.families("x = 2")[0] == [fonts.OWN]


@pytest.mark.usefixtures("bare")
def test_without_matplotlib_a_png_is_drawn_and_a_pdf_says_what_to_install(tmp_path):
    assert Path(Report(traces.product()).save(tmp_path / "a.png")).read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ReportError, match=r'pdf takes Graphviz.*pip install "gradmagic\[plot\]"'):
        Report(traces.product()).save(tmp_path / "a.pdf")


@pytest.mark.usefixtures("bare")
def test_without_matplotlib_names_that_would_be_boxes_are_an_error(tmp_path):
    with pytest.raises(ReportError, match=r"予 測|重 み.*cannot be written into a png without matplotlib"):
        Report(japanese()).save(tmp_path / "name.png")
    assert not (tmp_path / "name.png").exists()


@drawn
def test_a_wide_graph_keeps_to_what_a_picture_may_have(tmp_path):
    from gradmagic.report.pictures import matplotlib_graph as canvas

    report = Report(traces.product())
    far = traces.replace(report._scene, width=30_000.0, height=3_000.0)
    found = pixels(io.BytesIO(canvas.drawn(far, "png")))
    assert found.shape[0] * found.shape[1] <= canvas.PIXELS * 1.01
    page = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", canvas.drawn(far, "pdf"))
    assert page is not None and float(page[1]) == pytest.approx(canvas.PAGE)


def test_a_saved_svg_needs_no_variables_of_css(tmp_path):
    found = Path(Report(traces.network()).save(tmp_path / "a.svg")).read_text("utf-8")
    assert "var(" not in found and "--c" not in found and _ALONE in found
    assert ":focus" not in found and "paint-order" not in found and ".now" not in found
    for kind in ("plus", "minus", "both", "bang"):
        assert re.search(rf"\.e\.{kind} path\{{stroke:#\w{{6}}\}}", found), kind


def test_a_quiz_keeps_its_gradients_out_of_pictures(tmp_path):
    for kind in ("svg", "dot"):
        told, asked = (
            Path(Report(traces.product(), quiz=quiz).save(tmp_path / f"a.{kind}")).read_text("utf-8")
            for quiz in (False, True)
        )
        assert "grad 5" in told and "grad 5" not in asked and "grad ?" in asked


def test_pictures_are_given_to_those_who_ask_for_them():
    report = Report(traces.product())
    found = report._repr_mimebundle_(include={"image/png", "image/svg+xml"})
    assert found["image/png"].startswith(b"\x89PNG") and found["image/svg+xml"].startswith("<svg ")
    assert set(report._repr_mimebundle_()) <= {"text/plain", "text/html"}


@pytest.mark.usefixtures("bare")
def test_what_nothing_here_can_draw_is_left_out(monkeypatch):
    monkeypatch.setattr(layout, "render", lambda *a, **k: None)
    report = Report(traces.product())
    found = report._repr_mimebundle_(include={"text/plain", "image/svg+xml", "image/png"})
    assert set(found) == {"text/plain", "image/svg+xml"}
