"""Formulas on a device as one kernel: a function of arrays is run once on symbols that write down what it computes.

In: a function that calls NumPy's elementwise functions and operators, and its arguments. Out: what it gives, or, for
optimisers, many arrays moved in place. The kernel is made of the function itself, so a formula stands once for host and
device. What the symbols cannot follow (a shape asked for, a branch on a value, complex numbers) is `Unfit`, and the
function runs as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from . import arrays

_KERNELS: dict[Any, Any] = {}  # by formula and dtypes; None: it cannot be followed
_MOST = 4096


def weak(kind: Any) -> bool:
    """Tell whether this is a type of Python's numbers, which take the dtype of what they meet (a bool's is its own)."""
    return kind is float or kind is int  # np.dtype(float) == float


class Unfit(Exception):
    """A formula does what a kernel of one entry cannot."""


class Lines:
    """The lines of one kernel as they come, each a value of its own."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, text: str, dtype: Any) -> Symbol:
        """Write a line down that computes `text`, and give its value."""
        name = f"v{len(self.lines)}"
        if dtype == np.float16:  # computed as NumPy's and CuPy's: in float, rounded each time
            text = f"(float)(float16)({text})"
        self.lines.append(f"const {c_type(dtype)} {name} = {text};")
        return Symbol(name, dtype, self)


def c_type(dtype: Any) -> str:
    """Give the type in C in which an entry of `dtype`, or a number of Python's, is held."""
    if weak(dtype):
        return "double" if dtype is float else "long long"
    dtype = np.dtype(dtype)
    if dtype == np.float16:
        return "float"
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise Unfit
    return _C_TYPES[dtype.name]


# In C's own words: NVRTC knows no int64_t.
_C_TYPES = {
    "float32": "float", "float64": "double", "bool": "bool", "int8": "signed char", "uint8": "unsigned char",
    "int16": "short", "uint16": "unsigned short", "int32": "int", "uint32": "unsigned int", "int64": "long long",
    "uint64": "unsigned long long",
}  # fmt: skip


class Symbol(NDArrayOperatorsMixin):
    """An entry of an array in a formula that is being written down."""

    def __init__(self, text: str, dtype: Any, lines: Lines) -> None:
        self.text, self.dtype, self.lines = text, dtype, lines

    def __getattr__(self, name: str) -> Any:
        raise Unfit(name)  # not an AttributeError, which getattr(x, "shape", ()) would take for an answer

    def __bool__(self) -> bool:
        raise Unfit

    __float__ = __int__ = __index__ = __len__ = __iter__ = __bool__  # type: ignore[assignment]
    __hash__ = object.__hash__

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs or ufunc.nout != 1:
            raise Unfit
        return self.computed(ufunc, ufunc.__name__, inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if kwargs:
            raise Unfit
        if function is np.where and len(args) == 3:
            return self.computed(np.add, "where", args[1:], self.cast(args[0], np.dtype(bool)))
        if function is np.clip and len(args) == 3 and not any(a is None for a in args):
            return np.minimum(np.maximum(args[0], args[1]), args[2])
        if function is np.iscomplexobj:
            return False
        if function is np.real:
            return args[0]
        raise Unfit

    def computed(self, ufunc: Any, name: str, inputs: Sequence[Any], *others: str) -> Any:
        """Write down the loop of `ufunc` that NumPy takes for these dtypes, by the text of `name`."""
        if name not in _TEXTS:
            raise Unfit
        kinds = [type_of(a) for a in inputs]
        numbers = all(weak(k) or k is bool for k in kinds)
        found = [np.dtype(k) if numbers or k is bool else k for k in kinds]
        *loop, out = ufunc.resolve_dtypes((*found, None))
        texts = [self.cast(a, k) for a, k in zip(inputs, loop, strict=True)]
        text = _TEXTS[name]
        if isinstance(text, tuple):
            text = text[loop[0].kind != "f"]
        if numbers:  # they compute as Python does
            if (name in ("add", "subtract", "multiply", "negative")) is (out.kind == "b"):
                raise Unfit
            out = {"f": float, "b": bool}.get(out.kind, int)
        return self.lines.add(text.format(*texts, *others), out)

    @staticmethod
    def cast(value: Any, dtype: Any) -> str:
        """Give the text of a value or number as one of `dtype`."""
        if isinstance(value, Symbol):
            text = value.text
            if value.dtype == dtype:
                return text
        else:
            number = value.item() if isinstance(value, np.generic) else value
            if isinstance(number, float) and not math.isfinite(number):
                text = "(0.0 / 0.0)" if number != number else "(1.0 / 0.0)" if number > 0 else "(-1.0 / 0.0)"
            else:
                text = f"({number!r})".lower()
        half = "(float16)" if dtype == np.float16 else ""
        return f"(({c_type(dtype)}){half}{text})"


def type_of(value: Any) -> Any:
    """Give the dtype of a value, or the type of a Python number."""
    if isinstance(value, (Symbol, np.generic)):
        return value.dtype
    if weak(type(value)) or type(value) is bool:
        return type(value)
    raise Unfit


# NumPy's functions in C; two texts: for floating-point numbers, and for whole ones.
_TEXTS: dict[str, Any] = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}", "negative": "-{0}",
    "positive": "{0}", "conjugate": "{0}", "square": "{0} * {0}", "reciprocal": ("1 / {0}", None),
    "power": ("pow({0}, {1})", None), "hypot": "hypot({0}, {1})",
    "absolute": ("fabs({0})", "{0} < 0 ? -{0} : {0}"),
    "sign": ("isnan({0}) ? {0} : ({0} > 0) - ({0} < 0)", "({0} > 0) - ({0} < 0)"),
    "maximum": ("isnan({0}) || {0} > {1} ? {0} : {1}", "{0} > {1} ? {0} : {1}"),
    "minimum": ("isnan({0}) || {0} < {1} ? {0} : {1}", "{0} < {1} ? {0} : {1}"),
    "greater": "{0} > {1}", "greater_equal": "{0} >= {1}", "less": "{0} < {1}", "less_equal": "{0} <= {1}",
    "equal": "{0} == {1}", "not_equal": "{0} != {1}", "logical_and": "{0} && {1}", "logical_or": "{0} || {1}",
    "logical_not": "!{0}", "isfinite": ("isfinite({0})", "true"), "isnan": ("isnan({0})", "false"),
    "where": "{2} ? {0} : {1}",
    **{name: f"{name}({{0}})" for name in ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh",
                                           "tanh", "log2", "log10", "exp2", "floor", "ceil")},
}  # fmt: skip


def written(function: Callable[..., Any], kinds: Sequence[Any]) -> tuple[Lines, list[Any], Any]:
    """Run `function` on symbols of these dtypes, called a0, a1 ...; a kind that is no dtype stands for itself.

    Raises
    ------
    Unfit
        If it does what symbols cannot follow.
    """
    lines = Lines()
    symbols = [
        Symbol(f"a{i}", k, lines) if weak(k) or isinstance(k, np.dtype) else k for i, k in enumerate(kinds)
    ]
    for s in symbols:
        if isinstance(s, Symbol):
            c_type(s.dtype)
    try:
        return lines, symbols, function(*symbols)
    except (TypeError, ValueError, AttributeError, KeyError) as error:  # a dtype has no such loop
        raise Unfit from error


def kernel(module: Any, function: Callable[..., Any], kinds: Sequence[Any]) -> Any:
    """Make the kernel that computes `function` for arguments of these kinds, entry by entry; None if it cannot be."""
    try:
        lines, symbols, out = written(function, kinds)
        if not isinstance(out, Symbol) or not isinstance(out.dtype, np.dtype):
            return None
    except Unfit:
        return None
    text = "\n".join([*lines.lines, f"out = {out.text};"])
    wanted = [i for i, s in enumerate(symbols) if isinstance(s, Symbol) and re.search(rf"\ba{i}\b", text)]
    params = ", ".join(f"{np.dtype(symbols[i].dtype).name} h{i}" for i in wanted)
    loads = "".join(f"const {c_type(symbols[i].dtype)} a{i} = h{i};\n" for i in wanted)
    name = "gradmagic_formula"
    made = module.ElementwiseKernel(params, f"{out.dtype.name} out", loads + text, name)
    return made, wanted


def applied(key: Any, function: Callable[..., Any], *args: Any) -> Any:
    """Give `function(*args)` by one kernel if its arguments lie on a device; NotImplemented if that cannot be.

    `key` names the function, for which it is written down once for each of the dtypes that come.
    """
    module = None
    kinds: list[Any] = []
    if not hasattr(arrays.module_of(args[0]), "ElementwiseKernel"):
        return NotImplemented
    for a in args:
        kind = type(a)
        if kind is float or kind is int or a is None:
            kinds.append(kind if a is not None else None)
        elif isinstance(a, np.generic):
            kinds.append(a.dtype)
        else:
            home = arrays.module_of(a)
            if home is np:
                return NotImplemented
            module = home
            kinds.append(a.dtype)
    known = (module, key, *kinds)
    found = _KERNELS.get(known, _KERNELS)
    if found is _KERNELS:
        if len(_KERNELS) >= _MOST:
            _KERNELS.clear()
        found = _KERNELS[known] = kernel(module, function, kinds)
    if found is None:
        return NotImplemented
    made, wanted = found
    return made(*[args[i] for i in wanted])


def moved(
    key: Any,
    function: Callable[..., Any],
    rows: Sequence[Sequence[Any]],
    number: int,
    settings: Sequence[Any],
) -> bool:
    """Set in each row of arrays the first `number` ones to `function(*row, *settings)`; False if that cannot be.

    All rows by one kernel, or by a few: what a kernel is told of its arrays has to fit into 4 KB.
    """
    module = arrays.module_of(rows[0][0])
    if not hasattr(module, "ElementwiseKernel") or not all(
        s is None or type(s) in (bool, int, float) for s in settings
    ):
        return False
    batch: list[Any] = []
    room = 0
    kinds = [a.dtype for a in rows[0]] + [type(s) if weak(type(s)) else s for s in settings]
    numbers = [s for s in settings if weak(type(s))]
    if _formula(module, key, function, kinds, number) is None:
        return False
    for row in rows:
        flat = [a.reshape(-1) if a.ndim != 1 and (not a.ndim or a.flags.c_contiguous) else a for a in row]
        size = sum(16 + 16 * a.ndim for a in flat)
        if batch and room + size > _ROOM:
            _launch(module, key, function, kinds, number, batch, numbers)
            batch, room = [], 0
        batch.append(flat)
        room += size
    _launch(module, key, function, kinds, number, batch, numbers)
    return True


_ROOM = 3500  # bytes; the rest is for the settings


def _formula(module: Any, key: Any, function: Callable[..., Any], kinds: Sequence[Any], number: int) -> Any:
    """Write down the lines of `moved` for one entry, kept as a kernel of no arrays is."""
    known = (module, key, number, *kinds)
    if known not in _KERNELS:
        _KERNELS[known] = None
        try:
            lines, _, outs = written(function, kinds)
            if [getattr(o, "dtype", None) for o in outs] == kinds[:number]:
                _KERNELS[known] = [*lines.lines, *(f"*p{i} = {o.text};" for i, o in enumerate(outs))]
        except Unfit:
            pass
    return _KERNELS[known]


def _launch(
    module: Any, key: Any, function: Any, kinds: Sequence[Any], number: int, rows: Sequence[Any], numbers: Sequence[Any]
) -> None:  # fmt: skip
    """Find each entry's row, and move it: one kernel."""
    known = (module, key, number, len(rows), *kinds)
    made = _KERNELS.get(known)
    width = len(rows[0])
    if made is None:
        names = [[f"r{j}_{i}" for i in range(width)] for j in range(len(rows))]
        kind_of = [np.dtype(k).name for k in kinds[:width]]
        scalars = [i for i, k in enumerate(kinds) if weak(k)]
        ins = [f"raw {kind_of[i]} {row[i]}" for row in names for i in range(number, width)]
        ins += [f"{np.dtype(kinds[i]).name} a{i}" for i in scalars]
        outs = [f"raw {kind_of[i]} {row[i]}" for row in names for i in range(number)]
        stored = ["float16" if k == "float16" else c_type(k) for k in kind_of]
        text = [f"{'const ' if i >= number else ''}{stored[i]} *p{i};" for i in range(width)]
        text += ["ptrdiff_t k = i;"]
        for j, row in enumerate(names):
            found = " ".join(f"p{i} = &{name}[k];" for i, name in enumerate(row))
            after = f" else {{ k -= {row[0]}.size();" if j + 1 < len(names) else ""
            text.append((f"if (k < {row[0]}.size()) {{ {found} }}" if after else found) + after)
        text.append("}" * (len(names) - 1))
        text += [f"const {c_type(kinds[i])} a{i} = *p{i};" for i in range(width)]
        text += _formula(module, key, function, kinds, number)
        made = _KERNELS[known] = module.ElementwiseKernel(
            ", ".join(ins), ", ".join(outs), "\n".join(text), "gradmagic_step"
        )
    ins = [a for row in rows for a in row[number:]]
    outs = [a for row in rows for a in row[:number]]
    made(*ins, *numbers, *outs, size=sum(row[0].size for row in rows))
