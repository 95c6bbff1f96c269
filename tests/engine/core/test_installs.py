"""Whose code is it? NumPy, SciPy and other packages, wherever they are installed, are not the user's; what he develops is."""

# ruff: noqa: E501  (programs)

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import gradmagic
from gradmagic.engine.core.places import users

ROOT = Path(gradmagic.__file__).parents[1]
PROGRAM = """
import sys, os
import numpy as np
import gradmagic as gm
from gradmagic.engine.core.places import users
import mine, theirs

home = sys.argv[1]
assert os.path.dirname(np.__file__).startswith(home), np.__file__
assert not users(np.lib.__file__) and not users(gm.__file__) and not users(os.__file__) and not users(theirs.__file__)
assert users(mine.__file__) and users("<stdin>")
assert users(os.path.join(home, "my_own_script.py")) is ("site-packages" not in home)
x = np.array([1.0, 2.0, 4.0])
for f in (
    mine.filled, lambda x: np.sum(np.asarray(x) ** 2), lambda x: np.linalg.det(np.diag(x) + np.eye(3)),
    lambda x: np.std(x) + np.average(x, weights=[x[0], 1, 2]) + np.percentile(x, 30), lambda x: np.sum(np.pad(x, 2, mode="edge")),
    lambda x: np.sum(np.vectorize(lambda t: t * t)(x)) + np.median(x), lambda x: np.trapezoid(x) * np.convolve(x, [1.0, 2.0]).sum(),
):
    assert gm.value_and_grad(f)(x)[0] == f(x)
    gm.check_grads(f, (x,))
assert gm.grad(lambda x: theirs.kind() is np.ndarray and x.sum())(x).tolist() == [1.0] * 3
print("right")
"""
MINE = """
from numpy import zeros
def filled(x):
    out = zeros(3)
    out[0] = x[1] * x[2]
    return out.sum()
"""
THEIRS = "import numpy as np\ndef kind():\n    out = np.zeros(3)\n    out[0] = 1.0\n    return type(out)"


def link_numpy(folder: Path) -> None:
    """Lay NumPy as it is installed here, with the list of its files, into another folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in {file.parts[0] for file in importlib.metadata.files("numpy") or ()} - {".."}:
        (folder / name).symlink_to(Path(importlib.metadata.distribution("numpy").locate_file(name)))


def install(folder: Path, name: str, text: str) -> None:
    """Write a module and the list of files that an installer leaves."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(textwrap.dedent(text))
    (folder / f"{name}-1.0.dist-info").mkdir()
    (folder / f"{name}-1.0.dist-info" / "RECORD").write_text(
        f'{name}.py,,\n{name}-1.0.dist-info/RECORD,,\n"{name}_data/a,b",,\n'
    )


def run(home: Path, tmp_path: Path, *path: object, python: str = sys.executable) -> None:
    """Run the program with NumPy at `home`, `path` in front of Python's own, and a user's site below `tmp_path`."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "mine.py").write_text(MINE)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment |= {"PYTHONUSERBASE": str(tmp_path / "user"), "PYTHONPATH": os.pathsep.join(map(str, path))}
    done = subprocess.run(
        [python, "-c", PROGRAM, str(home)], env=environment, cwd=tmp_path / "work", capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.stdout.strip().endswith("right"), done.stderr


def users_site(tmp_path: Path) -> Path:
    return tmp_path / "user" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


posix = pytest.mark.skipif(sys.platform != "linux", reason="folders of the user's site, and symbolic links")


@posix
def test_numpy_in_a_folder_on_pythonpath(tmp_path):
    link_numpy(target := tmp_path / "target")
    install(target, "theirs", THEIRS)
    run(target, tmp_path, target, ROOT)


@posix
def test_numpy_in_the_users_site_and_gradmagic_editable(tmp_path):
    site = users_site(tmp_path)
    link_numpy(site)
    install(site, "theirs", THEIRS)
    (site / "_gradmagic.pth").write_text(str(ROOT))  # what `pip install -e` leaves
    run(site, tmp_path, python=getattr(sys, "_base_executable", sys.executable))


@posix
def test_numpy_behind_a_pth_file(tmp_path):
    site, overlay = users_site(tmp_path), tmp_path / "overlay"
    site.mkdir(parents=True)
    link_numpy(overlay)
    install(overlay, "theirs", THEIRS)
    (site / "overlay.pth").write_text(f"{overlay}\n{ROOT}\n")
    run(overlay, tmp_path, python=getattr(sys, "_base_executable", sys.executable))


@posix
@pytest.mark.slow
@pytest.mark.parametrize("how", ["--target", "--user"])
def test_numpy_that_pip_installs(tmp_path, how):
    python = getattr(sys, "_base_executable", sys.executable)
    target = tmp_path / "target" if how == "--target" else users_site(tmp_path)
    where = (
        ["--target", str(target)]
        if how == "--target"
        else ["--user", "--ignore-installed", "--break-system-packages"]
    )
    environment = os.environ | {"PYTHONUSERBASE": str(tmp_path / "user")}
    environment.pop("PYTHONPATH", None)
    wanted = f"numpy=={np.__version__}"
    done = subprocess.run([python, "-m", "pip", "install", "-q", "--no-compile", *where, wanted], env=environment, capture_output=True, text=True, check=False)  # fmt: skip
    if done.returncode:
        pytest.skip(f"pip has no NumPy here: {done.stderr[-200:]}")
    install(target, "theirs", THEIRS)
    run(target, tmp_path, target, ROOT, python=python)


def test_the_users_own_files():
    for mine in ("<stdin>", "/tmp/ipykernel_12/345.py", __file__, "/home/me/site/packages.py", "model.py"):
        assert users(mine), mine
    site = os.path.join(os.sep, "opt", "app", "site-packages", "torch", "nn.py")
    for other in (os.__file__, np.linalg.__file__, gradmagic.__file__, site, "<frozen importlib._bootstrap>"):
        assert not users(other), other
