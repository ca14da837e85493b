"""A JVM that starts is quiet, unless it fails; what it says later reaches Python's stderr."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from pyspark import java_gateway

from spark_balance.app.engines import quiet_start

SAYS = "import sys, time; print('noise', file=sys.stderr, flush=True); {}"


def launch(then):
    return java_gateway.Popen([sys.executable, "-c", SAYS.format(then)], stdin=subprocess.PIPE)


def test_what_it_says_at_its_start_is_held_back_and_the_rest_is_not(capsys):
    with quiet_start():
        java = launch("input(); print('later', file=sys.stderr)")
        time.sleep(0.3)
    assert java_gateway.Popen is subprocess.Popen
    assert capsys.readouterr().err == ""
    java.stdin.write(b"\n")
    java.stdin.close()
    java.wait()
    time.sleep(0.2)
    assert capsys.readouterr().err == "later\n"


def test_what_it_says_before_it_fails_is_shown(capsys):
    with pytest.raises(ZeroDivisionError), quiet_start():
        launch("sys.exit(1)").wait() / 0
    assert capsys.readouterr().err == "noise\n"
