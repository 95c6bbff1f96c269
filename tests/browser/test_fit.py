"""The page of a fit: its drawings are styled each by its own style where the page's script is alive."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.report import Report
from tests.cell.helpers import fresh, traced

pytestmark = pytest.mark.browser


def test_the_drawn_program_and_the_curves_have_their_styles(chromium, tmp_path: Path) -> None:
    fit = gm.minimize(lambda x: np.sum((x - 3.0) ** 2), 1.0, "sgd", lr=0.1, iterations=120, progress=False)
    trace = replace(traced("y = (x - 3.0)**2", fresh("x = 1.0"), "x"), descent=fit.descent)
    path = Report(trace).save(tmp_path / "fit.html")
    context = chromium.new_context()
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(f"file://{path}")
    page.locator("details", has=page.locator(".gm-program")).evaluate_all(
        "all => all.forEach(d => d.open = true)"
    )
    fills = {
        part: page.locator(part).first.evaluate("e => getComputedStyle(e).fill")
        for part in (".gm-program .n:not(.input) rect", ".gm-program .n text", ".gm-charts .l")
    }
    context.close()
    assert fills[".gm-program .n:not(.input) rect"] == "rgb(255, 255, 255)"
    assert fills[".gm-program .n text"] not in ("rgb(0, 0, 0)", "none") and fills[".gm-charts .l"] == "none"
