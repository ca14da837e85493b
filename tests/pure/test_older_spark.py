"""What is cut of a sorted stream of rows where Spark has no function of groups that takes Arrow."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, strategies as st

from spark_balance.frames.older_spark import cut_groups


@given(
    sizes=st.dictionaries(st.integers(-(2**31), 2**31 - 1), st.integers(1, 7), max_size=6),
    cuts=st.lists(st.integers(0, 40), max_size=5),
)
def test_every_group_comes_whole_however_the_stream_is_cut(sizes, cuts):
    keys = [key for key, size in sorted(sizes.items()) for _ in range(size)]
    rows = pa.record_batch({"key": pa.array(keys, pa.int32()), "row": pa.array(range(len(keys)), pa.int64())})
    edges = sorted({0, len(keys), *(cut for cut in cuts if cut < len(keys))})
    # two cuts at one place: an empty batch
    batches = [rows.slice(start, end - start) for start, end in zip([0, *edges], edges, strict=False)]
    groups = list(cut_groups(batches, "key"))
    assert [group["key"].unique().to_pylist() for group in groups] == [[key] for key in sorted(sizes)]
    assert [row for group in groups for row in group["row"].to_pylist()] == list(range(len(keys)))
