"""Graphs of every form: nothing overlaps, nothing is lost, and what is drawn can be read in a column."""

from __future__ import annotations

from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from gradmagic.report import Report
from gradmagic.report.parts.cards import cards, rows
from gradmagic.report.pictures import drawing
from gradmagic.report.pictures.ranked import BESIDE, Wire, crossings, ranked, spread
from gradmagic.report.pictures.scene import Rect, Text, of_cards
from gradmagic.report.shown.view import View
from tests.draws import draws
from tests.report import traces


@st.composite
def graphs(draw, most=40):
    """A trace of inputs and operations, each of one or two values that stand before it."""
    inputs, steps = draw(st.integers(1, 4)), draw(st.integers(1, most))
    reach = draw(st.sampled_from([1, 2, 5, most]))  # how far back an operation takes its values from
    lines = [f"v{i} = f(...)" for i in range(steps)]
    s = traces.Sketch("\n".join(lines))
    keys = [s.input(f"x{i}", 1.5, -0.5, "float") for i in range(inputs)]
    for i, line in enumerate(lines):
        taken = draw(st.lists(st.integers(1, min(reach, len(keys))), min_size=1, max_size=2))
        edges = [(keys[-back], "2*x", 2.0, -0.25) for back in taken]
        name = f"v{i}" if draw(st.booleans()) else ""
        keys.append(s.step("f", line[5:], 1.25, -2.5, *edges, name=name, line=i + 2))
    return s.trace("", 1.25)


def view_of(trace):
    return View.of(trace, len(trace.operations))


def apart(one, two, slack=1.0):
    (x, y, w, h), (u, v, a, b) = one, two
    return abs(x - u) >= (w + a) / 2 - slack or abs(y - v) >= (h + b) / 2 - slack


@pytest.mark.parametrize("form", [cards, rows])
@settings(max_examples=draws(30))
@given(trace=graphs())
def test_each_value_has_one_row_and_each_edge_one_line(form, trace):
    view = view_of(trace)
    made = form(view)
    shown = [row.key for card in made.cards for row in card.rows]
    assert sorted(shown) == sorted(o.key for o in view.operations if o.rule or o.key in view.users)
    lines = [link.name for link in made.links]
    lines += [thread.link.name for card in made.cards for thread in card.threads]
    assert sorted(lines) == sorted(f"e{i}" for key, i in view.numbers.items())
    for card in made.cards:  # a lane leads down, and two values never wait on one
        for thread in card.threads:
            assert thread.tail < thread.head
            lane = card.rows[thread.tail].lane
            if not thread.far and form is rows:
                between = card.rows[thread.tail + 1 : thread.head]
                assert all(row.lane != lane for row in between)
    # The derivative of every edge is told, in a row or on an arrow.
    told = [via.number for card in made.cards for row in card.rows for via in row.vias]
    assert len(told) + sum(bool(link.label) for link in made.links) == len(view.numbers)


@settings(max_examples=draws(30))
@given(trace=graphs())
def test_cards_stand_apart_and_links_lead_down(trace):
    made = cards(view_of(trace))
    layout = drawing.of_top_down(made)
    boxes = {card.name: (*layout.nodes[card.name], card.width, card.height) for card in made.cards}
    names = list(boxes)
    for i, one in enumerate(names):
        assert all(apart(boxes[one], boxes[other]) for other in names[:i]), one
    for route in layout.edges.values():
        assert all(a[1] <= b[1] + 1e-9 for a, b in pairwise(route.points))
    for name, (x, y, wide, high) in boxes.items():
        assert x - wide / 2 >= -1 and y - high / 2 >= -1, name
        assert x + wide / 2 <= layout.width + 1 and y + high / 2 <= layout.height + 1, name
    for link in made.links:
        tail, head = (boxes[made.card_of[int(end[1:])]] for end in (link.tail, link.head))
        points = layout.edges[link.name].points
        assert points[0][1] == pytest.approx(tail[1] + tail[3] / 2)
        assert points[-1][1] < head[1] - head[3] / 2 + 1e-6


@settings(max_examples=draws(20))
@given(trace=graphs(most=60))
def test_every_drawing_fits_a_column_and_can_be_read(trace):
    scene = drawing.drawing(view_of(trace))
    assert scene.width <= drawing.COLUMN + 1
    for group in scene.groups:
        for shape in group.shapes:
            if isinstance(shape, Text):
                assert shape.size >= 11
                assert -1 <= shape.y <= scene.height + 1
            if isinstance(shape, Rect):
                assert shape.x >= -1 and shape.x + shape.width <= scene.width + 1
    shown = {group.key for group in scene.groups if group.key is not None}
    assert shown == {o.key for o in trace.operations if o.rule or o.key in view_of(trace).users}


@settings(max_examples=draws(20))
@given(trace=graphs(most=12))
def test_labels_lie_beside_each_other_and_off_the_cards(trace):
    made = cards(view_of(trace))
    layout = drawing.of_top_down(made)
    if crossings(layout):
        return
    labels = []
    for link in made.links:
        at = layout.edges[link.name].label
        assert at is not None
        labels.append((*at, drawing._size(link.label)[0], 12.0))
    for label in labels:
        for card in made.cards:
            assert apart(label, (*layout.nodes[card.name], card.width, card.height), 2.0)


def test_up_to_eight_boxes_stand_from_left_to_right():
    assert not Report(traces.product())._scene.tall
    assert Report(traces.network())._scene.tall


def test_a_tangle_stands_as_rows():
    s = traces.Sketch("\n".join(f"v{i} = f(...)" for i in range(30)))
    keys = [s.input(f"x{i}", 1.0, 1.0) for i in range(6)]
    rng = np.random.default_rng(0)
    for i in range(30):
        edges = [(keys[k], "1", 1.0, 1.0) for k in rng.choice(len(keys), 3, replace=False)]
        keys.append(s.step("f", "f(...)", 1.0, 1.0, *edges, name=f"v{i}", line=i + 2))
    view = view_of(s.trace("v29", 1.0))
    scene = drawing.drawing(view)
    made = rows(view)
    assert sum(group.what == "c" for group in scene.groups) == 1
    assert len([g for g in scene.groups if g.what == "n"]) == 36
    assert of_cards(made, drawing.of_top_down(made)).height == scene.height


def test_a_loops_way_back_is_drawn_on_the_left():
    scene = Report(traces.chain(300))._scene
    backs = [group for group in scene.groups if group.mood == "back"]
    assert backs and scene.tall
    frames = [shape.x for group in scene.groups if group.what == "c" for shape in group.shapes]
    for group in backs:
        (stroke,) = group.shapes
        assert 0 <= min(x for x, _ in stroke.points) < min(frames)


@settings(max_examples=draws(50))
@given(
    boxes=st.lists(
        st.tuples(st.floats(-300, 300), st.floats(5, 80), st.floats(0.2, 6)), min_size=1, max_size=8
    ),
    seed=st.integers(0, 99),
)
def test_spread_is_the_nearest_that_keeps_apart(boxes, seed):
    wanted, half, weights = map(list, zip(*boxes, strict=True))
    found = spread(wanted, half, weights, BESIDE)
    rng = np.random.default_rng(seed)

    def cost(at):
        return sum(w * (x - want) ** 2 for x, want, w in zip(at, wanted, weights, strict=True))

    def fits(at):
        return all(b - a >= h + i + BESIDE - 1e-6 for (a, h), (b, i) in pairwise(zip(at, half, strict=True)))

    assert fits(found)
    for scale in (0.1, 1.0, 10.0):
        for other in np.asarray(found) + rng.normal(size=(50, len(found))) * scale:
            assert not fits(other) or cost(other) >= cost(found) - 1e-6


def test_an_order_without_crossings_is_found():
    """A binary tree, its leaves in the worst order."""
    names = [f"n{i}" for i in range(15)]
    wires = [Wire(f"e{i}", names[i], names[8 + i // 2]) for i in range(8)]
    wires += [Wire(f"f{i}", names[8 + i], names[12 + i // 2]) for i in range(4)]
    wires += [Wire(f"g{i}", names[12 + i], names[14]) for i in range(2)]
    shuffled = [names[i] for i in (0, 4, 1, 5, 2, 6, 3, 7)] + names[8:]
    layout = ranked(dict.fromkeys(shuffled, (60.0, 20.0)), wires, 800)
    assert crossings(layout) == 0
    turned = ranked(dict.fromkeys(shuffled, (60.0, 20.0)), wires, 800, turned=True)
    assert crossings(turned) == 0
    assert turned.nodes["n14"][0] > turned.nodes["n0"][0]
