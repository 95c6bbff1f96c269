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
from ...language import tr
from ..core import arrays
from ..core.foreign import Foreign
from ..core.interpreter import parse
from ..core.places import describe, label_of, name_of, place_of, user_frame, users
from .tracked import Tracked, raw, tracked_in

if TYPE_CHECKING:
    from ..rules.rule import Rule
    from .nodes import Node


def blame(tracked: Tracked, noun: str = "") -> str:
    """Name a value for a message: the user's name for it or the noun, its shape and the line that uses it."""
    frame = beyond_libraries(sys._getframe(1))
    name = name_of(tracked, frame)
    shape, place = tuple(np.shape(tracked.array)), describe(place_of(user_frame(frame)))
    if name:
        return tr("{name!r} (of shape {shape}), {place}", name=name, shape=shape, place=place)
    noun = noun or tr("a tracked value")
    return tr("{noun} of shape {shape}, {place}", noun=noun, shape=shape, place=place)


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
        return ast.unparse(node), tr(
            "If {left} is a sparse matrix, write {left}.toarray(), and of a table {left}.to_numpy()",
            left=ast.unparse(node.left),
        )  # fmt: skip
    if not isinstance(node, ast.Call) or not isinstance(node.func, (ast.Attribute, ast.Name)):
        return "", ""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
    called = ast.unparse(node.func)
    if name in _CONVERSIONS:
        return "", ""
    if name == "dot" and isinstance(node.func, ast.Attribute) and len(node.args) == 1:
        owner = ast.unparse(node.func.value)
        return f"{called}(...)", tr(
            "Write {owner} @ {other}, of a sparse matrix {owner}.toarray()",
            owner=owner, other=ast.unparse(node.args[0]),
        )  # fmt: skip
    if called.startswith(("np.", "numpy.")) and any(
        isinstance(a, (ast.List, ast.ListComp)) for a in node.args
    ):
        return f"{called}(...)", tr("Write np.stack([...]) of the values")
    if name in ("normal", "uniform"):
        return f"{called}(...)", tr(
            "Draw plain numbers, and move and scale them: a + b * rng.standard_normal(n)"
        )  # fmt: skip
    if name in ("permutation", "choice") and node.args and all(k.arg != "axis" for k in node.keywords):
        entries, *rest = map(ast.unparse, (*node.args, *node.keywords))
        drawn = ", ".join([f"len({entries})", *rest])
        return f"{called}(...)", tr(
            "Draw numbers of entries, and take those: {code}", code=f"{entries}[{called}({drawn})]"
        )
    return f"{called}(...)", tr(
        "Write it with NumPy's functions, take differences of it with gm.numeric, or give the derivative of {called} "
        "with gm.custom", called=called,
    )  # fmt: skip


_CONVERSIONS = frozenset(
    "array asarray asanyarray ascontiguousarray asfortranarray float64 float32 float16 complex128 complex64".split()
)


def foreign_text(name: str, tracked: Tracked, odd: Any, words: Foreign) -> str:
    """Say that no gradient passes through `odd`, which `name` met beside `tracked`, and what to write."""
    called = name_for(odd)
    what = tr("{name!r}, {what}", name=called, what=words) if called else words
    return tr(
        "{name} of {value}, and {what}: no gradient passes through it. {advice}.", name=name, value=blame(tracked),
        what=what, advice=words.advice(called),
    )  # fmt: skip


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
        return tr(
            "CuPy has no {function}, which the derivative of {name} needs{where}. Compute it on the host: write "
            "t.cpu() for a tensor t, call what gm.grad gives with cupy.asnumpy(x), or leave out --device in a cell.",
            function=found[1], name=node.rule.name, where=beside(node),
        )  # fmt: skip
    return tr(
        "CuPy has no {function}: it was called on {value}. Compute it on the host: write t.cpu() for a tensor t, "
        "call what gm.grad gives with cupy.asnumpy(x), or leave out --device in a cell.",
        function=found[1], value=blame(next(a for a in tracked_in(args) if arrays.on_device(a.array))),
    )  # fmt: skip


def beside(node: Node) -> str:
    """Say where the operation of a node stands, to be put behind its name; an empty text if it is not known."""
    return tr(", {place}", place=describe(node.place)) if node.place is not None else ""


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
                places.setdefault(arrays.device_of(plain), name_of(b, frame) or tr("a value"))
        if isinstance(a, list) and not any(isinstance(b, Tracked) for b in a):
            places.setdefault("cpu", tr("a list"))
    if len(places) < 2:
        return ""
    values = tr(" and ").join(
        tr("{name} on {device}", name=called, device=device) for device, called in places.items()
    )
    fields = {"name": name, "values": values, "place": describe(place_of(frame))}
    if all(a.soft for a in tracked_in(list(args))):
        return tr(
            "Expected all tensors to be on the same device, but found at least two devices: {name} of {values}, "
            "{place}. Move one of them: cp.asarray(v) or cp.asnumpy(v).", **fields,
        )  # fmt: skip
    return tr(
        "Expected all tensors to be on the same device, but found at least two devices: {name} of {values}, {place}. "
        'Move one of them: gm.tensor(v, device="{device}"), t.to("{device}") or t.cpu().',
        device=next(d for d in places if d != "cpu"), **fields,
    )  # fmt: skip


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
            words.append(tr(
                "{name} of shape {shape}", name=name_of(a, frame) or tr("a value"), shape=tuple(np.shape(raw(a)))
            ))  # fmt: skip
    tensors = any(isinstance(a, Tracked) and type(a) is not Tracked.inner for a in args)
    shapes = [np.shape(raw(a)) for a in args if isinstance(a, Tracked) or arrays.is_array(a)]
    said = said_of_shapes(rule.name, *shapes) if tensors and len(shapes) == 2 else ""
    fields = {
        "said": said or str(error).strip(),
        "name": rule.name,
        "values": tr(" and ").join(words),
        "place": describe(place_of(user_frame(frame))),
    }
    if rule.name in ("matmul", "dot"):
        return ShapeError(tr(
            "{said}: {name} of {values}, {place}. The last axis of the first must be as long as the first (or last but "
            "one) of the second: transpose or reshape one of them.", **fields,
        ))  # fmt: skip
    return ShapeError(tr(
        "{said}: {name} of {values}, {place}. Axes are matched from the right and must be equal or 1: write "
        "x[:, None] or x.reshape(...) on one.", **fields,
    ))  # fmt: skip


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
    if node.place is None:
        return FreedError(tr(
            "Trying to backward through the graph a second time (or directly access saved tensors after they have "
            "already been freed). What {name} had saved was freed by the first. Run the code that computes it again to "
            "compute it anew, or write backward(retain_graph=True) the first time.", name=node.rule.name,
        ))  # fmt: skip
    return FreedError(tr(
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
        "been freed). What {name}, {place}, had saved was freed by the first. Run {file} again to compute it anew, or "
        "write backward(retain_graph=True) the first time.",
        name=node.rule.name, place=describe(node.place), file=label_of(node.place[0].co_filename),
    ))  # fmt: skip
