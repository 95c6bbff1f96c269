"""Some hundred drawn programs, always the same: each leaves what it would leave, gradients are right or noted."""

import pytest

from .batches import run
from .judge import FAULTS

SEED, PROGRAMS, BATCH = 9, 300, 30

# What is wrong today: programs of the sample by verdict and what is off. It shall become empty. A program that is here
# and passes fails the test, as one that is not here and does not.
KNOWN: dict[str, str] = {
    "error: C code refuses what gm.grad passes in": "2 10 70 143 228 248",
    "silent: by way of a text under gm.grad, noted in a cell": "3 218",
}
VERDICT = {
    int(number): kind.partition(":")[0] for kind, numbers in KNOWN.items() for number in numbers.split()
}


@pytest.mark.parametrize("first", range(0, PROGRAMS, BATCH))
def test_drawn_programs_are_right_or_noted_and_leave_what_they_leave_without_the_magic(first: int) -> None:
    cases = run(SEED, first, first + BATCH, size=BATCH)
    known = {number: verdict for number, verdict in VERDICT.items() if first <= number < first + BATCH}
    off = [c for c in cases if (c.verdict if c.verdict in FAULTS else None) != known.get(c.number)]
    assert not off, "\n".join(
        f"python -m tests.fuzz --seed {SEED} --show {c.number}: {c.verdict}, not {known.get(c.number)}: {c.findings}"
        for c in off
    )
