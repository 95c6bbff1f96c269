"""The kinds of derivatives: `Elementwise`, `Select`, `Linear`, `General`, `Pick`; `declare` makes them.

In: a function and its derivative. Out: a `Rule`: what to keep for the way back, and how to pull a cotangent back.
"""

from __future__ import annotations

import dis
import operator
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any, ClassVar

import numpy as np

from .. import arrays
from ..masks import masked
from ..tape import Node, aval_of
from ..tracked import Tracked
from .formulas import body_of, keywords_of, name_of, parameters_of, torch_name


class _Partial:
    """A derivative that needs no computing; the backward sweep looks for these by identity."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


SAME = _Partial("1")
MINUS = _Partial("-1")
ZERO = _Partial("0")


class Rule:
    """The derivative of one function. Subclasses say how it is declared."""

    kind: ClassVar[str] = ""
    fast = False  # the sweep itself multiplies: g * partial
    frees = True  # what it keeps are arrays, given back after a sweep
    sequence = False  # the first argument is a sequence of arrays
    outputs: int | str = 1  # a number of outputs, or "list"
    into: Callable[[Any, Any, Any], Any] | None = (
        None  # (buffer, g, saved): adds the cotangent in place (getitem)
    )
    view = False  # the output may share the first argument's memory
    partials: tuple[Any, ...] = ()
    settings: frozenset[str] | None = (
        frozenset()
    )  # the keyword arguments that the derivative knows; None: any
    moves: tuple[Any, ...] = ()  # the partials as the sweep takes them, see _move

    def __init__(self, function: Any, torch: str) -> None:
        self.function = function
        self.name = name_of(function)
        self.torch = torch_name(self.name, torch)

    def __repr__(self) -> str:
        return f"<{self.kind} rule of {self.name}>"

    def keep(
        self, out: Any, args: Sequence[Any], kwargs: dict[str, Any], inputs: Sequence[Node | None]
    ) -> Any:
        """Give what the node saves."""
        raise NotImplementedError

    def pull(self, node: Node, g: Any, saved: Any) -> Sequence[Any]:
        """Give the cotangents of the inputs from the cotangent `g` of the output (vjp)."""
        raise NotImplementedError

    def push(self, node: Node, tangents: Sequence[Any], saved: Any) -> Any:
        """Give the tangent of the output from the tangents of the inputs (jvp); None stands for zero.

        NotImplemented: forward mode takes the transpose of `pull`, which is linear in the cotangent (forward.py).
        """
        return NotImplemented

    def wrapped(self, node: Node) -> Any:
        """Give `node.saved` with its arrays joined to their nodes again, to differentiate the sweep itself."""
        raise NotImplementedError

    def replay(self, node: Node, values: Sequence[Any]) -> Any:
        """Compute the function again with `values` in place of the inputs that are tracked."""
        raise NotImplementedError

    def refuses(self, options: Iterable[str]) -> str:
        """Name the first of these keyword arguments that the derivative does not know; "" if it knows all."""
        if self.settings is None:
            return ""
        return next((option for option in options if option not in self.settings), "")

    def formula(self, argument: int) -> tuple[str, tuple[str, ...]]:
        """Give the source text of the derivative by one argument, and the names that it uses for out and arguments.

        Examples
        --------
        >>> import numpy as np
        >>> from gradmagic.engine.rules import RULES
        >>> RULES[np.multiply].formula(0)
        ('y', ('z', 'x', 'y'))
        """
        return "", ()

    def conformed(self, c: Any) -> Any:
        return c


class Elementwise(Rule):
    """Each output entry depends on the entries at its own place: `partials[i](out, *args)` is d out / d args[i]."""

    kind = "elementwise"

    def __init__(self, function: Any, partials: tuple[Any, ...], torch: str = "") -> None:
        super().__init__(function, torch)
        self.partials = partials
        self.computes = not all(isinstance(p, _Partial) for p in partials)
        self._kept = [_kept(p, len(partials) + 1) for p in partials]
        self.keeps = [
            tuple(
                any(self._kept[i][k] for i in range(len(partials)) if mask >> i & 1)
                for k in range(len(partials) + 1)
            )
            for mask in range(1 << len(partials))
        ]
        self.twin = self._twin()

    def _twin(self) -> Elementwise:
        """The same rule for nodes whose inputs and output have one real aval: the sweep needs no other check."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.fast = True
        twin.moves = tuple(map(_move, self.partials))
        return twin

    def called(self, torch: str) -> Elementwise:
        """The same rule under another of PyTorch's names (`1 - x` shows RsubBackward1)."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, torch=torch_name(self.name, torch))
        other.twin = other._twin()
        return other

    def keep(
        self, out: Any, args: Sequence[Any], kwargs: dict[str, Any], inputs: Sequence[Node | None]
    ) -> Any:
        mask = sum(1 << i for i, node in enumerate(inputs) if node is not None)
        keep = self.keeps[mask]
        if not self.computes:
            return None
        return tuple(v if k else None for v, k in zip((out, *args), keep, strict=True))

    def partial(self, argument: int, saved: Any) -> Any:
        """Give d out / d args[argument] as a number or array."""
        p = self.partials[argument]
        if isinstance(p, _Partial):
            return int(p.text)
        return p(*saved)

    def pull(self, node: Node, g: Any, saved: Any) -> Sequence[Any]:
        cotangents: list[Any] = []
        for source, p in zip(node.inputs, self.partials, strict=True):
            if source is None or p is ZERO:
                cotangents.append(None)
            elif p is SAME:
                cotangents.append(g)
            elif p is MINUS:
                cotangents.append(-g)
            else:
                d = p(*saved)
                cotangents.append(g * d if node.aval.real and source.aval.real else g * np.conj(d))
        return cotangents

    def push(self, node: Node, tangents: Sequence[Any], saved: Any) -> Any:
        total = None
        for t, p in zip(tangents, self.partials, strict=True):
            if t is None or p is ZERO:
                continue
            term = t if p is SAME else -t if p is MINUS else self.scaled(t, p(*saved))
            total = term if total is None else total + term
        return total

    @staticmethod
    def scaled(t: Any, partial: Any) -> Any:
        """Give the share of one argument's tangent in the output's."""
        return t * partial

    def wrapped(self, node: Node) -> Any:
        if node.saved is None:
            return None
        return tuple(_joined(v, n) for v, n in zip(node.saved, (node, *node.inputs), strict=True))

    def formula(self, argument: int) -> tuple[str, tuple[str, ...]]:
        p = self.partials[argument]
        if isinstance(p, _Partial):
            return p.text, ()
        return body_of(p), tuple(name.lstrip("_") for name in parameters_of(p))


class Select(Elementwise):
    """Elementwise by choosing among its arguments (where, maximum): what was not chosen gets 0, never 0 * inf = NaN."""

    def _twin(self) -> Elementwise:
        return self

    def pull(self, node: Node, g: Any, saved: Any) -> Sequence[Any]:
        return [
            None if source is None or p is ZERO else _chosen(g, p(*saved))
            for source, p in zip(node.inputs, self.partials, strict=True)
        ]

    scaled = staticmethod(lambda t, partial: _chosen(t, partial))


class Linear(Rule):
    """Linear in its first argument; `transpose(g, like, *rest, **kwargs)`. Forward mode is the function itself.

    `affine` names the settings that add a constant to the result (a sum's `initial`); a tangent is moved without them.
    """

    kind = "linear"
    frees = False  # it keeps settings, no arrays of weight

    def __init__(
        self,
        function: Any,
        transpose: Callable[..., Any],
        torch: str,
        sequence: bool,
        affine: tuple[str, ...] = (),
    ) -> None:
        super().__init__(function, torch)
        self.transpose, self.sequence, self.affine = transpose, sequence, affine
        self.settings = keywords_of(transpose)

    def keep(
        self, out: Any, args: Sequence[Any], kwargs: dict[str, Any], inputs: Sequence[Node | None]
    ) -> Any:
        like = [aval_of(a) for a in args[0]] if self.sequence else aval_of(args[0])
        return like, args[1:], kwargs

    def pull(self, node: Node, g: Any, saved: Any) -> Sequence[Any]:
        like, rest, kwargs = saved
        c = self.transpose(g, like, *rest, **kwargs)
        return c if self.sequence else (c,)

    def push(self, node: Node, tangents: Sequence[Any], saved: Any) -> Any:
        like, rest, kwargs = saved
        if self.affine:
            names = parameters_of(self.transpose)[2:]
            rest = [self._moved(n, v) for n, v in zip(names, rest, strict=False)]
            kwargs = {n: self._moved(n, v) for n, v in kwargs.items()}
        if not self.sequence:
            return self.function(tangents[0], *rest, **kwargs)
        proto = next(t for t in tangents if t is not None)
        proto = proto.array if isinstance(proto, Tracked) else proto
        filled = [arrays.zeros(a, proto) if t is None else t for t, a in zip(tangents, like, strict=True)]
        return self.function(filled, *rest, **kwargs)

    def _moved(self, name: str, value: Any) -> Any:
        if name not in self.affine or value is None or value is np._NoValue:
            return value
        return value * 0 if isinstance(value, (int, float, complex, np.generic)) else np.zeros_like(value)

    def wrapped(self, node: Node) -> Any:
        return node.saved


class General(Rule):
    """One vjp for each differentiable argument, or one function of the argument's index (`each`)."""

    kind = "rule"
    everything = False  # keep all arguments (replay.py), not only what the vjps name

    def __init__(
        self,
        function: Any,
        vjps: tuple[Callable[..., Any] | None, ...],
        each: Callable[..., Any] | None,
        multilinear: bool,
        torch: str,
        sequence: bool,
        outputs: int | str,
    ) -> None:
        super().__init__(function, torch)
        self.vjps, self.each, self.multilinear = vjps, each, multilinear
        self.sequence, self.outputs = sequence, outputs
        self.settings = keywords_of(each or next(vjp for vjp in vjps if vjp is not None))
        self.plain = each is None and not sequence and outputs == 1
        self._keeps: dict[tuple[int, int], list[bool]] = {}

    def keeps(self, mask: int, count: int) -> list[bool]:
        """Tell for (out, *args) of `count` arguments which are kept, if the arguments in `mask` are tracked."""
        if self.everything:
            return [True] * (count + 1)
        found = self._keeps.get((mask, count))
        if found is None:
            found = [False] * (count + 1)
            for i, function in enumerate(self.vjps):
                if mask >> i & 1 and function is not None:
                    kept = _kept(function, count + 1, skip=1)
                    found = [a or b for a, b in zip(found, kept, strict=True)]
            self._keeps[mask, count] = found
        return found

    def keep(
        self, out: Any, args: Sequence[Any], kwargs: dict[str, Any], inputs: Sequence[Node | None]
    ) -> Any:
        if self.each is not None or self.sequence:
            return out, tuple(args), kwargs
        mask = sum(1 << i for i, node in enumerate(inputs) if node is not None)
        keep = self.keeps(mask, len(args))
        args = tuple(
            a if k or not (isinstance(a, np.generic) or arrays.is_array(a)) else aval_of(a)
            for a, k in zip(args, keep[1:], strict=True)
        )
        return (out if keep[0] else None), args, kwargs

    def pull(self, node: Node, g: Any, saved: Any) -> Sequence[Any]:
        out, args, kwargs = saved
        if self.sequence:
            return self.vjps[0](g, out, *args, **kwargs)  # type: ignore[misc]
        if self.each is not None:
            return [
                None if source is None else self.each(g, i, out, *args, **kwargs)
                for i, source in enumerate(node.inputs)
            ]
        return [
            None if source is None or (vjp := self.vjps[i] if i < len(self.vjps) else None) is None
            else vjp(g, out, *args, **kwargs)
            for i, source in enumerate(node.inputs)
        ]  # fmt: skip

    def push(self, node: Node, tangents: Sequence[Any], saved: Any) -> Any:
        if not self.multilinear:
            return NotImplemented
        _, args, kwargs = saved
        terms = [
            self.function(*args[:i], t, *args[i + 1 :], **kwargs)
            for i, t in enumerate(tangents)
            if t is not None
        ]
        return reduce(operator.add, terms)

    def wrapped(self, node: Node) -> Any:
        out, args, kwargs = node.saved
        if self.sequence:
            first = [_joined(a, n) for a, n in zip(args[0], node.inputs, strict=True)]
            args = (first, *args[1:])
        else:
            args = tuple(
                _joined(a, node.inputs[i] if i < len(node.inputs) else None) for i, a in enumerate(args)
            )
        if self.outputs == 1:
            out = _joined(out, node)
        elif out is not None:
            out = tuple(_joined(o, pick(node, i)) for i, o in enumerate(out))
        return out, args, kwargs


class Pick(Rule):
    """One output of a function with several: the sweep collects their cotangents in a list."""

    kind = "pick"
    frees = False

    def wrapped(self, node: Node) -> Any:
        return node.saved

    def push(self, node: Node, tangents: Sequence[Any], saved: Any) -> Any:
        return tangents[0][saved]


def pick(node: Node, index: int) -> Node:
    """Make the node of output `index` of a node with several outputs."""
    from ..tape import tick

    one = object.__new__(Node)
    one.rule, one.inputs, one.saved, one.place = PICK, (node,), index, node.place
    one.aval = node.aval[index]  # type: ignore[index]
    one.number = tick()
    return one


def _move(partial: Any) -> Any:
    """Give k for a partial that is the k-th saved value itself (x * y): `g * saved[k]` needs no call (70 ns)."""
    if isinstance(partial, _Partial):
        return partial
    code = partial.__code__
    steps = [i for i in dis.get_instructions(code) if i.opname not in ("RESUME", "NOP")]
    simple = len(steps) == 2 and steps[0].opname.startswith("LOAD_FAST") and steps[1].opname == "RETURN_VALUE"
    return code.co_varnames.index(steps[0].argval) if simple else partial


def _kept(function: Any, length: int, skip: int = 0) -> list[bool]:
    """Tell for (out, *args) which of them `function` wants kept, by the names of its parameters."""
    if isinstance(function, _Partial) or function is None:
        return [False] * length
    names = parameters_of(function)[skip:]
    rest = bool(function.__code__.co_flags & 0x04)  # *args keeps all that follows
    return [
        (i >= len(names) and rest) or (i < len(names) and not names[i].startswith("_")) for i in range(length)
    ]


def _chosen(g: Any, weight: Any) -> Any:
    chosen = masked(g, weight)
    return chosen if getattr(weight, "dtype", np.bool_) == np.bool_ else chosen * weight


def _joined(value: Any, node: Node | None) -> Any:
    if (
        node is None
        or value is None
        or not (arrays.is_array(value) or isinstance(value, (np.generic, float, complex)))
    ):
        return value
    return Tracked.joined(value, node)


CONSTANT = Rule(lambda: None, "")  # functions without a derivative by nature
PICK = Pick(lambda outputs, index: outputs[index], "Select")
PICK.name = "output"
