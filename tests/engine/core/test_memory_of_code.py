"""What is remembered of code goes with the code: a session of thousands of cells does not fill the memory."""

from __future__ import annotations

import gc
import weakref

import gradmagic as gm
from gradmagic.engine.core import places
from gradmagic.engine.core.interpreter import by_code
from gradmagic.engine.tape import modes


def test_places_of_cells_that_ran_once_are_dropped_and_those_of_functions_stay(monkeypatch):
    monkeypatch.setattr(places, "_PLACES", {})  # beside many that live there is room for many that do not
    monkeypatch.setattr(places, "_room", [4_096])
    x = gm.tensor([1.0, 2.0], requires_grad=True)
    defined: dict = {}
    exec("def f(v):\n    return v * 2", defined)
    modes.keep_places(True)
    try:
        first = defined["f"](x).node.place
        codes = []
        for i in range(9_000):
            code = compile(f"y = x * {i}\nz = y + 1", "<cell>", "exec")
            codes.append(weakref.ref(code))
            exec(code, {"x": x})
            del code
        assert defined["f"](x).node.place is first
        gc.collect()
        assert sum(ref() is not None for ref in codes) < 5_000
        places._drop_dead()
        assert sum(ref() is not None for ref in codes) == 0 and first in places._PLACES.values()
    finally:
        modes.keep_places(False)


def test_an_answer_about_code_goes_with_it():
    asked = []
    names = by_code(lambda code: asked.append(1) or code.co_names)
    code = compile("y = x", "<cell>", "exec")
    assert names(code) == names(code) == ("x", "y") and len(asked) == 1
    gone = weakref.ref(code)
    del code
    gc.collect()
    assert gone() is None
    assert names(compile("w = v", "<cell>", "exec")) == ("v", "w")
