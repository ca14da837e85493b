"""What the console script and the jobs start: one sentence for a user's mistake, a traceback for ours."""

from __future__ import annotations

import signal
import sys


def main(*words: str) -> None:
    """Run a command, ``spark-balance`` with these words before the ones typed.

    Exits 0 when done, 2 on a user's mistake; anything else is a bug and keeps its traceback.
    """
    from spark_balance.errors import SparkBalanceError

    # a terminated job still removes what it staged
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        from spark_balance.cli import app

        app([*words, *sys.argv[1:]], prog_name="spark-balance")
    except SparkBalanceError as mistake:
        sys.exit(_told(str(mistake)))
    except ModuleNotFoundError as missing:
        # grpc, pandas and the like are missing when pyspark came without its extra connect
        if missing.name is None or missing.name.split(".")[0] not in ("pyspark", "grpc"):
            raise
        sys.exit(
            _told(
                f"{missing.name} is not installed: pip install 'spark-balance[spark]' (needs Java 17)"
                " or 'spark-balance[sail]' (needs none)"
            )
        )


def _told(sentence: str) -> int:
    sys.stderr.write(f"spark-balance: {sentence}\n")
    return 2


if __name__ == "__main__":
    main()
