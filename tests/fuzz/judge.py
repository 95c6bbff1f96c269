"""The verdict on one program: is what it leaves what it leaves without the magic, and is every gradient right or noted?

In: a program. Out: findings, one for each way of asking (the cell, the same text as a function under gm.grad, gm.jvp,
gm.hessian): a verdict and, where something is off, one line that says what.
"""

from __future__ import annotations

import ast
import linecache
import re
import textwrap
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradmagic as gm
from gradmagic.errors import GradmagicError

from . import reach
from .running import Program, Ran, earlier, plainly, told, with_magic
from .truth import NoTruth, Truth, wrong

# The worst first. `step`: a note though the gradient is right, on a value that passes a step (int, round, text of
# three digits): it does change the result, if by jumps. `unneeded`: a note where nothing of the kind is.
VERDICTS = (
    "crash",
    "timeout",
    "error",
    "differs",
    "silent",
    "unneeded",
    "noted",
    "step",
    "right",
    "no truth",
)
FAULTS = VERDICTS[:5]

_WORDLESS = (
    "not reached",
    "dtype",
    "zero",
    "large",
    "agrees",
    "numeric",
    "guard",
)  # notes that tell of no lost gradient
_STEPS = re.compile(
    r"\bint\(|round|:\.?\d*[defg]|%\.|floor|ceil|rint|trunc|astype|//|%|sign|float(16|32)|'[fe]\d?'|quantize|view\(|limit_denominator|timedelta|argsort|hash|len\("
)
_FUNCTION = "<the cell as a function>"
_MOST = 12  # entries of an input that are held against differences


@dataclass(frozen=True)
class Finding:
    """One way of asking, its verdict, and what is off."""

    mode: str
    verdict: str
    detail: str = ""


def judge(program: Program, functions: bool = True) -> list[Finding]:
    """Run a program both ways, and as a function, and give the verdicts."""
    plain, other = plainly(program), with_magic(program)
    found = transparent(plain, other)
    if plain.error is not None or other.error is not None:
        return found or [Finding("cell", "right", "both raise")]
    try:
        truth = Truth(program, _inputs(program, other))
    except NoTruth as error:
        return [*found, Finding("cell", "no truth", str(error))]
    found.append(_gradient(program, plain, other, truth))
    if functions and found[0].verdict != "differs":
        found += _as_function(program, plain, truth)
    return found


def transparent(plain: Ran, other: Ran) -> list[Finding]:
    """Tell where the run with the magic raised, printed or left something else."""
    if told(plain.error) != told(other.error):
        verb = "error" if plain.error is None else "differs"
        return [
            Finding(
                "cell",
                verb,
                f"raises {told(other.error) or 'nothing'}, not {told(plain.error) or 'anything'}",
            )
        ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of flags of broadcast arrays, which are only looked at
        found = reach.differences(plain.names, other.names)
    if plain.printed != other.printed:
        found.append(f"prints {other.printed[-60:]!r}, not {plain.printed[-60:]!r}")
    return [Finding("cell", "differs", "; ".join(found[:3]))] if found else []


# ---- the cell ------------------------------------------------------------------------------------------------


def _inputs(program: Program, other: Ran) -> list[str]:
    """Names of inputs that earlier cells defined: what the report has rows for, or else what is on the line."""
    names = [e.name for e in other.trace.inputs] if other.trace is not None else program.names.split()
    defined = earlier(program)
    known = []
    for name in names:
        try:
            value = eval(name, defined)
        except (NameError, KeyError, AttributeError, IndexError):
            continue  # lifted as the cell first assigns it
        if isinstance(value, (np.ndarray, np.number, int, float, complex)):
            known.append(name)
    return known


def _gradient(program: Program, plain: Ran, other: Ran, truth: Truth) -> Finding:
    trace = other.trace
    if trace is None:
        off = _wrong(truth, dict.fromkeys(truth.names))
        return Finding(
            "cell", "noted" if off else "right", told(other.refused) if off else "no gradient, and it is zero"
        )
    words = [n.text for n in trace.notes if n.kind not in _WORDLESS]
    off = _wrong(truth, {e.name: e.array for e in trace.inputs if e.name in truth.names})
    about = trace.result.name if trace.result is not None else "nothing"
    if off and not _same_value(about, program, plain):
        off = f"the report is about {about}, not {program.result}: {off}"
    if off:
        return Finding("cell", "noted" if words else "silent", off)
    if any(n.kind == "cut" for n in trace.notes):
        return Finding("cell", "step" if _STEPS.search(program.cell) else "unneeded", words[0])
    return Finding("cell", "right")


def _wrong(truth: Truth, gradients: dict[str, Any]) -> str:
    """Say the first entry whose gradient is another one than the plain cell's differences; None stands for zeros."""
    defined = earlier(truth.program)
    for name, gradient in gradients.items():
        value = np.asarray(eval(name, defined))
        said = np.zeros(value.shape) if gradient is None else np.asarray(gradient)
        for index in _some(value.size):
            entry = value.ravel()[index]
            try:
                right = truth.wrong(name, index, complex(said.ravel()[index]), entry)
            except NoTruth:
                continue
            if right is not None:
                at = f"{name}.flat[{index}]" if value.ndim else name
                return f"d/d{at} is {said.ravel()[index]:.6g}, right {right:.6g}"
    return ""


def _some(size: int) -> list[int]:
    """Give entries to look at: all of a few; of many the first, the last and some between."""
    return (
        sorted({round(i * (size - 1) / (_MOST - 1)) for i in range(_MOST)})
        if size > _MOST
        else list(range(size))
    )


def _same_value(about: str, program: Program, plain: Ran) -> bool:
    """Whether what the report is about is the cell's result, if under another of its names."""
    try:
        mine = plain.value if plain.value is not None else eval(program.result, plain.names)
        return about == program.result or bool(np.all(eval(about, plain.names) == mine))
    except Exception:
        return False


# ---- the same text as a function -----------------------------------------------------------------------------


def _as_function(program: Program, plain: Ran, truth: Truth) -> list[Finding]:
    """Ask gm.grad, gm.jvp and gm.hessian of the cell's text as a function of its inputs, where it can be one."""
    names = program.names.split()
    if not names or set(names) != set(truth.names) or not all(n.isidentifier() for n in names):
        return []
    if "global " in program.cell or any(len(re.findall(rf"\b{n}\b", program.setup)) > 1 for n in names):
        return []  # an alias made by an earlier cell would be a constant of the function
    f, args = _function(program, names)
    if any(np.iscomplexobj(a) for a in args) or not _gives(f, args, plain, program):
        return []

    def again() -> Callable[..., Any]:
        return _function(program, names)[
            0
        ]  # anew: what it appends to, writes into or caches is not what it was

    def of_each(made: Any) -> str:
        return _wrong(truth, dict(zip(names, made, strict=True)))

    found = [_asked("gm.grad", lambda: _grad(again(), args), of_each)]
    if found[0].verdict != "right":
        return found
    directions = [np.cos(np.arange(np.size(a)) + k).reshape(np.shape(a)) for k, a in enumerate(args)]
    found.append(_asked("gm.jvp", lambda: gm.jvp(again(), _copies(args), _tangents(args, directions))[1],
                        lambda made: _wrong_along(truth, names, directions, float(made))))  # fmt: skip
    if len(args) == 1 and np.asarray(args[0]).dtype == np.float64 and np.size(args[0]) <= 5:
        found.append(_asked("gm.hessian", lambda: gm.hessian(again())(*_copies(args)),
                            lambda made: _wrong_twice(again, args, made)))  # fmt: skip
    return found


def _function(program: Program, names: list[str]) -> tuple[Callable[..., Any], list[Any]]:
    tree = ast.parse(program.cell)
    if isinstance(tree.body[-1], ast.Expr):
        tree.body.pop()
    body = [ast.unparse(s) for s in tree.body] + [f"return {program.result}"]
    text = f"def _program({', '.join(names)}):\n" + textwrap.indent("\n".join(body), "    ")
    linecache.cache[_FUNCTION] = (len(text), None, text.splitlines(keepends=True), _FUNCTION)
    defined = earlier(program)
    args = [defined[n] for n in names]
    exec(compile(text, _FUNCTION, "exec", dont_inherit=True), defined)
    return defined["_program"], args


def _copies(args: list[Any]) -> tuple[Any, ...]:
    return tuple(a.copy(order="K") if isinstance(a, np.ndarray) else a for a in args)


def _tangents(args: list[Any], directions: list[Any]) -> tuple[Any, ...]:
    kinds = [
        a.dtype if np.asarray(a).dtype.kind == "f" and isinstance(a, np.ndarray) else float for a in args
    ]
    return tuple(d.astype(k) if np.ndim(d) else float(d) for d, k in zip(directions, kinds, strict=True))


def _gives(f: Callable[..., Any], args: list[Any], plain: Ran, program: Program) -> bool:
    """Whether the function, called plainly, gives what the cell gives."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = f(*_copies(args))
        mine = plain.value if plain.value is not None else eval(program.result, plain.names)
        return bool(np.all(np.equal(made, mine)))
    except Exception:
        return False


def _grad(f: Callable[..., Any], args: list[Any]) -> tuple[Any, ...]:
    return gm.grad(f, tuple(range(len(args))))(*_copies(args))


def _asked(mode: str, ask: Callable[[], Any], check: Callable[[Any], str]) -> Finding:
    """Ask, and give the verdict: an error or warning of gradmagic's counts as a note."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            made = ask()
        except GradmagicError as error:
            return Finding(mode, "noted", told(error))
        except Exception as error:
            return Finding(mode, "error", f"raises {told(error)}")
    words = [str(w.message) for w in heard if w.category.__module__.startswith("gradmagic")]
    try:
        off = check(made)
    except (NoTruth, GradmagicError) as error:
        return Finding(mode, "no truth", str(error))
    if off:
        return Finding(mode, "noted" if words else "silent", off)
    return Finding(mode, "step" if words else "right")


def _wrong_along(truth: Truth, names: list[str], directions: list[Any], said: float) -> str:
    steps = {(n, i): d.ravel()[i] for n, d in zip(names, directions, strict=True) for i in range(d.size)}
    right = truth.along(steps, said)
    return "" if right is None else f"along a direction {said:.6g}, right {right:.6g}"


def _wrong_twice(again: Callable[[], Callable[..., Any]], args: list[Any], said: Any) -> str:
    """Hold a Hessian against differences of the gradient, which was held against those of the value."""
    n = np.size(args[0])
    said = np.reshape(said, (n, n))
    for i, j in {(0, 0), (n - 1, 0), (n - 1, n - 1)}:

        def slope(h: float, i: int = i, j: int = j) -> float:
            (x,) = _copies(args)
            if np.ndim(x):
                x[np.unravel_index(j, x.shape)] += h
            else:
                x = x + h
            return float(np.ravel(gm.grad(again())(x))[i])

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            right = wrong(slope, float(said[i, j]), 1e-3)
        if right is not None:
            return f"entry [{i}, {j}] is {said[i, j]:.6g}, right {right:.6g}"
    return ""
