"""A job that is broken at a step leaves its target as it was, or finished; scripts/faults.py breaks all of them."""

from __future__ import annotations

import importlib.util
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "faults.py"
spec = importlib.util.spec_from_file_location("faults", SCRIPT)
faults = sys.modules.setdefault("faults", importlib.util.module_from_spec(spec))
spec.loader.exec_module(faults)
TARGET = faults.TARGETS[0]


@pytest.fixture(scope="module")
def whole(spark, tmp_path_factory):
    """Return the rows of a run that nothing disturbs."""
    return faults.run_whole(spark, tmp_path_factory.mktemp("whole") / "job", TARGET)


@pytest.mark.parametrize("step", ["write", "commit"])
@pytest.mark.parametrize("fault", faults.FAULTS)
def test_a_fault_at_a_step_loses_nothing(spark, tmp_path, whole, fault, step):
    found = faults.run_case(spark, tmp_path / "job", TARGET, whole, fault, step)
    assert found.is_good, found
    # what the commit no longer reads cannot disturb it
    assert found.state == ("finished" if step == "commit" and "input" in fault else "as it was")
    assert found.end == {"the disk is full": "exit 1", "the run is interrupted": "stopped"}.get(
        fault, "done" if step == "commit" else "exit 2"
    )


@pytest.mark.parametrize(("number", "step"), [(signal.SIGTERM, "write"), (signal.SIGINT, "start")])
def test_a_signal_ends_the_process_with_its_code_and_one_line(spark, tmp_path, whole, number, step):
    found = faults.run_signaled(spark, tmp_path / "job", TARGET, whole, number, step)
    assert found == (f"exit {128 + number}", "as it was", [])


BUSY = """
import time
from spark_balance.__main__ import main
from spark_balance.app import cli, session

def busy(batches):
    print("busy", flush=True)
    time.sleep(60)
    yield from batches

cli.app = lambda *_, **__: session.open_session("sail").range(3).mapInArrow(busy, "id long").collect()
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_python_that_sail_still_runs_neither_holds_nor_aborts_the_end(number):
    run = subprocess.Popen(
        [sys.executable, "-c", BUSY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=SCRIPT.parents[1]
    )
    try:
        assert run.stdout.readline() == "busy\n"
        run.send_signal(number)
        said = run.communicate(timeout=20)[1]
    finally:
        run.kill()
    assert run.returncode == 128 + number
    assert re.fullmatch(r"spark-balance: (terminated|interrupted); what was staged is removed\n", said)


def test_the_table_counts_what_was_lost():
    outcomes = [faults.Outcome("exit 2", "as it was", []), faults.Outcome("done", "LOST", ["out.staging"])]
    text = faults.table({("a fault", "CSV"): outcomes})
    assert "| a fault | CSV | 2 | 1 | 0 | 1 | 1 done, 1 exit 2 |" in text
    assert "Cases tried: 2, lost: 1, with something left: 1." in text
