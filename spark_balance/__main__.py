"""The entry point of the console script and of the jobs: one sentence for a user's mistake, a traceback for a bug."""

import io
import logging
import os
import signal
import sys
import traceback
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn

from spark_balance.errors import EngineFailureError, SparkBalanceError

_ENGINES = "pip install 'spark-balance[spark]' (needs Java 17) or 'spark-balance[sail]' (needs none)"
_EXTRAS = {
    **dict.fromkeys(("pyspark", "grpc", "google"), _ENGINES),
    **dict.fromkeys(("typer", "rich", "pythonjsonlogger", "tomli_w"), "pip install 'spark-balance[cli]'"),
}
# the option of other methods, beside the one that this method has for it
_MEANT = {
    "--label": ("--target", "this method resamples by a number, which --target names"),
    "--target": ("--label", "this method resamples classes, which --label names; smoter takes a number to predict"),
}
_STOPS: dict[int, str] = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
_SECONDS = 10


def main(*words: str) -> None:
    """Run a command, ``spark-balance`` with these words before the typed ones, as all that the process does.

    Exits 0 when done, 2 on a user's mistake, 3 when a limit that the user set forbids the run, 130 when interrupted and
    143 when terminated; 1 is a bug or an engine that failed, with its traceback.
    """
    # what the process hears, whatever handlers Spark and Sail put into the place of these
    hears, wakes = os.pipe()
    for end in (hears, wakes):
        os.set_blocking(end, False)
    woken = signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    stderr, stderr_of_submit = sys.stderr, _stderr_of_submit()
    before = {number: signal.signal(number, _stop) for number in _STOPS}
    code, says, bug = run(*words)
    for number in _STOPS:
        signal.signal(number, signal.SIG_IGN)
    signal.alarm(0)
    signal.set_wakeup_fd(woken)
    # a run that was over by then keeps its code
    if code != 0 and (stopped := _heard(hears)):
        _drop_what_runs()
        sys.stderr = stderr
        _say(f"spark-balance: {_STOPS[stopped]}; what was staged is removed\n", stderr_of_submit)
        _leave(128 + stopped)
    if code != 0:
        _call("storage.local_files", "clear_own")  # a task of Sail's may have written on when another had failed
    sys.stderr = stderr
    _say(says, stderr_of_submit if code == 1 else None)
    if "pysail" in sys.modules:
        if bug is not None:
            traceback.print_exception(bug)
        _leave(code)
    for number, handler in before.items():
        signal.signal(number, handler or signal.SIG_DFL)
    if bug is not None:
        raise bug
    # Databricks takes any SystemExit for a failure
    if code != 0:
        sys.exit(code)


def _stop(*_: Any) -> NoReturn:
    # the connection to Spark is cut where it stands: what logs, and threads that print, would complain
    logging.disable()
    sys.stderr = io.StringIO()
    is_classic = _call("engines", "cancel_jobs")
    if "pysail" in sys.modules:
        _give_up()  # Sail ends with the process, and answers nothing while it runs Python
    # a server that is asked to stop its work may not answer either
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(_SECONDS)
    if is_classic:
        _give_up()
    raise KeyboardInterrupt  # the client of Connect asks its server to stop


def _give_up(*_: Any) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def _heard(hears: int) -> int | None:
    """Return the signal that asked for an end, if one did."""
    with suppress(BlockingIOError):
        return next((number for number in os.read(hears, 64) if number in _STOPS), None)
    return None


def _stderr_of_submit() -> int | None:
    """Return the stderr of spark-submit, which hands on what Python says for as long as it lives itself."""
    with suppress(OSError):  # /proc is Linux'
        if "PYSPARK_GATEWAY_PORT" in os.environ and "DATABRICKS_RUNTIME_VERSION" not in os.environ:
            return os.open(f"/proc/{os.getppid()}/fd/2", os.O_WRONLY | os.O_APPEND)
    return None


def _say(text: str, handle: int | None) -> None:
    if handle is None:
        sys.stderr.write(text)
        return
    with suppress(OSError):
        os.write(handle, text.encode())


def _drop_what_runs() -> None:
    """Stop the engine, then remove what it wrote after the run had removed what was staged."""
    _call("engines", "stop_java")
    _call("storage.local_files", "clear_own")


def _call(module: str, function: str) -> Any:
    # what was not imported has begun nothing
    if found := sys.modules.get(f"spark_balance.app.{module}"):
        with suppress(Exception):
            return getattr(found, function)()
    return None


def _leave(code: int) -> NoReturn:
    """End the process at once: the interpreter would wait for Sail's threads that run Python, or end by SIGABRT."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


class End(NamedTuple):
    """How a command ended: its exit code, what to say on stderr, and an exception that is a bug."""

    code: int
    says: str = ""
    bug: BaseException | None = None


def run(*words: str) -> End:
    """Run a command."""
    try:
        from spark_balance.app.cli import make_app

        typed = [*words, *sys.argv[1:]]
        return End(make_app(typed)(typed, prog_name="spark-balance", standalone_mode=False) or 0)
    except SparkBalanceError as mistake:
        failed = mistake.__cause__ if isinstance(mistake, EngineFailureError) else None
        log = "".join(traceback.format_exception(failed)) if failed else ""
        return End(mistake.exit_code, f"spark-balance: {mistake}\n{log}")
    except ImportError as missing:
        # pyspark raises an error of its own for the packages of its extra "connect"
        is_connect = type(missing).__name__ == "PySparkImportError"
        package = "pyspark" if is_connect else (missing.name or "").split(".")[0]
        if package not in _EXTRAS:
            return End(1, bug=missing)
        what = "what pyspark needs for Spark Connect and Sail" if is_connect else package
        return End(2, f"spark-balance: {what} is not installed: {_EXTRAS[package]}\n")
    except SystemExit as end:
        return End(end.code if isinstance(end.code, int) else 1)
    except KeyboardInterrupt:
        return End(128 + signal.SIGINT)
    except BaseException as failed:
        return _misused(failed) or End(1, bug=failed)


def _misused(failed: BaseException) -> End | None:
    """Return the end of a command that was not called as its help says, in a sentence."""
    # typer raises errors of click, or of a click of its own
    sentence, context = getattr(failed, "format_message", None), getattr(failed, "ctx", None)
    if sentence is None:
        return None
    said, command = str(sentence()), context.command_path if context else "spark-balance"
    if type(failed).__name__ == "NoArgsIsHelpError":
        return End(2, f"{said}\n")
    option = getattr(failed, "option_name", None)
    there = [name for one in context.command.params for name in one.opts] if context else []
    if option in _MEANT and _MEANT[option][0] in there:
        said = f"no such option: {option}, since {_MEANT[option][1]}"
    end = "" if said.endswith("?") else ";"
    return End(2, f"{command}: {said[:1].lower()}{said[1:].rstrip('.')}{end} {command} --help has all options\n")


if __name__ == "__main__":
    main()
