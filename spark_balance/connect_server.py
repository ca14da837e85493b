"""A Spark Connect server on this machine, in a process of its own that ends with this one."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from spark_balance.errors import SparkBalanceError

LOCALHOST = "127.0.0.1"
_STARTUP_SECONDS = 90
# the shell waits on our end of a pipe, so that the server ends with this process, however that ends
_TIED_TO_OUR_PIPE = """
{ "$@"; kill -TERM $$; } &
cat > /dev/null
trap "" TERM
kill -TERM 0
wait
"""


def started(master: str, app_name: str, conf: Mapping[str, Any]) -> int:
    """Start a server, wait until it answers, and return its port."""
    port = _free_port()
    log = tempfile.NamedTemporaryFile(prefix="spark-connect-", suffix=".log", delete=False)  # noqa: SIM115 - outlives this function
    binding = {"spark.connect.grpc.binding.port": str(port), "spark.connect.grpc.binding.address": LOCALHOST}
    server = _start(master, app_name, {**conf, **binding}, log)
    _wait_for(port, server, Path(log.name))
    return port


def _start(master: str, app_name: str, conf: Mapping[str, Any], log: IO[bytes]) -> subprocess.Popen[bytes]:
    import pyspark

    home = os.environ.get("SPARK_HOME") or str(Path(pyspark.__file__).parent)
    submit = [f"{home}/bin/spark-submit", "--master", master, "--name", app_name]
    submit += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    submit += [word for key, value in conf.items() for word in ("--conf", f"{key}={value}")]
    shell = ["sh", "-c", _TIED_TO_OUR_PIPE, "sh", *submit, "spark-internal"]
    server = subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)
    atexit.register(_stop, server)
    return server


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.stdin:
        server.stdin.close()
    server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + _STARTUP_SECONDS
    while time.monotonic() < give_up and server.poll() is None:
        if answers(LOCALHOST, port):
            return
        time.sleep(0.2)
    _stop(server)
    raise SparkBalanceError(
        f"engine 'connect': the server did not answer on port {port} within"
        f" {_STARTUP_SECONDS} seconds; its log is {log}"
    )


def answers(host: str, port: int) -> bool:
    """Tell whether anything listens there."""
    try:
        with socket.create_connection((host, port), timeout=10):
            return True
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((LOCALHOST, 0))
        port: int = listener.getsockname()[1]
        return port
