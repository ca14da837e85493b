"""Bytes that a SMOTE job reads from its source, stage by stage, against the floor's and what the goal allows.

Allowed are the floor's bytes, the label column, and twice the features and key of the row groups that hold rows to
grow, by the Parquet footers; and the footers themselves, which every scan reads. Two layouts: classes mixed in every
row group, where nothing can be skipped, and by class.

    .venv/bin/python scripts/bench/bytes_read.py [--quick] [layout ...]
"""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
from event_log import COUNT_BYTES, is_there, logged, one
from generate import once, write_by_class
from section import DATA, Options, Row, main
from timed_jobs import data_set_g


def sizes(folder: Path) -> dict[str, float]:
    """Return the megabytes of the label column, and of features and key in row groups with rows to grow."""
    label = features = 0
    for path in sorted(folder.glob("*.parquet")):
        footer = pq.ParquetFile(path).metadata
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            columns = {group.column(i).path_in_schema: group.column(i) for i in range(footer.num_columns)}
            label += columns["label"].total_compressed_size
            if columns["label"].statistics.max == 1:
                features += sum(c.total_compressed_size for name, c in columns.items() if name != "label")
    return {"label_mb": label / 1e6, "grown_mb": features / 1e6}


def measure(options: Options) -> list[Row]:
    """Measure both layouts; one row for each stage, and one for the sum."""
    if not is_there(options):
        return []
    mixed = data_set_g(options.quick)
    by_class = once(DATA / f"{mixed.name}-by-class", lambda folder: write_by_class(folder, mixed))
    layouts = {"by class": by_class} if options.quick else {"mixed": mixed, "by class": by_class}
    result: list[Row] = []
    for layout, folder in layouts.items():
        if not options.wants(layout):
            continue
        about = sizes(folder)
        floor = sum(stage["read_mb"] for stage in logged("floor up", str(folder), COUNT_BYTES))
        read = [stage for stage in logged("SMOTE", str(folder), COUNT_BYTES) if stage["read_mb"]]
        result += [{"layout": layout, "step": stage["step"], "read_mb": stage["read_mb"]} for stage in read]
        # the scan of the labels alone reads hardly more than footers
        footers = sum(stage["read_mb"] for stage in read if stage["step"] == "counts") - about["label_mb"]
        allowed = floor + about["label_mb"] + 2 * (about["grown_mb"] + footers)
        total = sum(stage["read_mb"] for stage in read)
        row = {"layout": layout, "step": "all", "read_mb": total, "floor_mb": floor, "allowed_mb": allowed}
        result.append(row | about | {"footers_mb": footers})
    return result


if __name__ == "__main__":
    main(measure, one, rounds=1)
