"""One program from a number: templates filled, line by line, with what is there.

In: a seed and a number. Out: a Program, the same each time. Each line is run as it is drawn, so that shapes and dtypes
of all variables are known: they are the values themselves. A line that raises is dropped, caught, or is the last one.
"""

from __future__ import annotations

import contextlib
import io
import random
import re
import textwrap
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .running import Program
from .templates import FLOATS, LINES, SAME, SCALARS
from .templates_borders import BLOCKS, BORDERS

_HOLE = re.compile(r"\{\{|\}\}|\{([a-z])(\d?)\}")  # {{ and }} are braces themselves
_MODULES = (
    "array ast base64 bisect cmath collections colorsys concurrent.futures contextlib contextvars copy csv "
    "dataclasses datetime decimal fractions functools hashlib heapq io itertools json math operator pickle queue "
    "random scipy.integrate scipy.interpolate scipy.linalg scipy.ndimage scipy.optimize scipy.signal scipy.special "
    "scipy.stats sqlite3 statistics struct sys tempfile textwrap threading time types typing uuid weakref zlib"
).split()
_NAMES = "y h t0 r e loss out acc w1 d1 pred err2 s1 cost mid part net total val res".split()
# What the templates of the borders write to, put into the setup of those programs that do.
_EARLIER = {
    "logs": "logs = []", "store": "store = {}", "refs": "refs = []", "stream": "import io\nstream = io.StringIO()",
    "box": "class Box: pass\nbox = Box(); box.items = []",
    "cv": "import contextvars\ncv = contextvars.ContextVar('cv')",
    "cache": "import weakref\ncache = weakref.WeakValueDictionary()",
    "remembered": "import functools\n@functools.lru_cache\ndef remembered(t):\n    return t * 0.5 + 1",
    "scaled": "def scaled(t, by=2.0):\n    out = np.asarray(t) * by\n    return out.sum()",
}  # fmt: skip
# What makes a variable for a hole that none fits.
_MAKERS = {"j": "{n} = np.arange({k}) + 1", "l": "{n} = [{s}, {c}]", "z": "{n} = {v} + 1j * {w}"}
LARGEST = 1e4  # of a value, by size; what grows beyond it says nothing about gradients


def _listed(text: str) -> list[str]:
    return [line for line in text.strip("\n").splitlines() if line and not line.startswith(" ")]


def _paragraphs(text: str) -> list[str]:
    return text.strip("\n").split("\n\n")


_SCALARS, _SAME, _FLOATS = _listed(SCALARS), _listed(SAME), _listed(FLOATS)
ONE_LINE = {kind: _listed(text) for kind, text in (LINES | BORDERS).items()}
KINDS = ONE_LINE | {kind: _paragraphs(text) for kind, text in BLOCKS.items()}
_COMMON = ("arithmetic", "reductions", "slicing", "writes", "shapes")
_BODY = ("arithmetic", "writes", "slicing", "containers", "targets", "text and logs")


class _Nothing(Exception):
    """No variable fits a hole: its letter."""


def draw(seed: int, number: int) -> Program:
    """Draw the program of this number."""
    return _Drawing(random.Random(f"{seed}/{number}")).program()


class _Drawing:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.n = rng.choice([2, 3, 3, 4, 5])
        self.setup, self.inputs = self._inputs()
        self.lines: list[str] = []
        self.made = 0
        self._restart()

    # ---- what earlier cells left ---------------------------------------------------------------
    def _inputs(self) -> tuple[list[str], list[str]]:
        """Draw one to three inputs of different kinds, and arrays that are none."""
        rng, n = self.rng, self.n
        numbers = lambda k: "[" + ", ".join(f"{rng.uniform(-1.5, 2):.2f}" for _ in range(k)) + "]"
        vector = lambda: f"np.array({numbers(n)})"
        matrix = lambda r, k: f"np.array({numbers(r * k)}).reshape({r}, {k})"
        kinds: list[tuple[int, Callable[[str], tuple[str, str]]]] = [
            (8, lambda x: (f"{x} = {vector()}", x)),
            (5, lambda x: (f"{x} = {matrix(n, n)}", x)),
            (3, lambda x: (f"{x} = {matrix(2, n)}", x)),
            (5, lambda x: (f"{x} = {rng.uniform(-1.5, 2):.2f}", x)),
            (1, lambda x: (f"{x} = {rng.randint(1, 4)}", x)),
            (1, lambda x: (f"{x} = np.array({[rng.randint(-3, 4) for _ in range(n)]})", x)),
            (1, lambda x: (f"{x} = {vector()}.astype(np.float32)", x)),
            (1, lambda x: (f"{x} = {vector()}.astype(np.float16)", x)),
            (1, lambda x: (f"{x} = np.float64({rng.uniform(-1, 2):.2f})", x)),
            (1, lambda x: (f"{x} = np.array({rng.uniform(-1, 2):.2f})", x)),
            (1, lambda x: (f"{x} = {vector()} + 1j * {vector()}", x)),
            (1, lambda x: (f"{x} = {matrix(n, 2)}.T", x)),
            (1, lambda x: (f"{x} = np.asfortranarray({matrix(n, 3)})", x)),
            (1, lambda x: (f"{x} = {matrix(n, 2)}[:, 1]", x)),
            (1, lambda x: (f"{x} = {vector()}\n{x}_tail = {x}[1:]", x)),
            (1, lambda x: (f"{x} = {vector()}\n{x}_held = {{'k': [{x}]}}", x)),
            (1, lambda x: (f"{x} = {{'w': {vector()}, 'b': {rng.uniform(-1, 1):.2f}}}", f"{x}['w']")),
            (1, lambda x: (f"{x} = [{vector()}, {vector()}]", x)),
        ]
        names = rng.sample(["x", "W", "b", "a", "theta"], rng.choice([1, 1, 1, 2, 2, 3]))
        setup, line = [], []
        for name in names:
            text, on_line = rng.choices([k for _, k in kinds], [w for w, _ in kinds])[0](name)
            setup.append(text)
            line.append(on_line)
        for name in rng.sample(["c0", "buf", "old"], rng.choice([0, 1, 1, 2])):
            setup.append(f"{name} = {rng.choice([f'np.zeros({n})', f'np.ones({n})', vector()])}")
        return setup, [] if rng.random() < 0.08 else line

    def _restart(self) -> None:
        """Run what is drawn from its beginning."""
        self.names: dict[str, Any] = {"np": np, "__name__": "__main__"}
        text = "\n".join([*self.setup, *self.lines])
        np.random.seed(0)  # noqa: NPY002
        random.seed(0)
        self._run(_with_imports("\n".join(self.setup), text)[0])
        self.earlier = [n for n in ("c0", "buf", "old") if n in self.names]
        self.ready = set(re.findall(r"\w+", self._imports(text)))
        self._run("\n".join(self.lines))

    def _imports(self, text: str) -> str:
        return "\n".join(_needed(text))

    def _run(self, text: str) -> None:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("ignore")
            exec(compile(text, "<drawn>", "exec", dont_inherit=True), self.names)

    # ---- lines ---------------------------------------------------------------------------------
    def program(self) -> Program:
        rng = self.rng
        wanted = rng.choice([2, 3, 4, 5, 6, 8, 10, 14, 20, 30])
        themes = rng.sample(sorted(KINDS), 3)
        for _ in range(6 * wanted):
            if sum(line.count("\n") + 1 for line in self.lines) >= wanted:
                break
            kind = rng.choice(themes) if rng.random() < 0.65 else rng.choice(_COMMON)
            if self._add(kind) == "ends":
                return self._made()
        for _ in range(30):
            line = self._result()
            if self._tried(line):
                value = self.names["z"]
                if np.ndim(value) == 0 and np.isrealobj(value) and np.asarray(value).dtype.kind in "fiu":
                    break
                self._undo()
        else:
            self.lines.append("z = 0.0")
        if rng.random() < 0.25:
            self.lines[-1] = self.lines[-1].removeprefix("z = ")
        return self._made()

    def _made(self) -> Program:
        setup, cell = _with_imports("\n".join(self.setup), "\n".join(self.lines), self.rng)
        return Program(setup, " ".join(self.inputs), cell)

    def _add(self, kind: str) -> str:
        """Draw one line or block of this kind; 'ends' if it raises and the program ends with it."""
        template = self.rng.choice(KINDS[kind])
        try:
            line = self._filled(template)
        except _Nothing as nothing:
            try:
                self._tried(self._filled(_MAKERS[str(nothing)]))
                line = self._filled(template)
            except (_Nothing, KeyError):
                return ""
        if self._tried(line):
            return ""
        if self.raised is not None and self.rng.random() < 0.15:
            if self.rng.random() < 0.5:
                self.lines.append(line)
                return "ends"
            caught = (
                f"try:\n{textwrap.indent(line, '    ')}\nexcept Exception as error:\n    failed = str(error)"
            )
            self._tried(caught)
        return ""

    def _tried(self, line: str) -> bool:
        """Run one more line; keep it if it neither raises nor makes something too large, else undo it."""
        self.raised: Exception | None = None
        self.lines.append(line)
        missing = [t for t in _needed(line, bare=True) if t not in self.names.get("_had", ())]
        try:
            if missing or any(re.search(rf"\b{w}\b", line) and w not in self.names for w in _EARLIER):
                self._restart()
                self.names["_had"] = set(missing) | set(self.names.get("_had", ()))
            else:
                self._run(line)
        except SyntaxError:  # a hole filled where no expression may stand
            self._undo()
            return False
        except Exception as error:
            self.raised = error
        if self.raised is not None or not self._sane():
            self._undo()
            return False
        return True

    def _undo(self) -> None:
        self.lines.pop()
        self._restart()

    def _sane(self) -> bool:
        for name, value in self.names.items():
            if isinstance(value, (np.ndarray, np.number, float, complex)) and name != "np":
                a = np.asarray(value)
                if a.size > 300 or (a.dtype.kind in "fc" and not np.all(np.abs(a) < LARGEST)):
                    return False
            elif isinstance(value, (list, dict, set)) and len(value) > 300 and not name.startswith("__"):
                return False
        return True

    def _result(self) -> str:
        """End with a number made of what there is, of the latest above all."""
        terms = []
        for name, value in reversed(list(self._variables())):
            terms += _terms(name, value)
        picked = terms[: self.rng.choice([1, 2, 3])]
        if len(terms) > 3:
            picked += self.rng.sample(terms[3:], min(len(terms) - 3, self.rng.choice([0, 1, 2])))
        if not picked or self.rng.random() < 0.3:
            with contextlib.suppress(_Nothing):
                picked.append(self._filled("{s}"))
        self.rng.shuffle(picked)
        weighted = [
            f"{t} * {self.rng.choice(['0.5', '1.5', '2'])}" if self.rng.random() < 0.4 else t for t in picked
        ]
        return "z = " + (" + ".join(weighted) or "0.0")

    # ---- holes ---------------------------------------------------------------------------------
    def _variables(self) -> list[tuple[str, Any]]:
        hidden = ("np", "__name__", "__builtins__", "_had")
        return [(n, v) for n, v in self.names.items() if n not in hidden and not n.startswith("__")]

    def _filled(self, template: str, depth: int = 0) -> str:
        held: dict[str, str] = {}
        if "    body" in template:
            kinds = [self.rng.choice(_BODY) for _ in range(self.rng.choice([1, 2, 3]))]
            lines = [self._filled(self.rng.choice(ONE_LINE[k]), depth + 1) for k in kinds]
            template = template.replace(
                "    body", textwrap.indent("\n".join(_escaped(t) for t in lines), "    ")
            )

        def fill(match: re.Match[str]) -> str:
            letter, key = match[1], match[0]
            if letter is None:
                return key[0]
            if key not in held or letter == "f" or (letter == "s" and depth):
                held[key] = self._hole(letter, held, depth)
            return held[key]

        return _HOLE.sub(fill, template)

    def _hole(self, letter: str, held: dict[str, str], depth: int) -> str:
        rng = self.rng
        if letter == "n":
            self.made += 1
            return f"{rng.choice(_NAMES)}{self.made}"
        if letter == "c":
            return f"{rng.choice([0.5, 1.5, 2.0, 0.3, -0.7, 1.1, 3.0])}".replace(
                "-", "" if rng.random() < 0.5 else "-"
            )
        if letter == "k":
            return str(rng.randint(2, 4))
        if letter == "i":
            return rng.choice(["0", "1", "-1"])
        if letter == "s":
            return self._expression(_SCALARS, "g", depth)
        if letter == "f":
            return self._expression(_FLOATS, "a", depth)
        if letter == "b":
            return self._filled(
                rng.choice(_SAME).replace("{a}", held.get("{a}") or self._hole("a", held, depth)), depth + 1
            )
        if letter == "w":
            of = held.get("{v}") or held.get("{u}") or self._hole("v", held, depth)
            size = np.size(self.names[of])
            others = [
                n
                for n, v in self._variables()
                if isinstance(v, np.ndarray) and v.shape == (size,) and v.dtype.kind == "f"
            ]
            return rng.choice([of, f"np.cos({of})", f"({of} * 0.5)", *others])
        if letter == "p":
            return self._pick(lambda n, v: n in self.earlier)
        if letter == "x":
            return self._pick(lambda n, v: n in self.inputs)
        return self._pick(lambda n, v: n not in self.earlier and self._fits(letter, v), letter)

    def _pick(self, fits: Callable[[str, Any], bool], letter: str = "") -> str:
        names = [n for n, v in self._variables() if fits(n, v)]
        if not names:
            raise _Nothing(letter)
        return self.rng.choice(names + names[-2:])  # what was made last a little more often

    def _fits(self, letter: str, value: Any) -> bool:
        if letter == "g":
            return isinstance(value, (float, np.floating)) and type(value) is not bool
        if letter == "l":
            return (
                type(value) is list
                and bool(value)
                and all(isinstance(v, (float, np.floating)) for v in value)
            )
        if not isinstance(value, np.ndarray) or not value.size or not value.ndim:
            return False
        if letter in "jz":
            return value.dtype.kind == {"j": "i", "z": "c"}[letter]
        if value.dtype.kind != "f":
            return False
        shape = value.shape
        return {
            "a": True, "v": value.ndim == 1 and value.size > 1, "u": shape == (self.n,),
            "m": value.ndim == 2 and min(shape) > 1, "q": value.ndim == 2 and shape[0] == shape[1] > 1,
        }[letter]  # fmt: skip

    def _expression(self, table: list[str], variable: str, depth: int) -> str:
        if depth < 2:
            for _ in range(6):
                with contextlib.suppress(_Nothing):
                    return self._filled(self.rng.choice(table), depth + 1)
        return self._hole(variable, {}, depth) if variable == "a" else self._deep()

    def _deep(self) -> str:
        try:
            return self._hole("g", {}, 9)
        except _Nothing:
            return f"{self._hole('a', {}, 9)}.sum()"


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _terms(name: str, value: Any) -> list[str]:
    """Write a variable as one number; a container by what is in it."""
    if isinstance(value, (float, np.floating)) and not isinstance(value, bool):
        return [name]
    if isinstance(value, complex):
        return [f"abs({name})"]
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size:
        return [f"({name} * {name}).sum()", f"{name}.sum()"] if value.ndim else [name]
    if isinstance(value, np.ndarray) and value.dtype.kind == "c" and value.size:
        return [f"np.abs({name}).sum()"]
    if isinstance(value, (list, tuple)) and 0 < len(value) < 20:
        return [t for i in (0, -1) for t in _terms(f"{name}[{i}]", value[i])][:2]
    if isinstance(value, dict) and 0 < len(value) < 20:
        return [
            t for k, v in list(value.items())[:2] if isinstance(k, str) for t in _terms(f"{name}[{k!r}]", v)
        ]
    if type(value).__name__ == "Box" and hasattr(value, "y"):
        return _terms(f"{name}.y", value.y)
    return []


def _needed(text: str, bare: bool = False) -> list[str]:
    """Give what the setup must hold for `text`: imports and the objects of earlier cells; or their names alone."""
    modules = [m for m in _MODULES if re.search(rf"(?<![\w.]){re.escape(m)}\.", text)]
    objects = [n for n in _EARLIER if re.search(rf"(?<![\w.]){n}\b", text)]
    return (
        [*modules, *objects] if bare else [*(f"import {m}" for m in modules), *(_EARLIER[n] for n in objects)]
    )


def _with_imports(setup: str, cell: str, rng: random.Random | None = None) -> tuple[str, str]:
    """Put what is needed on top: of the setup, or now and then an import on top of the cell."""
    needed = _needed(cell)
    mine = [
        n
        for n in needed
        if n.startswith("import") and "\n" not in n and rng is not None and rng.random() < 0.1
    ]
    earlier = [n for n in needed if n not in mine]
    return "\n".join([*earlier, setup]), "\n".join([*mine, cell])
