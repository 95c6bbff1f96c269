"""`gm.guard_where`: `np.where(ok, f(x), 0)` gets the gradient that it seems to have.

In: a cotangent and what a derivative made of it. Out: the same with 0 where the cotangent was 0 and the derivative
infinite or NaN: 0 * inf counts as 0. Every operation where that happened is reported, once a line.
"""

from __future__ import annotations

import sys
import warnings
from contextlib import ContextDecorator
from typing import Any, NamedTuple

import numpy as np

from ...errors import MaskedWarning
from ...language import tr
from ..core import arrays
from ..core.places import Place, describe, line_of, place_of, text_of, user_frame
from ..rules.pointwise import Elementwise
from ..tape.modes import begin, change, end, settings
from ..tape.nodes import Node
from ..tape.tracked import raw


class Masked(NamedTuple):
    """An operation whose derivative met 0 * inf: its name, its place in the source, and at how many entries."""

    name: str
    place: Place | None
    entries: int

    def told(self, where: bool = True) -> str:
        """Say so, with the line unless the reader is told it already."""
        text = text_of(self.place) if self.place is not None else ""
        operation = tr("{operation} ({code})", operation=self.name, code=text) if text else self.name
        at = tr(", {line}", line=describe(self.place)) if where and self.place is not None else ""
        many = tr(" at {count} entries", count=self.entries) if self.entries > 1 else ""
        return tr(
            "0 * inf was taken as 0{many} in the derivative of {operation}{at}: the result does not depend on such an "
            "entry, and the derivative there is not finite", many=many, operation=operation, at=at,
        )  # fmt: skip


class guard_where(ContextDecorator):
    """Count 0 * inf (and 0 * NaN) as 0 in the sweeps of a `with` block or a decorated function.

    In `np.where(x > 0, np.log(x), 0)` the entries with x <= 0 are not chosen, and a gradient of 0 goes back to the
    logarithm there. Its derivative 1/x is infinite at x = 0, and 0 * inf is NaN: the gradient of the whole is NaN,
    in every engine. Within this block it is 0. Off by default: elsewhere a NaN is a message that should not be lost.
    Each operation where it acts is reported by a `MaskedWarning` at its line (in a `%%grad` cell, `--guard`: by a
    note of the report).

    It holds for functions that work entry by entry. For others (a norm, a product over an axis) it holds where the
    whole cotangent is 0.

    Parameters
    ----------
    on : bool
        False switches it off again within the block.
    quiet : bool
        Issue no warning: `acted` is asked afterwards.

    Attributes
    ----------
    acted : list of Masked
        Where it acted.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> def f(x):
    ...     return np.sum(np.where(x > 0, np.sqrt(x), 0.0))
    >>> with np.errstate(all="ignore"):
    ...     gm.grad(f)(np.array([0.0, 4.0]))
    array([ nan, 0.25])
    >>> with gm.guard_where() as guard:
    ...     gm.grad(f)(np.array([0.0, 4.0]))
    array([0.  , 0.25])
    >>> guard.acted[0].name
    'sqrt'
    """

    def __init__(self, on: bool = True, quiet: bool = False) -> None:
        self._on, self._quiet = on, quiet
        self._counts: dict[tuple[str, Place | None], int] = {}

    def __enter__(self) -> guard_where:
        before = settings()
        begin({"masking": before.masking, "keep_places": before.keep_places})
        change(masking=self if self._on else None, keep_places=True)
        return self

    def __exit__(self, *_: object) -> None:
        change(**end())

    @property
    def acted(self) -> list[Masked]:
        """List where it acted."""
        return [Masked(name, place, entries) for (name, place), entries in self._counts.items()]

    def masked(self, node: Node, g: Any, c: Any) -> Any:
        """Give `c`, what the derivative of `node` made of `g`, with 0 in place of 0 * inf."""
        plain = raw(c)
        if c is None or c is g or not (arrays.is_array(plain) or isinstance(plain, np.inexact)):
            return c
        if plain.dtype.kind not in "fc" or not np.any(nans := np.isnan(plain)):
            return c
        if isinstance(node.rule, Elementwise):
            bad = nans & (raw(g) == 0)
        elif not any(np.any(raw(part)) for part in (g if type(g) is tuple else (g,))):
            bad = nans
        else:
            return c
        entries = int(np.count_nonzero(arrays.to_host(bad)))
        if not entries:
            return c
        self._note(node, entries)
        zero = np.where(bad, 0, c)  # type: ignore[call-overload]
        return zero if np.ndim(plain) or arrays.on_device(plain) else zero[()]

    def _note(self, node: Node, entries: int) -> None:
        key = (node.rule.name, node.place)
        known = key in self._counts
        self._counts[key] = self._counts.get(key, 0) + entries
        if known or self._quiet:
            return
        text = tr("{text}.", text=Masked(*key, entries).told())
        if node.place is None:
            frame = user_frame(sys._getframe(1))
            filename, line = frame.f_code.co_filename, line_of(place_of(frame))
        else:
            filename, line = node.place[0].co_filename, line_of(node.place)
        warnings.warn_explicit(text, MaskedWarning, filename, line)
