"""Change the arithmetic in one place at a time, and see whether the tests without an engine notice.

    python scripts/mutants.py -n 300 --seed 7                  300 changes of kernels, neighbors and strategies
    python scripts/mutants.py --all spark_balance/kernels/knn.py

Each change is made in a copy of the package, where the tests that run the changed line are run, the fastest first. What
none of them notices is printed, unless `scripts/mutants.toml` says why that is well; below 95 %, the exit code is 1.
"""
# mutmut leaves out decorated functions and constants of modules; cosmic-ray runs all tests, in a new process, each time

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import tomli
from changes import TARGETS, Mutant, every_mutant
from hypothesis import Phase, settings

HERE = Path(__file__).parents[1]
WANTED = 0.95
MEMORY = 12 * 2**30  # bytes that a changed program may take


class Choice:
    """A plugin of pytest: runs some tests, given their seconds, or writes down which lines of some files each runs."""

    def __init__(self, seconds: dict[str, float], files: frozenset[str] = frozenset()) -> None:
        self.seconds, self.files = seconds, files
        self.ran: dict[str, tuple[float, list[tuple[str, int]]]] = {}  # what passes: its seconds and lines

    def pytest_collection(self) -> None:
        """Give hypothesis the same examples each time, and do not make them smaller."""
        phases = [Phase.explicit, Phase.generate]
        settings.register_profile("mutants", derandomize=True, deadline=None, database=None, phases=phases)
        settings.load_profile("mutants")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests that were chosen, the fastest first."""
        if not self.files:
            chosen = [item for item in items if item.nodeid in self.seconds]
            items[:] = sorted(chosen, key=lambda item: self.seconds[item.nodeid])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Write down which lines a test runs, and how long it takes, or end this process if it takes much longer."""
        lines, failed, start = set[tuple[str, int]](), item.session.testsfailed, time.perf_counter()

        def trace(frame: FrameType, event: str, arg: object) -> Any:
            file = frame.f_code.co_filename
            if file not in self.files:
                return None
            lines.add((file, frame.f_lineno))
            return trace

        if self.files:
            sys.settrace(trace)
            threading.settrace(trace)
        else:
            signal.alarm(20 + int(5 * self.seconds[item.nodeid]))
        try:
            return (yield)
        finally:
            sys.settrace(None)
            if item.session.testsfailed == failed:
                self.ran[item.nodeid] = time.perf_counter() - start, sorted(lines)


class Copy:
    """A copy of the package and its tests, where one line at a time is changed."""

    def __init__(self, root: Path, folder: Path, paths: Sequence[str]) -> None:
        self.root, self.texts = folder, dict[str, str]()
        for name in ("spark_balance", "tests"):
            shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(root / "pyproject.toml", folder)
        for place in root.iterdir():  # tests read pages and import scripts
            if not place.name.startswith(".") and not (folder / place.name).exists():
                (folder / place.name).symlink_to(place)
        for path in paths:
            self.texts[path] = ast.unparse(ast.parse((root / path).read_text()))
            (folder / path).write_text(self.texts[path])
        self.changes, self.seconds = 0, dict[str, float]()
        self.tests: dict[str, dict[int, list[str]]] = {path: {} for path in paths}  # that run a line of a file

    def watch(self) -> None:
        """Run all tests, to learn which lines each of them runs, and load what they load of other packages."""
        told = self.root / "told.json"

        def run() -> int:
            choice = Choice({}, frozenset(str(self.root / path) for path in self.texts))
            _run(["tests/pure"], choice)
            files = {name: str(getattr(module, "__file__", "")) for name, module in list(sys.modules.items())}
            theirs = [name for name, file in files.items() if not file.startswith(str(self.root))]
            return int(not choice.ran or not told.write_text(json.dumps([choice.ran, theirs])))

        if not told.exists() and apart(run, self.root, 3600):
            raise SystemExit("mutants: no test passes without a change")
        ran, modules = json.loads(told.read_text())
        for name, (seconds, lines) in ran.items():
            self.seconds[name] = seconds
            for file, line in lines:
                self.tests[str(Path(file).relative_to(self.root))].setdefault(line, []).append(name)
        for name in modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)

    def survives(self, mutant: Mutant) -> bool:
        """Return whether the tests pass with a change."""
        of_lines = self.tests[mutant.path]
        # what runs on import or was compiled is seen in no test: each of the module may notice it
        known = {name: self.seconds[name] for name in of_lines.get(mutant.at) or set().union(*of_lines.values())}
        file, lines = self.root / mutant.path, self.texts[mutant.path].splitlines()
        lines[mutant.at - 1] = mutant.after
        before = file.stat()
        file.write_text("\n".join(lines))
        self.changes += 1
        os.utime(file, (self.changes, self.changes))  # or what was compiled of another text is taken for it
        try:
            files, most = sorted({name.partition("::")[0] for name in known}), 60 + 2 * sum(known.values())
            code = known and apart(lambda: _run(["-x", *files], Choice(known)), self.root, most)
            return not code or code == pytest.ExitCode.NO_TESTS_COLLECTED
        finally:
            file.write_text(self.texts[mutant.path])
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _run(arguments: list[str], choice: Choice) -> int:
    sys.dont_write_bytecode = not choice.files
    loaded = "ignore::pytest.PytestAssertRewriteWarning"  # hypothesis is here already
    plain = ["-q", "--noconftest", "-p", "no:cacheprovider", "-p", "no:unraisableexception", "-W", loaded]
    return int(pytest.main([*plain, *arguments], plugins=[choice]))


def apart(work: Callable[[], int], folder: Path, seconds: float) -> int:
    """Return the exit code of what runs in a process of its own, which is stopped after some seconds."""
    child = os.fork()
    if not child:
        try:
            os.setsid()
            os.chdir(folder)
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            for stream in (0, 1, 2):
                os.dup2(os.open(os.devnull, os.O_RDWR), stream)
            sys.path[:0] = [str(folder), str(folder / "tests")]
            os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])
            os._exit(work())
        finally:
            os._exit(99)
    end = time.monotonic() + seconds
    while not (done := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < end:
        time.sleep(0.01)
    if not done[0]:
        os.killpg(child, signal.SIGKILL)
        done = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(done[1])


def read_table(root: Path) -> dict[str, Any]:
    """Return why changes need not be noticed: by file, by line, and by change unless it is all of a line."""
    return tomli.loads((root / "scripts" / "mutants.toml").read_text())


def main(arguments: list[str]) -> bool:
    """Try changes; return whether too few are noticed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("paths", nargs="*", default=TARGETS, help="files and folders to change")
    parser.add_argument("-n", type=int, default=200, help="changes to draw (200)")
    parser.add_argument("--all", action="store_true", help="try every change")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--root", type=Path, default=HERE, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    table = read_table(asked.root)
    found = list(every_mutant(asked.root, asked.paths))
    drawn = found if asked.all else random.Random(asked.seed).sample(found, min(asked.n, len(found)))
    kinds = Counter(str(one.accepted(table)).partition(":")[0] for one in drawn)
    left, tried = 0, kinds.pop("None", 0)
    with tempfile.TemporaryDirectory() as folder:
        trial = Copy(asked.root, Path(folder), sorted({one.path for one in found}))
        trial.watch()
        for one in drawn:
            if not one.accepted(table) and trial.survives(one):
                left += 1
                print(f"{one.path}:{one.number}: {one.line.strip()}\n    {one.change}", flush=True)
    accepted = "".join(f", {n} accepted ({kind})" for kind, n in sorted(kinds.items()))
    share = 1 - left / max(1, tried)
    print(f"{len(found)} changes, {len(drawn)} drawn{accepted}, {tried} tried, {left} survived: {share:.1%} noticed")
    return share < WANTED


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
