"""Run SMOTE on the cluster of scripts/cluster.sh, kill executors and workers meanwhile, and say what came out.

python scripts/cluster_check.py           # starts the cluster, some minutes, stops it; exit code 1 if rows differ
python scripts/cluster_check.py --once    # one run that nothing disturbs
python scripts/cluster_check.py --digest DIGEST    # rows are to have the digest that another Spark printed

The Spark is that of the Python which runs this, such as data/versions/3.5/bin/python of scripts/versions.sh --make 3.5.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pandas as pd
import pyspark

ROOT = Path(__file__).parents[1]
CLUSTER = ROOT / "data" / "cluster"
WORKER_PYTHON = CLUSTER / "env" / "bin" / "python"
UI_PORT = 4567
FEATURES, MINORITY, MAJORITY, FILES = 12, 60_000, 300_000, 6
OWN = """
import numpy, pandas, pyarrow
print(*(f"{one.__name__} {one.__version__}" for one in (numpy, pandas, pyarrow)), sep=", ")
import spark_balance
"""
SPECULATION = {
    "spark.speculation.multiplier": "1.1",
    "spark.speculation.quantile": "0.3",
    "spark.speculation.minTaskRuntime": "100ms",
    "spark.speculation.interval": "50ms",
}
CONFIG = f"""
[input]
path = "{{scratch}}/in"

[sampler.smote]
label_col = "late"
key_cols = "id"
feature_cols = {[f"x{number}" for number in range(FEATURES)]}
cell_rows = 4000

[output]
path = "{{folder}}/out"
"""


class Run:
    """One spark-submit in a folder of its own, watched through the driver's REST API."""

    def __init__(self, scratch: Path, speculation: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=scratch))
        (self.folder / "smote.toml").write_text(CONFIG.format(scratch=scratch, folder=self.folder))
        conf = {
            "spark.pyspark.python": str(WORKER_PYTHON),
            "spark.pyspark.driver.python": sys.executable,
            "spark.speculation": str(speculation).lower(),
            "spark.ui.port": str(UI_PORT),
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.files.openCostInBytes": "128m",  # each file a task
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": self.folder.as_uri(),
            "spark.eventLog.rolling.enabled": "false",
            "spark.eventLog.compress": "false",
            **(SPECULATION if speculation else {}),
        }
        pairs = [word for key, value in conf.items() for word in ("--conf", f"{key}={value}")]
        command = [str(Path(pyspark.__file__).parent / "bin" / "spark-submit")]
        command += [
            "--properties-file",
            str(ROOT / "conf/spark/standalone.conf"),
            *pairs,
            "--py-files",
            str(scratch / "spark_balance.zip"),
        ]
        command += [str(ROOT / "jobs/smote.py"), "smote.toml", "--log-json", "log.jsonl"]
        # nothing of this process may bring the package to a worker
        env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYSPARK", "SPARK"))}
        with (self.folder / "said").open("w") as said:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=env | {"SPARK_LOCAL_IP": "127.0.0.1"}, stdout=said, stderr=said
            )

    def stages(self) -> list[dict[str, Any]]:
        """Return the stages of the step that writes which run now, the last first."""
        try:
            [application] = _asked("")
            running = _asked(f"/{application['id']}/stages?status=active")
        except (OSError, ValueError):
            return []
        writing = [one for one in running if str(one.get("description")).endswith(": write")]
        return sorted(writing, key=lambda one: -int(one["stageId"]))

    def wait_for(self, moment: Callable[[dict[str, Any]], bool]) -> bool:
        """Wait until the newest stage of the step that writes is at a moment; False if the run ends first."""
        while self.process.poll() is None:
            if any(moment(one) for one in self.stages()[:1]):
                return True
            time.sleep(0.02)
        return False

    def ended(self) -> tuple[int, str]:
        """Wait for the end, and return exit code and what was said."""
        code = self.process.wait(timeout=600)
        return code, (self.folder / "said").read_text()

    def digest(self) -> tuple[int, str]:
        """Return rows and a number that is the same for the same rows in any order."""
        rows = pd.read_parquet(self.folder / "out")
        hashes = pd.util.hash_pandas_object(rows[sorted(rows.columns)], index=False).to_numpy()
        with np.errstate(over="ignore"):
            return len(rows), f"{int(hashes.sum()):016x}"

    def events(self) -> tuple[set[str], int, int]:
        """Return the descriptions of the jobs, how many tasks failed, and how many were started speculatively."""
        (log,) = self.folder.glob("app-*")
        described, failed, speculative = set(), 0, 0
        for event in map(json.loads, log.read_text().splitlines()):
            if event["Event"] == "SparkListenerJobStart":
                described.add((event.get("Properties") or {}).get("spark.job.description", "no description"))
            elif event["Event"] == "SparkListenerTaskStart":
                speculative += event["Task Info"]["Speculative"]
            elif event["Event"] == "SparkListenerTaskEnd":
                failed += event["Task End Reason"]["Reason"] not in ("Success", "TaskKilled")
        return described, failed, speculative

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of the run's log."""
        return [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]


def _asked(path: str) -> list[dict[str, Any]]:
    with urlopen(f"http://127.0.0.1:{UI_PORT}/api/v1/applications{path}", timeout=5) as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found


def below(parents: list[int], word: str) -> list[int]:
    """Return the processes right below some whose command line has a word."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent in parents and word in (entry / "cmdline").read_text():
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def executors() -> list[int]:
    """Return the executors' processes, below the workers that scripts/cluster.sh started."""
    started = [int(word) for word in (CLUSTER / "pids").read_text().split()]
    return below(started, "CoarseGrainedExecutorBackend")


def kill(processes: list[int]) -> int:
    """Kill processes as the machine does that has no memory left, and return how many."""
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return len(processes)


def searches(stage: dict[str, Any]) -> bool:
    """Tell the last stage, which has the tasks of the cells beside those of the files and starts with them."""
    return bool(stage["numTasks"] > FILES and stage["numActiveTasks"] > 0 and stage["numCompleteTasks"] == 0)


def half_written(stage: dict[str, Any]) -> bool:
    """Tell a stage of which half the tasks are done."""
    return bool(stage["numActiveTasks"] > 0 and 2 * stage["numCompleteTasks"] >= stage["numTasks"])


def disturbed(run: Run) -> list[str]:
    """Kill an executor while neighbours are searched, and one when half of the tasks have written; say when."""
    moments = {"search": searches, "write": half_written}
    # the oldest has most that can be lost
    return [name for name, moment in moments.items() if run.wait_for(moment) and kill(executors()[:1])]


def stalled(run: Run) -> list[str]:
    """Stop a Python worker that searches, so that Spark starts its task once more elsewhere."""
    if not run.wait_for(searches):
        return []
    time.sleep(1)
    for worker in below(below(executors(), "pyspark"), "pyspark")[:1]:
        os.kill(worker, signal.SIGSTOP)
        return ["search"]
    return []


def starved(run: Run) -> int:
    """Kill the Python workers of the step that writes whenever there are any, and return how many."""
    killed = 0
    if run.wait_for(lambda one: one["numActiveTasks"] > 0):
        while run.process.poll() is None:
            killed += kill(below(below(executors(), "pyspark"), "pyspark"))
            time.sleep(0.02)
    return killed


def made(folder: Path) -> None:
    """Write the input: two classes around twelve centres, one of them small."""
    rng = np.random.default_rng(5)
    late = np.arange(MINORITY + MAJORITY) < MINORITY
    centres = rng.normal(scale=4, size=(12, FEATURES))
    points = centres[rng.integers(12, size=len(late))] + rng.normal(size=(len(late), FEATURES))
    table = pd.DataFrame(points, columns=[f"x{number}" for number in range(FEATURES)])
    table.insert(0, "id", np.arange(len(late)))
    table["late"] = late
    table = table.sample(frac=1, random_state=5)
    folder.mkdir()
    for part in range(FILES):
        table.iloc[part::FILES].to_parquet(folder / f"part-{part}.parquet", index=False)


# what is done to a run, with speculation or without, and when that is to happen
RUNS: list[tuple[str, bool, Callable[[Run], list[str]], list[str]]] = [
    ("undisturbed", False, lambda _: [], []),
    ("executors killed", False, disturbed, ["search", "write"]),
    ("a worker stopped", True, stalled, ["search"]),
    ("executors killed", True, disturbed, ["search", "write"]),
]


def compared(scratch: Path, most: int, expected: str | None) -> int:
    """Disturb a run in each way, the first in none, and return how many outputs were not as expected."""
    failures = 0
    for what, speculation, disturb, when in RUNS[:most]:
        run = Run(scratch, speculation)
        happened = disturb(run)
        code, said = run.ended()
        if code:
            print(f"WRONG: exit code {code}\n{said}")
            return failures + 1
        rows, digest = run.digest()
        expected = expected or digest
        described, failed, twice = run.events()
        # a stopped task ends in its second try alone
        right = digest == expected and happened == when and (disturb is not stalled or twice > 0)
        failures += not right
        seconds = sum(line["seconds"] for line in run.log() if "step" in line)
        print(
            f"{'ok' if right else 'WRONG'}: speculation {'on' if speculation else 'off'}, "
            f"{' in '.join(filter(None, (what, ' and '.join(happened))))}: {rows:,} rows, digest {digest}, "
            f"{seconds:.0f} s, {failed} failed tasks, {twice} speculative ones",
            flush=True,
        )
    print(f"the Spark UI shows: {', '.join(sorted(described))}")
    return failures


def main(once: bool, expected: str | None) -> int:
    """Run all or the first, and return how many runs were not as they should be."""
    own = subprocess.run([WORKER_PYTHON, "-c", OWN], capture_output=True, text=True, env={}, cwd="/")
    has = f"{own.stdout.strip()}, {own.stderr.splitlines()[-1]}"
    print(f"Spark {pyspark.__version__}, workers' own Python: {has}", flush=True)
    with tempfile.TemporaryDirectory(dir=CLUSTER) as folder:
        scratch = Path(folder)
        build = ["bash", str(ROOT / "scripts/package.sh"), "--to", folder]
        # without what builds a wheel, it is built in .venv
        builder = sys.executable if find_spec("hatchling") else ""
        subprocess.run(build, check=True, env={**os.environ, "PYTHON": builder}, stdout=subprocess.DEVNULL)
        made(scratch / "in")
        failures = compared(scratch, 1 if once else len(RUNS), expected)
        if once:
            return failures
        run = Run(scratch, speculation=False)
        killed = starved(run)
        code, said = run.ended()
        sentence = next((line for line in said.splitlines() if line.startswith("spark-balance:")), said[-2000:])
        right = code == 2 and "a Python worker or its executor died" in sentence
        print(f"{'ok' if right else 'WRONG'}: {killed} Python workers killed: exit code {code}, {sentence}")
    return failures + (not right)


def cluster(wish: str) -> None:
    """Start or stop the cluster."""
    env = {**os.environ, "PYTHON": sys.executable}
    subprocess.run(["bash", str(ROOT / "scripts/cluster.sh"), wish], check=True, env=env)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--once", action="store_true", help="one run that nothing disturbs")
    words.add_argument("--digest", help="the digest that rows are to have, which another Spark printed")
    given = words.parse_args()
    begun = time.monotonic()
    cluster("start")
    try:
        failures = main(given.once, given.digest)
    finally:
        cluster("stop")
    print(f"{time.monotonic() - begun:.0f} s in all")
    sys.exit(min(1, failures))
