"""Run NumPy's own installed tests as cells under `%%grad`, and count which of those that pass plainly still pass.

    python tests/outside/numpy_tests.py --jobs 2 --into numpy-results [PART_OF_A_FILE_NAME ...]

In: the tests in the installed NumPy. The body of a test is the text of a cell; on the line are the names which hold
float arrays at its end when it is run plainly, its parameters among them. Out: how many pass of those that pass plainly
and in which something was an input, and those that fail by reason. For developers; pytest does not collect it.

Each file of tests runs in two child processes, plainly and with the magic, and leaves a file of results: what is there
is not run again, so that a run can be broken off and gone on with. A test in which a child dies counts as a crash.
"""

from __future__ import annotations

import argparse
import ast
import collections
import contextlib
import inspect
import json
import linecache
import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
import time
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
ROOMS = "_core fft lib linalg ma matrixlib polynomial random"  # of NumPy; the others test no arrays
LIMIT = 30  # seconds a test
MEMORY = 4  # GB a child; NumPy skips tests that want more than a half of it
CHUNK = 600  # seconds that a child may take for a file


# ---- in the child: a plugin of pytest ---------------------------------------------------------------------------


def with_magic(text: str, namespace: dict[str, Any], filename: str, names: tuple[str, ...]) -> bool:
    """Run a text as a cell under `%%grad names`, as only this knows how; tell whether something was an input."""
    from gradmagic.cell.hosts.host import text_source
    from gradmagic.cell.options import Options
    from gradmagic.cell.run import Failed, Run
    from gradmagic.errors import GradmagicError

    run = Run(text_source(f"{text}\n{ENDED} = True", filename, "In [1]"), namespace, Options(names))
    try:
        run.execute()
    except Failed as failed:
        error = failed.__cause__
        assert error is not None
        error._inputs = bool(run.record.lifted)  # type: ignore[attr-defined]
        raise error from None
    except GradmagicError:
        if ENDED not in namespace:
            raise
        # Otherwise it is about the report: the cell has run to its end.
    return bool(run.record.lifted)


def plainly(text: str, namespace: dict[str, Any], filename: str, names: tuple[str, ...]) -> bool:
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    exec(compile(text, filename, "exec", dont_inherit=True), namespace)
    return False


ENDED = "_the_cell_has_ended"


def float_arrays(text: str, namespace: dict[str, Any], parameters: list[str]) -> list[str]:
    """Give the names that hold float arrays: of those that the cell assigns, and its parameters."""
    statements = (n for s in ast.parse(text).body for n in _own(s))
    assigned = {n.id for n in statements if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    values = {n: namespace.get(n) for n in sorted(assigned | set(parameters))}
    return [
        n
        for n, v in values.items()
        if type(v) is np.ndarray and v.dtype.kind == "f" and v.dtype.itemsize <= 8
    ]


class NoCell(Exception):
    """The body of the test cannot stand by itself: it returns, or hypothesis runs it."""


def as_cell(function: Any) -> str:
    """Give the body of a test function as the text of a cell."""
    code = getattr(function, "__code__", None)
    if code is None or hasattr(function, "hypothesis") or code.co_flags & inspect.CO_GENERATOR:
        raise NoCell
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    body = tree.body[0].body  # type: ignore[attr-defined]
    if any(isinstance(n, (ast.Return, ast.Nonlocal)) for s in body for n in _own(s)):
        raise NoCell
    return "\n".join(ast.unparse(s) for s in body)


def _own(statement: ast.AST) -> Iterator[ast.AST]:
    """Walk a statement, but not into functions that it defines."""
    yield statement
    for node in ast.iter_child_nodes(statement):
        if not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            yield from _own(node)


class Plugin:
    """Runs each test's body as a cell and writes (name, outcome, reason) a line."""

    def __init__(
        self, out: Path, magic: bool, only: dict[str, list[str]] | None, not_again: set[str], most: int
    ) -> None:
        self.file = out.open("a")
        self.run = with_magic if magic else plainly
        self.only, self.not_again, self.most = only, not_again, most

    def write(self, *row: Any) -> None:
        print(json.dumps(row), file=self.file, flush=True)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        of_one: collections.Counter[str] = collections.Counter()
        kept = []
        for item in items:
            name = _id(item)
            of_one[name.partition("[")[0]] += 1
            few = not self.most or of_one[name.partition("[")[0]] <= self.most
            if few and name not in self.not_again and (self.only is None or name in self.only):
                kept.append(item)
        items[:] = kept

    def pytest_pyfunc_call(self, pyfuncitem: Any) -> bool:
        import pytest

        name = _id(pyfuncitem)
        self.write(name, "begun", "")
        try:
            text = as_cell(pyfuncitem.obj)
        except (NoCell, OSError, TypeError, SyntaxError):
            self.write(name, "no cell", "")
            return True
        function = inspect.unwrap(getattr(pyfuncitem.obj, "__func__", pyfuncitem.obj))
        namespace = dict(function.__globals__)
        for free, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            namespace[free] = cell.cell_contents
        namespace |= {a: pyfuncitem.funcargs[a] for a in pyfuncitem._fixtureinfo.argnames}
        if pyfuncitem.instance is not None:
            namespace[next(iter(inspect.signature(function).parameters))] = pyfuncitem.instance
        namespace["__name__"] = function.__module__
        inputs, outcome, reason = False, "passed", ""
        names = tuple(self.only[name]) if self.only is not None else ()
        arrays: list[str] = []
        np.random.seed(1234)  # noqa: NPY002  (so that both runs see the same numbers)
        try:
            with _limited():
                inputs = self.run(text, namespace, f"<{name}>", names)
            if self.only is None:
                arrays = float_arrays(text, namespace, list(pyfuncitem._fixtureinfo.argnames))
        except (pytest.skip.Exception, pytest.xfail.Exception):
            outcome = "skipped"
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            if type(error).__name__ in ("NotLiftableError", "NameOnLineError"):
                self.write(name, "refused", str(error))  # x is a list first, and an array later
                return True
            inputs = getattr(error, "_inputs", False)
            outcome, reason = "failed", f"{type(error).__name__}: {error}"[:2000]
        self.write(name, outcome, reason, inputs, arrays)
        return True


def _id(item: Any) -> str:
    return item.nodeid.rpartition("/")[2]


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    def late(*_: Any) -> None:
        raise TimeoutError(f"longer than {LIMIT} s")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)


def child(file: str, out: str, mode: str, only: str, not_again: str, most: str) -> int:
    import pytest

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY << 30, MEMORY << 30))
    wanted = json.loads(Path(only).read_text()) if only else None
    plugin = Plugin(Path(out), mode == "magic", wanted, set(json.loads(not_again)), int(most))
    sys.modules.setdefault("__main__", types.ModuleType("__main__"))
    without = [a for name in ("cacheprovider", "xdist", "doctest", "randomly") for a in ("-p", f"no:{name}")]
    return int(pytest.main([file, "-q", *without, "-m", "not slow", "-W", "ignore"], plugins=[plugin]))


# ---- in the parent ------------------------------------------------------------------------------------------------

Row = tuple[
    str, str, str, bool, list[str]
]  # name, outcome, reason, whether there was an input, names of float arrays


def rows_of(path: Path) -> tuple[dict[str, Row], str | None]:
    """Read what a child wrote: its last word on each test, and the test that it began and did not end."""
    rows: dict[str, Row] = {}
    begun = None
    for line in path.read_text().splitlines() if path.exists() else ():
        name, outcome, reason, inputs, arrays = (*json.loads(line), False, [])[:5]
        if outcome == "begun":
            begun = name
        else:
            rows[name] = (name, outcome, reason, inputs, arrays)
            begun = None
    return rows, begun


def run_file(file: Path, into: Path, mode: str, most: int, only: Path | None = None) -> dict[str, Row]:
    """Run one file of tests in children, until each test has an outcome."""
    name = f"{file.parent.parent.name}.{file.stem}"
    done = into / f"{name}.{mode}.json"
    if done.exists():
        return {k: tuple(v) for k, v in json.loads(done.read_text()).items()}  # type: ignore[misc]
    out = into / f"{name}.{mode}.jsonl"
    rows, begun = rows_of(out)
    for _ in range(20):
        not_again = json.dumps([*rows, *([begun] if begun else [])])
        arguments = [str(file), str(out), mode, str(only or ""), not_again, str(most)]
        if begun:
            rows[begun] = (begun, "crash", "the process died", True, [])
            with out.open("a") as again:
                print(json.dumps(rows[begun]), file=again)
        path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        environment = {**os.environ, "PYTHONPATH": path, "NPY_AVAILABLE_MEM": f"{MEMORY / 2} GB"}
        with contextlib.suppress(subprocess.TimeoutExpired):
            made = subprocess.run(
                [sys.executable, __file__, "--child", *arguments], cwd=into, env=environment, timeout=CHUNK,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            if made.returncode in (
                2,
                3,
                4,
            ):  # pytest's: interrupted, an error of its own, a wrong command line
                print(f"{name}: {made.stderr[-500:]}", flush=True)
        rows, begun = rows_of(out)
        if begun is None:
            break
    done.write_text(json.dumps(rows))
    return rows


def one_file(file: Path, into: Path, most: int) -> tuple[dict[str, Row], dict[str, Row]]:
    plain = run_file(file, into, "plain", most)
    only = into / f"{file.parent.parent.name}.{file.stem}.only"
    only.write_text(
        json.dumps({name: row[4] for name, row in plain.items() if row[1] == "passed" and row[4]})
    )
    return plain, run_file(file, into, "magic", most, only)


def kind_of(reason: str) -> str:
    """Give the words of a reason without what changes from test to test."""
    words = " ".join(reason.split("ACTUAL")[0].split())
    return re.sub(r"0x[0-9a-f]+|'[^']*'|\[[^]]*\]|\([^)]*\)|-?\d[\d.e+-]*", "#", words)[:110]


def report(results: dict[str, tuple[dict[str, Row], dict[str, Row]]], into: Path) -> int:
    counts: collections.Counter[str] = collections.Counter()
    kinds: dict[str, list[str]] = collections.defaultdict(list)
    for plain, magic in results.values():
        counts.update(f"{row[1]}, plainly" for row in plain.values())
        for name, (_, outcome, reason, inputs, _arrays) in magic.items():
            counts[
                "with inputs" if inputs else "refused" if outcome == "refused" else "without an input"
            ] += 1
            counts["with inputs, pass"] += inputs and outcome == "passed"
            if outcome not in ("passed", "no cell", "refused"):
                kinds[f"{'' if inputs else '(no input) '}{kind_of(reason) or outcome}"].append(name)
    for what, count in sorted(counts.items()):
        print(f"{count:6} {what}")
    lines = []
    for kind, names in sorted(kinds.items(), key=lambda item: -len(item[1])):
        lines += [f"{len(names):5} {kind}", *(f"        {name}" for name in names)]
    (into / "failures.txt").write_text("\n".join(lines))
    print(f"failures by reason in {into / 'failures.txt'}:")
    print("\n".join(line for line in lines if not line.startswith("        "))[:6000])
    return counts["with inputs"] - counts["with inputs, pass"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", help="run the files whose names contain one of these")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--into", type=Path, default=Path("numpy-results"))
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no file after so many")
    parser.add_argument(
        "--most", type=int, default=0, help="of the parameters of one test only so many; 0 for all"
    )
    parser.add_argument("--child", nargs=6)
    args = parser.parse_args()
    if args.child:
        return child(*args.child)
    into = args.into.resolve()
    into.mkdir(parents=True, exist_ok=True)
    home = Path(np.__file__).parent
    files = [f for room in ROOMS.split() for f in sorted((home / room / "tests").glob("test_*.py"))]
    wanted = [f for f in files if not args.parts or any(p in str(f.relative_to(home)) for p in args.parts)]
    end = time.monotonic() + 60 * args.minutes

    def run(file: Path) -> tuple[dict[str, Row], dict[str, Row]] | None:
        if time.monotonic() > end:
            return None
        made = one_file(file, into, args.most)
        print(
            f"{file.relative_to(home)}: {sum(r[1] == 'passed' for r in made[1].values())} of {len(made[1])}",
            flush=True,
        )
        return made

    with ThreadPoolExecutor(args.jobs) as pool:
        results = {
            str(f): made for f, made in zip(wanted, pool.map(run, wanted), strict=True) if made is not None
        }
    print(f"{len(results)} of {len(wanted)} files")
    return report(results, into)


if __name__ == "__main__":
    raise SystemExit(min(main(), 100))
