"""What speed.py times is right: by hand against differences, gradmagic against by hand. No time is asserted."""

import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gradmagic as gm
from tests.benchmarks.peers import PEERS, prepare
from tests.benchmarks.peers.process import difference
from tests.benchmarks.workloads import WORKLOADS

STEP = 1e-4


@pytest.fixture(scope="module")
def gradmagic():
    return PEERS["gradmagic"]()


def slopes(f, x):
    """Give df/dx by central differences, entry by entry."""
    out = np.empty_like(x)
    for k in np.ndindex(np.shape(x)):
        at = np.zeros_like(x)
        at[k] = STEP
        out[k] = (f(x + at) - f(x - at)) / (2 * STEP)
    return out


def by_differences(kind, f, constants, leaves):
    """Give what is asked of a loss, from its values alone."""
    match kind:
        case "gradient":
            around = lambda k: lambda a: f(*constants, *leaves[:k], a, *leaves[k + 1 :])
            return [slopes(around(k), np.asarray(a)) for k, a in enumerate(leaves)]
        case "descent":
            (steps, rate), (x,) = constants, leaves
            for _ in range(steps):
                x = x - rate * slopes(f, x)
            return [x]
        case "hessian_vector":
            (vector,), (x,) = constants, leaves
            along = lambda a: (f(a + STEP * vector) - f(a - STEP * vector)) / (2 * STEP)
            return [slopes(along, x)]


@pytest.mark.parametrize("name", WORKLOADS)
def test_by_hand_is_the_slope_of_the_loss(name, gradmagic):
    workload = WORKLOADS[name]
    constants, leaves = workload.small_inputs()
    loss = lambda *inputs: float(workload.loss(gradmagic.ops, *map(as_tensor, inputs)))
    _, gradients = workload.by_hand(*constants, *leaves)
    for right, found in zip(by_differences(workload.kind, loss, constants, leaves), gradients, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-5 * np.abs(right).max())


def as_tensor(a):
    return gm.tensor(a) if getattr(a, "dtype", None) == np.float64 else a


@pytest.mark.parametrize("name", WORKLOADS)
def test_gradmagic_is_what_by_hand_is(name, gradmagic):
    workload = WORKLOADS[name]
    constants, leaves = workload.small_inputs()
    value, gradients = prepare(gradmagic, workload, constants, leaves)()
    right_value, right = workload.by_hand(*constants, *leaves)
    np.testing.assert_allclose(value.item(), right_value, rtol=1e-10, atol=1e-10)
    for a, b in zip(gradients, right, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b, rtol=1e-7, atol=1e-10)


MIDDLING = {  # large enough for arrays to be all that counts
    "elementwise": (50_000,),
    "large_network": (64, 256, 256, 256, 10),
    "attention": (4, 64, 64),
    "convolution": (8, 20, 8, 16, 10),
    "gather": (4_000, 64, 2_000),
}


@pytest.mark.parametrize("name", MIDDLING)
def test_the_most_memory_at_a_time_is_near_that_by_hand(name, gradmagic):
    workload = replace(WORKLOADS[name], size=MIDDLING[name])
    by_hand, ours = (
        traced_peak(prepare(peer, workload, *workload.inputs())) for peer in (PEERS["by_hand"](), gradmagic)
    )
    assert 0.1 * by_hand < ours < 1.4 * by_hand


def traced_peak(run):
    """Give the most bytes of arrays and objects that a call holds at a time."""
    run()
    tracemalloc.start()
    try:
        run()
        tracemalloc.reset_peak()
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_inputs_are_left_as_they_were():
    for workload in WORKLOADS.values():
        constants, leaves = workload.small_inputs()
        workload.by_hand(*constants, *leaves)
        for a, b in zip(leaves, workload.small_inputs()[1], strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_wrong_gradient_is_said():
    by_hand, parabola = PEERS["by_hand"](), WORKLOADS["parabola"]
    value, (gradient,) = parabola.by_hand(*parabola.inputs()[1])
    said = lambda value, gradient: difference(by_hand, (value, [gradient]), parabola)
    assert said(value, gradient) == ""
    assert said(value, gradient * 1.5) == "gradient 0 is off by 5.0e-01 of its largest entry"
    assert said(value, gradient * np.nan) == "gradient 0 is off by nan of its largest entry"
    assert said(value, gradient[1:]) == "gradient 0 has shape (16,) for (17,)"
    assert said(2 * value, gradient) == "the value is off by 1.0e+00"


def test_the_script_prints_a_row_for_each_workload():
    script = str(Path(__file__).with_name("speed.py"))
    options = "-w parabola,hessian_vector -p gradmagic -r 1 --slice 0.001".split()
    done = subprocess.run([sys.executable, script, *options], capture_output=True, text=True, check=True)
    assert "| work | gradmagic | by hand, µs |" in done.stdout
    assert done.stdout.count("| parabola, 17 points | ") == 3
    assert done.stdout.count("| Hessian times vector, 1,000 numbers | ") == 3
