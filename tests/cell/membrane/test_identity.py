"""Which object is which: a table that knows numbers by identity must not take one for another, nor show that it does."""

# ruff: noqa: E501  (a cell on one line of a table)

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradmagic.cell.membrane.fresh import fresh as fresh_number

from ..helpers import fresh, left_behind, traced

NUMBERS = st.one_of(
    st.integers(), st.integers(-300, 300), st.floats(), st.complex_numbers(),
    st.floats(width=32).map(np.float32), st.floats().map(np.float64), st.integers(-100, 100).map(np.int64),
)  # fmt: skip


@given(NUMBERS)
def test_a_fresh_number_is_another_object_of_the_same_value_and_type(value: Any) -> None:
    new = fresh_number(value)
    assert new is not value and type(new) is type(value)
    assert repr(new) == repr(value) and (hash(new) == hash(value) or value != value)
    assert (new == value) is (value == value)
    if isinstance(value, (float, complex)):
        assert np.array(new).tobytes() == np.array(value).tobytes()  # -0.0, NaN


@pytest.mark.parametrize("value", ["text", None, True, (1, 2), b"b", (3.0).__add__])
def test_what_is_no_number_stays_the_object_that_it_is(value: Any) -> None:
    assert fresh_number(value) is value


# (setup, names, cell, gradients by name)
CELLS = {
    "two constants of one line": ("", "a b", "a = 2.0; b = 2.0\nz = a * a * b", {"a": 8.0, "b": 4.0}),
    "two small ints": ("", "a b", "a = 3; b = 3\nz = a * a * b * 1.0", {"a": 18.0, "b": 9.0}),
    "a chain of targets": ("", "a", "a = b = 2.0\nz = a * a", {"a": 4.0}),
    "one number under two names": ("a = 2.0; b = a", "a b", "z = a * a * b", {"a": 8.0, "b": 4.0}),
    "one small int under two names": ("a = b = 3", "a b", "z = a * b * b * 1.0", {"a": 9.0, "b": 18.0}),
    "a constant equal to an input": ("a = 2.0", "a", "z = a * 2.0 * 2.0", {"a": 4.0}),
    "an int equal to an input": ("n = 3", "n", "z = n * 3 * len('abc') * 1.0", {"n": 9.0}),
    "a default argument equal to it": ("n = 3\ndef f(u, k=3): return u * k", "n", "z = f(n) * 1.0", {"n": 3.0}),
    "a range that gives equal numbers": ("n = 2", "n", "z = 0.0\nfor i in range(4): z = z + i * n * n", {"n": 24.0}),
    "an equal key": ("n = 3", "n", "d = {3: 1.0}\nd[n] = d[3] + n\nz = d[3] * d[n]", {"n": 8.0}),
    "equal results": ("a = 1.0", "a", "b = a * 1\nc = a * 1\nz = b * c", {"a": 2.0}),
    "a result equal to an input": ("a = 1.0; b = 2.0", "a b", "c = a + 1\nz = c * b", {"a": 2.0, "b": 2.0}),
    "True and one": ("n = 1", "n", "t = n == 1\nz = t * n * 5.0 + True", {"n": 5.0}),
    "enumerated": ("a = 1.0", "a", "z = 0.0\nfor i, v in enumerate([a, 1.0, a]): z = z + i * v", {"a": 2.0}),
    "numbers that come and go": ("a = 1.0", "a", "z = 0.0\nfor i in range(20000):\n    t = i * 0.5\n    z = z + (t * 1e-9 if i % 2 else a * 1e-9)", {"a": 1e-5}),
    "an array twice": ("x = np.ones(3); y = x", "x y", "z = (x * y).sum()", {"x": [2.0] * 3}),
    "an entry of a tuple of constants": ("", "a", "p = (2.0, 2.0)\na = p[0]\nz = a * p[1] * p[0]", {"a": 4.0}),
    "equal text": ("a = 2.0", "a", "s = str(a)\nt = '2.0'\nz = a * len(t) * float(t)", {"a": 6.0}),
    "an empty tuple": ("a = 2.0", "a", "p = () + ()\nq = (a,)[1:]\nz = a * (1 + len(p) + len(q))", {"a": 1.0}),
}  # fmt: skip


@pytest.mark.parametrize("title", CELLS)
def test_equal_values_are_told_apart(title: str) -> None:
    setup, names, text, gradients = CELLS[title]
    plain, namespace = fresh(setup), fresh(setup)
    exec(text, plain)
    trace = traced(text, namespace, names)
    assert left_behind(plain, namespace) == []
    found = {entry.name: np.asarray(entry.array).tolist() for entry in trace.inputs}
    assert [note for note in trace.notes if note.kind == "cut"] == []
    for name, right in gradients.items():
        assert found[name] == pytest.approx(right)


def test_text_of_one_letter_is_one_object_and_a_note_may_be_one_too_many() -> None:
    """Python keeps one object for each text of one letter: what is said of it is said of all."""
    trace = traced("s = f'{a:.0f}'\nz = a * float('2')", fresh("a = 2.0"), "a")
    assert trace.inputs[0].array == 2.0
    assert [note.kind for note in trace.notes] in ([], ["cut"])


ASKED = {
    "an array and its names": ("x = np.ones(3); y = x; d = {'k': x}; l = [x]", "x", "same = [x is y, d['k'] is x, l[0] is x, x[...] is x, x is x.T.T]"),
    "what the cell makes": ("a = 2.0", "a", "b = a * 3\nc = b\nl = [b]\nsame = [b is c, l[0] is b, l.index(b), b in l, {b: 1}[c]]"),
    "results of functions": ("x = np.ones(3)", "x", "def f(u): return u\nsame = [f(x) is x, np.asarray(x) is x, np.asanyarray(x) is x, x.view() is x, max(x, x, key=id) is x]"),
    "views": ("x = np.ones((2, 3)); v = x[1]", "x", "same = [v.base is x, x[0].base is x, np.shares_memory(v, x), x.base is None, x.T.base is x]"),
    "in place": ("x = np.ones(3)", "x", "y = x\ny += 1\nsame = [y is x, np.add(x, 1, out=x) is x, id(x) == id(y)]"),
    "of entries": ("l = [1.0, 2.0]; a = 3.0", "a", "l.append(a * 2)\nm = l[:]\nsame = [p is q for p, q in zip(l, m)]"),
    "constants": ("a = 2.0", "a", "b = 1000\nc = 1000\nsame = [b is c, 'x' is 'x', () is (), None is None]"),
    "kinds": ("a = 2.0; n = 3; x = np.ones(2); s = np.float32(2)", "a n x s", "b = a * 2\nsame = [type(v) for v in (a, n, x, s, b, n + 1, x[0], s * s, a < 3)] + [type(a) is float, type(x) is np.ndarray, isinstance(n, int)]"),
}  # fmt: skip


@pytest.mark.filterwarnings('ignore:"is" with:SyntaxWarning')
@pytest.mark.parametrize("title", ASKED)
def test_what_is_what_is_answered_as_without_the_magic(title: str) -> None:
    setup, names, text = ASKED[title]
    plain, namespace = fresh(setup), fresh(setup)
    exec(f"{text}\nz = 1.0", plain)
    first = names.split()[0]
    traced(
        f"{text}\nz = ({first} * 1.0).sum() if hasattr({first}, 'sum') else {first} * 1.0", namespace, names
    )
    assert namespace["same"] == plain["same"]


def test_a_name_that_the_cell_leaves_alone_has_its_very_object_afterwards() -> None:
    namespace = fresh("a = 2.5; n = 1000; s = np.float64(3.5); x = np.ones(2); held = [a, n, s, x]")
    before = dict(namespace)
    traced("z = a * n * s * x.sum()", namespace, "a n s x")
    assert all(namespace[name] is before[name] for name in "ansx")
    assert all(p is q for p, q in zip(namespace["held"], before["held"], strict=True))


def test_a_number_that_is_given_away_in_the_cell_is_an_equal_one() -> None:
    """The listed exception: under its name a number is another object while the cell runs."""
    namespace = fresh("a = 2.5; b = a; n = 3; l = [a]")
    traced("z = a * n\nsame = [a is b, a == b, a is l[0], n is 3 + 0]\nkept = [a, n]", namespace, "a n")
    assert namespace["same"] == [False, True, False, False]
    assert namespace["kept"] == [2.5, 3] and [type(v) for v in namespace["kept"]] == [float, int]


def test_the_run_keeps_no_object_of_the_users_alive() -> None:
    namespace = fresh("import weakref\nx = np.ones(3)\nclass Box: pass")
    traced(
        "box = Box()\nbox.y = x * 2\ndead = [weakref.ref(box), weakref.ref(box.y)]\nz = box.y.sum()\nbox = None\n"
        "gone = [r() is None for r in dead]", namespace, "x",
    )  # fmt: skip
    assert namespace["gone"] == [True, True]
    kept = weakref.ref(namespace.pop("x"))
    gc.collect()
    assert kept() is None


def test_an_id_that_is_given_away_again_is_no_sign_of_the_old_object() -> None:
    text = "z = 0.0\nfor i in range(3000):\n    y = x * float(i)\n    del y\n    p = np.full(3, float(i))\n    z = z + p.sum() * 1e-6\nz = z + x.sum()"
    namespace = fresh("x = np.ones(3)")
    trace = traced(text, namespace, "x")
    assert trace.inputs[0].array.tolist() == [1.0] * 3 and trace.notes == ()


@pytest.mark.parametrize(
    ("cell", "slope"),
    [
        ("q = dataclasses.asdict(P(x * 2))['w']\nz = q.sum() + x.sum()", 3),
        ("q = dataclasses.astuple(P([x * 2, {'a': x}]))[0]\nz = q[0].sum() + q[1]['a'].sum()", 3),
        ("q = dataclasses.asdict(P(x[0]))['w']\nz = q * x.sum() - x[0] * x.sum() + 2 * x.sum()", 2),
    ],
)
def test_a_data_classs_fields_are_copied_with_what_is_known_of_them(cell: str, slope: float) -> None:
    names = fresh("import dataclasses\nx = np.array([1.0, 2.0, 3.0])")
    exec("@dataclasses.dataclass\nclass P:\n    w: object\n    k: float = 1.0", names)
    trace = traced(cell, names, "x")
    np.testing.assert_allclose(trace.inputs[0].array, np.full(3, slope))
    assert not trace.notes
