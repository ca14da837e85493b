"""Opening a Spark session: the only module that does."""

import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from spark_balance.app.engines import check_answers, holding_signals, quiet_start, without_token
from spark_balance.errors import EngineError, nearest_name
from spark_balance.frames.arguments import checked
from spark_balance.frames.engine import is_classic
from spark_balance.frames.older_spark import SESSION_PROPERTIES

Conf = dict[str, bool | float | int | str | None]  # as the session builder has it

ENGINES = ("auto", "spark", "connect", "sail")
_LOCALHOST = "127.0.0.1"
_HERE = ("localhost", _LOCALHOST)
_LOCAL_CONF: Conf = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # 200 shuffle partitions are a cluster's default; a single machine spends its time starting tasks
    "spark.sql.shuffle.partitions": "8",
    "spark.log.level": "ERROR",
    # pyspark asks the JVM before each function of columns where in the program that is, to say it in an error
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.driver.memory": "4g",  # the tasks run in the driver; writing 3 million rows failed in the default 1g
    **SESSION_PROPERTIES,
}
_log = logging.getLogger(__name__)
# Sail's server stops when it is garbage collected, so the process holds it
_sail_server: Any = None
_server_is_ours = False


class Engine(NamedTuple):
    """The engine of a session to open, and the reason for it."""

    name: str
    why: str


def choose_engine(engine: str = "auto") -> Engine:
    """Return the engine that `open_session` would use: a running session or ``SPARK_REMOTE`` takes precedence."""
    if engine not in ENGINES:
        raise EngineError(f"unknown engine '{engine}': use one of {', '.join(ENGINES)}{nearest_name(engine, ENGINES)}")
    # spark-submit and Databricks start the process and hold its session
    managed = "PYSPARK_GATEWAY_PORT" in os.environ or "DATABRICKS_RUNTIME_VERSION" in os.environ
    if managed or _running() is not None:
        return Engine("running", "this process already has a Spark session")
    if os.environ.get("SPARK_REMOTE"):
        return Engine("remote", f"SPARK_REMOTE is {without_token(os.environ['SPARK_REMOTE'])}")
    if engine == "sail":
        return Engine("sail", "asked for")
    if engine == "auto" and find_spec("pysail") is not None:
        return Engine("sail", "it is installed")
    java = find_java()
    if engine == "auto":
        if java is None:
            raise EngineError(
                "no engine was found: pip install 'spark-balance[sail]', or install Java 17 or newer for classic Spark"
            )
        return Engine("spark", "Java was found")
    if java is None:
        raise EngineError(
            f"engine '{engine}' needs Java 17 or newer and none was found: install one, set JAVA_HOME,"
            " or use engine 'sail', which needs none"
        )
    return Engine(engine, "asked for")


@checked
def open_session(
    engine: str = "auto", app_name: str = "spark-balance", spark_conf: Mapping[str, str] | None = None
) -> SparkSession:
    """Return the session of this process, or open one.

    Parameters
    ----------
    engine : {"auto", "spark", "connect", "sail"}
        Used when there is neither a session (spark-submit, Databricks, a notebook) nor ``SPARK_REMOTE``.
        ``"spark"`` is classic Spark ``local[*]``, ``"connect"`` a Spark Connect server on this machine that
        ends with the process, ``"sail"`` a Sail server inside the process, ``"auto"`` Sail when it is
        installed and else classic Spark, which needs Java.
    app_name : str
        The name that Spark shows for a session opened here.
    spark_conf : Mapping of str to str, optional
        Spark properties for a session opened here; a running session keeps its own.

    Returns
    -------
    SparkSession
        The session.

    Raises
    ------
    EngineError
        For an unknown engine, and for one that cannot be started.
    """
    choice = choose_engine(engine)
    _log.info("engine %s: %s", choice.name, choice.why)
    if choice.name == "running":
        # spark-submit and Databricks hand over their context by getOrCreate
        builder = SparkSession.builder.appName(app_name).config(map=dict(spark_conf or {}))
        return _running() or builder.getOrCreate()
    return _OPENERS[choice.name](app_name, dict(spark_conf or {}))


def _running() -> SparkSession | None:
    """Return the session of this process, whichever thread opened it."""
    try:
        return SparkSession.active()
    except PySparkException:
        return None


def cores_of(spark: SparkSession) -> int | None:
    """Return how many tasks run at the same time, or None when the engine does not say."""
    return spark.sparkContext.defaultParallelism if is_classic(spark) else None


def is_local(spark: SparkSession) -> bool:
    """Say whether a plain path means the same file to this process and to the engine."""
    if "DATABRICKS_RUNTIME_VERSION" in os.environ:
        return False
    if not is_classic(spark):
        remote = os.environ.get("SPARK_REMOTE", "")
        return _server_is_ours or any(f"sc://{host}" in remote for host in _HERE)
    return str(spark.conf.get("spark.master", "")).startswith("local")


@cache
def find_java() -> str | None:
    """Return the ``java`` that Spark would start, if its version is 17 or newer."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if java is None:
        return None
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    return java if version and int(version.group(1)) >= 17 else None


def _open_remote(app_name: str, conf: Conf) -> SparkSession:
    remote = os.environ["SPARK_REMOTE"]
    check_answers(remote)
    return SparkSession.builder.remote(remote).appName(app_name).config(map=conf).getOrCreate()


def _open_classic(app_name: str, conf: Conf) -> SparkSession:
    _prepare_local()
    # pyspark leaves this mark of a Connect session to the processes that it starts
    os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)
    builder = SparkSession.builder.master(str(conf.pop("spark.master", "local[*]"))).appName(app_name)
    with holding_signals(), quiet_start():
        return builder.config(map={**_LOCAL_CONF, **conf}).getOrCreate()


def _open_connect(app_name: str, conf: Conf) -> SparkSession:
    """Start a Connect server as a plugin of a classic session, whose JVM ends with this process."""
    with socket.socket() as free:
        free.bind((_LOCALHOST, 0))
        port: int = free.getsockname()[1]
    plugins = ["org.apache.spark.sql.connect.SparkConnectPlugin", conf.get("spark.plugins")]
    server: Conf = {
        "spark.plugins": ",".join(str(plugin) for plugin in plugins if plugin),
        "spark.connect.grpc.binding.address": _LOCALHOST,
        "spark.connect.grpc.binding.port": str(port),
    }
    _open_classic(app_name, {**conf, **server})
    return _connect_to(port, app_name, {})


def _open_sail(app_name: str, conf: Conf) -> SparkSession:
    global _sail_server
    os.environ.setdefault("RUST_LOG", "off")  # it logs every start and stop to stderr, errors reach us anyway
    try:
        from pysail.spark import SparkConnectServer
    except ImportError as missing:
        raise EngineError("engine 'sail' needs the package pysail: pip install 'spark-balance[sail]'") from missing
    _prepare_local()
    if _sail_server is None:
        _sail_server = SparkConnectServer(_LOCALHOST, 0)
        _sail_server.start(background=True)
    session = _connect_to(_sail_server.listening_address[1], app_name, conf)
    # Sail takes Ctrl-C for its own, and cleaning up would wait for its server
    handler = signal.getsignal(signal.SIGINT)
    if handler is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, handler)
    return session


def _connect_to(port: int, app_name: str, conf: Conf) -> SparkSession:
    global _server_is_ours
    _server_is_ours = True
    builder = SparkSession.builder.remote(f"sc://{_LOCALHOST}:{port}").appName(app_name)
    session: SparkSession = builder.config(map=conf).create()
    return session


def _prepare_local() -> None:
    """Make workers run this interpreter, and keep a machine's odd host name out of it."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", _LOCALHOST)


_OPENERS: dict[str, Callable[[str, Conf], SparkSession]] = {
    "remote": _open_remote,
    "spark": _open_classic,
    "connect": _open_connect,
    "sail": _open_sail,
}
