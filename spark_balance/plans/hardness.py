"""Score rows by models that were fitted on a sample of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from spark_balance.columns import temp
from spark_balance.kernels.hardness import Learnt, opened
from spark_balance.plans.arrow import unpacked
from spark_balance.plans.cells import FEATURES
from spark_balance.plans.keys import CODE, UNIT
from spark_balance.plans.ranked import SCORE

DRAW = temp("draw")


def scored_by_hardness(units: DataFrame, group_of: Mapping[int, int], groups: Mapping[int, Learnt]) -> DataFrame:
    """Score rows by how hard they are to classify.

    Parameters
    ----------
    units : DataFrame
        Units with `plans.cells.FEATURES` and the draw that sampled them.
    group_of : dict of int to int
        For each class number, the group whose models judge it.
    groups : dict of int to Learnt
        They travel with the plan.

    Notes
    -----
    Cost: one crossing to Python, no shuffle; a task opens the model of each group it meets. Lazy.
    """
    fields = [T.StructField(name, units.schema[name].dataType) for name in UNIT]
    schema = T.StructType([*fields, T.StructField(SCORE, T.LongType())])

    def scores(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        models: dict[int, object] = {}
        for batch in batches:
            if not batch.num_rows:
                continue
            codes = batch.column(CODE).to_numpy(zero_copy_only=False).astype(np.int64)
            draws = batch.column(DRAW).to_numpy(zero_copy_only=False)
            flat = batch.column(FEATURES)
            rows = unpacked(flat, len(flat[0]))
            own = np.array([group_of[code] for code in codes.tolist()])
            score = np.empty(len(codes), dtype=np.int64)
            for group in map(int, np.unique(own)):
                if group not in models:
                    models[group] = opened(groups[group].model)
                here = own == group
                score[here] = groups[group](rows[here], codes[here], draws[here], models[group])
            yield pa.record_batch({name: batch.column(name) for name in UNIT} | {SCORE: pa.array(score)})

    return units.mapInArrow(scores, schema)
