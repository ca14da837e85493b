"""What the workers search with: they have environments of their own, so only they can say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from spark_balance.frames.arguments import Session, checked
from spark_balance.frames.older_spark import to_arrow
from spark_balance.kernels.steps import fastest

ASKED = 32  # tasks, so that most workers are asked


@checked
def searched_with(spark: Session) -> list[str]:
    """Return what the workers search large cells with: a small job asks them.

    numba, of the extra `[fast]`, where it is installed beside the library on the workers, works, and has a folder to
    keep what it compiled in; else NumPy. Both find the same neighbors.

    Parameters
    ----------
    spark : SparkSession
        The session whose workers are asked.

    Returns
    -------
    list of str
        Packages and their versions, each once, in alphabetic order; more than one where workers differ.

    Notes
    -----
    The first time, a worker without compiled functions of this version spends some seconds to compile them.

    Examples
    --------
    >>> [one.split()[0] in ("numba", "numpy") for one in searched_with(spark)]
    [True]
    """
    answers = spark.range(0, ASKED, 1, ASKED).mapInArrow(_say, "made_by string").distinct()
    return sorted(to_arrow(answers)["made_by"].to_pylist())


def _say(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for _ in batches:
        pass
    yield pa.RecordBatch.from_pydict({"made_by": [fastest().made_by]})
