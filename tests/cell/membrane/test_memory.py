"""Arrays that look into one memory: whatever is read or written through any of them, the gradient is exact.

Every program here is linear in the input, so that its derivative is what the program makes of each unit vector.
"""

# ruff: noqa: E501  (a cell on one line of a table)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.draws import draws

from ..helpers import fresh, left_behind, traced

START = {
    "tracked": "x = np.arange(1.0, 13).reshape(3, 4)",
    "tracked, Fortran's order": "x = np.asfortranarray(np.arange(1.0, 13).reshape(3, 4))",
    "tracked, a part": "whole = np.arange(0.0, 40).reshape(5, 8)\nx = whole[1:4, ::2]",
    "tracked, backwards": "whole = np.arange(1.0, 13)\nx = whole[::-1].reshape(3, 4)",
}
# The array that views are taken of, by what is known of it when the cell begins.
BASES = {
    "the input": "a = x",
    "a result": "a = x * 2",
    "older": "a = old",
    "new": "a = np.ones((3, 4))",
    "a copy": "a = x.copy('K')",
}
VIEWS = (
    "{a}[1:]", "{a}[::-1]", "{a}[:, ::2]", "{a}[..., 1]", "{a}[None]", "{a}.T", "{a}.reshape(-1)", "{a}.reshape(2, -1)",
    "{a}.ravel()", "np.ravel({a})", "{a}.swapaxes(0, -1)", "np.moveaxis({a}, 0, -1)", "np.flip({a})", "{a}.view()",
    "np.broadcast_to({a}, (2, *{a}.shape))", "{a}.real", "{a}.squeeze()", "np.atleast_2d({a})", "np.asarray({a})",
    "{a}[-1]", "np.expand_dims({a}, 0)", "np.split({a}, 1)[0]", "np.lib.stride_tricks.as_strided({a})", "{a}.diagonal()",
    "np.lib.stride_tricks.sliding_window_view({a}, 2, axis=-1)", "np.asarray(memoryview({a}))", "{a}.copy()", "{a}[:]",
    "np.frombuffer({a})", "np.array({a}, copy=None)", "np.require({a})", "np.rot90({a})", "np.vsplit({a}, 1)[0]",
)  # fmt: skip
WRITES = (
    "{a}[...] = {v}.sum()", "{a}[0] = {v}.flat[0]", "{a}[:1] *= 3", "{a} += {v}.sum()", "{a} -= {a}[::-1] * 2", "{a}[-1] = {a}[0]",
    "{a}.fill({v}.flat[1])", "np.copyto({a}, {v}.flat[2] * 3)", "np.multiply({a}, 2, out={a})", "{a}.flat[0] = {v}.sum()",
    "{a}[{a}.shape[0] // 2:] = 5.0", "{a}[...] = {a} * 2 + {v}.mean()", "{a}.put([0], {v}.flat[0] * 4)", "{a}[[0, -1]] = {a}[[-1, 0]]",
    "np.add.at({a}, 0, {v}.flat[3])", "{a}[{a} == {a}] *= 0.5", "{a}.T[0] += {v}.flat[1]", "{a}.ravel()[0] = {v}.sum()",
    "np.negative({a}, {a})", "{a}[:].reshape(-1)[1:2] = {v}.flat[0]", "np.add({v}.sum(), {a}, {a})", "{a}.partition(0)",
    "np.cumsum({a}, axis=0, out={a})", "np.put({a}, [1], {v}.flat[2])", "np.fill_diagonal({a}, {v}.flat[1])",
)  # fmt: skip


@st.composite
def programs(draw: Any) -> tuple[str, str]:
    """A start and a cell, as text: views of views, and writes through any of them."""
    start = START[draw(st.sampled_from(sorted(START)))] + "\nold = np.linspace(0, 1, 12).reshape(3, 4)"
    lines, names = [BASES[draw(st.sampled_from(sorted(BASES)))]], ["a"]
    for k in range(draw(st.integers(2, 9))):
        target, source = draw(st.sampled_from(names)), draw(st.sampled_from(["x", *names]))
        if draw(st.booleans()):
            names.append(f"v{k}")
            lines.append(f"v{k} = {draw(st.sampled_from(VIEWS)).format(a=target)}")
        else:
            lines.append(draw(st.sampled_from(WRITES)).format(a=target, v=source))
    weighed = (f"({n} * np.arange(1.0, {n}.size + 1).reshape({n}.shape)).sum()" for n in ("x", *names))
    return start, "\n".join([*lines, f"z = {' + '.join(weighed)}"])


def plainly(start: str, text: str) -> dict[str, Any]:
    """What the cell leaves without the magic; lines that NumPy refuses leave `text` through an exception."""
    names = fresh(start)
    exec(compile(text, "<plain>", "exec"), names)
    return names


def runnable(start: str, text: str) -> str:
    """The same without the lines that NumPy itself refuses: broadcast arrays are read-only, shapes do not fit."""
    kept: list[str] = []
    for line in text.splitlines():
        try:
            plainly(start, "\n".join([*kept, line]))
        except (ValueError, TypeError, IndexError, BufferError, NameError, AttributeError):
            continue
        kept.append(line)
    if not kept[-1].startswith("z = "):
        kept.append("z = x.sum() + a.sum()")
    return "\n".join(kept)


def derivative(start: str, text: str) -> np.ndarray:
    """The derivative of `z`, linear in x, by unit vectors: x is written over before the cell begins."""
    names = fresh(start)
    at_zero = plainly(f"{start}\nx[...] = 0", text)["z"]
    found = np.empty(names["x"].shape)
    for i in np.ndindex(found.shape):
        found[i] = plainly(f"{start}\nx[...] = 0\nx[{i}] = 1", text)["z"] - at_zero
    return found


def check(start: str, text: str, noted: bool = False) -> None:
    plain, names = plainly(start, text), fresh(start)
    trace = traced(text, names, "x")
    assert left_behind(plain, names) == []
    cuts = [note for note in trace.notes if note.kind == "cut"]
    if cuts and noted:
        return
    assert cuts == []
    assert trace.result.name == "z"
    np.testing.assert_allclose(
        np.asarray(trace.inputs[0].array), derivative(start, text), rtol=1e-9, atol=1e-9
    )


# What is not followed through such a view is noted; everything else is right.
MAY_BE_NOTED = ("as_strided", "memoryview", "frombuffer", "partition", "sliding_window", "broadcast_to")


@settings(max_examples=draws(60), deadline=None)
@given(programs())
def test_reads_and_writes_through_views_of_all_kinds(program: tuple[str, str]) -> None:
    start, text = program
    text = runnable(start, text)
    if ".partition" in text or "==" in text:  # linear only piece by piece
        text = "\n".join(line for line in text.splitlines() if ".partition" not in line and "==" not in line)
        text = runnable(start, text)
    into_read_only = "add.at" in text and ".diagonal" in text  # which NumPy lets pass
    check(start, text, noted=into_read_only or any(word in text for word in MAY_BE_NOTED))


X = "x = np.arange(1.0, 7)"
CASES = {
    "a view that dies at once": (X, "d = np.ones(6)\nd[1:][0] = x[0]\nd.reshape(2, 3).T[2] = x[:2]\nz = (d * np.arange(6)).sum()"),
    "of an older array": (f"{X}\nd = np.ones(6)", "d.ravel()[2:4] = x[1:3]\nz = (d * np.arange(6)).sum()"),
    "a view that was there before": (f"{X}\nd = np.ones(6); v = d[::-2]", "v[1] = x[4]\nz = (d * np.arange(6)).sum()"),
    "a view deleted": (X, "d = np.ones(6)\nv = d[2:]\nv[0] = x[0]\ndel v\nz = (d * np.arange(6)).sum()"),
    "two views, both deleted": (X, "d = np.ones(6)\nv, w = d[2:], d[:4]\nv[0] = x[0]\nw[3] = x[5]\ndel v, w\nu = d[1:5]\nz = (u * np.arange(4)).sum()"),
    "overlapping parts": (X, "x[1:] += x[:-1]\nx[::2] = x[::-2] * 3\nz = (x * np.arange(6)).sum()"),
    "an input and its view": (f"{X}; t = x[3:]", "t *= 2\nx[4] = 0.0\nz = (t * [1, 2, 3]).sum() + (x * np.arange(6)).sum()"),
    "a scalar array, shared": (X, "s = np.array(x.sum())\nt = s\nt += 1\nt[()] = t * 2\nz = s * 3"),
    "real and imaginary parts": (X, "c = np.zeros(6, complex)\nc.real = x\nc.imag[1:] = x[:-1] * 2\nv = c.real\nv[0] = x[5]\nz = (c.real * np.arange(6)).sum() + c.imag.sum()"),
    "of a complex result": (X, "c = x * (1 + 2j)\nr = c.real\nr *= 3\nc.imag = r\nz = (c.real * np.arange(6)).sum() + (c.imag * x.size).sum()"),
    "pairs as complex numbers": (X, "c = x.view(complex)\nz = (c * np.array([1, 2 - 1j, 3])).real.sum()"),
    "complex numbers as pairs": (X, "c = x + 2j * x\np = c.view(float)\nz = (p * np.arange(12)).sum()"),
    "as_strided": (X, "w = np.lib.stride_tricks.as_strided(x, (4, 3), (8, 8))\nz = (w * np.arange(12).reshape(4, 3)).sum()"),
    "a memory view": (X, "m = np.asarray(memoryview(x))\nm[2] = m[0] * 3\nz = (x * np.arange(6)).sum()"),
    "broadcast": (X, "b = np.broadcast_to(x[:3], (2, 3))\nx[1] = x[5] * 2\nz = (b * np.arange(6).reshape(2, 3)).sum()"),
    "a shape set": (X, "x.shape = (2, 3)\nx[1] *= 2\nx.shape = (3, 2)\nz = (x * np.arange(6).reshape(3, 2)).sum()"),
    "swapped by a tuple": (X, "x[0], x[5] = x[5], x[0]\nx[1:3], x[3:5] = x[3:5].copy(), x[1:3].copy()\nz = (x * np.arange(6)).sum()"),
    "swapped without a copy": (X, "x[1:3], x[3:5] = x[3:5], x[1:3]\nz = (x * np.arange(6)).sum()"),
    "a structured array": (X, "r = np.zeros(6, [('p', float), ('q', float)])\nr['p'] = x\nr['q'][1:] = x[:-1]\nz = (r['p'] * np.arange(6)).sum() + r['q'].sum()"),
    "a masked array over it": (X, "m = np.ma.array(x, copy=False)\nm[0] = 9.0\nz = (x * np.arange(6)).sum()"),
    "resized": (X, "y = x * 2\ny.resize(8, refcheck=False)\nz = (y * np.arange(8)).sum()"),
    "an index array changed later": (X, "i = np.array([0, 1])\ny = x[i]\ni[0] = 5\nx[i] = y * 3\ni[:] = 0\nz = (x * np.arange(6)).sum() + (y * [1, 2]).sum()"),
    "a plain factor changed later": (X, "f = np.ones(6)\ny = x * f\nf *= 5\nf[0] = 7\nz = (y * np.arange(6)).sum()"),
    "a row held by a list": (X, "rows = list(x.reshape(2, 3))\nrows[0][1] = x[5] * 2\nz = (x * np.arange(6)).sum() + rows[0].sum()"),
    "iterated and written": (X, "for row in x.reshape(3, 2):\n    row[0] = row[1] * 2\nz = (x * np.arange(6)).sum()"),
    "by dlpack": (X, "y = x * 1\nb = np.from_dlpack(y)\nb[0] = 3 * x[1]\nz = (y * np.arange(6)).sum() + b.sum()"),
    "nditer writes": (X, "y = x * 1\nwith np.nditer(y, op_flags=['readwrite']) as it:\n    for e in it:\n        e[...] = e * 2\ndel it\nz = (y * np.arange(6)).sum()"),
}  # fmt: skip
NOTED = {"nditer writes", "a structured array", "pairs as complex numbers", "of a complex result",
         "real and imaginary parts"}  # fmt: skip


@pytest.mark.parametrize("title", CASES)
def test_one_memory_under_several_names(title: str) -> None:
    start, text = CASES[title]
    check(start, f"{text} + x.sum()", noted=title in NOTED)
