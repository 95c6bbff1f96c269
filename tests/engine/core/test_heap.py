"""The heap keeps the memory of arrays that are gone, up to a limit, and gives it back."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.core import heap
from gradmagic.engine.tape import nodes

glibc = pytest.mark.skipif(heap._glibc() is None, reason="there is no glibc")

# Twenty operations on arrays of 400 KB, forward and backward; what the system was asked for in a pass.
PROGRAM = """
import json, resource
import numpy as np
import gradmagic as gm
SET
x = gm.tensor(np.linspace(-1, 1, 100_000, dtype=np.float32), requires_grad=True)

def run():
    h = x
    for _ in range(10):
        h = np.sin(h) * 1.5
    h.sum().backward()

def pages():
    return int(open("/proc/self/statm").read().split()[1])

for _ in range(3):
    run()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    run()
faults = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 5
kept = pages()
gm.set_buffer_pool("256MB")
print(json.dumps([faults, (kept - pages()) * 4096 / x.numel() / 4, float(x.grad.sum())]))
"""


def ran(before: str = "", **environment: str) -> list[float]:
    """Page faults of a pass, how many arrays were given back, and a sum of the gradient."""
    text = PROGRAM.replace("SET", before)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}  # Dask sets some
    done = subprocess.run(
        [sys.executable, "-c", text], env=inherited | environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@glibc
def test_a_pass_takes_its_memory_from_the_one_before_and_gives_it_back_when_asked():
    faults, given, gradient = ran()
    assert faults < 50
    assert given > 5
    off, none_given, same = ran("gm.set_buffer_pool('1MB')")
    assert off > 500
    assert none_given < 5
    assert same == gradient


@glibc
def test_what_the_environment_says_of_the_heap_holds():
    faults, _, _ = ran(MALLOC_TRIM_THRESHOLD_="131072")
    assert faults > 500


class Libc:
    """What is asked of the C library."""

    def __init__(self, most: int = 2**31) -> None:
        self.most, self.asked = most, []

    def mallopt(self, parameter: int, value: int) -> int:
        self.asked.append((parameter, value))
        return value <= self.most

    def malloc_trim(self, pad: int) -> int:
        self.asked.append("trim")
        return 1


@pytest.fixture
def libc(monkeypatch):
    for name in [n for n in os.environ if n.startswith("MALLOC_") or n == "GLIBC_TUNABLES"]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(heap._State, "limit", None)
    libc = Libc()
    monkeypatch.setattr(heap, "_glibc", lambda: libc)
    return libc


MB = 1 << 20


@pytest.mark.parametrize(
    ("limit", "trim", "mmap"),
    [
        ("256 MiB", 256 * MB, 32 * MB),
        ("1 MiB", MB, MB // 8),
        (5, 128 << 10, 128 << 10),
        ("1TB", 2**31 - 1, 2**28 - 1),
    ],
)
def test_a_limit_is_two_thresholds(libc, limit, trim, mmap):
    gm.set_buffer_pool(limit)
    assert libc.asked == [(-1, trim), (-3, mmap), "trim"]


def test_0_leaves_what_was_never_set_alone_and_sets_back_what_was(libc):
    gm.set_buffer_pool(0)
    heap.keep_usual()
    heap.give_back()
    assert libc.asked == []
    gm.set_buffer_pool("1GB")
    libc.asked.clear()
    gm.set_buffer_pool(0)
    assert libc.asked == [(-1, 64 * MB), (-3, 32 * MB), "trim"]
    heap.give_back()
    assert len(libc.asked) == 3


def test_the_usual_limit_is_set_once_and_not_over_the_users(libc):
    heap.keep_usual()
    heap.keep_usual()
    assert libc.asked == [(-1, 256 * MB), (-3, 32 * MB)]
    gm.set_buffer_pool("1MB")
    libc.asked.clear()
    heap.keep_usual()
    assert libc.asked == []


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"])
def test_the_environment_comes_before_the_usual_limit_but_not_before_the_users(libc, monkeypatch, name):
    monkeypatch.setenv(name, "glibc.malloc.trim_threshold=131072" if name == "GLIBC_TUNABLES" else "131072")
    heap.keep_usual()
    heap.give_back()
    assert libc.asked == []
    gm.set_buffer_pool("1GB")
    assert "trim" in libc.asked


def test_an_older_glibc_takes_no_more_than_its_own(libc):
    libc.most = 32 * MB
    gm.set_buffer_pool("1GB")
    assert libc.asked[-2:] == [(-3, 32 * MB), "trim"]


def test_where_there_is_no_glibc_nothing_happens(monkeypatch):
    monkeypatch.setattr(heap._State, "limit", None)
    monkeypatch.setattr(heap, "_glibc", lambda: None)
    gm.set_buffer_pool("1GB")
    heap.give_back()


@pytest.mark.parametrize("wrong", ["much", "-1GB", -1, "4 apples"])
def test_what_is_no_amount_of_memory_is_refused(wrong):
    with pytest.raises(ValueError, match="no amount of memory"):
        gm.set_buffer_pool(wrong)


def test_few_numbers_do_not_touch_the_heap_and_an_array_does(libc, monkeypatch):
    monkeypatch.setattr(nodes, "_AVALS", {})  # as in a new process: it is asked once for each shape
    (gm.tensor(np.ones(97), requires_grad=True) * 2).sum().backward()
    assert libc.asked == []
    (gm.tensor(np.ones(9_973), requires_grad=True) * 2).sum().backward()
    assert libc.asked == [(-1, 256 * MB), (-3, 32 * MB)]
