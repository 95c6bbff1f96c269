"""Some drawn functions that hold state, replayed: what they give and leave is what they give and leave without."""

import pytest

from .states import draw, judged

SEED, PROGRAMS, BATCH = 2, 2000, 500


@pytest.mark.parametrize("first", range(0, PROGRAMS, BATCH))
def test_drawn_functions_with_state_are_replayed_right_or_refused(first):
    verdicts = {n: judged(draw(SEED, n), same=n % 2 == 1) for n in range(first, first + BATCH)}
    wrong = {n: words for n, (verdict, words) in verdicts.items() if verdict == "wrong"}
    assert not wrong, f"python -m tests.fuzz.states --seed {SEED} --show N: {wrong}"
    assert sum(verdict == "right" for verdict, _ in verdicts.values()) > BATCH / 2
