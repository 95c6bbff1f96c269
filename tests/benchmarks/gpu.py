"""The tests on a GPU and the times of steps there, in less than ten minutes; kept in tests/benchmarks/gpu/.

python tests/benchmarks/gpu.py                         # needs a card, CuPy, pytest; no network. PyTorch if it is there
python tests/benchmarks/gpu.py --parts steps -w mlp_sgd,cnn_adam
python tests/benchmarks/gpu.py --emulated              # no card: real CuPy over an emulated device (`cupy_on_cpu`)

Steps: of training and of single derivatives, in gradmagic, in plain CuPy by hand and in PyTorch, each in a process of
its own, in turn, round by round. Value and gradients of each are held against NumPy's by hand before it is timed. Timed
are the host, which issues a step without waiting, and the whole step, 20 in a row that are waited for once.

Emulated, kernels are counted and then skipped, and works are small: the host's time is that of Python and of CuPy, with
no driver below. There is no time of the device, and PyTorch runs on the CPU, which computes its few numbers as well.

The steps come first, with 45 % of the limit; the tests have the rest. What was not reached is said.
"""

import argparse
import datetime
import importlib
import importlib.util
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.peers.device_process import ROWS, TOGETHER, MeasuredOnDevice, Times
from tests.benchmarks.peers.on_device import ON_DEVICE
from tests.benchmarks.peers.process import Failure, Process

ROOT = Path(__file__).resolve().parents[2]
PARTS = "steps", "suite"
SHARE = 0.45  # of the limit, for the steps
PATIENCE = 90  # seconds for one answer: the first kernels are compiled, PyTorch loads a gigabyte
CLOSING = 40  # seconds for pytest to say what it has, when its time is up
ON_CARD_ONLY = ("large_mlp_adam", "large_cnn_adam")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("-w", "--workloads", default=",".join(ROWS), help="of: %(default)s")
    add("-p", "--peers", default=",".join(ON_DEVICE), help="of: %(default)s")
    add("--parts", default=",".join(PARTS), help="of: %(default)s")
    add("-r", "--rounds", type=int, default=9)
    add(
        "--slice",
        type=float,
        default=0.05,
        help="seconds of a library in a round, for either time (%(default)s)",
    )
    add("--limit", type=float, default=570, help="seconds for all of it (%(default)s)")
    add("--tests", nargs="*", default=[], help="what pytest is given (default: everything)")
    add("--emulated", action="store_true", help="without a card: count, and time the host alone")
    add("--to", type=Path, default=Path(__file__).with_suffix(""), help="the folder of results (%(default)s)")
    chosen = parser.parse_args()
    for name, known in ("workloads", ROWS), ("peers", ON_DEVICE), ("parts", PARTS):
        setattr(chosen, name, getattr(chosen, name).split(","))
        if unknown := set(getattr(chosen, name)) - set(known):
            parser.error(f"no such {name}: {', '.join(sorted(unknown))} (there are: {', '.join(known)})")
    return chosen


# ---- where ---------------------------------------------------------------------------------------------------------


def device(emulated: bool) -> tuple[str, list[str]]:
    """Give the device's name, and the lines that say what it and the software on it are; end here if there is none."""
    if emulated:
        try:
            importlib.import_module("cupy_on_cpu")
        except ImportError as error:
            sys.exit(f"No emulated device here: {error}.")
    import gradmagic as gm  # after the emulation, which has to be the first to load CuPy

    try:
        gm.zeros(1, device="cuda")
    except gm.errors.DeviceError as error:
        sys.exit(f"No GPU was found, so nothing was run: {error}")
    cupy: Any = importlib.import_module("cupy")
    runtime = cupy.cuda.runtime
    found = runtime.getDeviceProperties(cupy.cuda.Device().id)
    name = found["name"].decode()
    shown = "an emulated device; **no time here says anything about a GPU**" if emulated else f"{name}, "
    if not emulated:
        shown += (
            f"{found['totalGlobalMem'] / 2**30:.0f} GiB, compute capability {found['major']}.{found['minor']}"
        )
    lines = [
        f"date: {datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %z}",
        f"device: {shown}",
        f"driver: {'none' if emulated else driver()}, for CUDA {version(runtime.driverGetVersion())}",
        f"CUDA: {version(runtime.runtimeGetVersion())}",
        f"CuPy {cupy.__version__}, NumPy {metadata.version('numpy')}, Python {platform.python_version()}, "
        f"gradmagic {gm.__version__} at {commit()}",
        f"host: {processor()}, {len(os.sched_getaffinity(0))} cores",
        f"command: python tests/benchmarks/gpu.py {' '.join(sys.argv[1:])}".rstrip(),
    ]
    return ("emulated" if emulated else name), lines


def version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def driver() -> str:
    return told("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader").partition("\n")[0]


def commit() -> str:
    found = told("git", "-C", str(ROOT), "rev-parse", "--short=10", "HEAD")
    changed = told("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no", "--", "gradmagic")
    return f"{found}, changed" if changed not in ("", "unknown") else found


def told(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine()
    )


# ---- steps ---------------------------------------------------------------------------------------------------------


class Peer:
    """A library in its process, which is made anew where it has failed."""

    def __init__(self, name: str, emulated: bool) -> None:
        self.name, self.emulated, self.title = name, emulated, name
        self.process: Process | None = None

    def ask(self, left: float, verb: str, *arguments: Any) -> Any:
        """Ask within the time that is left; a process that gives no answer, or an error, is ended."""
        if left <= 0:
            return Failure("not reached: the time was up")
        if self.process is None:
            self.process = Process(self.name, min(PATIENCE, left), MeasuredOnDevice)
            on_cpu = self.emulated and self.name == "torch"
            title = self.process.ask("begin", "cpu" if on_cpu else "cuda", self.emulated)
            if isinstance(title, Failure):
                self.end()
                return title
            self.title = title
        self.process.limit = min(PATIENCE, left)
        answer = self.process.ask(verb, *arguments)
        if isinstance(answer, Failure) and not answer.why.startswith("wrong"):
            self.end()  # after an error of CUDA nothing in a process works any more
        return answer

    def end(self) -> None:
        if self.process is not None:
            self.process.end()
            self.process = None


Row = dict[str, tuple[list[Times] | Failure, Any]]  # by peer: times, and what a step asks of the device


def measured(workload: str, peers: list[Peer], chosen: argparse.Namespace, until: float) -> Row:
    """Prepare the work in every process, time it in each in turn, and count it in the end."""
    left = lambda: until - time.monotonic()
    found: dict[str, Any] = {}
    for peer in peers:
        answer = peer.ask(left(), "prepare", workload, chosen.emulated)
        found[peer.name] = answer if isinstance(answer, Failure) else []
    for _ in range(chosen.rounds):
        for peer in peers:
            if isinstance(found[peer.name], Failure) or (found[peer.name] and left() < 2):
                continue
            answer = peer.ask(left(), "sample", chosen.slice)
            if isinstance(answer, Failure):
                found[peer.name] = answer
            else:
                found[peer.name].append(answer)
    failed = lambda peer: isinstance(found[peer.name], Failure)
    return {p.name: (found[p.name], None if failed(p) else p.ask(left(), "asked")) for p in peers}


def steps(chosen: argparse.Namespace, until: float) -> tuple[list[str], bool]:
    """Measure all rows; give the lines that show them, and whether everything was reached and right."""
    peers = []
    for name in chosen.peers:
        if importlib.util.find_spec(ON_DEVICE[name].module) is None:
            print(f"Not installed, so left out: {name}", file=sys.stderr)
        else:
            peers.append(Peer(name, chosen.emulated))
    rows: dict[str, Row] = {}
    for workload in chosen.workloads:
        if chosen.emulated and workload in ON_CARD_ONLY:
            continue
        title = ROWS[workload].title
        if chosen.emulated and ROWS[workload].size != ROWS[workload].small:
            title += f", made small: {'x'.join(map(str, ROWS[workload].small))}"
        print(title, "...", file=sys.stderr, flush=True)
        rows[title] = measured(workload, peers, chosen, until)
    for peer in peers:
        peer.end()
    lines = ["", f"## Steps, best of {chosen.rounds} rounds (median of the medians), µs", ""]
    lines += shown_times("the host, to issue a step", rows, peers, 0)
    if not chosen.emulated:
        lines += [*shown_times(f"a whole step, of {TOGETHER} in a row", rows, peers, 2)]
    lines += shown_counts(rows, peers)
    notes: dict[str, list[str]] = {}
    for title, row in rows.items():
        for peer in peers:
            for failure in row[peer.name]:
                if isinstance(failure, Failure):
                    notes.setdefault(f"{peer.title}: {failure.why}", []).append(title)
    for note, where in notes.items():
        lines.append(f"- {note} ({'all' if len(where) == len(rows) else '; '.join(where)})")
    right = all(not isinstance(row[p.name][0], Failure) for row in rows.values() for p in peers)
    return [*lines, ""], right


def shown_times(what: str, rows: dict[str, Row], peers: list[Peer], at: int) -> list[str]:
    """Give a table of one of the two times: its best is at `at`, its median after that."""
    others = [peer for peer in peers if peer.name != "gradmagic"]
    table = [[what, *(p.title for p in peers), *(f"gradmagic / {p.title}" for p in others)]]
    for title, row in rows.items():
        best: dict[str, float] = {}
        cells = []
        for peer in peers:
            times = row[peer.name][0]
            if isinstance(times, Failure):
                cells.append("-")
                continue
            best[peer.name] = min(t[at] for t in times)
            cells.append(f"{best[peer.name] * 1e6:,.0f} ({median(t[at + 1] for t in times) * 1e6:,.0f})")
        mine = best.get("gradmagic")
        ratios = [f"{mine / best[p.name]:.2f}" if mine and p.name in best else "-" for p in others]
        table.append([title, *cells, *ratios])
    return markdown(table)


def shown_counts(rows: dict[str, Row], peers: list[Peer]) -> list[str]:
    """Give the table of what a step asks of the device."""
    table = [["kernels of a step; copies to the host, to the device; waits", *(p.title for p in peers)]]
    for title, row in rows.items():
        cells = []
        for peer in peers:
            counts = row[peer.name][1]
            if not isinstance(counts, dict):
                cells.append("-")
                continue
            waits = [str(counts["sync"])] if "sync" in counts else []
            cells.append("; ".join([str(counts["launch"]), f"{counts['d2h']}, {counts['h2d']}", *waits]))
        table.append([title, *cells])
    return markdown(table)


def markdown(table: list[list[str]]) -> list[str]:
    head, *rows = [f"| {' | '.join(row)} |" for row in table]
    return [head, f"|{'---|' * len(table[0])}", *rows, ""]


# ---- tests ---------------------------------------------------------------------------------------------------------


def suite(chosen: argparse.Namespace, until: float) -> tuple[list[str], bool]:
    """Run the tests marked `gpu`; give the lines that say what came of them, and whether all passed."""
    lines = ["## Tests marked gpu", ""]
    if importlib.util.find_spec("pytest") is None:
        return [*lines, "Not run: pytest is not installed.", ""], False
    command = [*PYTEST, *(["-p", "cupy_on_cpu"] if chosen.emulated else []), *chosen.tests]
    together = ["-n", str(min(8, len(os.sched_getaffinity(0))))] if importlib.util.find_spec("xdist") else []
    closing: list[str] = []
    for more in [together, []] if together else [[]]:  # where several processes come to nothing, one may
        left = until - time.monotonic() - CLOSING
        if left < 20:
            return [*lines, "Not run: the time was up.", ""], False
        text, took, status = pytest([*command, *more], left)
        closing = re.findall(CLOSING_LINE, text, re.M)
        if closing or status is None:
            break
    if status is None:
        lines += [f"**Stopped after {took:.0f} s: not all tests were reached.**", ""]
    lines += [closing[-1] if closing else "No closing line; the last of what pytest printed:", ""]
    if not closing:
        lines += ["```", *text.splitlines()[-15:], "```", ""]
    failures = re.findall(r"^(?:FAILED|ERROR) .*", text, re.M)
    lines += [f"- {line[:200]}" for line in failures[:30]]
    if len(failures) > 30:
        lines += [f"- and {len(failures) - 30} more"]
    return [*lines, ""], status == 0


PYTEST = [sys.executable, *"-m pytest -q -m gpu -rfE --tb=line -p no:cacheprovider".split()]
CLOSING_LINE = r"^[= ]*(\d+ (?:passed|failed|skipped|error|deselected).*? in [\d.]+s.*?)[= ]*$"


def pytest(command: list[str], seconds: float) -> tuple[str, float, int | None]:
    """Give what it printed, the seconds that it took, and its exit status: None where its time was up."""
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        running = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        ended = finished(running, seconds)
        output.seek(0)
        text = re.sub(r"\x1b\[[0-9;]*m", "", output.read())
    return text, time.monotonic() - start, running.returncode if ended else None


def finished(running: Any, seconds: float) -> bool:
    """Wait so long; then have pytest say what it has so far, and end it and all its processes."""
    try:
        running.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        os.kill(running.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            running.wait(CLOSING / 2)
        return False
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def main() -> None:
    start = time.monotonic()
    chosen = options()
    os.environ.setdefault(
        "OMP_NUM_THREADS", "1"
    )  # a few numbers on the CPU: a second thread of PyTorch would only spin
    name, header = device(chosen.emulated)
    stem = f"{datetime.date.today().isoformat()}-{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')}"
    chosen.to.mkdir(parents=True, exist_ok=True)
    number = next(k for k in range(1, 1000) if not (chosen.to / file_name(stem, k)).exists())
    file = chosen.to / file_name(stem, number)
    text = [f"# {name}, {datetime.date.today().isoformat()}", "", *(f"- {line}" for line in header), ""]
    print("\n".join(text), flush=True)
    fine = True
    for part, run, share in ("steps", steps, SHARE), ("suite", suite, 1.0):
        if part not in chosen.parts:
            continue
        share = 1.0 if len(chosen.parts) == 1 else share
        lines, right = run(chosen, start + share * chosen.limit)
        print("\n".join(lines), flush=True)
        text += lines
        fine = fine and right
        file.write_text(
            "\n".join(text), encoding="utf-8"
        )  # after each part: the next may take the machine along
    verdict = "all as it should be" if fine else "not all as it should be: see above"
    ending = f"{time.monotonic() - start:.0f} s of {chosen.limit:.0f} in all; {verdict}."
    print(ending, f"Kept in {file}", sep="\n")
    file.write_text("\n".join([*text, ending, ""]), encoding="utf-8")
    sys.exit(not fine)


def file_name(stem: str, number: int) -> str:
    return f"{stem}.md" if number == 1 else f"{stem}-{number}.md"


if __name__ == "__main__":
    main()
