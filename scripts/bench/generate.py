"""Generate the data of the benchmarks, seeded, as Parquet files in pieces: no size needs more memory than one piece.

.venv/bin/python scripts/bench/generate.py /tmp/G     # data set G alone
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

FEATURES = 28
LATENT = 10
PIECE_NUMBERS = 250_000 * FEATURES
Floats = NDArray[np.float64]
Shape = Callable[[int, int], Floats]  # rows, number of the piece -> rows x features


def latent_rows(rows: int, seed: int, features: int = FEATURES, noise: float = 0.05) -> Floats:
    """Return rows x features: a random linear map of `LATENT` normal dimensions, and noise."""
    shape = np.random.default_rng(7).normal(size=(LATENT, features))
    draw = np.random.default_rng(seed)
    made: Floats = draw.normal(size=(rows, LATENT)) @ shape + noise * draw.normal(size=(rows, features))
    return made


def write_g(folder: Path, majority: int = 1_600_000, minority: int = 100_000, files: int = 8) -> None:
    """Write G as Parquet: id, f0 ... f27, label; the minority spread evenly over the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in range(files):
        sizes = (majority // files, minority // files)
        rows = np.concatenate([latent_rows(sizes[0], 100 + part), latent_rows(sizes[1], 200 + part) * 0.8 + 0.5])
        label = np.repeat(np.array([0, 1], np.int32), sizes)
        order = np.random.default_rng(part).permutation(len(rows))
        _write(folder / f"part-{part:02d}.parquet", part * len(rows), rows[order], label[order])


def write_by_class(folder: Path, source: Path) -> None:
    """Write the rows of G again, each class in files of its own: a layout whose classes a scan can skip."""
    for label in (0, 1):
        for path in sorted(source.glob("*.parquet")):
            rows = pq.read_table(path, filters=[("label", "=", label)])
            folder.mkdir(parents=True, exist_ok=True)
            pq.write_table(rows, folder / f"{label}-{path.name}", row_group_size=262_144)


def write_shape(folder: Path, shape: Shape, minority: int, majority: int = 10_000) -> None:
    """Write a minority of any shape, label 1, in pieces, and a majority of normal rows, label 0."""
    folder.mkdir(parents=True, exist_ok=True)
    features = shape(1, 0).shape[1]
    _write(folder / "majority.parquet", minority, latent_rows(majority, 99, features), np.zeros(majority, np.int32))
    piece = max(1, PIECE_NUMBERS // features)
    for number, start in enumerate(range(0, minority, piece)):
        rows = shape(min(piece, minority - start), number)
        _write(folder / f"minority-{number:03d}.parquet", start, rows, np.ones(len(rows), np.int32))


def write_points(folder: Path, points: Floats, majority: int) -> None:
    """Write a minority that is at hand as an array; the id of a row is its position."""
    piece = max(1, PIECE_NUMBERS // points.shape[1])
    write_shape(folder, lambda rows, number: points[number * piece :][:rows], len(points), majority)


def once(folder: Path, write: Callable[[Path], None]) -> Path:
    """Write a data set if it is not there; a half-written one is never taken for whole."""
    if not folder.exists():
        print(f"  writing {folder}", flush=True)
        staging = folder.with_name(f".{folder.name}.staging")
        shutil.rmtree(staging, ignore_errors=True)
        write(staging)
        staging.rename(folder)
    return folder


def names(features: int = FEATURES) -> list[str]:
    """Return the names of the feature columns."""
    return [f"f{i}" for i in range(features)]


def _write(path: Path, first_id: int, rows: Floats, label: NDArray[np.int32]) -> None:
    ids = np.arange(first_id, first_id + len(rows), dtype=np.int64)
    columns = {"id": ids} | {name: rows[:, i] for i, name in enumerate(names(rows.shape[1]))} | {"label": label}
    pq.write_table(pa.table(columns), path, row_group_size=262_144)


if __name__ == "__main__":
    write_g(Path(sys.argv[1]), *map(int, sys.argv[2:]))
