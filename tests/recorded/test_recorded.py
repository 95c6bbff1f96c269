"""Every case gives with gradmagic what it gave with PyTorch."""

import importlib
import json
import warnings
from pathlib import Path

import pytest

import gradmagic as gm

from .make import SUBJECTS
from .summary import same, summary


def read():
    for subject in SUBJECTS:
        cases = importlib.import_module(f".{subject}", __package__).CASES
        recorded = json.loads(Path(__file__).with_name(f"{subject}.json").read_text())
        for name, case in cases.items():
            yield pytest.param(case, recorded[name], id=f"{subject}: {name}")


@pytest.mark.parametrize(("case", "expected"), list(read()))
def test_is_what_pytorch_gave(case, expected):
    gm.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = summary(case(gm))
    same(found, expected, getattr(case, "tolerance", None))
