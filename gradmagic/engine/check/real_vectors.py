"""A function in numbers, for `gm.check_grads`: arguments moved one number at a time, results as one real vector.

In: a function of floats and complex numbers in whatever containers. Out: its derivative by each number, by differences.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from ...language import tr
from ..core import arrays
from ..core.trees import is_container, leaves
from ..tape.tracked import Tracked, raw
from .differences import Slope, complex_slope, slope


class Signs:
    """A direction: all numbers of an argument at once, each with its sign."""

    def __init__(self, signs: Any) -> None:
        self.signs = signs


class Numbers:
    """A function in numbers: its results as one real vector, and its derivative by each number of the arguments."""

    def __init__(
        self,
        f: Callable[..., Any],
        values: list[Any],
        method: str,
        name: str,
        scale: float,
        symmetric: frozenset[int] = frozenset(),
    ) -> None:
        self._f, self.values, self._name, self._symmetric = f, values, name, symmetric
        self.points = [_wide(host(v)) for v in values]
        self._raw = self._call(self.points)
        self.outs = [host(o) for o in self._raw]
        self.at = as_vector(self.outs)
        if not np.array_equal(self.at, as_vector(self._call(self.points)), equal_nan=True):
            raise ValueError(tr(
                "{name} gives different values for the same arguments (random numbers?): seed what it draws inside it.",
                name=name,
            ))  # fmt: skip
        finite = np.abs(self.at[np.isfinite(self.at)])
        self.scale = max(scale, float(np.max(finite, initial=0.0)))
        self._rounding = max((eps_of(o) for o in self.outs), default=0.0)
        self._complex = method != "central" and not any(
            np.iscomplexobj(v) for v in (*self.points, *self.outs)
        )

    def _call(self, points: Sequence[Any]) -> list[Any]:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self._f(*[_as(x, v) for x, v in zip(points, self.values, strict=True)])
        return list(map(raw, found))

    def by(self, i: int, at: Any, part: complex) -> Slope:
        """Differentiate by number `at` of argument `i`; `part` is 1 or 1j."""
        direction = self.direction(i, at, part)
        size = float(np.max(np.abs(self.points[i] * (direction != 0)), initial=0.0))

        def along(s: complex) -> Any:
            moved = list(self.points)
            moved[i] = self.points[i] + s * direction
            try:
                return as_vector(self._call(moved), s)
            except Exception as error:
                place = index_of(at, np.shape(moved[i]))
                error.add_note(tr(
                    "while the argument number {number}{at} was moved by {step:.1e}",
                    number=i + 1, at=place and tr(" at {index}", index=place), step=s,
                ))  # fmt: skip
                raise

        found = slope(along, self.at, size, self._rounding, self.scale)
        if self._complex:
            try:
                found = complex_slope(along, found, self.at)
            except Exception:  # the function takes no complex numbers
                self._complex = False
        return found

    def direction(self, i: int, at: Any, part: complex) -> Any:
        """Give the direction in argument `i`."""
        x = self.points[i]
        if isinstance(at, Signs):
            one = np.reshape(at.signs, x.shape) * part
        else:
            one = np.zeros(x.shape, complex if part == 1j else float)
            one.flat[at] = part
        return (one + np.conj(np.swapaxes(one, -1, -2))) / 2 if i in self._symmetric else one

    def along(self, pulled: Any, i: int, at: Any, part: complex) -> float:
        """Give the derivative in a direction from the cotangent of argument `i`."""
        if i in self._symmetric:
            return float(np.real(np.sum(np.conj(self.direction(i, at, part)) * pulled)))
        return component(pulled, at, part)

    def rows(self) -> list[str]:
        """Name the entries of the results' vector."""
        names = []
        for k, out in enumerate(self.outs):
            of = tr("result {number} ", number=k) if len(self.outs) > 1 else ""
            for j in range(np.size(out)):
                place = f"{of}{index_of(j, np.shape(out))}".strip()
                whole = not np.iscomplexobj(out)
                names += [place] if whole else [place, tr("{place} (imaginary part)", place=place).strip()]
        return names

    def cotangent(self, weights: Any) -> list[Any]:
        """Give a cotangent of the results from one weight for each entry of their vector."""
        made, start = [], 0
        for out in self.outs:
            n = np.size(out) * (2 if np.iscomplexobj(out) else 1)
            w, start = weights[start : start + n], start + n
            w = w[::2] + 1j * w[1::2] if np.iscomplexobj(out) else w
            made.append(np.reshape(w, np.shape(out)))
        return self.placed(made, self._raw)

    def tangents(self, i: int, at: Any, part: complex) -> tuple[Any, ...]:
        """Give the direction in argument `i` as tangents of all arguments."""
        made: list[Any] = [None] * len(self.values)
        made[i] = self.direction(i, at, part)
        return tuple(self.placed(made, self.values))

    def drawn(self, rng: Any, of: str) -> list[Any]:
        """Draw a cotangent of the results, or (`of="values"`) tangents of the arguments."""
        like = self.points if of == "values" else self.outs
        return self.placed([_drawn(x, rng) for x in like], self.values if of == "values" else self._raw)

    @staticmethod
    def placed(made: list[Any], like: list[Any]) -> list[Any]:
        """Bring what was made to the devices of the arrays that it belongs to."""
        return [
            m if m is None else arrays.from_host(np.asarray(m), raw(v))
            for m, v in zip(made, like, strict=True)
        ]


def differentiable(value: Any) -> bool:
    """Tell whether a value is a float or complex number, or an array of them."""
    return arrays.is_numeric(raw(value), "fc")


def numbers_in(tree: Any) -> list[Any]:
    """List the floats and complex numbers in a container."""
    return [o for o in leaves(tree) if differentiable(o)]


def fresh(part: Any) -> Any:
    """Give a copy that the function may write into; of a Tensor a detached one."""
    if isinstance(part, Tracked):
        return type(part).wrap(np.copy(part.array) if np.ndim(part.array) else part.array, None)
    return np.copy(part) if arrays.is_array(part) else part


def host(value: Any) -> Any:
    """Give a value, tracked or on a device, as a plain NumPy array."""
    return np.asarray(arrays.to_host(raw(value)))


def _wide(x: Any) -> Any:
    return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)


def _as(x: Any, value: Any) -> Any:
    """Give a point in the kind of the argument: a Python number, a NumPy scalar, an array, a Tensor."""
    if isinstance(value, Tracked):
        return type(value).wrap(arrays.from_host(np.array(x), value.array), None)
    if isinstance(value, (float, complex)) and not isinstance(value, np.generic):
        return np.asarray(x).item()
    return arrays.from_host(np.array(x), value) if arrays.is_array(value) else np.asarray(x)[()]


def _drawn(like: Any, rng: Any) -> Any:
    drawn = rng.uniform(0.5, 1.5, like.shape) * rng.choice([-1, 1], like.shape)
    return drawn + 1j * rng.uniform(-1, 1, like.shape) if np.iscomplexobj(like) else drawn


def as_vector(outs: Sequence[Any], step: complex = 0.0) -> Any:
    """Put results into one real vector, complex ones as (real, imaginary); for an imaginary step they stay complex."""
    rows: list[Any] = [np.zeros(0)]
    for out in outs:
        row = np.ravel(_wide(host(out)))
        if np.iscomplexobj(row) and not isinstance(step, complex):
            row = np.stack([row.real, row.imag], -1).ravel()
        rows.append(row)
    return np.concatenate(rows)


def parts_of(x: Any) -> tuple[complex, ...]:
    """Give the directions in which one number of an argument is moved: a complex one in two."""
    return (1, 1j) if np.iscomplexobj(x) else (1,)


def component(pulled: Any, at: Any, part: complex) -> float:
    """Give the derivative in a direction from the cotangent of an argument."""
    c = np.ravel(pulled)
    value = np.sum(c * at.signs) if isinstance(at, Signs) else c[at]
    return float(np.imag(value) if part == 1j else np.real(value))


def eps_of(out: Any) -> float:
    """Give the relative rounding error of an array's dtype."""
    return float(np.finfo(out.dtype).eps)


def index_of(at: Any, shape: tuple[int, ...]) -> str:
    """Write the place of a number in an argument."""
    if isinstance(at, Signs):
        return tr("all its numbers at once")
    return f"[{', '.join(map(str, np.unravel_index(at, shape)))}]" if shape else ""


def parameters_of(f: Any, given: Sequence[Any]) -> list[str]:
    """Name the arguments as the function does."""
    try:
        names = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        names = []
    return [names[i] if i < len(names) else tr("number {index}", index=i) for i in range(len(given))]


def paths_of(names: Sequence[str], trees: Sequence[Any]) -> Iterator[str]:
    """Name the leaves of the arguments: `params['W']`."""
    for name, tree in zip(names, trees, strict=True):
        if not is_container(tree):
            yield name
        elif isinstance(tree, dict):
            yield from paths_of([f"{name}[{key!r}]" for key in tree], list(tree.values()))
        elif is_dataclass(tree):
            parts = fields(tree)
            yield from paths_of([f"{name}.{p.name}" for p in parts], [getattr(tree, p.name) for p in parts])
        else:
            yield from paths_of([f"{name}[{i}]" for i in range(len(tree))], list(tree))
