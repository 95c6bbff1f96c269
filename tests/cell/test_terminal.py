"""`%%grad` and `python -m gradmagic` in a real terminal of 80 columns, and into a pipe."""

import os
import re
import subprocess
import sys

import pytest
from wcwidth import wcswidth

from ..conftest import ROOT

pexpect = pytest.importorskip("pexpect")
pytestmark = pytest.mark.slow
SCRIPT = """\
import sys
from dataclasses import dataclass

import numpy as np

x = np.array([1.0, 2.0])
print("running", __name__, sys.argv[1:])


@dataclass
class Point:
    u: float = 0.0


def f(u):
    return u * u


y = f(x)
if __name__ == "__main__":
    z = y.sum()
"""
WIDE = """\
import numpy as np
勾配 = np.array([1.0, 2.0])
重み = np.array([[0.5, 0.25], [1.0, -0.5]])
隠れ層 = np.tanh(重み @ 勾配) * np.exp(-0.5 * np.abs(重み @ 勾配)) + 0.25 * (重み @ 勾配)
損失 = (隠れ層**2).sum() + 1
"""


def plain(text: str) -> str:
    """Text without the terminal's control sequences."""
    return re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|[=>78]|\][^\x07]*\x07|\([AB0])", "", text).replace("\r", "")


def command(*words: str, **environment: str) -> subprocess.CompletedProcess:
    env = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-m", "gradmagic", *words],
        capture_output=True,
        text=True,
        env=env,
        cwd=ROOT,
        timeout=120,
    )


def test_ipython_in_a_terminal():
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "PROMPT_TOOLKIT_NO_CPR": "1"}
    child = pexpect.spawn(
        sys.executable, ["-m", "IPython", "--no-banner", "--simple-prompt", "--no-confirm-exit", "--colors=NoColor"],
        env=env, dimensions=(50, 80), encoding="utf-8", timeout=60, cwd=str(ROOT),
    )  # fmt: skip
    child.expect(r"In \[1\]: ")
    child.sendline("%load_ext gradmagic")
    child.expect(r"In \[2\]: ")
    child.sendline("import numpy as np; x = np.arange(-2, 2.25, 0.25)")
    child.expect(r"In \[3\]: ")
    for line in ("%%grad x", "y = 2 * x**2 + 2", "z = y.sum()", "", ""):
        child.sendline(line)
    child.expect(r"In \[4\]: ")
    text = plain(child.before)
    lines = text.splitlines()
    assert "gradient of z" in text and "y = 2 * x**2 + 2" in text and len(lines) <= 70
    assert max(map(len, lines)) <= 80
    for line in ("%%grad x", "y = x[99]", "", ""):
        child.sendline(line)
    child.expect(r"In \[5\]: ")
    assert "IndexError" in child.before and "line 2" in child.before and "gradmagic/" not in child.before
    for line in ("%%grad w --quiz", "w = 2.0", "z = w**2", "", ""):
        child.sendline(line)
    child.expect(r"In \[6\]: ")
    assert 'answer: gm.last().answer("w", 1.0)' in child.before
    child.sendline("import gradmagic as gm; gm.last().answer('w', 4)")
    child.expect(r"In \[7\]: ")
    assert "Out[6]: right: dz/dw is 4" in plain(child.before)
    child.sendline("%grad on")
    child.expect(r"In \[8\]: ")
    child.sendline("z = (3 * x**2).sum()")  # one Enter runs a line, as without
    child.expect(r"In \[9\]: ", timeout=20)
    assert "gradient of z" in child.before
    child.sendline("exit")
    child.expect(pexpect.EOF)


def spoken(language: str) -> dict[str, str]:
    """The environment of a reader whose machine speaks a language."""
    own = {
        k: v
        for k, v in os.environ.items()
        if k not in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "COLUMNS", "LINES")
    }
    return {
        **own,
        "LANG": language,
        "TERM": "xterm",
        "NO_COLOR": "1",
        "PYTHONUTF8": "1",
        "PROMPT_TOOLKIT_NO_CPR": "1",
    }


@pytest.mark.parametrize(
    ("language", "head", "told", "error"),
    [
        ("ja_JP.UTF-8", "オプション:", "zの勾配", "%%gradの行の名前'q'は定義されていません。"),
        ("en_US.UTF-8", "options:", "gradient of z", "name 'q' on the %%grad line is not defined:"),
    ],
)
def test_the_readers_machine_chooses_the_language_of_a_terminal(language, head, told, error):
    child = pexpect.spawn(
        sys.executable, ["-m", "IPython", "--no-banner", "--simple-prompt", "--no-confirm-exit", "--colors=NoColor"],
        env=spoken(language), dimensions=(100, 80), encoding="utf-8", timeout=60, cwd=str(ROOT),
    )  # fmt: skip
    asked = [["%load_ext gradmagic"], ["import numpy as np; x = np.array([1.0, 2.0])"], ["%grad --help"],
             ["%%grad x", "z = (x**2).sum()", "", ""], ["%%grad q", "z = x.sum()", "", ""]]  # fmt: skip
    texts = []
    for number, lines in enumerate(asked, 1):
        child.expect(rf"In \[{number}\]: ")
        texts.append(plain(child.before))
        for line in lines:
            child.sendline(line)
    child.expect(rf"In \[{len(asked) + 1}\]: ")
    help, report, failed = texts[3], texts[4], plain(child.before)
    assert head in help and told in report and error in failed
    assert max(map(wcswidth, report.splitlines())) <= 80
    child.sendline("exit")
    child.expect(pexpect.EOF)


@pytest.mark.parametrize("columns", [60, 80])
def test_the_command_speaks_the_language_of_the_readers_machine(tmp_path, columns):
    path = tmp_path / "program.py"
    path.write_text("x = 3.0\ny = x**2\n", encoding="utf-8")
    texts = [
        plain(pexpect.run(
            f"{sys.executable} -m gradmagic {words}", env=spoken("ja_JP.UTF-8"), encoding="utf-8", timeout=60,
            cwd=str(ROOT), dimensions=(50, columns),
        ))
        for words in ("--help", f"{path} x", f"{path} q", f"{path} --nonsense")
    ]  # fmt: skip
    help, report, unknown, slip = texts
    assert "オプション:" in help and max(map(wcswidth, help.splitlines()[1:])) <= columns
    assert (
        "yの勾配" in report and "gradient" not in report and max(map(wcswidth, report.splitlines())) < columns
    )
    assert unknown.strip().endswith(
        "コマンドラインの名前'q'は定義されていません。ファイルの中で代入してください。"
    )
    assert "エラー: --nonsenseは使えません。" in slip


def test_a_japanese_quiz_asks_until_it_is_right(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("a = 2.0\ne = a**2\n", encoding="utf-8")
    child = pexpect.spawn(
        sys.executable, ["-m", "gradmagic", str(path), "a", "--quiz"], env=spoken("ja_JP.UTF-8"), dimensions=(50, 80),
        encoding="utf-8", timeout=60, cwd=str(ROOT),
    )  # fmt: skip
    child.expect_exact("de/daはいくつですか。")
    for answer in ("3", "4"):
        child.expect("> ")
        child.sendline(answer)
    child.expect(pexpect.EOF)
    assert "> " not in child.before and "de/da" in child.before


def test_the_demonstration_in_a_terminal(tmp_path):
    env = {**os.environ, "TERM": "xterm", "TMPDIR": str(tmp_path)}
    text, status = pexpect.run(
        f"{sys.executable} -m gradmagic",
        env=env,
        withexitstatus=True,
        encoding="utf-8",
        timeout=60,
        cwd=str(ROOT),
    )
    assert status == 0
    text = plain(text)
    assert "c = a + b" in text and "gradient of e" in text and max(map(len, text.splitlines())) <= 120
    page = re.search(r"^page: (.+\.html)", text, re.M)[1].strip()
    assert page.startswith(str(tmp_path))
    with open(page, encoding="utf-8") as file:
        html = file.read()
    assert html.lstrip().lower().startswith("<!doctype html>") and "data:image/svg+xml" in html
    assert not re.search(r"""(src|href)=["']https?:""", html)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_long_lines_and_wide_names_stand_in_their_columns(tmp_path, columns):
    path = tmp_path / "program.py"
    path.write_text(WIDE, encoding="utf-8")
    own = {
        k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")
    }  # which other tests' shells may set
    text = pexpect.run(
        f"{sys.executable} -m gradmagic {path} 重み",
        env={**own, "TERM": "xterm", "NO_COLOR": "1"},
        encoding="utf-8",
        timeout=60,
        cwd=str(ROOT),
        dimensions=(50, columns),
    )
    lines = plain(text).splitlines()
    assert max(map(wcswidth, lines)) < columns
    start = next(i for i, line in enumerate(lines) if line.startswith("  4  隠れ層 = "))
    shown = " ".join(line.strip() for line in lines[start : start + 4])
    assert (
        "隠れ層 = np.tanh(重み @ 勾配) * np.exp(-0.5 * np.abs(重み @ 勾配)) + 0.25 * (重み @ 勾配)" in shown
    )
    # Whatever stands in front of it, each number begins in the column of its head.
    head = next(line for line in lines if line.strip().startswith("program.py"))
    rows = [line for line in lines[start : start + 12] if "(2,)" in line]
    assert len(rows) > 3
    assert {wcswidth(row[: row.index("(2,)")]) for row in rows} == {wcswidth(head[: head.index("value")])}


def test_a_quiz_asks_in_a_terminal_until_it_is_right_or_given_up(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("a = 2.0\nb = 1.0\ne = (a + b) * (b + 1)\n", encoding="utf-8")
    child = pexpect.spawn(
        sys.executable, ["-m", "gradmagic", str(path), "a", "b", "--quiz"],
        env={**os.environ, "TERM": "dumb"}, dimensions=(50, 80), encoding="utf-8", timeout=60, cwd=str(ROOT),
    )  # fmt: skip
    said = ["What is de/da?", "not yet: de/da is not 3.", "abc( is no answer", "What is de/db?"]
    for text, answer in zip(said, ("3", "abc(", "2", ""), strict=True):
        child.expect_exact(text)
        child.expect("> ")
        child.sendline(answer)
    child.expect(pexpect.EOF)
    assert re.search(r"^ b +1 +5 ", plain(child.before), re.M) and "start with 1" in child.before


def test_the_demonstration_in_a_pipe_and_where_only_ascii_can_be_printed():
    assert command().returncode == 0
    done = command(PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0 and done.stdout.isascii() and "gradient of e" in done.stdout


@pytest.mark.parametrize("words", [(), ("-h",)])
def test_what_is_japanese_does_not_end_a_command_whose_output_is_ascii(words):
    done = command(*words, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LANGUAGE="ja")
    assert done.returncode == 0 and done.stdout.isascii() and "\\u" in done.stdout


def test_a_file_runs_as_a_cell(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(SCRIPT, encoding="utf-8")
    done = command(str(path), "x", "--save", str(tmp_path / "page.html"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("running __main__ []\n")
    assert re.search(r"^ *16 .*return u \* u", done.stdout, re.M) and "[2, 4]" in done.stdout
    assert (tmp_path / "page.html").exists()


def test_a_file_is_checked_timed_and_held_against_a_formula(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("x = 3.0\ny = x**2\n", encoding="utf-8")
    done = command(str(path), "x", "--check", "--time", "--expect", "2*x")
    assert done.returncode == 0, done.stderr
    for words in ("dy/dx is 2*x, as expected", "checked by differences", "expression  times  forward"):
        assert words in done.stdout
    path.write_text("import numpy as np\nx = 0.0\ny = np.log(x)\n", encoding="utf-8")
    done = command(str(path), "x", "--stop", "nan")
    assert done.returncode == 1 and "AnomalyError" in done.stderr and "line 3, in <module>" in done.stderr


def test_a_file_that_fails_prints_its_own_frames_only(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(SCRIPT.replace("u * u", "u[5]"), encoding="utf-8")
    done = command(str(path), "x")
    assert done.returncode == 1
    assert (
        'program.py", line 19' in done.stderr
        and "line 16, in f" in done.stderr
        and "IndexError" in done.stderr
    )
    assert os.path.join("gradmagic", "cell") not in done.stderr
    path.write_text("x = (\n", encoding="utf-8")
    done = command(str(path))
    assert done.returncode == 1 and "SyntaxError" in done.stderr and "program.py" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [(["nothing.py"], "there is no file nothing.py"), (["--nonsense"], "unrecognized arguments")],
)
def test_a_wrong_command_line_is_said_in_a_sentence(words, message):
    done = command(*words)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["q"], "name 'q' on the command line is not defined: assign it in the file."),
        (["xs"], "assign it in the file. Did you mean x?"),
        (["s"], "s on the command line is a list, and no gradient can be taken by a list of numbers: "
         "write s = np.array(s)."),
    ],
)  # fmt: skip
def test_a_name_of_the_command_line_is_spoken_of_as_such(tmp_path, words, message):
    path = tmp_path / "program.py"
    path.write_text("x = 3.0\ns = [1, 2]\ny = x**2\n", encoding="utf-8")
    done = command(str(path), *words)
    assert done.returncode == 1 and done.stderr.strip().endswith(message)


def test_the_usual_exit_of_a_file_is_kept(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("import sys\nx = 1.0\ny = x * 2\nsys.exit(3)\n", encoding="utf-8")
    assert command(str(path)).returncode == 3
    path.write_text("import sys\nsys.exit('bad input')\n", encoding="utf-8")
    done = command(str(path))
    assert done.returncode == 1 and done.stderr.strip() == "bad input"
