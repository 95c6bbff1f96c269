"""What a loss is asked for: its value, its gradient, its Hessian times a vector.

In: the reader's function. Out: an `Evaluator`. This is the one place where a fit meets the engine: what computes the
same numbers in another way (a recorded program, a traced cell) is put in here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..engine.replay.replay import Replayed
from ..engine.transforms.matrices import hvp
from ..engine.transforms.of_functions import depends, one_number, value_and_grad
from ..engine.transforms.traced import TracedCall
from ..language import tr


@dataclass(frozen=True)
class Evaluator:
    """A loss at a point that is nested as `x0`.

    Attributes
    ----------
    name : str
        What the reader calls the loss.
    value : function
        Of a point, giving the loss as a plain number.
    both : function
        Of a point, giving (loss, gradient): a plain number, and plain arrays nested as the point.
    product : function or None
        Of a point and a direction nested alike: the Hessian times the direction. None where there is none to be had.
    reaches : function
        Of a point: whether the loss depends on it at all.
    records : bool
        Whether `both` may run as a recorded program.
    program : Replayed or None
        What `both` runs as, if it does.
    """

    name: str
    value: Callable[[Any], Any]
    both: Callable[[Any], tuple[Any, Any]]
    product: Callable[[Any, Any], Any] | None = None
    reaches: Callable[[Any], bool] = lambda point: True
    records: bool = False
    program: Replayed | None = None

    def recorded(self) -> Evaluator:
        """Let loss and gradient be computed by a recorded program, where there can be one (see `gm.replay`).

        From the first point on: a fit that goes on from a checkpoint has the same bits.
        """
        if not self.records:
            return self

        plain = self.both

        def asked(point: Any) -> tuple[Any, Any]:
            return plain(point)

        asked.__name__ = self.name
        program = Replayed(asked, quiet=True, backend="numpy")  # the same bits from the first call on

        def both(point: Any) -> tuple[Any, Any]:
            found = program(point)
            return program(point) if program.eager == 1 and program.programs and not program.served else found

        return replace(self, both=both, program=program)


def evaluator(f: Callable[..., Any], args: Sequence[Any] = ()) -> Evaluator:
    """Make the evaluator of a function of the variables and of further arguments that stay as they are."""
    differentiated = value_and_grad(f)

    def along(point: Any, direction: Any) -> Any:
        bound = f if not args else lambda x: f(x, *args)
        return hvp(bound, (point,), (direction,))[0]

    def reaches(point: Any) -> bool:
        return depends(one_number(TracedCall(f, (point, *args), {}, 0)))

    name = getattr(f, "__name__", type(f).__name__)
    return Evaluator(
        name=tr("the loss") if name == "<lambda>" else name,
        value=lambda point: f(point, *args),
        both=lambda point: differentiated(point, *args),
        product=along,
        reaches=reaches,
        records=True,
    )
