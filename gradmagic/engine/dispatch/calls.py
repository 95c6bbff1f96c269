"""Compute a function on tracked values and record it by its rule.

In: a rule, its function, the arguments as the user passed them. Out: the result, tracked where a gradient flows.
`call` serves every rule, through `call_elementwise` and `call_general`. `call_unary`, `call_binary` and `call_linear`
are the same for the common cases, written out. What each saves: np.exp by `record` and `wrap` takes 1.15 of its time,
np.sum 1.07; a bias added by `call_elementwise` 1.65.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any

import numpy as np

from ...errors import ArgumentError, DeviceError
from ...language import tr
from ..core import arrays, fused
from ..rules.declare import RULES
from ..rules.kinds import NUMBERS, General, LinearMap, scalar
from ..rules.pointwise import FEW, HOST, Elementwise
from ..rules.rule import CONSTANT, Rule, Saved, pick
from ..tape import memory
from ..tape.messages import blame, devices_text, lacking_text
from ..tape.modes import OFF, mode_now
from ..tape.nodes import Node, aval_like, aval_of, tick
from ..tape.tracked import Raw, Tracked, raws, tracked_in
from .non_numbers import EVEN, PLAIN, failed, in_torch_words, looked_at, numeric_aval, outside

_NO_OPTIONS: dict[str, Any] = {}


def record(rule: Rule, array: Raw, inputs: tuple[Node | None, ...], saved: Saved, aval: Any = None) -> Node:
    """Put one operation on the tape and give its node."""
    node = Node()
    node.rule, node.inputs, node.saved = rule, inputs, saved
    node.aval = aval if aval is not None else aval_of(array)
    node.number = tick()
    node.place = None
    mode = mode_now()
    if mode is not None and mode is not OFF:
        mode(node, array, sys._getframe(1))
    return node


def call_elementwise(rule: Elementwise, args: Sequence[Any], function: Any = None, shown: Any = None) -> Any:
    """Compute an elementwise function (by `function`, if the operator differs from the ufunc) and record it."""
    face: Any = None
    plain, nodes, mask, odd = [], [], 0, EVEN
    first: Any = None
    for i, a in enumerate(args):
        node = None
        if isinstance(a, Tracked):
            if face is None or face.soft:
                face = type(a)
            node, a = a.node, a.array
            if node is not None:
                mask |= 1 << i
                first = node
        elif type(a) not in PLAIN:
            if held(a):  # x + [u, v]
                return call_elementwise(rule, list(map(gathered, args)), function, shown)
            a, odd = looked_at(a, odd)
        plain.append(a)
        nodes.append(node)
    try:
        out = (function or rule.function)(*plain)
    except (ValueError, TypeError) as error:
        raise failed(error, rule, args, shown) from None
    if out is NotImplemented or face is None:
        return out
    if odd is not EVEN:
        return outside(rule.name, args, out, odd)
    if not mask or mode_now() is OFF:
        return face.wrap(out, None)
    aval = aval_like(out, first.aval)
    if aval.fast:
        for node in nodes:  # all(...) would make a generator: 0.3 us
            if node is not None and node.aval is not aval:
                break
        else:
            rule = rule.twin
    elif aval.odd:
        return outside(rule.name, args, out)
    return face.wrap(out, record(rule, out, tuple(nodes), rule.keep(out, plain, {}, mask), aval))


def held(value: Any) -> bool:
    """Tell whether it is a list, or nested lists, with lifted values in it."""
    return isinstance(value, (list, tuple)) and any(
        isinstance(v, Tracked.inner) and v.node is not None for v in tracked_in(value)
    )


def stacked(value: Any) -> Any:
    """Give nested lists, some of lifted values, as one array."""
    if type(value) not in (list, tuple):
        return value
    if not held(value):
        return np.asarray(value)
    parts: list[Any] = [stacked(v) for v in value]
    there = next((a for a in raws(parts) if arrays.on_device(a)), None)
    if there is not None:  # numbers beside a device's values go there
        parts = [p if isinstance(p, Tracked) else arrays.from_host(np.asarray(p), there) for p in parts]
    return np.stack(parts)


def gathered(value: Any) -> Any:
    """Give a list with lifted values in it as one tracked array; anything else as it is."""
    return stacked(value) if held(value) else value


def call_unary(rule: Elementwise, function: Any, x: Tracked) -> Any:
    """Compute an elementwise function of one argument: `call_elementwise` without its loops (1.2 for 2.9 us)."""
    n, mode = x.node, mode_now()
    if n is None or mode is OFF or not (aval := n.aval).fast or aval.python is not None:
        return call_elementwise(rule, (x,), function)
    array = x.array
    try:
        out = function(array)
    except TypeError as error:
        raise failed(error, rule, (x,)) from None
    keep_out, keep_x = rule.keeps[1]
    node = Node()
    node.rule, node.inputs = rule.twin, (n,)
    node.saved = (
        out if keep_out else None,
        array if keep_x and (keep_x is True or aval.size <= FEW or keep_x(out, array)) else None,
    )
    node.aval, node.number, node.place = aval, tick(), None
    if mode is not None:
        mode(node, out, sys._getframe(1))
    made = _new(type(x))
    made.array, made.node = out, node
    return made


def call_binary(rule: Elementwise, op: Callable[[Any, Any], Any], a: Tracked, b: Tracked) -> Any:
    """Compute an operator on two values of one face and dtype that broadcast: `call_elementwise` without its loops."""
    x, y = a.array, b.array
    try:
        out = op(x, y)
    except (ValueError, TypeError) as error:
        raise failed(error, rule, (a, b)) from None
    keep_out, keep_x, keep_y = rule.keeps[3]
    saved = None
    if keep_out or keep_x or keep_y:
        saved = (out if keep_out else None, x if keep_x else None, y if keep_y else None)
    node = record(rule, out, (a.node, b.node), saved)
    made = _new(type(a))
    made.array, made.node = out, node
    return made


def call_linear(
    rule: LinearMap, function: Any, args: Sequence[Any], kwargs: dict[str, Any] = _NO_OPTIONS
) -> Any:
    """Compute a linear function whose settings are not tracked: `call` made lean (np.sum: 3.0 for 7.5 us)."""
    x = args[0]
    n, mode = x.node, mode_now()
    array = x.array
    plain = type(array) is np.ndarray
    quick = QUICK.get(function) if plain and len(args) == 1 and not kwargs else None
    if quick is not None and n is not None and n.aval.quick:
        out = quick(array)
    else:
        if not plain and function in INDEXING and arrays.on_device(array):
            INDEXING[function](array, *raws(args[1:]), **raws(kwargs))
        try:
            out = function(array, *args[1:], **kwargs)
        except ValueError as error:
            raise in_torch_words(error, args) from None
    if n is None or mode is OFF:
        return wrapped(out, type(x))
    aval = aval_of(out)
    if aval.odd:
        return outside(rule.name, args, out)
    node = Node()
    node.rule, node.inputs, node.saved = rule, (n,), (n.aval, args[1:], kwargs)
    node.aval, node.number, node.place = aval, tick(), None
    if mode is not None:
        mode(node, out, sys._getframe(1))
    made = _new(type(x))
    made.array, made.node = out, node
    if (
        rule.view
        and (getattr(out, "base", None) is not None or out is array)
        and (plain or arrays.is_array(array))
    ):
        memory.shares(made, x)
    return made


def _note_views(made: list[Any], args: Sequence[Any]) -> None:
    """Note which results look into the memory of an argument (`x[:, 1:]`, the parts of np.split)."""
    for one in made:
        if arrays.is_array(one.array) and getattr(one.array, "base", None) is not None:
            base = memory.base_of(one.array)
            for a in args:
                if isinstance(a, Tracked) and arrays.is_array(a.array) and memory.base_of(a.array) is base:
                    memory.shares(one, a)


# Functions that pick by numbers, which a device does not check: what checks theirs, called as they are (bounds.py).
INDEXING: dict[Any, Callable[..., None]] = {}
_reduce: Any = np.add.reduce
# What np.sum and np.mean come down to for a whole float array: 0.8 and 1.1 us for 2.1 and 3.7, bit for bit the same.
QUICK: dict[Any, Callable[[Any], Any]] = {
    np.sum: lambda x: _reduce(x, None),
    np.mean: lambda x: _reduce(x, None) / x.size,
}
_new = object.__new__  # whatever the constructor takes


def call_general(rule: General, function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Compute a function with one vjp for each argument, or with one for all of them (`each`)."""
    face: Any = None
    plain, nodes, mask, odd, numbers = [], [], 0, EVEN, False
    vjps, each = rule.vjps, rule.each is not None
    for i, a in enumerate(args):
        node = None
        if isinstance(a, Tracked):
            if face is None or face.soft:
                face = type(a)
            if each or (i < len(vjps) and vjps[i] is not None):
                node, a = a.node, a.array
                if node is not None:
                    mask |= 1 << i
                    numbers = numbers or type(a) in NUMBERS
            else:
                a = as_constant(a, rule, i)
        elif type(a) not in PLAIN:
            if i < len(vjps) and vjps[i] is not None:
                a, odd = looked_at(a, odd, convert=True)
            else:
                a = raws(a)
        plain.append(a)
        nodes.append(node)
    try:
        out = function(*plain, **kwargs)
    except (ValueError, TypeError) as error:
        raise failed(error, rule, args) from None
    if odd is not EVEN:
        return outside(rule.name, args, out, odd)
    if not mask or mode_now() is OFF:
        return wrapped(out, face or face_of(args))
    if numbers and not each:  # the vjps ask for their shape
        plain = [scalar(a) if mask >> i & 1 and type(a) in NUMBERS else a for i, a in enumerate(plain)]
    if rule.symmetric and rule.means_symmetric(kwargs):
        _told_if_not_symmetric(rule, plain[0])
    inputs = tuple(nodes if each or len(nodes) <= len(vjps) else nodes[: len(vjps)])
    if rule.outputs == 1:
        if (aval := numeric_aval(out)) is None:
            return outside(rule.name, args, out)
        made = face.wrap(out, record(rule, out, inputs, rule.keep(out, plain, kwargs, mask), aval))
        if getattr(out, "base", None) is not None:
            _note_views([made], args)
        return made
    saved = rule.keep(tuple(out), plain, kwargs, mask)
    node = record(rule, out, inputs, saved, tuple(aval_of(o) for o in out))
    parts = [face.wrap(o, pick(node, i)) for i, o in enumerate(out)]
    _note_views(parts, args)
    return type(out)(*parts) if hasattr(out, "_fields") else type(out)(parts)


def _told_if_not_symmetric(rule: Rule, a: Raw) -> None:
    """Say that a matrix that is read in one triangle is not symmetric; a GPU would have to wait for the answer."""
    if arrays.on_device(a) or np.ndim(a) < 2:
        return
    apart = np.absolute(a - np.conj(np.swapaxes(a, -1, -2)))
    if np.any(apart > 1e3 * np.finfo(apart.dtype).eps * np.max(np.absolute(a), initial=0)):
        warnings.warn(tr(
            "np.linalg.{name} takes its matrix for symmetric, and it is not: its gradient is that along changes "
            "of both triangles together. Write (a + a.T) / 2 to have it by every entry.", name=rule.name,
        ), UserWarning, stacklevel=2)  # fmt: skip


def call(rule: Rule, function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Compute `function` and record it by its rule, whatever its kind."""
    lean = isinstance(rule, LinearMap) and not rule.sequence and isinstance(args[0], Tracked)
    if lean and not tracked_in((args[1:], kwargs)):
        try:
            return call_linear(rule, function, args, kwargs)  # type: ignore[arg-type]
        except TypeError as error:
            raise failed(error, rule, args) from None
    if function in INDEXING and isinstance(args[0], Tracked) and arrays.on_device(args[0].array):
        INDEXING[function](args[0].array, *raws(args[1:]), **raws(kwargs))
    if rule is CONSTANT:
        return wrapped(constantly(function, args, kwargs), face_of((args, kwargs)))
    if kwargs and (isinstance(rule, Elementwise) or tracked_in(kwargs)):
        args, kwargs = _positional(rule, function, args, kwargs)
    if isinstance(rule, General):
        return call_general(rule, function, args, kwargs)
    if isinstance(rule, Elementwise):
        if kwargs:
            raise ArgumentError(tr(
                "{name}() on a tracked value does not take {options}=: leave it out, or compute the part that "
                "needs it from t.detach().numpy().", name=rule.name, options=", ".join(kwargs),
            ))  # fmt: skip
        if len(args) < len(rule.partials):  # np.where(condition): places, which have no derivative
            return wrapped(function(*raws(args)), face_of(args))
        return call_elementwise(rule, args)
    # A linear map with settings that are tracked, or of the parts of a sequence.
    first, odd = list(args[0]) if rule.sequence else args[:1], EVEN
    nodes = tuple(a.node if isinstance(a, Tracked) else None for a in first)
    plain = list(map(raws, first))
    if rule.sequence:
        for i, a in enumerate(plain):
            if type(a) not in PLAIN:
                plain[i], odd = looked_at(a, odd, convert=True)
        plain = [plain]
    plain += [as_constant(a, rule, i) for i, a in enumerate(args[1:], 1)]
    face = face_of(args)
    try:
        out = function(*plain, **kwargs)
    except (ValueError, TypeError) as error:
        raise failed(error, rule, args) from None
    if odd is not EVEN:
        return outside(rule.name, args, out, odd)
    if mode_now() is OFF or not any(node is not None for node in nodes):
        return wrapped(out, face)
    if (aval := numeric_aval(out)) is None:
        return outside(rule.name, args, out)
    one = face.wrap(out, record(rule, out, nodes, rule.keep(out, plain, kwargs, 1), aval))
    _note_views([one], args)
    return one


def constantly(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Compute a function without a derivative; where two devices meet in it, that is said as of any other."""
    try:
        return function(*raws(args), **raws(kwargs))
    except (TypeError, AttributeError) as error:  # AttributeError: CuPy's copyto
        if text := devices_text(function.__name__, args) or lacking_text(error, args):
            raise DeviceError(text) from None
        raise in_torch_words(error, args) from None


def primitive(function: Callable[..., Any]) -> Any:
    """Make `function` of arrays a function that stands in the table of rules beside NumPy's."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for a in args:
            if isinstance(a, Tracked) or (type(a) is list and any(isinstance(b, Tracked) for b in a)):
                return call(RULES[wrapper], function, args, kwargs)
        return function(*args, **kwargs)

    return wrapper


def by_one_kernel(function: Callable[..., Any]) -> Any:
    """Compute a function that works entry by entry by one kernel, where its arguments lie on a device."""

    @wraps(function)
    def computed(x: Any, *args: Any) -> Any:
        if type(x) in HOST or (out := fused.applied(function, function, x, *args)) is NotImplemented:
            return function(x, *args)
        return out

    return computed


def face_of(args: Any) -> Any:
    """Give the face of the result: Tensor where one is among the arguments."""
    face: Any = None
    for a in tracked_in(args):
        if face is None or face.soft:
            face = type(a)
    return face or Tracked.inner


def as_constant(value: Any, rule: Rule, position: int) -> Any:
    """An argument through which the rule has no gradient: whole numbers and settings pass, tracked floats do not."""
    for a in tracked_in(value):
        if a.node is not None and a.node.aval.tangent is a.node.aval.dtype:
            if mode_now() is not OFF and not a.soft:
                raise ArgumentError(tr(
                    "np.{name} has no derivative by its argument number {position}, {value}: pass a constant "
                    "there (t.detach().numpy()).", name=rule.name, position=position + 1, value=blame(a),
                ))  # fmt: skip
            a.leave(f"np.{rule.name}")
    return raws(value)


def wrapped(out: Any, face: Any) -> Any:
    """Give results that carry no gradient the face of the arguments."""
    if arrays.is_typed(out):
        return face.wrap(out, None)
    if type(out) in (list, tuple):
        return type(out)(wrapped(o, face) for o in out)
    if isinstance(out, tuple) and hasattr(out, "_fields"):
        return type(out)(*(wrapped(o, face) for o in out))
    return out


def plain_settings(args: Sequence[Any]) -> bool:
    """Tell whether only the first argument is tracked."""
    if len(args) == 1:
        return True  # or NumPy would not have come here
    return isinstance(args[0], Tracked) and not tracked_in(args[1:])


@cache
def _signature(function: Any) -> inspect.Signature:
    return inspect.signature(function)


def _positional(
    rule: Rule, function: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Sequence[Any], dict[str, Any]]:
    """Move keyword arguments to their positions, so that tracked ones among them get their derivative.

    Those that stay, behind one that was left out or with no position, are settings: a mask that is a Tensor gets plain.
    """
    try:
        bound = _signature(function).bind(*args, **kwargs)
    except ValueError:  # no signature: C functions of old
        return args, kwargs
    places = {name: i for i, name in enumerate(bound.signature.parameters)}
    settings = {k: as_constant(v, rule, places.get(k, len(args))) for k, v in bound.kwargs.items()}
    return [None if a is np._NoValue else a for a in bound.args], settings
