"""The entry point of the console script and of the jobs: one sentence for a user's mistake, a traceback for a bug."""

import signal
import sys

from spark_balance.errors import SparkBalanceError

_ENGINES = "pip install 'spark-balance[spark]' (needs Java 17) or 'spark-balance[sail]' (needs none)"
_EXTRAS = {
    **dict.fromkeys(("pyspark", "grpc", "google"), _ENGINES),
    **dict.fromkeys(("typer", "rich", "pythonjsonlogger"), "pip install 'spark-balance[cli]'"),
}


def main(*words: str) -> None:
    """Run a command, ``spark-balance`` with these words before the typed ones.

    Exits 0 when done, 2 on a user's mistake, 3 when a limit that the user set forbids the run, 143 when
    terminated; 1 is a bug and keeps its traceback.
    """
    # a terminated job still removes what it staged
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        from spark_balance.app.cli import app

        app([*words, *sys.argv[1:]], prog_name="spark-balance")
    except SparkBalanceError as mistake:
        sys.stderr.write(f"spark-balance: {mistake}\n")
        sys.exit(mistake.exit_code)
    except ImportError as missing:
        # pyspark raises an error of its own for the packages of its extra "connect"
        is_connect = type(missing).__name__ == "PySparkImportError"
        package = "pyspark" if is_connect else (missing.name or "").split(".")[0]
        if package not in _EXTRAS:
            raise
        what = "what pyspark needs for Spark Connect and Sail" if is_connect else package
        sys.stderr.write(f"spark-balance: {what} is not installed: {_EXTRAS[package]}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
