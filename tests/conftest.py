"""What every test stands on: one gradmagic for this process and its children, and no file of the user's.

In: the checkout's gradmagic (the current directory comes first on sys.path). Out: an environment for kernels,
terminals and child interpreters; the markers `browser` and `gpu`, skipped where the machine lacks them and counted
in the last lines.
"""

import builtins
import gc
import importlib.util
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from _pytest.doctest import DoctestModule

ROOT = Path(__file__).resolve().parent.parent
collect_ignore_glob = ["golden/books/*"]  # programs for PyTorch: test_books.py runs them

# A slow machine is not a wrong derivative, so no deadline. In CI the same examples are drawn on every run.
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("quick", deadline=None, max_examples=10)
hypothesis.settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev")
)


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment that child processes inherit; pytest-xdist's workers inherit it from the first process."""
    if hasattr(config, "workerinput"):
        return
    home = tempfile.mkdtemp(prefix="gradmagic-tests-")
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        os.environ[name] = os.path.join(home, name.lower())
    # Kernels run in other directories; without this they would import whatever gradmagic is installed.
    os.environ["PYTHONPATH"] = str(ROOT)
    os.environ["MPLBACKEND"] = "agg"
    os.environ["LANGUAGE"] = "en"  # what the tests compare, whatever the tester's machine speaks
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # silences a debugger's warning in kernels
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PYTHONSTARTUP"):
        os.environ.pop(name, None)
    # Each of some sixty kernels, terminals and scripts would compile gradmagic for itself, 0.5 s of 0.7.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # Two workers, or one beside its kernel, with two BLAS threads each are slower on two cores than with one.
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")


@pytest.fixture(autouse=True, scope="module")
def _heap_aside() -> None:
    """Lay aside what the collection and the tests before have left, some million objects.

    IPython collects garbage at each reset, and tests of what stays look at every object: half a second a look.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_underscore_in_builtins() -> None:
    """Doctests leave `_` among the builtins, and IPython then takes it for gettext's and sets none of its own."""
    vars(builtins).pop("_", None)


@pytest.fixture(autouse=True)
def _own_settings(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hypothesis's plugin puts settings on settings with each parameter of a test; past a thousand it recurses."""
    test = getattr(request, "function", None)  # none of a doctest
    kept = getattr(test, "_hypothesis_internal_use_settings", None)
    if kept is not None:
        # Else it reads and tokenises the source for each parameter, twice in CI: 2 ms of 6.
        test._hypothesis_internal_database_key = name = request.node.nodeid.encode()
        if kept.derandomize:
            test._hypothesis_internal_use_seed = zlib.crc32(name)
    yield
    if kept is not None:
        test._hypothesis_internal_use_settings = kept


@pytest.fixture(autouse=True, scope="session")
def _patient() -> Iterator[None]:
    """A machine under load draws what an idle one draws: a graph is given up (test_html.py) for no other reason."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gradmagic.report.pictures.layout.SECONDS", 60.0)
        yield


class Device:
    """A library whose arrays live elsewhere: the stand-in for CuPy, or CuPy."""

    def __init__(self, library: Any) -> None:
        self.kind, self.asarray, self.asnumpy = library.ndarray, library.asarray, library.asnumpy

    def waited(self) -> int:
        """Count how often the host has waited for the device; of a real one that cannot be told."""
        from .engine import strict

        if self.kind is strict.StrictArray:
            return len(strict.synchronised)
        emulation: Any = sys.modules.get("cupy_on_cpu")
        return sum(emulation.tally()[k] for k in ("sync", "d2h")) if emulation else 0


@pytest.fixture(params=["strict", pytest.param("cupy", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Device:
    """A device that gradmagic has not met yet."""
    from gradmagic.engine.core import arrays

    from .engine import strict

    library = strict.module if request.param == "strict" else importlib.import_module("cupy")
    monkeypatch.delitem(arrays.KINDS, library.ndarray, raising=False)
    return Device(library)


@pytest.fixture
def put(device: Device) -> Any:
    """Gives a host array as one of the device."""
    return device.asarray


def no_gpu() -> str:
    """Why the tests marked `gpu` cannot run here; empty when they can."""
    if importlib.util.find_spec("cupy") is None:
        return "no GPU: cupy is not installed"
    import cupy  # slow (0.4 s), and only here

    # False without a driver, never an exception; importing cupy says nothing about a GPU.
    return "" if cupy.cuda.is_available() else "no GPU: cupy finds no usable device"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("gpu")]
    reason = no_gpu() if marked else ""
    for item in marked if reason else ():
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, list[Any], list[Any]]:
    """Look for no doctests in tests: where a module fails to import, that search would leave it out in silence.

    --doctest-ignore-import-errors (for the tables of SciPy, where there is none) skips it, and in importlib mode the
    half-made module then stands in sys.modules, where pytest finds no tests in it (9.2).
    """
    return [found for found in (yield) if not isinstance(found, DoctestModule)]


@pytest.fixture
def japanese() -> Iterator[None]:
    """Speak Japanese for a while."""
    import gradmagic as gm

    before = gm.get_language()
    gm.set_language("ja")
    yield
    gm.set_language(before)


def pytest_report_header() -> str:
    import gradmagic

    return f"gradmagic: {gradmagic.__file__}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count what this machine could not test, by reason, so that a green run says how much it left out."""
    counts: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", ()):
        kind = next((kind for kind in ("gpu", "browser") if kind in getattr(report, "keywords", ())), None)
        if kind and isinstance(report.longrepr, tuple):
            reason = f"{kind}: {report.longrepr[2].removeprefix('Skipped: ')}"
            counts[reason] = counts.get(reason, 0) + 1
    for reason, count in sorted(counts.items()):
        terminalreporter.write_line(f"{count} tests skipped, {reason}")
