"""Jobs in processes of their own, which a signal ends at a moment: exit code, what is said, and what is left."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import tomli_w
from fault_cases import STEPS, Case, Outcome, Target, Whole, outcome
from pyspark import SparkContext
from pyspark.sql import SparkSession

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
# sends a signal some seconds after a step began
JOB = """
import os, sys, threading
from spark_balance.__main__ import main
from spark_balance.app import terminal

show_step, (step, number, to, seconds) = terminal.show_step, sys.argv[1:5]
del sys.argv[1:5]
whom = {"process": os.getpid(), "parent": os.getppid(), "group": -os.getpgrp()}[to]

def send():
    os.kill(whom, int(number))

def show(name, spark=None):
    if name == step and float(seconds):
        late = threading.Timer(float(seconds), send)
        late.daemon = True
        late.start()
    elif name == step:
        send()
    return show_step(name, spark)

terminal.show_step = show
main()
"""
# what is run on each engine, and who gets the signal
SIGNALS = {
    "sail": {"spark-balance": "process"},
    "spark": {"spark-balance": "process", "spark-submit": "parent", "the group of spark-submit": "group"},
    "connect": {"spark-balance": "process", "the client of a server": "process"},
}
SENTENCE = re.compile(r"spark-balance: .*what was staged is removed")
# what Spark says of itself at its start
_NOISE = re.compile(
    r"\d\d/\d\d/\d\d \S+ (INFO|WARN) |WARNING: |Using Spark's default|Setting \w+ log level|To adjust log|engine: |$"
)
_COMPLAINT = re.compile("Traceback|Exception|ERROR")
_SECONDS_TO_START = 3.0
_SECONDS_TO_END = 10


def run_signaled(
    spark: SparkSession,
    folder: Path,
    target: Target,
    whole: Whole,
    engine: str,
    way: str,
    which: str,
    chance: random.Random,
    step: str | None = None,
) -> Outcome:
    """Run a job in a process of its own, which gets a signal when a step begins, or while a random one runs."""
    case, number = Case(spark, folder, target), signal.Signals[which]
    seconds = 0.0
    if step is None:
        step = chance.choice(("start", *STEPS))
        seconds = chance.uniform(0, whole.seconds.get(step, _SECONDS_TO_START))
    (folder / "job.toml").write_text(tomli_w.dumps(case.tables()))
    (folder / "job.py").write_text(JOB)
    words = [str(folder / "job.py"), step, str(int(number)), SIGNALS[engine][way], f"{seconds:.3f}"]
    words += ["smote", str(folder / "job.toml"), "--engine", engine]
    env = {"PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin", "HOME": os.environ["HOME"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable]
    if "spark-submit" in way:
        command = [str(BIN / "spark-submit"), "--properties-file", str(ROOT / "conf/spark/local.conf")]
        command += [
            "--conf",
            "spark.driver.memory=1g",
            "--conf",
            "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1",
        ]
    elif "server" in way:
        context = SparkContext._active_spark_context
        assert context is not None
        env["SPARK_REMOTE"] = f"sc://127.0.0.1:{context.getConf().get('spark.connect.grpc.binding.port')}"
    with (folder / "job.said").open("w+") as said:
        run = subprocess.Popen(
            [*command, *words], cwd=folder, env=env, stdout=said, stderr=said, start_new_session=True
        )
        try:
            code = run.wait(timeout=240)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            running = _wait_for_end(run.pid, 0 if run.returncode is None else _SECONDS_TO_END)
        said.seek(0)
        lines = [line for line in said.read().splitlines() if not _NOISE.match(line)]
    (folder / "job.said").unlink()
    is_one_line = len(lines) == 1 and SENTENCE.fullmatch(lines[0])
    # a run that was over by then has printed its tables; the JVM above it has a code of its own
    is_over = (folder / "manifest.json").exists() and not any(_COMPLAINT.search(line) for line in lines)
    end = f"exit {code}" if code == 0 or (code == 128 + number and (is_one_line or is_over)) else "a traceback"
    if end == "a traceback":
        print(f"{way}, {which} {seconds:.2f} s after {step}: exit {code}:", *lines, sep="\n  ", file=sys.stderr)
    found = outcome("done" if code == 0 else end, case, whole)
    return found._replace(left=[*found.left, *running])


def _wait_for_end(session: int, seconds: float) -> list[str]:
    """Wait until no process of a session runs, kill those that stay, and return what they are."""
    until = time.monotonic() + seconds
    while (running := _processes_of(session)) and time.monotonic() < until:
        time.sleep(0.05)
    for process in running:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return [f"process {name}" for name in running.values()]


def _processes_of(session: int) -> dict[int, str]:
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, of = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(of) == session and state != "Z":
                found[int(entry.name)] = (entry / "comm").read_text().strip()
        except OSError:
            continue
    return found
