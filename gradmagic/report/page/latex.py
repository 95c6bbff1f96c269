r"""The chain rule in LaTeX: for each input the partial derivatives, the formulas, the numbers.

In: a `View`. Out: one `align*` environment for MathJax, KaTeX and amsmath. Where the paths can be read they are written
as a sum; else each gradient of the sweep is written by those above it, `dL/dh = dL/dout W.T`.
"""

from __future__ import annotations

import re

from ...language import tr
from ..model import Edge, Operation
from ..parts.paths import Path, sum_over_paths, sums_up
from ..shown.naming import kind_of
from ..shown.notation import escaped, latex, name, operand
from ..shown.numbers import brief, number
from ..shown.view import View
from ..signs import SIGN

ROWS = 24  # of the sweep; a longer one is cut
LONG = 24  # characters of an expression that is written below a ∂


def to_latex(view: View) -> str:
    r"""Write the chain rule.

    Parameters
    ----------
    view : View

    Returns
    -------
    str
        `\begin{align*} ... \end{align*}`; `""` where there is no gradient.
    """
    if view.trace.result is None or not view.computed:
        return ""
    entries = [entry for entry in view.trace.inputs if entry.reached]
    sums = [sum_over_paths(view, entry.key) for entry in entries]
    read = [s is not None and bool(s.values or s.formulas) for s in sums]
    rows: list[str] = []
    for entry, found in zip(entries[:ROWS], sums, strict=False):
        if found is not None and all(read):
            rows += _sum(view, entry.key, found.paths, found.values)
    if not rows:
        rows = _sweep(view)
    rows += _legend(view, rows)
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}" if rows else ""


def _legend(view: View, rows: list[str]) -> list[str]:
    """Say what the signs in the rows stand for."""
    text, found = "\n".join(rows), dict[str, str]()
    told = {name(sign): _text(what) for sign, what in view.legends.items()}
    while new := {sign: what for sign, what in told.items() if sign in text and sign not in found}:
        found |= new
        text = "\n".join(new.values())  # signs in what is told of others
    return [rf"{sign} &= \text{{{found[sign]}}}" for sign in told if sign in found]


def _text(text: str) -> str:
    """Write plain text, signs in it as in formulas."""
    return SIGN.sub(lambda sign: f"${name(sign[0])}$", escaped(text))


def _partial(view: View, above: int, below: int | None) -> str:
    return rf"\frac{{\partial {_called(view, above)}}}{{\partial {_called(view, below)}}}"


def _called(view: View, key: int | None) -> str:
    """Call a value: by its name, by its expression in parentheses, else by its number in the tape."""
    operation, result = view.by_key[key], view.trace.result
    if result is not None and key == result.key and result.name.isidentifier():
        return name(result.name)
    text = operation.called or (operation.names[0] if operation.names else view.expression(operation))
    return operand(text) if len(text) <= LONG else operand(view.name(key, LONG))


def _sum(view: View, key: int, paths: tuple[Path, ...], values: str) -> list[str]:
    """Write a gradient as a sum over paths: in partial derivatives, in formulas, in numbers."""
    assert view.trace.result is not None
    grad = view.by_key[key].grad
    partials = [[_partial(view, user.key, edge.source) for user, edge in path] for path in paths]
    formulas = [[_formula(user, edge) for user, edge in path] for path in paths]
    rows = [_partial(view, view.trace.result.key, key)]
    said = [" + ".join(r"\,".join(path) for path in partials)] if len(paths) > 1 or len(paths[0]) > 1 else []
    if all(all(path) for path in formulas):
        said.append(" + ".join(_multiplied(path) for path in formulas))
    if values:
        numbers = [[number(edge.local.items) if edge.local else "?" for _, edge in path] for path in paths]
        products = " + ".join(_multiplied(path) for path in numbers)
        total = number(grad.items) if grad is not None else ""
        said.append(products if products == total or not total else f"{products} = {latex(total)}")
    said = [row for i, row in enumerate(said) if i == 0 or row != said[i - 1]]
    return [f"{rows[0] if i == 0 else ''} &= {row}".lstrip() for i, row in enumerate(said)]


def _multiplied(factors: list[str]) -> str:
    """Write a product without its ones, numbers below zero and sums in parentheses."""
    shown = [factor for factor in factors if factor != "1"] or ["1"]
    if len(shown) == 1:
        return shown[0]
    return r" \cdot ".join(map(_held, shown))


def _held(factor: str) -> str:
    loose = factor.startswith("-") or " + " in factor or " - " in factor
    return rf"\left({factor}\right)" if loose else factor


def _formula(user: Operation, edge: Edge) -> str:
    """Write a local derivative; `""` where it has no formula of one entry."""
    if edge.formula:
        return latex(edge.formula)
    if sums_up(user):
        return "1"
    return number(edge.local.items) if edge.local is not None and not edge.local.shape else ""


def _sweep(view: View) -> list[str]:
    """Write the sweep from the result down: each gradient by those of the values that use it."""
    assert view.trace.result is not None
    top = view.trace.result.key
    rows = []
    for operation in reversed(view.operations):
        uses = [(user, edge) for user, edge in view.users.get(operation.key, []) if user.key <= top]
        if not uses or operation.key == top:
            continue
        terms = [_term(view, top, user, edge) for user, edge in uses[:8]] + [r"\cdots"] * (len(uses) > 8)
        below = rf"\quad\text{{({escaped(brief(operation.grad))})}}" if operation.grad is not None else ""
        total = " + ".join(terms).replace("+ -", "- ")
        rows.append(f"{_partial(view, top, operation.key)} &= {total}{below}")
    return [*rows[: ROWS - 1], r"&\;\;\vdots", rows[-1]] if len(rows) > ROWS else rows


def _summed() -> str:
    return rf"\;\text{{[{tr('summed')}]}}"


_PRODUCT = re.compile(r"@|^outer\(|^grad\.T$|^grad\*")  # words that are a formula with `grad` in it


def _term(view: View, top: int, user: Operation, edge: Edge) -> str:
    """Write what one use sends back: the user's gradient times, or through, its local derivative."""
    flows = _partial(view, top, user.key) if user.key != top else "1"
    formula = _formula(user, edge)
    if formula:
        source = view.by_key[edge.source]
        summed = _summed() if len(source.shape) < len(user.shape) else ""
        if flows == "1" or formula == "1":
            return (formula if flows == "1" else flows) + summed
        return flows + (r" \odot " if user.shape else r" \cdot ") + _held(formula) + summed
    product, is_summed = view.product(user, edge)
    product = product or view.words(user, edge)
    if _PRODUCT.search(product):
        held = rf"\left({flows}\right)" if product == "grad.T" else flows
        return latex(product).replace(r"\mathrm{grad}", held) + (_summed() if is_summed else "")
    through = view.words(user, edge) or tr("through {operation}", operation=kind_of(user))
    return rf"\text{{{escaped(through)}}}" if flows == "1" else rf"{flows}\;\text{{[{escaped(through)}]}}"
