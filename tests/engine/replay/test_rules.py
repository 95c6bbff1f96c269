"""Every rule through `gm.replay`: recorded on one input, replayed on another, right; or refused, and then in the table.

In: the cases of tests/engine/derivatives. The value and all gradients are the eager ones but for rounding.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.errors import ReplayWarning

from ..derivatives import numeric
from ..derivatives.cases import CASES
from ..derivatives.rows import Case

_SHAPES: dict[str, list[tuple[int, ...]]] = {"any": [(2, 3)], "pair": [(2, 3), (3,)]}
# What a program cannot hold today, with the reason. It shall become empty: one that is here and runs fails the test.
REFUSED = {
    "quantile 15": "np.asarray of a recorded array",  # the q of np.quantile is asked for on the way to the gradient
    "histogramdd": "np.asarray of a recorded array",
    "logm": "it draws random numbers",  # SciPy estimates a norm by them
}


def _arguments(case: Case, kind: str, seed: int) -> list[Any]:
    shapes = [s for shape in case.shapes for s in (_SHAPES[shape] if isinstance(shape, str) else [shape])]
    return numeric.arguments_of(case, shapes, seed, kind)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_rule_is_replayed_right_or_refused_by_name(case: Case) -> None:
    options = {"axis": 0} if case.axes else {}
    for kind in case.kinds:
        first, second = _arguments(case, kind, 0), _arguments(case, kind, 1)

        def made(*xs: Any) -> list[Any]:
            return numeric.outputs(case.call(*xs, **options))

        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            shapes = [np.shape(y) for y in made(*first)]
            if shapes != [
                np.shape(y) for y in made(*second)
            ]:  # they hang on values: near the first they do not
                second = [x + 1e-3 for x in first]
            weights = numeric.weights([np.asarray(y) for y in made(*first)], 3)
            eager = gm.value_and_grad(
                lambda *xs: numeric.loss(made(*xs), weights),
                argnums=tuple(range(len(first))),
            )
            replayed = gm.replay(eager)
            replayed(*first)
            got = [
                replayed(*second),
                replayed(*second),
            ]  # of another branch the first is recorded, the second replayed
            want = eager(*second)
        if case.name in REFUSED:
            assert REFUSED[case.name] in replayed.refused[0]
            return
        assert not replayed.refused and replayed.served
        for value, gradients in got:
            for mine, right in zip([value, *gradients], [want[0], *want[1]], strict=True):
                assert type(mine) is type(right) and np.shape(mine) == np.shape(right)
                np.testing.assert_allclose(mine, right, rtol=1e-9, atol=1e-10)


def test_the_table_names_cases() -> None:
    assert REFUSED.keys() <= {case.name for case in CASES}


def test_a_refusal_names_the_users_line() -> None:
    def f(x: Any) -> Any:
        return x * float(x[0])

    replayed = gm.replay(f)
    with pytest.warns(
        ReplayWarning,
        match=rf"float\(\) asks for a value: of a result write .item\(\) \(line {f.__code__.co_firstlineno + 1} of",
    ):
        replayed(np.ones(3))
