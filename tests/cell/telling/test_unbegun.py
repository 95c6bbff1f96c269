"""Generator expressions that a cell leaves: what they go over, and what they give later."""

import pytest

from ..helpers import fresh, traced

SETUP = "x = np.array([1.0, 2.0, 4.0])"
LEFT = {
    "an array": "g = (v * 2 for v in x)",
    "a list": "k = [1, 2, 3]\ng = (v for v in k)",
    "a dict": "g = (k for k in {'a': 1, 'b': 2})",
    "a generator": "g = (v for v in (u for u in x))",
    "two loops": "g = (v + u for v in x for u in [1, 2] if u > 1)",
    "in a container": "h = {'k': [(v for v in x)]}; g = h['k'][0]",
    "of a function": "def f(): return (v for v in x)\ng = f()",
}


@pytest.mark.parametrize("text", LEFT.values(), ids=LEFT)
def test_one_that_nobody_has_begun_goes_over_what_it_would(text):
    plain, with_magic = fresh(SETUP), fresh(SETUP)
    exec(text, plain)
    traced(f"{text}\nz = np.sum(x**2)", with_magic, "x", of="z")
    over = [names["g"].gi_frame.f_locals[".0"] for names in (plain, with_magic)]
    assert type(over[0]) is type(over[1])
    assert list(plain["g"]) == list(with_magic["g"])


@pytest.mark.parametrize("text", LEFT.values(), ids=LEFT)
def test_one_that_has_begun_goes_on(text):
    text += "\nfirst = next(g)"
    plain, with_magic = fresh(SETUP), fresh(SETUP)
    exec(text, plain)
    traced(f"{text}\nz = np.sum(x**2)", with_magic, "x", of="z")
    assert plain["first"] == with_magic["first"]
    assert list(plain["g"]) == list(with_magic["g"])
