"""What engines raise, whether a server elsewhere answers, and signals while a JVM starts or runs."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Queue
from typing import Any

import pyspark
from pyspark.errors import PySparkException

from spark_balance.errors import EngineError
from spark_balance.frames.older_spark import condition_of

try:
    from py4j.protocol import Py4JError  # what classic Spark raises of a file that is not of its format
except ImportError:  # a client of Spark Connect alone
    Py4JError = PySparkException
ENGINE_ERRORS = (PySparkException, Py4JError)
_ANSWER_SECONDS = 10
_STOP_SECONDS = 10
_QUERIES = 20  # of a process at a time, at most


def reason(refused: BaseException) -> str:
    """Return the sentence of an engine's error, without plan and stack."""
    lines = str(refused).strip().split("\n")
    causes = [line.split(": ", 1)[1] for line in lines if line.startswith(("Caused by: ", ": "))]
    return [lines[0], *causes][-1]


def is_absent(refused: BaseException) -> bool:
    """Say whether an engine's error means that a path does not exist, and nothing else."""
    return isinstance(refused, PySparkException) and condition_of(refused) == "PATH_NOT_FOUND"


def check_answers(remote: str) -> None:
    """Refuse an address that is malformed, or at which no server answers: the client would try for ten minutes."""
    import grpc
    from pyspark.sql.connect.client import DefaultChannelBuilder

    try:
        channel = DefaultChannelBuilder(remote).toChannel()
    except (PySparkException, ValueError) as malformed:
        raise EngineError(
            f"SPARK_REMOTE is {without_token(remote)}, not a Spark Connect address; give sc://host:port, or unset it"
        ) from malformed
    states: Queue[Any] = Queue()
    with channel:
        channel.subscribe(states.put, try_to_connect=True)
        end, state = time.monotonic() + _ANSWER_SECONDS, None
        while state not in (grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.TRANSIENT_FAILURE):
            try:
                state = states.get(timeout=max(0.0, end - time.monotonic()))
            except Empty:
                break
    if state is not grpc.ChannelConnectivity.READY:
        raise EngineError(
            f"SPARK_REMOTE is {without_token(remote)}, where no Spark Connect server answers; start one, or unset it"
        )


def without_token(remote: str) -> str:
    """Return the address as it may be shown."""
    return re.sub("(?<=token=)[^;]+", "...", remote)


@contextmanager
def holding_signals() -> Iterator[None]:
    """Hold a signal back for the block, as a JVM that is interrupted at its start never ends; a second one ends it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []

    def hold(number: int, _: Any) -> None:
        if heard:
            raise KeyboardInterrupt
        heard.append(number)

    before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            # Spark has a handler of its own, which cancels its jobs
            if signal.getsignal(number) is hold:
                signal.signal(number, handler or signal.SIG_DFL)
        for late in heard:
            signal.raise_signal(late)


@contextmanager
def quiet_start() -> Iterator[None]:
    """Hold back what a JVM says while it starts, unless that fails; later lines go to Python's stderr."""
    try:
        from pyspark import java_gateway
    except ImportError:  # a client of Spark Connect alone
        yield
        return
    launch: Any = vars(java_gateway)["Popen"]
    held, readers, started = list[str](), list[threading.Thread](), threading.Event()

    def forward(stderr: Any) -> None:
        for line in stderr:
            said = line.decode(errors="replace")
            if started.is_set():
                sys.stderr.write(said)  # not to its handle: what draws a progress bar takes its place
            else:
                held.append(said)

    def start(*args: Any, **kwargs: Any) -> Any:
        java = launch(*args, **{"stderr": subprocess.PIPE, **kwargs})
        if java.stderr is not None:
            readers.append(threading.Thread(target=forward, args=(java.stderr,), daemon=True))
            readers[-1].start()
        return java

    vars(java_gateway)["Popen"] = start
    try:
        yield
    except BaseException:
        for reader in readers:
            reader.join(1)  # a JVM that ended says no more
        sys.stderr.writelines(held)
        raise
    finally:
        vars(java_gateway)["Popen"] = launch
        started.set()


def log_nothing_at_the_end() -> None:
    """Let a JVM that a signal ends log nothing: its tasks would complain that their Python workers are gone."""
    log4j = "org.apache.logging.log4j"
    with suppress(Exception):  # where classes of the JVM are kept from us, it complains
        jvm = _gateway().jvm
        invoke, named = jvm.java.lang.invoke, jvm.java.lang.Class.forName
        takes = invoke.MethodType.methodType(jvm.java.lang.Void.TYPE, named(f"{log4j}.Level"))
        configurator = named(f"{log4j}.core.config.Configurator")
        set_level = invoke.MethodHandles.publicLookup().findStatic(configurator, "setRootLevel", takes)
        log_nothing = set_level.bindTo(jvm.org.apache.logging.log4j.Level.OFF)
        runnable = invoke.MethodHandleProxies.asInterfaceInstance(named("java.lang.Runnable"), log_nothing)
        # before the hook of Spark, which stops the workers
        jvm.org.apache.hadoop.util.ShutdownHookManager.get().addShutdownHook(runnable, 1_000)


def cancel_jobs() -> bool:
    """Cancel what classic Spark runs for this process, so that nothing writes to what is removed next.

    Says whether there is a classic Spark. Then what waits for it must not end by a KeyboardInterrupt, on which py4j
    closes connections, that of the next call among them.
    """
    context: Any = getattr(getattr(pyspark, "SparkContext", None), "_active_spark_context", None)

    def cancel() -> None:
        with suppress(Exception):  # it may go down itself
            context.setLogLevel("OFF")  # each task would complain
            until = time.monotonic() + _STOP_SECONDS
            # a query that is still planned begins its jobs later, and a write commits after its last one
            while _are_queries_open(context) and time.monotonic() < until:
                context.cancelAllJobs()
                time.sleep(0.02)

    if context is None:
        return False
    # a thread has a connection of its own to Java: that of the thread that waits for a job is taken
    asks = threading.Thread(target=cancel, daemon=True)
    asks.start()
    asks.join(_STOP_SECONDS)
    # on the connection that waits an answer may still come, which would be handed to the next call
    with suppress(AttributeError, KeyError, TypeError):
        vars(_gateway())["_gateway_client"].thread_connection.connection = None
    return True


def _are_queries_open(context: Any) -> bool:
    """Say whether classic Spark runs jobs, or has not ended one of its newest queries."""
    if context.statusTracker().getActiveStageIds():
        return True
    session: Any = getattr(pyspark.sql.SparkSession, "_instantiatedSession", None)
    if session is None:
        return False
    store = vars(session)["_jsparkSession"].sharedState().statusStore()
    newest = store.executionsList(max(0, store.executionsCount() - _QUERIES), _QUERIES)
    return any(newest.apply(place).completionTime().isEmpty() for place in range(newest.size()))


def stop_java() -> None:
    """Stop the JVM that this process started, if there is one, and wait until it writes nothing more."""
    java: Any = getattr(_gateway(), "proc", None)
    if java is None:
        return
    java.terminate()  # its temporary folders go with it
    try:
        java.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        java.kill()
        java.wait()


def _gateway() -> Any:
    """Return the connection to the JVM of this process, if it has one."""
    return getattr(getattr(pyspark, "SparkContext", None), "_gateway", None)  # pyspark-client has no context
