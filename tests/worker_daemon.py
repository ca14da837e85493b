"""Spark's daemon of Python workers, without the zips and jars on its path.

Python 3.11 reads the directories of all archives on the path again before each task: four fifths of what a worker of a
small test does.
"""

import sys

for place in [place for place in sys.path if place.endswith((".zip", ".jar"))]:
    sys.path.remove(place)
    sys.path_importer_cache.pop(place, None)

from pyspark import daemon, worker, worker_util  # noqa: E402 - they are in the archives too

_holder = worker_util if hasattr(worker_util, "add_path") else worker  # Spark 3.5
_add_path = _holder.add_path


def _add_unless_archive(path):
    if not path.endswith((".zip", ".jar")):
        _add_path(path)


# each task names the jars of the session anew
_holder.add_path = _add_unless_archive

if __name__ == "__main__":
    daemon.manager()
