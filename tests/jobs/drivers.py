"""Drivers of their own, Python and JVM, to be killed at random moments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).parents[1]
# each step is told when it begins
DRIVER = """
import json, sys
from contextlib import nullcontext
from spark_balance.app import job
from spark_balance.app.config import JobConfig
from spark_balance.errors import SparkBalanceError
from spark_balance.app.steps import Steps
from spark_balance.app.session import open_session

engine, conf, config = sys.argv[1], json.loads(sys.argv[2]), JobConfig.load(sys.argv[3])

def show(step, spark):
    print(step, flush=True)
    return nullcontext()

spark = open_session(engine, spark_conf=conf)
try:
    done = job.run(spark, config, steps=Steps(show))
    print("finished already" if done.finished else "done", flush=True)
except SparkBalanceError as refused:
    print(f"refused: {refused}", flush=True)
"""


def started(engine, conf, config, log):
    """Start a driver of one job."""
    env = {**os.environ, "PYTHONPATH": str(TESTS.parent), "PYTHONWARNINGS": "ignore"}
    for name in ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED"):
        env.pop(name, None)
    with Path(log).open("a") as said:
        return subprocess.Popen(
            [sys.executable, "-c", DRIVER, engine, conf, str(config)],
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env=env,
            start_new_session=True,
        )


def killed(process, chance, most):
    """Kill a driver and its JVM up to so many seconds after the beginning of a random step; say where, if it was."""
    step, seconds = chance.choice(["count", "prepare", "write", "verify", "commit"]), chance.uniform(0, most)
    line = ""
    for line in process.stdout:
        if line.strip() == step:
            break
    time.sleep(seconds)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"{seconds:.2f} s after the beginning of {step}"
    last = (process.communicate()[0] or line).strip().split("\n")[-1]
    assert last in ("done", "finished already"), f"the driver ended with: {last}"
    return None
