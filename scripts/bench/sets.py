"""The data sets that recall is measured on, each the rows of one class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import tomli
from generate import Floats, latent_rows
from sklearn.datasets import load_digits

FLIGHTS = Path("data/flights")


def flights(rows: int) -> Floats:
    """Return the late flights of the demo, its 14 features: real data, so as many as there are."""
    with open("conf/jobs/smote.toml", "rb") as file:
        columns = tomli.load(file)["sampler"]["smote"]["feature_cols"]
    frame = pd.read_parquet(FLIGHTS, columns=["late", *columns])
    late: Floats = frame[frame["late"].fillna(False).astype(bool)][columns].to_numpy(np.float64)
    return late[:rows]


def g(rows: int) -> Floats:
    """Return rows x 28 of data set G's minority."""
    return latent_rows(rows, 200) * 0.8 + 0.5


def digits(rows: int) -> Floats:
    """Return rows x 64: mixtures of scikit-learn's digits in 10 latent dimensions, and noise."""
    images = load_digits().data
    center = images.mean(axis=0)
    _, _, axes = np.linalg.svd(images - center, full_matrices=False)
    latent = (images - center) @ axes[:10].T
    draw = np.random.default_rng(3)
    chosen = latent[draw.integers(len(latent), size=rows)] + draw.normal(size=(rows, 10)) * latent.std(axis=0) * 0.3
    made: Floats = chosen @ axes[:10] + draw.normal(size=(rows, 64)) * 0.1
    return made


def heavy(rows: int) -> Floats:
    """Return rows x 28 with log-normal tails."""
    made: Floats = np.exp(latent_rows(rows, 11) / 3)
    return made


def blob(rows: int) -> Floats:
    """Return rows x 28, 90 % of them in one dense blob of 10 latent dimensions."""
    made = latent_rows(rows, 12)
    made[: rows * 9 // 10] *= 0.02
    return made


def ball(rows: int) -> Floats:
    """Return rows x 28, 90 % of them in an isotropic ball: no index can help."""
    made = latent_rows(rows, 13)
    inside = rows * 9 // 10
    made[:inside] = np.random.default_rng(5).normal(size=(inside, 28)) * 0.1
    return made


def ball_of_16(rows: int) -> Floats:
    """Return rows x 16 from one isotropic ball."""
    made: Floats = np.random.default_rng(16).normal(size=(rows, 16))
    return made


def curved(rows: int) -> Floats:
    """Return rows x 24 on 30 curved sheets of 4 dimensions, and a little noise."""
    draw = np.random.default_rng(24)
    sheet, at = draw.integers(30, size=rows), draw.uniform(-1, 1, size=(rows, 4))
    bends, shifts = draw.normal(size=(30, 4, 24)), draw.normal(size=(30, 24))
    made: Floats = draw.normal(size=(rows, 24)) * 0.02
    for number in range(30):
        there = sheet == number
        made[there] += np.sin(at[there] @ bends[number]) + shifts[number]
    return made


# name: (how to make it, rows, rows for a quick run, which leaves some sets out)
SETS: dict[str, tuple[Callable[[int], Floats], int, int]] = {
    "flights": (flights, 10**9, 10_000),
    "G": (g, 100_000, 20_000),
    "digits": (digits, 200_000, 20_000),
    "heavy tails": (heavy, 100_000, 0),
    "blob": (blob, 100_000, 0),
    "ball": (ball, 100_000, 20_000),
    "16-d ball": (ball_of_16, 50_000, 0),
    "curved": (curved, 60_000, 0),
    "curved, 1 M": (curved, 1_000_000, 0),
    "G, 500 k": (g, 500_000, 0),
    "G, 1.46 M": (g, 1_460_000, 0),
    "G, 2 M": (g, 2_000_000, 0),
    "G, 4 M": (g, 4_000_000, 0),
}
LARGE = 300_000  # rows of a set of which only the default search is measured, by one new row of each


def standardised(name: str, rows: int) -> Floats:
    """Return a set with every feature at standard deviation 1, so that scaling or not is the same."""
    made = SETS[name][0](rows)
    scaled: Floats = (made - made.mean(axis=0)) / made.std(axis=0)
    return scaled
