"""Run the jobs of the demo as ``spark-balance`` would, in one process and so in one session."""

from __future__ import annotations

import os
import sys

from spark_balance.__main__ import main, run

JOBS = ("describe", "downsample", "upsample", "smote")


def say(job: str) -> list[str]:
    """Print the command of a job, and return its words."""
    words = [job, f"conf/jobs/{job}.toml"]
    print("\n$ spark-balance", *words, *sys.argv[1:], flush=True)
    return words


if __name__ == "__main__":
    for job in JOBS[:-1]:
        end = run(*say(job))
        if end.code:
            sys.stderr.write(end.says)
            sys.stderr.flush()
            os._exit(end.code)  # the engine has threads of its own
    main(*say(JOBS[-1]))
