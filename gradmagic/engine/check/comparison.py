"""The comparing behind `gm.check_grads`: what gradmagic says of each derivative, and what the numbers say.

In: a function of floats. Out: nothing while they agree, but the count in a `Checked`; a `CheckError` about the first
entry where they do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import CheckError
from ...language import mark, tr
from ..core.nonfinite import in_short
from ..transforms.of_functions import jvp, vjp
from .differences import Slope
from .real_vectors import Numbers, Signs, as_vector, eps_of, host, index_of, numbers_in, parts_of

MODES = {"rev": mark("reverse mode"), "fwd": mark("forward mode")}
_SAMPLES = 24  # so many numbers of an argument are moved one by one; more are drawn, and moved all at once
_DRAWS = 3  # cotangents that are drawn, where there are more results than _SAMPLES
_NOTICES = 10


@dataclass
class Checked:
    """What was compared, when all of it agreed; printing says it in words.

    Attributes
    ----------
    name : str
        Of the function.
    arguments : tuple of str
        What was differentiated by.
    compared : int
        Derivatives compared.
    orders : tuple of str
        "rev", "fwd over rev" ...
    methods : tuple of str
        How the numbers were found.
    worst : float
        The largest difference, as a share of what was allowed.
    notices : tuple of str
        Points where the function is not differentiable.
    """

    name: str
    arguments: tuple[str, ...]
    compared: int = 0
    orders: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    worst: float = 0.0
    notices: tuple[str, ...] = ()
    _seen: set[str] = field(default_factory=set, repr=False)

    def __str__(self) -> str:
        text = tr(
            "{name}: {count:,} derivatives by {by} agree with {how} ({orders}); the largest difference is {worst:.1g} "
            "of what is allowed.", name=self.name, count=self.compared, by=tr(", ").join(self.arguments),
            how=tr(" and ").join(map(tr, self.methods)), orders=", ".join(self.orders), worst=self.worst,
        )  # fmt: skip
        return "\n".join([text, *(f"  {notice}" for notice in self.notices)])

    __repr__ = __str__


class Comparison:
    """The comparing of one call: settings, and what was found so far."""

    def __init__(
        self,
        checked: Checked,
        names: list[str],
        modes: tuple[str, ...],
        rtol: float | None,
        atol: float | None,
        method: str,
        rng: Any,
        symmetric: frozenset[int] = frozenset(),
    ) -> None:
        self.checked, self.names, self.modes = checked, names, modes
        self.rtol, self.atol, self.method, self.rng = rtol, atol, method, rng
        self.symmetric = symmetric  # the arguments that are changed in both triangles together

    def all(
        self, f: Callable[..., Any], values: list[Any], order: int, chain: tuple[str, ...], scale: float = 0.0
    ) -> None:
        """Check the derivatives of `f`, itself a derivative taken by the modes of `chain`, and of higher order."""
        numbers = Numbers(
            f, values, self.method if not chain else "central", self.checked.name, scale, self.symmetric
        )
        sampled = [self._sampled(x) for x in numbers.points]
        found = {
            (i, at, part): numbers.by(i, at, part)
            for i, places in enumerate(sampled)
            for at in places
            for part in parts_of(numbers.points[i])
        }
        self._notice(numbers, found, chain)
        self._level(numbers, found)
        for mode in self.modes:
            label = " over ".join((mode, *chain))
            self.checked.orders += (label,)
            compare = self._reverse if mode == "rev" else self._forward
            compare(f, values, numbers, found, label)
        size = max([1.0, *(float(np.max(np.abs(x), initial=0.0)) for x in numbers.points)])
        if order > 1:
            for mode in self.modes:
                derived = self._derived(f, mode, values, numbers)
                self.all(derived, values, order - 1, (mode, *chain), numbers.scale / size)

    def _derived(
        self, f: Callable[..., Any], mode: str, values: list[Any], numbers: Numbers
    ) -> Callable[..., Any]:
        """Give the derivative of `f` along one direction, drawn, as a function to check like `f`."""
        if mode == "rev":
            g = numbers.drawn(self.rng, "results")
            return lambda *values: numbers_in(vjp(f, *values)[1](g))
        t = tuple(numbers.drawn(self.rng, "values"))
        return lambda *values: numbers_in(jvp(f, values, t)[1])

    # -- the modes -------------------------------------------------------------------------------
    def _reverse(
        self, f: Any, values: list[Any], numbers: Numbers, found: dict[Any, Slope], label: str
    ) -> None:
        value, pull = vjp(f, *values)
        self._same(value, numbers, label)
        rows, bad = len(numbers.at), self._bad
        if rows <= _SAMPLES:
            for row in range(rows):
                pulled = pull(numbers.cotangent(np.eye(1, rows, row)[0]))
                for (i, at, part), s in found.items():
                    says = np.full(rows, np.nan)
                    says[row] = numbers.along(host(pulled[i]), i, at, part)
                    self._compare(says, s, [row], (i, at, part), numbers, label, pulled=host(pulled[i]))
            return
        for _ in range(_DRAWS):
            weights = self.rng.choice([-1.0, 1.0], rows) * ~bad
            pulled = pull(numbers.cotangent(weights))
            for (i, at, part), s in found.items():
                total = numbers.along(host(pulled[i]), i, at, part)
                n, error = (
                    float(np.sum(np.where(bad, 0, v) * w)) for v, w in ((s.value, weights), (s.error, 1.0))
                )
                self.checked.compared += 1
                if abs(total - n) <= self._allowed(s, i)[~bad].sum() / rows**0.5 + error:
                    continue
                if not (np.isfinite(total) or np.all(s.usable)):
                    continue
                for row in np.flatnonzero(~bad).tolist():  # which result is it?
                    one = host(pull(numbers.cotangent(np.eye(1, rows, row)[0]))[i])
                    each = np.full(rows, np.nan)
                    each[row] = numbers.along(one, i, at, part)
                    self._compare(each, s, [row], (i, at, part), numbers, label, pulled=one)

    def _forward(
        self, f: Any, values: list[Any], numbers: Numbers, found: dict[Any, Slope], label: str
    ) -> None:
        for (i, at, part), s in found.items():

            def moved(at: Any, i: int = i, part: complex = part) -> Any:
                value, moved = jvp(f, values, numbers.tangents(i, at, part))
                self._same(value, numbers, label)
                return as_vector(numbers_in(moved))

            rows = list(range(len(numbers.at)))
            self._compare(moved(at), s, rows, (i, at, part), numbers, label, moved=moved)

    def _same(self, value: list[Any], numbers: Numbers, label: str) -> None:
        """Compare the value itself: a traced call gives what the call gives."""
        for k, (mine, out) in enumerate(zip(map(host, value), numbers.outs, strict=True)):
            if _kind(mine) != _kind(out):
                told, plain = _kind(mine), _kind(out)
            elif not np.allclose(
                mine, out, self._rtol, self._rtol * np.max(np.abs(out), initial=0), equal_nan=True
            ):
                told, plain = in_short(mine), in_short(out)
            else:
                continue
            raise CheckError(tr(
                "{name}: the result{number}, computed for {mode}, is {value}, and {plain} without gradients.",
                name=self.checked.name, number=tr(" {number}", number=k) if len(numbers.outs) > 1 else "",
                mode=label, value=told, plain=plain,
            ))  # fmt: skip

    # -- comparing -------------------------------------------------------------------------------
    def _allowed(self, s: Slope, i: int) -> Any:
        """Give how far a derivative by argument `i` may be from `s`."""
        atol = self.atol if self.atol is not None else self._rtol * self._largest[i]
        return atol + self._rtol * np.abs(s.value) + 2 * s.error

    def _level(self, numbers: Numbers, found: dict[Any, Slope]) -> None:
        """Set what is allowed at this order: by the dtypes, and the largest derivative by each argument."""
        eps = max([0.0, *map(eps_of, numbers.outs), *(eps_of(host(v)) for v in numbers.values)])
        self._rtol = (
            self.rtol if self.rtol is not None else 1e-6 if eps < 1e-8 else 2e-3 if eps < 1e-4 else 5e-2
        )
        self._bad = np.any([~s.usable for s in found.values()], axis=0)
        self._largest = dict.fromkeys(range(len(numbers.points)), 0.0)
        for (i, *_), s in found.items():
            self._largest[i] = max(self._largest[i], float(np.max(np.abs(s.value[s.usable]), initial=0.0)))

    def _compare(
        self,
        says: Any,
        s: Slope,
        rows: list[Any],
        where: Any,
        numbers: Numbers,
        label: str,
        pulled: Any = None,
        moved: Any = None,
    ) -> None:
        """Compare the rows of one derivative; `pulled` or `moved` has the others of the same argument."""
        wrong = self._wrong(says, s, rows, where[0])
        if wrong is None:
            return
        i, at, part = where
        if isinstance(at, Signs):  # which of its numbers is it?
            for one in range(numbers.points[i].size):
                s_one = numbers.by(i, one, part)
                each = (
                    moved(one)
                    if moved is not None
                    else np.full(len(numbers.at), numbers.along(pulled, i, one, part))
                )
                if self._wrong(each, s_one, [wrong], i) is not None:
                    says, s, at = each, s_one, one
                    break
        raise CheckError(self._told(float(says[wrong]), s, wrong, i, at, part, numbers, label))

    def _wrong(self, says: Any, s: Slope, rows: list[Any], i: int) -> Any:
        """Give the first row that differs; None if all agree."""
        chosen = np.zeros(len(s.value), bool)
        chosen[rows] = True
        chosen &= s.usable
        # sqrt at 0: its infinite slope makes NaN of the entries that do not depend on it.
        chosen &= np.isfinite(says) | (~self._bad & np.all(s.usable))
        with np.errstate(all="ignore"):
            difference, allowed = np.abs(says - s.value), self._allowed(s, i)
            right = (difference <= allowed) | ~chosen
            share = np.where(chosen & right & (allowed > 0), difference / allowed, 0.0)
        self.checked.compared += int(np.count_nonzero(chosen))
        self.checked.worst = max(self.checked.worst, float(np.max(share, initial=0.0)))
        return None if np.all(right) else int(np.argmin(right))

    def _told(
        self, says: float, s: Slope, row: int, i: int, at: Any, part: complex, numbers: Numbers, label: str
    ) -> str:
        n = float(s.value[row])
        place = index_of(at, np.shape(numbers.points[i]))
        order = label.count(" over ") + 1
        lines = [tr(
            "{function}: {mode} is wrong by argument {name}{at}{part}.", function=self.checked.name,
            mode=tr(MODES[label]) if order == 1 else tr("order {order} ({mode})", order=order, mode=label),
            name=self.names[i], at=tr(" at {index}", index=place) if place else "",
            part=tr(", by its imaginary part") if part == 1j else "",
        )]  # fmt: skip
        result = numbers.rows()[row]
        if result:
            lines.append(tr("  of the result   {result}", result=result))
        lines += [
            tr("  gradmagic says  {value:.10g}", value=says),
            tr("  numbers say     {value:.10g}  ({how})", value=n, how=_how(s)),
            tr(
                "  difference      {difference:.3g}, allowed {allowed:.2g}",
                difference=says - n, allowed=self._allowed(s, i)[row],
            ),
        ]  # fmt: skip
        if not isinstance(at, Signs):
            lines.append(tr("  at the value    {value}", value=in_short(numbers.points[i].flat[at])))
        if order == 1 and n and np.isclose(says, -n):
            lines.append(tr("It is right but for its sign."))
        if len(self.checked.orders) > 1:
            lines.append(tr("{modes}: no difference.", modes=", ".join(self.checked.orders[:-1])))
        return "\n".join([*lines, *self.checked.notices])

    # -- what to compare ---------------------------------------------------------------------------
    def _sampled(self, x: Any) -> list[Any]:
        """Choose the numbers of an argument that are moved: places, or arrays of signs, which move all at once."""
        if x.size <= _SAMPLES:
            return list(range(x.size))
        some = sorted(self.rng.choice(x.size, _SAMPLES, replace=False).tolist())
        return [*some, Signs(self.rng.choice([-1.0, 1.0], x.size))]

    def _notice(self, numbers: Numbers, found: dict[Any, Slope], chain: tuple[str, ...]) -> None:
        """Say where there is no derivative to compare with; once for each argument's number."""
        what, finite = self.checked.name, np.isfinite(numbers.at)
        if chain:
            what = tr("the derivative ({modes}) of {name}", modes=" over ".join(chain), name=what)
        if not np.all(finite) and not self.checked.notices:
            self.checked.notices += (tr("not compared: {what} is not finite here.", what=what),)
        for (i, at, _), s in found.items():
            if isinstance(at, Signs):
                continue
            place = f"{self.names[i]}{index_of(at, np.shape(numbers.points[i]))}"
            here = f"{place} = {in_short(numbers.points[i].flat[at])}"
            sides = ~np.isfinite(s.value)
            if np.any(s.kink & finite & ~sides):
                text = tr(
                    "not compared: {what} is not differentiable at {here}: differences from the two sides disagree.",
                    what=what, here=here,
                )  # fmt: skip
            elif np.any(sides & finite):
                text = tr("not compared: {what} is not finite on both sides of {here}.", what=what, here=here)
            elif np.any(~s.usable & finite):
                text = tr(
                    "not compared: the differences of {what} at {here} do not settle.", what=what, here=here
                )
            else:
                continue
            if place not in self.checked._seen and len(self.checked.notices) < _NOTICES:
                self.checked._seen.add(place)
                self.checked.notices += (text,)
        methods = {s.method for s in found.values()}
        self.checked.methods += tuple(sorted(methods - set(self.checked.methods), reverse=True))


def _how(s: Slope) -> str:
    if s.method == "complex step":
        return tr(s.method)
    return tr("{method}, first step {step:.0e}", method=tr(s.method), step=s.step)


def _kind(value: Any) -> str:
    if np.iscomplexobj(value):
        return tr("complex of shape {shape}", shape=np.shape(value))
    return tr("real of shape {shape}", shape=np.shape(value))
