"""One run of a function on the tape: its arguments lifted, its results plain or tracked as the caller needs them.

In: a function and its arguments, nested containers among them. Out: a `TracedCall`, from which every transform takes
its derivatives (of_functions.py, matrices.py).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from ...errors import ArgumentError, ConversionError, GradmagicError, ShapeError
from ...language import capital, mark, tr
from ..core import arrays
from ..core.foreign import foreign, of_library
from ..core.places import describe
from ..core.trees import is_container, leaves, rebuilt, same_structure
from ..dispatch.calls import call_elementwise
from ..faces.numpy.array import Array, say_lost
from ..faces.torch.tensor import Tensor
from ..following.block import following
from ..following.followers import follower_of
from ..rules.declare import RULES
from ..sweeps.forward import push
from ..sweeps.several import sweep_from, taken
from ..tape.modes import DIFFERENTIATING, LOST, OFF, enable_grad, mode_now
from ..tape.nodes import WANTED, Aval, Leaf, Node, aval_of
from ..tape.tracked import Raw, Tracked, raw

_RECORDING = nullcontext()


class TracedCall:
    """What a function gave on lifted arguments.

    Attributes
    ----------
    inputs : list of Tracked
        The leaves of the arguments that a gradient can be taken by.
    nodes : list of Node
        Theirs as the function got them: it may have written to the inputs since.
    out : tree
        What the function gave, tracked.
    results : list
        The leaves of `out`.
    nested : bool
        Something else is differentiated through this run: an outer transform, or tensors that the function closes
        over. Then derivatives are recorded themselves.
    """

    __slots__ = ("_chosen", "_one", "_places", "aux", "inputs", "name", "nested", "nodes", "out", "results")

    def __init__(
        self,
        f: Callable[..., Any],
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: int | Sequence[int],
        has_aux: bool = False,
    ) -> None:
        self.name = getattr(f, "__name__", "f")
        arguments = list(args)
        self._one = isinstance(argnums, int)
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        self.inputs: list[Tracked] = []
        for i in numbers:
            if not -len(args) <= i < len(args):
                raise TypeError(tr(
                    "argnums={number}, and {name} was called with {count} positional argument{s}: give what is "
                    "differentiated by position.",
                    number=i, name=self.name, count=len(args), s="s" * (len(args) != 1),
                ))  # fmt: skip
        self._chosen = [args[i] for i in numbers]
        chosen = {i % len(args) for i in numbers}
        constants = [a for i, a in enumerate(args) if i not in chosen]  # functions may be among them
        self._places: list[list[Tracked | None]] = []
        for i in numbers:
            lifted = self._lift(args[i], i)
            self._places.append(lifted)
            arguments[i] = (
                rebuilt(
                    args[i],
                    (old if new is None else new for old, new in zip(leaves(args[i]), lifted, strict=True)),
                )
                if is_container(args[i])
                else lifted[0]
            )
        nodes: list[Any] = [x.node for x in self.inputs]
        self.nodes = nodes
        mine = [node for node in nodes if type(node) is Leaf]
        for leaf in mine:
            leaf.watcher = WANTED
        before, noted = DIFFERENTIATING.set(True), LOST.set([])
        try:
            with (
                enable_grad() if mode_now() is OFF else _RECORDING,
                following(f, *constants, *kwargs.values()),
            ):
                out = (follower_of(f) or f)(*arguments, **kwargs)  # f may be SciPy's own
        except ValueError as error:
            if isinstance(
                error.__cause__, GradmagicError
            ):  # NumPy hides it: "setting an array element with a ..."
                raise error.__cause__ from None
            raise
        finally:
            lost = LOST.get() or []
            LOST.reset(noted)
            DIFFERENTIATING.reset(before)
            for leaf in mine:
                leaf.watcher = None
        self.aux: Any = None
        if has_aux:
            if type(out) is not tuple or len(out) != 2:
                raise TypeError(tr(
                    "{name} gave a {kind}: with has_aux=True it gives (value, aux).",
                    name=self.name, kind=type(out).__name__,
                ))  # fmt: skip
            out, self.aux = out
        self.out = out
        self.results = leaves(out)
        for y in self.results:
            if (words := of_library(y)) is not None:
                raise ArgumentError(tr(
                    "what {name} returns is {what}: no gradient comes back through it. {advice}, or for the arrays "
                    "that go into it.", name=self.name, what=words, advice=words.advice(tr("the result")),
                ))  # fmt: skip
        roots = [y.node for y in self.results if isinstance(y, Tracked) and y.node is not None]
        if lost:
            self._tell(lost, bool(roots))
        self.nested = not _only_from(roots, nodes)

    def _tell(self, lost: list[tuple[str, Any]], tracked: bool) -> None:
        """Say that values became plain on the way: an error if nothing of the result is left, else a word each call.

        Raises
        ------
        ConversionError
            If the function gives numbers and none of them has a gradient.
        """
        if not tracked and any(_numeric(y, "fc") for y in self.results):
            text, place = next((pair for pair in lost if pair[0]), lost[-1])
            where = text or tr(
                "A value became text ({place}), which no gradient flows through", place=describe(place)
            )
            raise ConversionError(tr(
                "what {name} returns has no gradient. {where}.",
                name=self.name, where=capital(where.rstrip(".。")),
            ))  # fmt: skip
        for text, place in dict.fromkeys(pair for pair in lost if pair[0]):
            say_lost(text, place)

    def _lift(self, argument: Any, position: int) -> list[Tracked | None]:
        if not is_container(argument):
            made = lifted(argument)
            if made is None:
                words = foreign(argument)
                if words:
                    raise ArgumentError(tr(
                        "argument {number} of {name} is {what}: gradients are taken by arrays and numbers, and lists, "
                        "tuples, dicts and dataclasses of them. {advice}, or choose others with argnums=.",
                        number=position, name=self.name, what=words, advice=words.advice(),
                    ))  # fmt: skip
                raise ArgumentError(tr(
                    "argument {number} of {name} is {what}: gradients are taken by arrays and numbers, and lists, "
                    "tuples, dicts and dataclasses of them. Choose others with argnums=.",
                    number=position, name=self.name, what=_described(argument),
                ))  # fmt: skip
            self.inputs.append(made)
            return [made]
        found = [lifted(x) for x in leaves(argument)]
        self.inputs += [x for x in found if x is not None]
        if not any(x is not None for x in found):
            raise TypeError(tr(
                "argument {number} of {name} holds no array and no number that a gradient can be taken by: choose "
                "other arguments with argnums=.", number=position, name=self.name,
            ))  # fmt: skip
        return found

    # -- derivatives ------------------------------------------------------------------------------
    def pulled(self, cotangents: Sequence[Any], retain: bool = False, record: bool = False) -> list[Any]:
        """Give the cotangent of each input from those of the results; None where nothing depends on it."""
        pairs = [
            (y.node, c)
            for y, c in zip(self.results, cotangents, strict=True)
            if c is not None and isinstance(y, Tracked) and y.node is not None
        ]
        if not pairs:
            return [None] * len(self.inputs)
        roots, seeds = zip(*pairs, strict=True)
        record = self.nested or record
        if not record:  # all leaves are ours: the everyday sweep to all leaves is the faster one
            return taken(sweep_from(roots, seeds, None, retain), self.nodes)
        with enable_grad():
            return taken(sweep_from(roots, seeds, self.nodes, retain, create_graph=True), self.nodes)

    def pushed(self, tangents: Sequence[Any]) -> list[Any]:
        """Give the tangent of each result from those of the inputs (None for zero)."""
        given = {node.number: t for node, t in zip(self.nodes, tangents, strict=True) if t is not None}
        at = [i for i, y in enumerate(self.results) if isinstance(y, Tracked) and y.node is not None]
        with enable_grad():
            found = push([self.results[i].node for i in at], given, self.nested)
        moved = dict(zip(at, found, strict=True))
        return [
            _face(moved[i], y) if moved.get(i) is not None
            else _zeros(aval_of(raw(y)), raw(y)) if _numeric(y, "biufc") or isinstance(y, bool) else None
            for i, y in enumerate(self.results)
        ]  # fmt: skip

    # -- giving back ------------------------------------------------------------------------------
    def plain(self, y: Any) -> Any:
        """Give a result as the caller wants it: plain, unless an outer transform differentiates it too."""
        if not isinstance(y, Tracked):
            return y
        if y.node is None and y.soft:
            return y.array
        if self.nested and y.node is not None:
            return y
        if isinstance(y, Tensor):
            return Tensor.wrap(y.array, None)
        # A number is a float whatever it was computed from, as scipy.optimize and a reader want it.
        return float(y.array) if type(y.array) is np.float64 else y.array

    def value(self) -> Any:
        """Give what the function gave, plain."""
        return rebuilt(self.out, map(self.plain, self.results))

    def auxiliary(self) -> Any:
        """Give the second result of a function with `has_aux`, plain."""
        return rebuilt(self.aux, map(self.plain, leaves(self.aux)))

    def gradients(self, cotangents: Sequence[Any]) -> Any:
        """Give cotangents of the inputs as gradients, nested as the chosen arguments are: one, or a tuple of them."""
        cotangents = [
            _zeros(n.aval, x.array) if c is None else c
            for x, n, c in zip(self.inputs, self.nodes, cotangents, strict=True)
        ]
        tensors = any(isinstance(y, Tensor) for y in self.results)  # Tensor wins
        each = iter(
            _gradient(c, x, n, tensors) for x, n, c in zip(self.inputs, self.nodes, cotangents, strict=True)
        )
        made = [
            rebuilt(argument, [None if x is None else next(each) for x in places])
            for argument, places in zip(self._chosen, self._places, strict=True)
        ]
        return made[0] if self._one else tuple(made)

    def cotangents(self, given: Any) -> list[Any]:
        """Bring the user's cotangents, nested as the value, to the shapes and dtypes of the results."""
        return _matched(given, self.out, self.results, mark("the cotangent of {name}"), self.name)

    def directions(self, given: Sequence[Any]) -> list[Any]:
        """Bring the user's tangents, one for each chosen argument, to the shapes and dtypes of the inputs."""
        if len(given) != len(self._chosen):
            raise TypeError(tr(
                "{name} has {count} arguments and {given} tangents: give one for each.",
                name=self.name, count=len(self._chosen), given=len(given),
            ))  # fmt: skip
        found: list[Any] = []
        for t, argument, places in zip(given, self._chosen, self._places, strict=True):
            values = [0 if x is None else x for x in places]
            matched = _matched(t, argument, values, mark("the tangent of an argument of {name}"), self.name)
            found += [m for m, x in zip(matched, places, strict=True) if x is not None]
        return found


def lifted(value: Any) -> Any:
    """Put a value on the tape as an input; None for what is neither array nor number."""
    if isinstance(value, Tracked):
        if value.node is None:
            return Tensor.wrap(value.array, None).requires_grad_()
        # A node of our own over it: the inner sweep stops here, the outer one goes on.
        return call_elementwise(RULES[np.positive], (value,), operator.pos)
    return Array.lift(value, share=False) if _numeric(value) else None


def _numeric(value: Any, kinds: str = "iufc") -> bool:
    return isinstance(value, Tracked) or (arrays.is_numeric(value, kinds) and foreign(value) is None)


def _described(value: Any) -> str:
    if arrays.is_typed(value):
        return tr("an array of dtype {dtype}", dtype=value.dtype)
    return tr("a {kind}", kind=type(value).__name__)


def _only_from(roots: Iterable[Node], inputs: Sequence[Node]) -> bool:
    """Tell whether `roots` depend on nothing tracked but `inputs`: then a sweep need not be recorded."""
    ours = set()
    for node in inputs:
        if node.rule is not None:
            return False
        ours.add(node.number)
    seen = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node.rule is None:
            if node.number not in ours:
                return False
        elif node.number not in seen:
            seen.add(node.number)
            stack += [source for source in node.inputs if source is not None]
    return True


def _zeros(aval: Aval, proto: Raw) -> Any:
    if not aval.shape and not arrays.on_device(proto):
        return aval.tangent.type(0)
    return arrays.module_of(proto).zeros(aval.shape, aval.tangent)


def _face(t: Any, y: Any) -> Any:
    """Give a tangent the face of its value."""
    if isinstance(y, Tensor):
        return Tensor.of(t)
    if isinstance(raw(y), float) and type(t) is np.float64:
        return float(t)
    return t


def _gradient(c: Any, x: Tracked, source: Node, tensors: bool) -> Any:
    """Give a cotangent the face of its input: a Python number's gradient is one, a Tensor's is a Tensor."""
    if source.aval.python is not None and not np.ndim(raw(c)) and not np.iscomplexobj(raw(c)):
        c = type(c).wrap(_number(c.array), c.node) if isinstance(c, Tracked) else _number(c)
    return Tensor.of(c) if isinstance(x, Tensor) or (tensors and isinstance(c, Tracked)) else c


def _number(c: Any) -> Any:
    """Give one of NumPy's numbers as Python's; one that records (engine/replay) records that."""
    return c.item() if hasattr(c, "item") else float(c)


def _matched(given: Any, like: Any, values: Sequence[Any], what: str, name: str) -> list[Any]:
    """Bring `given`, nested as `like`, to the shapes and dtypes of `values`, the leaves of `like`; None stays.

    `what` it is, in words, and of the function of which `name`, is for a message.

    Raises
    ------
    ShapeError
        If one has another shape than its value.
    TypeError
        If they are not nested as the values are.
    """
    if given is None:
        return [None] * len(values)
    if is_container(like) and not same_structure(given, like):
        raise TypeError(tr(
            "{what} must be nested as what it belongs to, a {kind}.",
            what=tr(what, name=name), kind=type(like).__name__,
        ))  # fmt: skip
    parts = leaves(given) if is_container(like) else [given]
    return [
        None if g is None or not _numeric(v) else _fitted(g, v, what, name)
        for g, v in zip(parts, values, strict=True)
    ]


def _fitted(given: Any, value: Any, what: str, name: str) -> Any:
    array = raw(given)
    shape, wanted = np.shape(array), np.shape(raw(value))
    if shape != wanted:
        raise ShapeError(tr(
            "{what} has shape {given}, and what it belongs to has shape {shape}: give one number for each entry.",
            what=tr(what, name=name), given=shape, shape=wanted,
        ))  # fmt: skip
    dtype = aval_of(raw(value)).tangent
    if isinstance(given, Tracked):
        return Tracked.joined(array, given.node) if given.node is not None else array
    if not arrays.is_array(array):
        return dtype.type(array) if not shape else np.asarray(array, dtype)
    return array.astype(dtype)
