"""Generate data set G: 10 latent dimensions seen through 28 noisy features, seeded."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FEATURES = 28
LATENT = 10


def latent_rows(rows: int, seed: int, features: int = FEATURES, noise: float = 0.05) -> np.ndarray:
    """Return rows x features: a random linear map of `LATENT` normal dimensions, and noise."""
    shape = np.random.default_rng(7).normal(size=(LATENT, features))
    draw = np.random.default_rng(seed)
    return draw.normal(size=(rows, LATENT)) @ shape + noise * draw.normal(size=(rows, features))


def write_g(folder: Path, majority: int = 1_600_000, minority: int = 100_000, files: int = 8) -> None:
    """Write G as Parquet: id, f0 ... f27, label; the minority spread evenly over the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in range(files):
        sizes = (majority // files, minority // files)
        rows = np.concatenate([latent_rows(sizes[0], 100 + part), latent_rows(sizes[1], 200 + part) * 0.8 + 0.5])
        label = np.repeat(np.array([0, 1], np.int32), sizes)
        order = np.random.default_rng(part).permutation(len(rows))
        ids = np.arange(len(rows), dtype=np.int64) + part * len(rows)
        columns = {"id": ids} | {f"f{i}": rows[order, i] for i in range(FEATURES)} | {"label": label[order]}
        pq.write_table(pa.table(columns), folder / f"part-{part:02d}.parquet", row_group_size=262_144)


if __name__ == "__main__":
    write_g(Path(sys.argv[1]), *map(int, sys.argv[2:]))
