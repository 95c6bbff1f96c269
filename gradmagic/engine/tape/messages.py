"""Words for errors of the engine: which value, of which shape, on which line; which operands do not fit.

In: tracked values and the frames that use them. Out: texts and errors.
"""

from __future__ import annotations

import ast
import math
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import FreedError, ShapeError
from ..core import arrays
from ..core.foreign import Foreign
from ..core.interpreter import parse
from ..core.places import describe, name_of, place_of, user_frame, users
from .tracked import Tracked, raw, tracked_in

if TYPE_CHECKING:
    from ..rules.rule import Rule
    from .nodes import Node


def blame(tracked: Tracked, noun: str = "a tracked value") -> str:
    """Name a value for a message: the user's name for it, its shape and the line that uses it."""
    frame = beyond_libraries(sys._getframe(1))
    name = name_of(tracked, frame)
    shape = f"of shape {tuple(np.shape(tracked.array))}"
    return (
        f"{name!r} ({shape})" * bool(name)
        + f"{noun} {shape}" * (not name)
        + f", {describe(place_of(user_frame(frame)))}"
    )


def beyond_libraries(frame: Any) -> Any:
    """Walk out of gradmagic, and of the libraries that an array may have been given to, to the user's own line."""
    start = frame = user_frame(frame)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if (
            module not in _LIBRARIES
            and module not in sys.stdlib_module_names
            and users(frame.f_code.co_filename)
        ):
            return frame
        frame = frame.f_back
    return start


_LIBRARIES = frozenset({"numpy", "scipy", "pandas", "matplotlib", "mpl_toolkits", "sklearn", "gradmagic"})


def taken_by(text: str) -> tuple[str, str]:
    """Name the call, written as `text`, that takes arrays apart itself, and say what to write instead.

    Both are empty for NumPy's conversions, and for what is no call.

    Examples
    --------
    >>> taken_by("X.dot(w)")
    ('X.dot(...)', 'Write X @ w, of a sparse matrix X.toarray()')
    >>> taken_by("np.asarray(x)")
    ('', '')
    """
    try:
        node = parse(text.strip(), mode="eval").body
    except SyntaxError:
        return "", ""
    if isinstance(node, ast.BinOp):  # an operator of another library's matrix
        left = ast.unparse(node.left)
        return ast.unparse(
            node
        ), f"If {left} is a sparse matrix, write {left}.toarray(), and of a table {left}.to_numpy()"
    if not isinstance(node, ast.Call) or not isinstance(node.func, (ast.Attribute, ast.Name)):
        return "", ""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
    called = ast.unparse(node.func)
    if name in _CONVERSIONS:
        return "", ""
    if name == "dot" and isinstance(node.func, ast.Attribute) and len(node.args) == 1:
        owner = ast.unparse(node.func.value)
        return (
            f"{called}(...)",
            f"Write {owner} @ {ast.unparse(node.args[0])}, of a sparse matrix {owner}.toarray()",
        )
    if called.startswith(("np.", "numpy.")) and any(
        isinstance(a, (ast.List, ast.ListComp)) for a in node.args
    ):
        return f"{called}(...)", "Write np.stack([...]) of the values"
    if name in ("normal", "uniform"):
        return f"{called}(...)", "Draw plain numbers, and move and scale them: a + b * rng.standard_normal(n)"
    return f"{called}(...)", (
        f"Write it with NumPy's functions, take differences of it with gm.numeric, or give the derivative of {called} "
        "with gm.custom"
    )


_CONVERSIONS = frozenset(
    "array asarray asanyarray ascontiguousarray asfortranarray float64 float32 float16 complex128 complex64".split()
)


def foreign_text(name: str, tracked: Tracked, odd: Any, words: Foreign) -> str:
    """Say that no gradient passes through `odd`, which `name` met beside `tracked`, and what to write."""
    called = name_for(odd)
    what = f"{called!r}, {words}" if called else words
    return f"{name} of {blame(tracked)}, and {what}: no gradient passes through it. {words.advice(called)}."


def lacking_text(error: Exception, args: Any = (), node: Any = None) -> str:
    """Say that a device's library lacks the function of an error: of arguments, or in the derivative of a node.

    An empty text for an error of another kind.

    Examples
    --------
    >>> lacking_text(TypeError("'<' not supported"))
    ''
    """
    found = _LACKING.search(str(error))
    if found is None or any(hasattr(sys.modules.get(home), found[1]) for home in _HOMES):
        return ""
    if node is None and not any(arrays.on_device(a.array) for a in tracked_in(args)):
        return ""
    if node is not None:
        where = f", {describe(node.place)}" if node.place is not None else ""
        what = f"{found[1]}, which the derivative of {node.rule.name} needs{where}"
    else:
        what = f"{found[1]}: it was called on {blame(next(a for a in tracked_in(args) if arrays.on_device(a.array)))}"
    return (
        f"CuPy has no {what}. Compute it on the host: write t.cpu() for a tensor t, call what gm.grad gives with "
        "cupy.asnumpy(x), or leave out --device in a cell."
    )


_HOMES = ("cupy", "cupy.linalg", "cupy.fft", "cupyx.scipy.special")
_LACKING = re.compile(r"(?:__array_ufunc__\(<ufunc '|no implementation found for 'numpy\.)(\w+)")


def devices_text(name: str, args: Any) -> str:
    """Say which operands of `name` live on different devices; an empty text if all are at one place.

    Numbers and 0-d arrays of the host go everywhere.
    """
    frame = beyond_libraries(sys._getframe(1))
    places: dict[str, str] = {}
    for a in args:
        for b in a if isinstance(a, (list, tuple)) else (a,):
            plain = raw(b)
            if arrays.on_device(plain) or np.ndim(plain):
                places.setdefault(arrays.device_of(plain), name_of(b, frame) or "a value")
        if isinstance(a, list) and not any(isinstance(b, Tracked) for b in a):
            places.setdefault("cpu", "a list")
    if len(places) < 2:
        return ""
    where = " and ".join(f"{called} on {device}" for device, called in places.items())
    device = next(d for d in places if d != "cpu")
    move = f'gm.tensor(v, device="{device}"), t.to("{device}") or t.cpu()'
    if all(a.soft for a in tracked_in(list(args))):
        move = "cp.asarray(v) or cp.asnumpy(v)"
    return (
        f"Expected all tensors to be on the same device, but found at least two devices: {name} of {where}, "
        f"{describe(place_of(frame))}. Move one of them: {move}."
    )


def only_shown(frame: Any) -> bool:
    """Tell whether a value is asked for by code that draws or checks it: nothing comes back to the computation."""
    user = beyond_libraries(frame)
    while frame is not None and frame is not user:
        if str(frame.f_globals.get("__name__", "")).startswith(_READING):
            return True
        frame = frame.f_back
    return False


_READING = ("matplotlib.", "mpl_toolkits.", "numpy.testing.")


def name_for(odd: Any) -> str:
    """Find the user's name for a plain value; an empty text where there is none, or where many names hold None."""
    frame = beyond_libraries(sys._getframe(1))
    if odd is not None:
        return name_of(odd, frame)
    held = [n for n, value in frame.f_locals.items() if value is None and not n.startswith("_")]
    return held[0] if len(held) == 1 else ""


def mismatch(error: ValueError, rule: Rule, args: Sequence[Any]) -> ShapeError:
    """Say which operands do not fit each other, by name, shape and line; the first sentence stays NumPy's."""
    frame = sys._getframe(2)
    words = []
    for a in args:
        if isinstance(a, Tracked) or arrays.is_array(a):
            words.append(f"{name_of(a, frame) or 'a value'} of shape {tuple(np.shape(raw(a)))}")
    where = describe(place_of(user_frame(frame)))
    tensors = any(isinstance(a, Tracked) and type(a) is not Tracked.inner for a in args)
    shapes = [np.shape(raw(a)) for a in args if isinstance(a, Tracked) or arrays.is_array(a)]
    said = said_of_shapes(rule.name, *shapes) if tensors and len(shapes) == 2 else ""
    said = said or str(error).strip()
    return ShapeError(
        f"{said}: {rule.name} of {' and '.join(words)}, {where}. "
        + (
            "The last axis of the first must be as long as the first (or last but one) of the second: "
            "transpose or reshape one of them."
            if rule.name in ("matmul", "dot")
            else "Axes are matched from the right and must be equal or 1: write x[:, None] or x.reshape(...) on one."
        )
    )


def said_of_shapes(name: str, a: tuple[int, ...], b: tuple[int, ...]) -> str:
    """Give PyTorch's sentence for two shapes that do not fit each other; "" where they do."""
    if name == "matmul":
        if not (a and b):
            return f"both arguments to matmul need to be at least 1D, but they are {len(a)}D and {len(b)}D"
        if a[-1] == b[max(len(b) - 2, 0)]:
            a, b = a[:-2], b[:-2]
        elif len(a) == len(b) == 1:
            return (
                f"inconsistent tensor size, expected tensor {list(a)} and src {list(b)} to have the same number of "
                f"elements, but got {a[0]} and {b[0]} elements respectively"
            )
        elif len(a) == 2 and len(b) == 1:
            return f"size mismatch, got input ({a[0]}), mat ({a[0]}x{a[1]}), vec ({b[0]})"
        elif len(a) <= 2 and len(b) <= 2:
            n, m = (1, *a)[-2:]
            return f"mat1 and mat2 shapes cannot be multiplied ({n}x{m} and {b[0]}x{b[1]})"
        elif len(a) == len(b) and a[:-2] == b[:-2]:
            return (
                f"Expected size for first two dimensions of batch2 tensor to be: [{math.prod(a[:-2])}, {a[-1]}] but "
                f"got: [{math.prod(b[:-2])}, {b[-2]}]."
            )
    for i in range(1, min(len(a), len(b)) + 1):
        if a[-i] != b[-i] and 1 not in (a[-i], b[-i]):
            return (
                f"The size of tensor a ({a[-i]}) must match the size of tensor b ({b[-i]}) at non-singleton dimension "
                f"{max(len(a), len(b)) - i}"
            )
    return ""


def freed(node: Node) -> FreedError:
    """Make the error of a sweep that needs what an earlier one has given back."""
    where = describe(node.place)
    made = f"{node.rule.name}, {where}," if where else node.rule.name
    return FreedError(
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
        f"been freed). What {made} had saved was freed by the first. Run "
        f"{where.partition(' of ')[2] or 'the code that computes it'} again to compute it anew, or write "
        "backward(retain_graph=True) the first time."
    )
