"""Expressions as LaTeX: grouping is kept, names are set as names, nothing can break out."""

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradmagic.report.shown.notation import escaped, latex, name

SET = {
    "x": "x",
    "2*x**2 + 2": r"2 \cdot x^{2} + 2",
    "(a + b)*(b + 1)": r"\left(a + b\right) \cdot \left(b + 1\right)",
    "a - (b - c)": r"a - \left(b - c\right)",
    "a - b - c": "a - b - c",
    "-x**2": "-x^{2}",
    "(-x)**2": r"\left(-x\right)^{2}",
    "a*(-b)": r"a \cdot \left(-b\right)",
    "a/(b*c)": r"\frac{a}{b \cdot c}",
    "(a/b)**n": r"\left(\frac{a}{b}\right)^{n}",
    "a*(b*c)": r"a \cdot \left(b \cdot c\right)",
    "1/(1 + np.exp(-x))": r"\frac{1}{1 + e^{-x}}",
    "np.sqrt(x + 1)": r"\sqrt{x + 1}",
    "np.abs(x)": r"\left|x\right|",
    "np.tanh(W1 @ x + b1)": r"\tanh\left(W_{1}\,x + b_{1}\right)",
    "(h + 1).T @ grad": r"\left(h + 1\right)^{\top}\,\mathrm{grad}",
    "a[0,1]": "a_{0,1}",
    "np.special(x)": r"\operatorname{special}\left(x\right)",
    "x > 0": r"\left[x > 0\right]",
    "1e-08": r"1 \cdot 10^{-8}",
    "x.sum(axis=0)": r"\texttt{x.sum(axis=0)}",
    "a[1:]": r"\texttt{a[1:]}",
    "not python $": r"\texttt{not python \$}",
}


@pytest.mark.parametrize("text", SET)
def test_expressions(text):
    assert latex(text) == SET[text]


def test_names_and_text():
    assert [name(text) for text in ("loss", "theta", "x_1", "x_max", "W12", "a_b_c", "勾配")] == [
        r"\mathrm{loss}", r"\theta", "x_{1}", r"x_{\mathrm{max}}", "W_{12}", r"\mathrm{a\_b\_c}", r"\text{勾配}"
    ]  # fmt: skip
    assert escaped("a\\b~^{}") == r"a\textbackslash{}b\textasciitilde{}\textasciicircum{}\{\}"


NUMBERS = st.integers(1, 9).map(str)
EXPRESSIONS = st.recursive(
    st.sampled_from(["x", "y"]) | NUMBERS,
    lambda inner: st.tuples(inner, st.sampled_from("+-*/^n"), inner),
    max_leaves=8,
)


def python(tree) -> str:
    if isinstance(tree, str):
        return tree
    left, sign, right = tree
    if sign == "n":
        return f"(-({python(left)}))"
    return f"(({python(left)}){'**' if sign == '^' else sign}({python(right)}))"


def floats(text: str) -> str:
    """Write numbers as floats: 9**9**9 overflows at once, where integers compute for hours."""
    return re.sub(r"\d+(\.\d+)?", lambda match: match[0] if match[1] else f"{match[0]}.0", text)


def read(text: str) -> str:
    """Read our LaTeX back as Python, by what each notation means."""
    text = text.replace(r"\left(", "(").replace(r"\right)", ")").replace(r"\cdot", "*")

    def braces(at: int) -> tuple[str, int]:
        depth, start = 1, at
        while depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        return text[start : at - 1], at

    out, i = "", 0
    while i < len(text):
        if text.startswith(r"\frac{", i):
            above, i = braces(i + 6)
            below, i = braces(i + 1)
            out += f"({read(above)})/({read(below)})"
        elif text.startswith("^{", i):
            power, i = braces(i + 2)
            out += f"**({read(power)})"
        else:
            out += text[i]
            i += 1
    return out


@given(EXPRESSIONS)
def test_what_is_read_back_means_the_same(tree):
    text = python(tree)
    scope = {"x": 1.25, "y": 0.75}
    try:
        expected = eval(floats(text), scope)
    except (ZeroDivisionError, OverflowError):
        return
    plain = ast.unparse(ast.parse(text, mode="eval"))
    found = eval(floats(read(latex(plain))), scope)
    assert found == pytest.approx(expected, rel=1e-9, nan_ok=True)
