import pytest

pytestmark = pytest.mark.browser


def test_the_harness_shows_html_output(open_notebook):
    lab = open_notebook("from IPython.display import HTML\nHTML('<b class=probe>six</b>')", "1 + 1")
    lab.run_all()
    assert lab.outputs(0).locator(".probe").inner_text() == "six"
    assert lab.outputs(1).inner_text().strip() == "2"
    lab.picture("harness")
    lab.theme("JupyterLab Dark")
    lab.picture("harness dark")
