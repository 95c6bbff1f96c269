"""What a frame is at, on every Python that the tests run with."""

import sys

import numpy as np
import pytest

from gradmagic.engine.core.frames import asks_kind, assigns_entry, takes_entry


def test_assignments_to_entries_and_conversions_are_told_apart():
    class Value:
        def __float__(self):
            seen.append(assigns_entry(sys._getframe(1)))
            return 1.0

    class Values:
        def __array__(self, dtype=None, copy=None):
            seen.append(assigns_entry(sys._getframe(1)))
            return np.ones(2)

    seen: list[bool] = []
    a = np.zeros(2)
    a[0] = Value()
    a[0:2] = Values()
    float(Value())
    np.asarray(Values())
    assert seen == [True, True, False, False]


@pytest.mark.parametrize(
    "times", [1, 100]
)  # Python 3.11 makes a faster instruction of a call that runs often
@pytest.mark.parametrize("whole", [True, False], ids=["module", "function"])
def test_questions_of_kind_in_the_users_own_words(times, whole):
    class Value:
        @property
        def __class__(self):
            seen.append(asks_kind(sys._getframe(1)))
            return Value

        def __add__(self, other):
            return 0

    seen: list[bool] = []

    def answers(text):
        names = {"v": Value(), "vs": {"a": [Value()]}, "k": int, "other": isinstance, "g": lambda v, *_: v}
        body = (
            text
            if whole
            else "def f(v, vs, k, other, g):\n " + text + "\nfor _ in '':\n f(v, vs, k, other, g)"
        )
        exec(compile(body.replace("''", repr("x" * times)), "", "exec"), names)
        if whole:
            for _ in range(times - 1):
                exec(compile(body, "", "exec"), names)
        found = set(seen)
        seen.clear()
        return found

    for asked in (
        "isinstance(v, k)", "y = isinstance(vs['a'][0], (k, int))", "g(3, isinstance(g(v, 1), k) + 1)",
        "1 if isinstance(v, k) else 2", "match v:\n  case int(): pass",
    ):  # fmt: skip
        assert answers(asked) == {True}, asked
    for asked in (
        "other(v, k)",
        "v.__class__",
        "g(isinstance(3, k), other(v, k))",
        "hasattr(v, '__class__')",
    ):
        assert answers(asked) == {False}, asked


def test_entries_taken_and_other_operations_are_told_apart():
    class Value:
        def __index__(self):
            seen.append(takes_entry(sys._getframe(1)))
            return 1

    seen: list[bool] = []
    v, xs = Value(), [1, 2, 3]
    xs[v], xs[v:], range(v), xs * v, v.__index__()
    xs[v] = 3
    assert seen == [True, True, False, False, False, True]
