"""The help that a reader asks for: in the language that is chosen when it is asked for, in the terminal's columns."""

import argparse
import re

import pytest
from wcwidth import wcswidth

from gradmagic.__main__ import main
from gradmagic.cell.hosts.magic import DESCRIPTION, GradMagic
from gradmagic.cell.options import OPTIONS
from gradmagic.language import set_language, tr

SHOWN = {flag: option for flag, option in OPTIONS.items() if option.help is not argparse.SUPPRESS}
HEADS = ("位置引数:", "オプション:")
ASKED = ["%%grad --help", "%%grad -h", "%grad --help", "%%grad?", "%grad?"]


@pytest.fixture(autouse=True)
def _back(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    yield
    set_language("en")


def joined(text):
    """A help's words, wherever its lines are broken."""
    return re.sub(r"\s+", "", text)


def described(text):
    """What each option is told to do."""
    found = re.findall(r"^  (--[\w-]+) .*?(?=^  -|\Z|^$)", text, re.M | re.S)
    return set(found)


@pytest.mark.parametrize("asked", ASKED)
def test_the_magics_help_is_in_the_language_chosen_last(run, asked):
    run(asked)
    english = run.out
    assert "options:" in english
    run('%config GradMagic.language = "ja"')
    run(asked)
    assert all(head in run.out for head in HEADS) and "options:" not in run.out
    assert tr(DESCRIPTION).splitlines()[0] in run.out and "--always" not in run.out
    assert described(run.out) == set(SHOWN)
    for option in SHOWN.values():
        assert joined(tr(option.help).replace("%%", "%")) in joined(run.out)
        assert joined(option.help.replace("%%", "%")) not in joined(run.out)
    run('%config GradMagic.language = "en"')
    run(asked)
    assert run.out == english


def test_what_a_setting_is_for_is_in_the_language_chosen_last(run):
    run("%config GradMagic")
    english = run.out
    run('%config GradMagic.language = "ja"\n%config GradMagic')
    for name, trait in GradMagic.class_traits(config=True).items():
        if trait.help and name in GradMagic.class_own_traits():
            assert trait.help.split(".")[0] in " ".join(english.split())
            assert tr(trait.help) in run.out and trait.help not in run.out
    assert "GradMagic.max_nodes=<Int>\n    描く演算の数の上限。" in run.out


@pytest.mark.parametrize("columns", [50, 80, 120])
def test_the_commands_help_stands_in_its_columns(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    set_language("ja")
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert text.startswith("使い方: python -m gradmagic [FILE") and all(head in text for head in HEADS)
    assert described(text) == {flag for flag, option in SHOWN.items() if option.command}
    prose = text.split("\n", 1)[1]
    assert max(map(wcswidth, prose.splitlines())) <= columns - 2
    for line in prose.splitlines():
        assert not re.match(r"\s*[、。）」ー]", line), "no line begins with these"
    assert "このヘルプを表示して終了する" in joined(text) and "show this help" not in text


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("--chek", "--chekは使えません。--checkのことでしょうか。"),
        ("--nonsense", "--nonsenseは使えません。%%grad -hでオプションの一覧が見られます。"),
        ("--steps=3", "--stepsは値を取りませんが、'3'が渡されました。--stepsとだけ書いてください。"),
        ("--max-nodes ten", "--max-nodes tenとは書けません。--max-nodes 60のように整数を書いてください。"),
        ("--image gif", "--image gifとは書けません。--image pngまたはsvgと書いてください。"),
        ("--of", "--ofには値が必要です。--of EXPRと書いてください: 微分する結果（セルの最後の値でないとき）。"),
        ("--qui", "--quiだけでは、--quiz, --quietのどれなのか決まりません。最後まで書いてください。"),
        ('"', '%%grad x ": 引用符が閉じられていません。'),
        ("--device gpu", "--device gpuは使えません。--device cpu、--device cuda、--device cuda:0のどれかを書いてく"
                         "ださい。"),
    ],
)  # fmt: skip
def test_slips_in_options_are_told_in_japanese(run, written, said):
    run('%config GradMagic.language = "ja"')
    assert run.fails(f"%%grad x {written}\nz = x.sum()").strip().endswith(said)


def test_a_wrong_command_line_is_told_in_japanese(capsys):
    set_language("ja")
    with pytest.raises(SystemExit, match="2"):
        main(["program.py", "--plot"])
    usage, said = capsys.readouterr().err.splitlines()
    assert usage.startswith("使い方: ")
    assert said == "python -m gradmagic: エラー: --plotは使えません。--plotは%%gradだけのオプションです。"
