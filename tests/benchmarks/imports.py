"""What `import gradmagic` adds to `import numpy`, and `%load_ext gradmagic` to both: best of fresh processes, in turn.

python tests/benchmarks/imports.py [--rounds 15]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = tempfile.TemporaryDirectory()
TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
LOADED = "import numpy, gradmagic; from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance(); "
LOADED += TIMED.format("s.extension_manager.load_extension('gradmagic')")


def seconds(program: str) -> float:
    # Byte code is kept, as it is where gradmagic is installed; compiling takes four times as long as importing.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": CACHE.name}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment
    )
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    programs = {
        "import numpy": TIMED.format("import numpy"),
        "import numpy, gradmagic": TIMED.format("import numpy, gradmagic"),
        "%load_ext gradmagic": LOADED,
    }
    for program in programs.values():
        seconds(program)  # compiles
    rounds = [[seconds(p) for p in programs.values()] for _ in range(parser.parse_args().rounds)]
    for name, times in zip(programs, zip(*rounds, strict=True), strict=True):
        print(f"{name:26s} {min(times) * 1e3:6.1f} ms")


if __name__ == "__main__":
    main()
