r"""Python expressions as LaTeX: `np.exp(-x)/2` as `\frac{e^{-x}}{2}`, names and numbers of the reader's kept.

In: an expression as it stands in the cell, or a rule's formula. Out: LaTeX for math mode that MathJax, KaTeX and
amsmath read. What has no notation of its own is set as `\texttt`: never wrong, only plain.
"""

from __future__ import annotations

import ast
import re
import unicodedata

from ..signs import MARK, expression, in_ascii, marked, signed

_GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
}  # fmt: skip
_FUNCTIONS = {
    "sin": r"\sin", "cos": r"\cos", "tan": r"\tan", "sinh": r"\sinh", "cosh": r"\cosh", "tanh": r"\tanh",
    "arcsin": r"\arcsin", "arccos": r"\arccos", "arctan": r"\arctan", "log": r"\log", "log2": r"\log_2",
    "log10": r"\log_{10}", "sign": r"\operatorname{sign}", "sum": r"\sum", "mean": r"\operatorname{mean}",
    "max": r"\max", "min": r"\min", "maximum": r"\max", "minimum": r"\min", "dot": r"\operatorname{dot}",
}  # fmt: skip
_OPERATORS = {ast.Add: " + ", ast.Sub: " - ", ast.Mult: r" \cdot ", ast.MatMult: r"\,"}
_COMPARISONS = {ast.Lt: "<", ast.LtE: r"\le", ast.Gt: ">", ast.GtE: r"\ge", ast.Eq: "=", ast.NotEq: r"\ne"}
_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(5)  # how tightly an expression binds
_ESCAPED = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def escaped(text: str) -> str:
    r"""Write plain text so that it stands in `\text{...}`.

    Examples
    --------
    >>> escaped("50% of x_1")
    '50\\% of x\\_1'
    """
    return "".join(_ESCAPED.get(c, "\\" + c if c in "#$%&_{}" else c) for c in text)


_MATH = {
    "∂": r"\partial", "·": r"\cdot", "×": r"\times", "−": "-", "∑": r"\sum", "√": r"\surd", "∞": r"\infty",
    "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "±": r"\pm", "→": r"\to", "⊙": r"\odot", "…": r"\ldots", "≈": r"\approx",
}  # fmt: skip
_TEXT = {"'": r"\textquotesingle{}", '"': r"\textquotedbl{}", "\u00a0": "~", "–": "--"}


def upright(text: str) -> str:
    r"""Write plain text for a document of LaTeX: what its usual fonts have no letter for as a formula.

    Examples
    --------
    >>> upright("∂y/∂x_1: ⑫ u₇ … λ's")
    '$\\partial$y/$\\partial$x\\_1: (12) u$_{7}$ $\\ldots$ $\\lambda$\\textquotesingle{}s'
    """
    return "".join(map(_upright, text))


def _upright(c: str) -> str:
    if c in _MATH:
        return f"${_MATH[c]}$"
    if c < "\x7f" or c in _TEXT:
        return _TEXT.get(c) or escaped(c)
    kind = unicodedata.decomposition(c).partition(" ")[0]
    if kind == "<circle>":
        return f"({unicodedata.numeric(c):.0f})"
    if kind in ("<sub>", "<super>"):
        return f"${'_' if kind == '<sub>' else '^'}{{{escaped(unicodedata.normalize('NFKC', c))}}}$"
    greek = unicodedata.name(c, "").removeprefix("GREEK SMALL LETTER ").lower().replace("lamda", "lambda")
    return rf"$\{greek}$" if greek in _GREEK else c


def name(text: str) -> str:
    r"""Write a name: one letter as it is, Greek ones in Greek, an index below, words upright.

    Examples
    --------
    >>> name("x"), name("W1"), name("theta"), name("loss"), name("x_max"), name("勾配"), name("h₂")
    ('x', 'W_{1}', '\\theta', '\\mathrm{loss}', 'x_{\\mathrm{max}}', '\\text{勾配}', 'h_{(2)}')
    """
    text, mark, number = marked(text).partition(MARK)
    if mark:
        base = name(text)
        return f"{{{base}}}_{{({number})}}" if "_" in base else f"{base}_{{({number})}}"
    head, _, below = text.partition("_")
    if head and below and "_" not in below:
        return f"{name(head)}_{{{name(below) if not below.isdigit() else below}}}"
    digits = re.fullmatch(r"([A-Za-z]+?)(\d+)", text)
    if digits:
        return f"{name(digits[1])}_{{{digits[2]}}}"
    if text in _GREEK:
        return "\\" + text
    if not text.isascii():
        return rf"\text{{{escaped(text)}}}"
    return text if len(text) == 1 else rf"\mathrm{{{escaped(text)}}}"


def latex(text: str) -> str:
    r"""Write an expression.

    Examples
    --------
    >>> print(latex("2*x**2 + 2"), latex("1/(1 + np.exp(-x))"), latex("h.T @ grad"), latex("a[0,1]"))
    2 \cdot x^{2} + 2 \frac{1}{1 + e^{-x}} h^{\top}\,\mathrm{grad} a_{0,1}
    """
    try:
        tree = expression(text)
    except (SyntaxError, ValueError):
        return rf"\texttt{{{escaped(in_ascii(text))}}}"
    return _set(tree)[0]


def operand(text: str) -> str:
    r"""Write an expression so that it stands after a partial sign: in parentheses, unless it is one name or one entry.

    Examples
    --------
    >>> operand("h @ W"), operand("x**2"), operand("x_1")
    ('\\left(h\\,W\\right)', '\\left(x^{2}\\right)', 'x_{1}')
    """
    try:
        return _at_least(expression(text), _ATOM)
    except (SyntaxError, ValueError):
        return latex(text)


def _set(node: ast.expr) -> tuple[str, int]:
    """Set an expression, and tell how tightly it binds."""
    match node:
        case ast.Name(id=text):
            return name(text), _ATOM
        case ast.Constant(value=bool() | None | str() | bytes()):
            pass
        case ast.Constant(value=int() | float() as value):
            return _number(value), _ATOM
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return "-" + _at_least(inner, _SIGN), _SIGN
        case ast.BinOp(left=above, op=ast.Div(), right=below):
            return rf"\frac{{{_set(above)[0]}}}{{{_set(below)[0]}}}", _POWER
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            return f"{_at_least(base, _ATOM)}^{{{_set(exponent)[0]}}}", _POWER
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            level = _SUM if isinstance(op, (ast.Add, ast.Sub)) else _PRODUCT
            second = _at_least(right, level + (level == _PRODUCT or isinstance(op, ast.Sub)))
            if second.startswith("-"):
                second = rf"\left({second}\right)"
            return _at_least(left, level) + _OPERATORS[type(op)] + second, level
        case ast.Attribute(value=base, attr="T" | "mT"):
            return _at_least(base, _ATOM) + r"^{\top}", _POWER
        case ast.Subscript(value=base, slice=index) if (at := _index(index)) is not None:
            return f"{_at_least(base, _ATOM)}_{{{at}}}", _ATOM
        case ast.Call(func=function, args=arguments, keywords=[]) if arguments:
            return _call(ast.unparse(function).rpartition(".")[2], arguments, node)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            return rf"\left[{_set(left)[0]} {_COMPARISONS[type(op)]} {_set(right)[0]}\right]", _ATOM
    return rf"\texttt{{{escaped(in_ascii(signed(ast.unparse(node))))}}}", _ATOM


def _at_least(node: ast.expr, level: int) -> str:
    """Set an expression, in parentheses where it binds less than `level`."""
    text, own = _set(node)
    return text if own >= level else rf"\left({text}\right)"


def _number(value: float) -> str:
    mantissa, e, exponent = repr(value).partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else mantissa


def _index(node: ast.expr) -> str | None:
    """Write an index of whole numbers and names; None for slices and all else."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    if all(isinstance(part, (ast.Constant, ast.Name, ast.UnaryOp, ast.BinOp)) for part in parts):
        return ",".join(_set(part)[0] for part in parts)
    return None


def _call(function: str, arguments: list[ast.expr], node: ast.Call) -> tuple[str, int]:
    inner = ", ".join(_set(argument)[0] for argument in arguments)
    if function == "exp":
        return f"e^{{{inner}}}", _POWER
    if function == "sqrt":
        return rf"\sqrt{{{inner}}}", _ATOM
    if function == "logical_not":
        return rf"\neg {_at_least(arguments[0], _ATOM)}", _SIGN
    if function in ("abs", "absolute", "fabs"):
        return rf"\left|{inner}\right|", _ATOM
    if function in ("Phi", "phi"):  # the normal distribution's
        return rf"\{function}\left({inner}\right)", _ATOM
    if function in _FUNCTIONS:
        return rf"{_FUNCTIONS[function]}\left({inner}\right)", _ATOM
    known = function.isidentifier() and isinstance(node.func, (ast.Name, ast.Attribute))
    own = isinstance(node.func, ast.Name)
    if known and (own or ast.unparse(node.func).startswith(("np.", "gm."))):
        return rf"\operatorname{{{escaped(function)}}}\left({inner}\right)", _ATOM
    return rf"\texttt{{{escaped(in_ascii(signed(ast.unparse(node))))}}}", _ATOM
