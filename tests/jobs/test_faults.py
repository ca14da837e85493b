"""A job that is broken at a moment leaves its target as it was, or finished; scripts/faults.py breaks all of them."""

from __future__ import annotations

import logging
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from spark_balance import __main__
from spark_balance.app import cli, engines

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.append(str(SCRIPTS))
import faults  # noqa: E402
from fault_cases import FAULTS, TARGETS, Moment, Outcome, Whole, run_case, run_whole  # noqa: E402
from fault_signals import run_signaled  # noqa: E402
from tables import mark_place  # noqa: E402

TARGET_OF = {target.name: target for target in TARGETS}
TARGET = TARGETS[0]
# of a disk of its own scripts/faults.py fills each byte, with root's rights
ANYWHERE = [fault for fault in FAULTS if fault != "the disk is full"]


@pytest.fixture(scope="module")
def whole(spark, tmp_path_factory):
    """Return a function that gives what a run into a target does that nothing disturbs."""
    return cache(lambda target: run_whole(spark, tmp_path_factory.mktemp("whole") / "job", target))


@pytest.mark.parametrize("step", ["write", "commit"])
@pytest.mark.parametrize("fault", ANYWHERE)
def test_a_fault_at_a_step_loses_nothing(spark, tmp_path, whole, fault, step):
    found = run_case(spark, tmp_path / "job", TARGET, whole(TARGET), fault, Moment(step))
    assert found.is_good, found
    # what the commit no longer reads cannot disturb it
    assert found.state == ("finished" if step == "commit" and "input" in fault else "as it was")
    assert found.end == {"no file can grow": "exit 1", "the run is interrupted": "stopped"}.get(
        fault, "done" if step == "commit" else "exit 2"
    )


@pytest.mark.parametrize(
    ("name", "fault", "moment", "ends"),
    [
        ("Parquet, overwritten", "no file can grow", Moment("write", "file", 1), ("exit 1", "as it was")),
        ("Parquet, appended to", "the run is interrupted", Moment("commit", "rename", 3), ("stopped", "as it was")),
        pytest.param(
            "Iceberg, overwritten",
            "the run is interrupted",
            Moment("write", "file", 1),
            ("stopped", "as it was"),
            marks=mark_place("iceberg table", "sail spark connect"),
        ),
        ("Iceberg, overwritten", "the run is interrupted", Moment("commit", "rename", 1), ("stopped", "finished")),
    ],
    ids=str,
)
def test_a_fault_within_a_step_loses_nothing(spark, tmp_path, whole, name, fault, moment, ends):
    target = TARGET_OF[name]
    found = run_case(spark, tmp_path / "job", target, whole(target), fault, moment)
    assert found == (*ends, []) if found else moment.when == "file"  # which may come too late on a fast disk


@pytest.mark.parametrize(("which", "step"), [("SIGTERM", "write"), ("SIGINT", "start")])
def test_a_signal_ends_the_process_with_its_code_and_one_line(spark, tmp_path, which, step):
    words = (TARGET, Whole(Counter(), {}), "sail", "spark-balance", which, random.Random(), step)
    found = run_signaled(spark, tmp_path / "job", *words)
    assert found == (f"exit {128 + signal.Signals[which]}", "as it was", [])


@pytest.mark.slow
@pytest.mark.engines("spark", "connect")
def test_a_signal_to_the_jvm_or_to_a_servers_client_ends_the_same(spark, engine, tmp_path):
    way = {"spark": "spark-submit", "connect": "the client of a server"}[engine]
    words = (TARGET, Whole(Counter(), {}), engine, way, "SIGTERM", random.Random(), "write")
    assert run_signaled(spark, tmp_path / "job", *words) == ("exit 143", "as it was", [])


@pytest.mark.engines("spark")
def test_a_jvm_takes_the_order_to_log_nothing_when_a_signal_ends_it(spark, monkeypatch):
    monkeypatch.setattr(engines, "suppress", nullcontext)  # what is missing there is told
    engines.log_nothing_at_the_end()


@pytest.mark.engines("spark")
def test_what_is_removed_after_a_signal_is_asked_for_on_a_connection_that_answers(spark, monkeypatch):
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    before = {number: signal.signal(number, __main__._stop) for number in (signal.SIGINT, signal.SIGALRM)}
    answers, waits = [], threading.main_thread().ident

    def interrupt():
        while not spark.sparkContext.statusTracker().getActiveStageIds():
            time.sleep(0.01)
        signal.pthread_kill(waits, signal.SIGINT)

    try:
        for _ in range(6):  # a closed connection is met in one of three
            threading.Thread(target=interrupt, daemon=True).start()
            with pytest.raises((SystemExit, KeyboardInterrupt)):
                spark.range(1 << 35).agg(F.max(F.hash("id"))).collect()
            answers.append(spark.range(3).count())
            signal.alarm(0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        logging.disable(logging.NOTSET)
        spark.sparkContext.setLogLevel("WARN")
    assert answers == [3] * 6


BUSY = """
import time
from spark_balance.__main__ import main
from spark_balance.app import cli, session

def busy(batches):
    print("busy", flush=True)
    time.sleep(60)
    yield from batches

cli.make_app = lambda _: lambda *_, **__: session.open_session("sail").range(3).mapInArrow(busy, "id long").collect()
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_python_that_sail_still_runs_neither_holds_nor_aborts_the_end(number):
    run = subprocess.Popen(
        [sys.executable, "-c", BUSY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=SCRIPTS.parent
    )
    try:
        assert run.stdout.readline() == "busy\n"
        run.send_signal(number)
        said = run.communicate(timeout=20)[1]
    finally:
        run.kill()
    assert run.returncode == 128 + number
    assert re.fullmatch(r"spark-balance: (terminated|interrupted); what was staged is removed\n", said)


def test_what_a_signal_cuts_off_complains_to_nobody(monkeypatch, capsys):
    def app(*_, **__):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            sys.stderr.write("pyspark: the connection is gone")

    def leave(code):
        raise SystemExit(code)

    monkeypatch.setattr(cli, "make_app", lambda _: app)
    monkeypatch.setattr(__main__, "_leave", leave)
    monkeypatch.setattr(__main__, "_drop_what_runs", lambda: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(SystemExit, match="143"):
            __main__.main()
    finally:
        logging.disable(logging.NOTSET)
        for number, handler in before.items():
            signal.signal(number, handler)
    assert capsys.readouterr().err == "spark-balance: terminated; what was staged is removed\n"


def test_the_table_has_a_column_for_each_engine():
    outcomes = [Outcome("exit 2", "as it was", []), Outcome("done", "LOST", ["out.staging"])]
    page = "| code | meaning |\n|---|---|\n| 0 | done |\n<!-- faults -->\n<!-- /faults -->\n"
    page = faults.filled(page, "spark", {("other", "ORC"): outcomes[:1]})
    page = faults.filled(page, "sail", {("a fault", "CSV"): outcomes})
    assert "| a fault | CSV | 1 LOST, done; 1 as it was, exit 2 |  |\n" in page
    assert f"| {faults.TOTAL[0]} |  | 2, 1, 1 | 1, 0, 0 |\n" in page
    assert faults.filled(page, "sail", {("a fault", "CSV"): outcomes}) == page
