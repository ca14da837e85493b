"""What the console script and the jobs start: one sentence for a user's mistake, a traceback for ours."""

from __future__ import annotations

import signal
import sys


def main(*words: str) -> None:
    """Run a command, ``spark-balance`` with these words before the ones typed.

    Exits 0 when done, 2 on a user's mistake, 3 when a limit that the user set forbids the run, 143 when
    terminated; 1 is a bug and keeps its traceback.
    """
    from spark_balance.errors import SparkBalanceError

    # a terminated job still removes what it staged
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        from spark_balance.cli import app

        app([*words, *sys.argv[1:]], prog_name="spark-balance")
    except SparkBalanceError as mistake:
        sys.exit(_told(str(mistake), mistake.exit_code))
    except ImportError as missing:
        # pyspark without its extra connect has an error of its own for what it lacks then
        connect = type(missing).__name__ == "PySparkImportError"
        if not connect and (missing.name or "").split(".")[0] not in ("pyspark", "grpc", "google"):
            raise
        what = "what pyspark needs for Spark Connect and Sail" if connect else missing.name
        sys.exit(
            _told(
                f"{what} is not installed: pip install 'spark-balance[spark]' (needs Java 17)"
                " or 'spark-balance[sail]' (needs none)"
            )
        )


def _told(sentence: str, code: int = 2) -> int:
    sys.stderr.write(f"spark-balance: {sentence}\n")
    return code


if __name__ == "__main__":
    main()
