"""Which engine is chosen, and that a process with one ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from spark_balance.app import engines, session
from spark_balance.errors import SparkBalanceError

REPOSITORY = Path(__file__).parents[2]
OPEN = """
import sys
from spark_balance.app.session import is_local, open_session
from spark_balance.frames.engine import engine_name
spark = open_session(sys.argv[1], spark_conf={"spark.master": "local[1]"} if sys.argv[1] != "sail" else {})
assert spark is open_session("auto")
print(engine_name(spark), is_local(spark), spark.range(5).count())
"""

LOCAL = """
import logging, os, sys
from concurrent.futures import ThreadPoolExecutor
import pandas as pd
from pyspark.sql import SparkSession
from spark_balance import RandomOverSampler
logging.basicConfig(stream=sys.stdout, format="%(message)s")
logging.getLogger("spark_balance.frames").setLevel("INFO")
sampler, frame = RandomOverSampler(label_col="y"), pd.DataFrame({"y": [0, 0, 1]})
with ThreadPoolExecutor(2) as pool:
    print([len(made) for made in pool.map(sampler.fit_resample, [frame, frame])])
print(len(sampler.fit_resample(frame)), "SPARK_CONNECT_MODE_ENABLED" in os.environ, SparkSession.getActiveSession())
"""


@pytest.fixture
def nothing_runs(monkeypatch):
    """Let the process look as if it had no session and no Java."""
    for name in ("SPARK_REMOTE", "PYSPARK_GATEWAY_PORT", "DATABRICKS_RUNTIME_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(session, "_running", lambda: None)
    monkeypatch.setattr(session, "find_java", lambda: None)


def test_auto_is_sail_if_it_is_installed_and_else_classic_spark(nothing_runs, monkeypatch):
    assert session.choose_engine("auto").name == "sail"
    monkeypatch.setattr(session, "find_spec", lambda name: None)
    with pytest.raises(
        SparkBalanceError, match=r"no engine was found: pip install 'spark-balance\[sail\]', or install"
    ):
        session.choose_engine("auto")
    monkeypatch.setattr(session, "find_java", lambda: "/usr/bin/java")
    assert session.choose_engine("auto").name == "spark"
    assert session.choose_engine("connect").name == "connect"


@pytest.mark.parametrize("engine", ["spark", "connect"])
def test_an_engine_that_needs_java_says_so(nothing_runs, engine):
    with pytest.raises(SparkBalanceError, match=f"engine '{engine}' needs Java 17 or newer"):
        session.choose_engine(engine)


def test_an_unknown_engine_is_refused(nothing_runs):
    with pytest.raises(SparkBalanceError, match=r"unknown engine 'sale'.*did you mean 'sail'"):
        session.choose_engine("sale")


def test_another_thread_has_the_same_session(spark):
    with ThreadPoolExecutor(1) as other:
        assert other.submit(session.choose_engine).result().name == "running"
        assert other.submit(session.open_session).result() is spark


def test_a_running_session_goes_before_spark_remote_and_that_before_the_wish(nothing_runs, monkeypatch):
    monkeypatch.setenv("SPARK_REMOTE", "sc://somewhere:15002")
    assert session.choose_engine("sail").name == "remote"
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")  # spark-submit
    assert session.choose_engine("sail").name == "running"


def test_java_older_than_17_is_none(tmp_path, monkeypatch):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    for version, found in (("11.0.2", False), ("1.8.0_401", False), ("17.0.15", True), ("21", True)):
        java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        java.chmod(0o755)
        session.find_java.cache_clear()
        assert (session.find_java() is not None) == found
    session.find_java.cache_clear()


@pytest.mark.parametrize(
    "given", ["nonsense", "http://x", "sc://", "sc://h:port", "sc://h:99999", "sc://h/path", "sc://h/;a"]
)
def test_a_remote_that_is_not_an_address_is_refused(nothing_runs, monkeypatch, given):
    monkeypatch.setenv("SPARK_REMOTE", given)
    with pytest.raises(SparkBalanceError, match=f"SPARK_REMOTE is {given}, not a Spark Connect address; give sc://"):
        session.open_session()


@pytest.fixture(params=["a closed port", "no such host", "a web server", "a server that says nothing"])
def deaf(request):
    """Return an address at which no Spark Connect server answers."""
    if request.param in ("a closed port", "no such host"):
        yield "localhost:1" if request.param == "a closed port" else "no.such.host.invalid"
        return
    with socket.create_server(("127.0.0.1", 0)) as listening:
        if request.param == "a web server":

            def answer():
                taken, _ = listening.accept()
                with taken:
                    taken.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

            threading.Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def test_a_remote_that_does_not_answer_is_refused_at_once(nothing_runs, monkeypatch, deaf):
    monkeypatch.setattr(engines, "_ANSWER_SECONDS", 1)
    monkeypatch.setenv("SPARK_REMOTE", f"sc://{deaf}/;user_id=me;token=secret")
    start = time.monotonic()
    with pytest.raises(
        SparkBalanceError, match=f"SPARK_REMOTE is sc://{deaf}/.*, where no Spark Connect server ans"
    ) as said:
        session.open_session()
    assert time.monotonic() - start < 5
    assert "secret" not in str(said.value)
    assert "secret" not in session.choose_engine().why


def test_an_interrupt_leaves_sails_server_to_clean_up_with():
    code = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from spark_balance.app.session import open_session
spark = open_session("sail")
try:
    print("open", flush=True)  # the interrupt comes as soon as this is read
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(1)
    print(spark.range(5).count())
"""
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    try:
        assert run.stdout.readline() == "open\n"
        run.send_signal(signal.SIGINT)
        assert run.communicate(timeout=30)[0] == "5\n"
    finally:
        run.kill()


def test_a_signal_waits_until_java_has_started_and_a_second_does_not():
    begun, seen = [], []
    before = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    try:
        with engines.holding_signals():
            signal.raise_signal(signal.SIGTERM)
            begun.append(len(seen))
        assert (begun, seen) == ([0], [signal.SIGTERM])
        with pytest.raises(KeyboardInterrupt), engines.holding_signals():
            list(map(signal.raise_signal, [signal.SIGTERM, signal.SIGTERM]))
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.slow
@pytest.mark.every_engine
def test_a_process_with_a_session_ends_and_leaves_no_server(engine):
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", OPEN, engine], capture_output=True, text=True, timeout=120, cwd=REPOSITORY, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [engine, "True", "5"]
    assert time.monotonic() - start < 100


def test_a_process_opens_one_engine_for_local_frames_leaves_pyspark_alone_and_ends(monkeypatch):
    monkeypatch.delenv("SPARK_CONNECT_MODE_ENABLED", raising=False)  # pyspark's mark of the session of the tests
    done = subprocess.run(
        [sys.executable, "-c", LOCAL], capture_output=True, text=True, timeout=60, cwd=REPOSITORY, check=False
    )
    said = "frames of pandas, polars and pyarrow run on an engine inside this process: sail\n[4, 4]\n4 False None\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
