"""Some drawn programs as functions, recorded once and replayed: none gives or leaves anything else than without."""

import pytest

from .batches import limited
from .draw import draw
from .replays import TRANSFORMS, judged

SEED, PROGRAMS, BATCH = 12, 80, 20


@pytest.mark.slow
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.parametrize("first", range(0, PROGRAMS, BATCH))
def test_drawn_functions_are_replayed_right_or_refused(first, transform):
    verdicts = {}
    for number in range(first, first + BATCH):
        program = draw(SEED, number)
        if program.names and all(name.isidentifier() for name in program.names.split()):
            with limited(20):
                verdicts[number] = judged(program, transform)
    wrong = {n: words for n, (verdict, words) in verdicts.items() if verdict == "wrong"}
    assert not wrong, f"python -m tests.fuzz.replays --seed {SEED} --show N: {wrong}"
    assert any(verdict == "right" for verdict, _ in verdicts.values())
