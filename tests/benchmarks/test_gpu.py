"""What gpu.py times is right, and it says what it cannot do; emulated, all of it runs. No time is asserted."""

import glob
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gradmagic as gm
from tests.benchmarks.peers.device_process import STEPS, trained
from tests.benchmarks.peers.emulated import skipping
from tests.benchmarks.peers.on_device import CupyByHand, OnDevice
from tests.benchmarks.workloads import WORKLOADS
from tests.benchmarks.workloads.training import TRAININGS

SCRIPT = str(Path(__file__).with_name("gpu.py"))


def small(work):
    return replace(work, size=work.small)


class OnHost(OnDevice):
    library, device = gm, "cpu"


@pytest.mark.parametrize("name", TRAININGS)
def test_by_hand_is_what_gradmagic_is(name):
    work = small(TRAININGS[name])
    constants, leaves = work.inputs()
    right_value, right = work.by_hand(*constants, *leaves)
    run = OnHost().run(work)
    value, gradients = run()
    assert value.item() == pytest.approx(right_value, rel=1e-5)
    for a, b in zip(gradients, right, strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-4, atol=1e-6)
    for _ in range(STEPS):
        value, _ = run()
    assert (
        trained(work, STEPS) == pytest.approx(value.item(), rel=1e-5) != pytest.approx(right_value, rel=1e-5)
    )


@pytest.mark.gpu
@pytest.mark.parametrize(
    "work", [*TRAININGS.values(), WORKLOADS["gather"], WORKLOADS["attention"]], ids=lambda w: w.title
)
def test_cupy_by_hand_is_numpy_by_hand(work):
    work = small(work)
    constants, leaves = work.inputs()
    right_value, right = work.by_hand(*constants, *leaves)
    value, gradients = CupyByHand("cuda").run(work)()
    assert float(value) == pytest.approx(float(right_value), rel=1e-5)
    for a, b in zip(gradients, right, strict=True):
        np.testing.assert_allclose(a.get(), b, rtol=1e-4, atol=1e-5 * np.abs(b).max())


@pytest.mark.gpu
def test_skipped_kernels_are_counted_and_come_back():
    emulation = sys.modules.get("cupy_on_cpu") or pytest.skip("only an emulated device can skip its kernels")
    import cupy

    x, w = cupy.full((2, 3), 2.0), cupy.ones((3, 2))
    out = cupy.zeros((2, 3))
    before = emulation.tally()["launch"]
    with skipping(emulation):
        cupy.multiply(x, x, out=out)
        x @ w
    assert emulation.tally()["launch"] == before + 2
    assert (out.get() == 0).all()
    cupy.multiply(x, x, out=out)
    assert (out.get() == 4).all() and ((x @ w).get() == 6).all()


@pytest.mark.skipif(bool(glob.glob("/dev/nvidia*")), reason="there is a card here")
def test_without_a_card_it_says_so(tmp_path):
    done = subprocess.run([sys.executable, SCRIPT, "--to", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("No GPU was found, so nothing was run: ") and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.gpu
def test_the_script_counts_and_keeps_what_it_found(tmp_path):
    if "cupy_on_cpu" not in sys.modules:
        pytest.skip("on a card the whole script is for a person to run")
    options = "--emulated -w mlp_sgd,hessian_vector -p gradmagic,by_hand -r 1 --slice 0.001".split()
    tests = ["--tests", str(Path(__file__).parents[1] / "engine" / "faces" / "test_device_bounds.py")]
    done = subprocess.run(
        [sys.executable, SCRIPT, *options, "--to", tmp_path, *tests], capture_output=True, text=True
    )
    (file,) = tmp_path.iterdir()
    text = file.read_text()
    assert done.returncode == 0, done.stderr + done.stdout
    assert "no time here says anything about a GPU" in text and "a whole step" not in text
    assert re.search(r"^\| MLP 8x20-16-5, SGD \| \d+; 0, 0; 0 \| 40; 0, 0; 0 \|$", text, re.M)
    assert " passed" in text and "all as it should be" in text


@pytest.mark.gpu
def test_what_is_not_reached_is_said(tmp_path):
    if "cupy_on_cpu" not in sys.modules:
        pytest.skip("on a card the whole script is for a person to run")
    options = ["--emulated", "-w", "mlp_sgd", "-p", "by_hand", "--limit", "0", "--to", tmp_path]
    done = subprocess.run([sys.executable, SCRIPT, *options], capture_output=True, text=True)
    assert done.returncode == 1
    assert "not reached: the time was up (all)" in done.stdout
    assert "Not run: the time was up." in done.stdout
