"""Where the time of the timed jobs on data set G goes on classic Spark: stage by stage, from the event log.

.venv/bin/python scripts/bench/profile_stages.py [--quick] [job ...]
"""

from __future__ import annotations

from event_log import is_there, logged, one
from section import Options, Row, main
from timed_jobs import data_set_g

PROFILED = ("floor up", "SMOTE", "SMOTE exact", "floor down", "sampleBy", "under, key", "under, no key")


def measure(options: Options) -> list[Row]:
    """Return the stages of the jobs and of their floors."""
    folder = str(data_set_g(options.quick))
    jobs = (
        [job for job in (PROFILED[1:] if options.quick else PROFILED) if options.wants(job)]
        if is_there(options)
        else []
    )
    return [{"job": job} | stage for job in jobs for stage in logged(job, folder, {})]


if __name__ == "__main__":
    main(measure, one, rounds=1)
