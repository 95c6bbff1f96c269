"""Calls drawn over functions, methods, dtypes, dims and mistakes come to what they come to in PyTorch (calls.json)."""

import json
from pathlib import Path

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.nn import functional

from .calls import outcome

RECORDED = json.loads(Path(__file__).with_name("calls.json").read_text())


def same(ours, theirs):
    """Numbers to four digits, an error by its class or one derived from it, everything else exactly."""
    if isinstance(theirs, str) and "|" in theirs:
        if not isinstance(ours, str):
            return False
        kinds, _, sentence = ours.partition("|")
        wanted = theirs.partition("|")
        return wanted[0].split("/")[0] in kinds.split("/") and wanted[2] in ("*", sentence)
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and all(
            _same_of(k, ours.get(k), theirs.get(k)) for k in ours.keys() | theirs.keys()
        )
    if isinstance(theirs, list):
        if not isinstance(ours, list) or len(ours) != len(theirs):
            return False
        return all(map(same, ours, theirs))
    if isinstance(theirs, (int, float)) and not isinstance(theirs, bool) and isinstance(ours, (int, float)):
        return type(ours) is type(theirs) and bool(np.isclose(ours, theirs, 2e-4, 1e-5, equal_nan=True))
    return ours == theirs


def _same_of(key, ours, theirs):
    """A gradient that is not there is one of zeros."""
    if ours is None or theirs is None:
        return not np.any(ours or theirs) if isinstance(ours or theirs, list) else not (ours or theirs)
    return same(ours, theirs)


def unnamed(found):
    """Without the name of what made it."""
    if isinstance(found, dict):
        return {k: unnamed(v) if k == "is" else v for k, v in found.items()}
    if isinstance(found, list) and len(found) == 4 and isinstance(found[0], str):
        return found[:3]
    return [unnamed(v) for v in found] if isinstance(found, list) else found


@pytest.mark.parametrize("group", RECORDED)
def test_calls_come_to_what_they_come_to_in_pytorch(group):
    differ = []
    for text, theirs in RECORDED[group].items():
        ours = outcome(text, gm, functional)
        if group == "products":  # made of others there as here, and not of the same
            ours, theirs = unnamed(ours), unnamed(theirs)
        if not same(ours, theirs):
            differ.append(f"{text}\n    ours   {ours}\n    theirs {theirs}")
    assert not differ, f"{len(differ)} of {len(RECORDED[group])}\n" + "\n".join(differ)


# Calls that make tensors of their own, on the host; what the stand-in for CuPy has not (^, cupyx).
_AT_HOME = (
    "1j / b",
    "erfinv",
    "ndtri",
    "log_ndtr",  # CuPy divides otherwise; its emulation lacks them
    "torch.tensor(",
    "numpy",
    "zeros",
    "ones(",
    "eye(",
    "arange",
    "cpu",
    "window",
    "broadcast_shapes",
    "tril_ind",
)
_OF_CUPY_ALONE = (" ^ ", "digamma", "polygamma", "zeta", "combinations", "polar")


@pytest.mark.parametrize("group", [g for g in RECORDED if g != "keywords"])
def test_calls_come_to_the_same_on_a_device(group, put, device):
    leave = _AT_HOME + _OF_CUPY_ALONE * (device.kind.__module__ == "strict_cupy")
    differ = []
    for text, theirs in RECORDED[group].items():
        if isinstance(theirs, str) or any(word in text for word in leave):
            continue
        ours = outcome(text, gm, functional, put)
        if not same(unnamed(ours), unnamed(theirs)):
            differ.append(f"{text}\n    ours   {ours}\n    theirs {theirs}")
    assert not differ, f"{len(differ)}\n" + "\n".join(differ)
