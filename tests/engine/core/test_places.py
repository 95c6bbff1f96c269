"""Places: kept cheaply, told exactly."""

import sys

import gradmagic as gm
from gradmagic.engine.core import places
from gradmagic.engine.tape import modes


def traced(compute):
    modes.keep_places(True)
    try:
        return compute().node.place
    finally:
        modes.keep_places(False)


def test_the_line_of_an_operator_is_the_users():
    x = gm.tensor([1.0], requires_grad=True)
    line = sys._getframe().f_lineno + 1
    place = traced(lambda: x * 2)
    assert places.line_of(place) == line
    assert places.describe(place) == f"line {line} of test_places.py"


def test_the_place_of_a_function_of_ours_is_the_callers():
    x = gm.tensor([1.0], requires_grad=True)
    place = traced(lambda: gm.nn.functional.mse_loss(x, x.detach()))
    assert place[0].co_filename == __file__


def test_a_loop_keeps_one_place():
    x = gm.tensor([1.0], requires_grad=True)
    made = []

    def compute():
        h = x
        for _ in range(10):
            h = h * 2
            made.append(h.node)
        return h

    traced(compute)
    assert len({id(node.place) for node in made}) == 1


def test_nothing_is_kept_without_watching():
    assert (gm.tensor([1.0], requires_grad=True) * 2).node.place is None


def test_labels_replace_file_names(monkeypatch):
    monkeypatch.setattr(places, "_labels", [lambda name: "In [7]" if name == __file__ else None])
    assert places.label_of(__file__) == "In [7]"
    assert places.label_of("/some/where/else.py") == "else.py"


def test_the_name_of_a_value_is_found_in_the_frame():
    velocity = object()
    assert places.name_of(velocity, sys._getframe()) == "velocity"
    assert places.name_of(object(), sys._getframe()) == ""
