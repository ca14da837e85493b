"""Data to try things on: made up, of any size, the same for a seed."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyarrow as pa

from spark_balance.errors import ParameterError
from spark_balance.frames.arguments import Session, checked
from spark_balance.frames.older_spark import from_arrow
from spark_balance.kernels import Floats

__all__ = ["payments"]

FRAUD = 0.003
_START = 1_735_689_600  # 2025-01-01 UTC
_DAYS = 90
_COUNTRIES = {"DE": 0.34, "FR": 0.22, "PL": 0.16, "ES": 0.15, "IT": 0.12, None: 0.01}
_CATEGORIES = {
    "groceries": 0.38,
    "restaurants": 0.22,
    "clothes": 0.16,
    "travel": 0.1,
    "electronics": 0.1,
    "gifts": 0.04,
}
_DEVICES = {"terminal": 0.5, "app": 0.31, "web": 0.15, None: 0.04}
_RISKS = {"electronics": 1.0, "gifts": 2.0, "app": 0.5, "web": 2.0}  # what it adds to the score of a payment
_NO_DISTANCE = 0.06


@checked
def payments(
    rows: int = 10_000,
    *,
    seed: int = 0,
    frame: Literal["pandas", "polars", "pyarrow"] = "pandas",
    spark: Session | None = None,
) -> Any:
    """Return a table of made-up payments, of which 0.3 % are fraud.

    Parameters
    ----------
    rows : int
        Number of payments, at least 1.
    seed : int
        Seed of the table, at least 0.
    frame : {'pandas', 'polars', 'pyarrow'}
        Library of the frame that is returned.
    spark : SparkSession, optional
        Return a DataFrame of this session instead.

    Returns
    -------
    DataFrame of pandas, polars or Spark, or pyarrow.Table
        A row for each payment, in the order of time:

        ``payment_id``, ``customer``
            A unique number; text, some 20 payments each.
        ``paid_at``
            Timestamp in UTC within 90 days.
        ``country``, ``category``, ``device``
            Text; 1 % of the countries and 4 % of the devices are NULL.
        ``amount``
            Decimal with two places.
        ``age``, ``attempts``
            Age of the customer in years, and attempts before the payment went through.
        ``distance_km``
            From the payment before; 6 % are NULL.
        ``is_fraud``
            0 or 1. Exactly 0.3 % are 1, rounded, at least one; amount, attempts, distance, hour, category and device
            say much of which.

    Raises
    ------
    SparkBalanceError
        If an argument does not fit, or polars is asked for and not installed.

    Examples
    --------
    >>> from spark_balance.datasets import payments
    >>> class_counts(payments(10_000), "is_fraud").rows
    {0: 9970, 1: 30}
    """
    if rows < 1 or seed < 0:
        raise ParameterError(
            f"payments: rows={rows}, seed={seed} is refused; give rows of at least 1, seed of at least 0"
        )
    table = _table(rows, np.random.default_rng(seed))
    if spark is not None:
        return from_arrow(spark, table)
    if frame == "polars":
        try:
            import polars as pl
        except ImportError:
            raise ParameterError("payments: frame='polars' needs polars: pip install polars") from None
        return pl.DataFrame(table)
    return table if frame == "pyarrow" else table.to_pandas()


def _table(rows: int, rng: np.random.Generator) -> pa.Table:
    country, category, device = (_drawn(rng, rows, of) for of in (_COUNTRIES, _CATEGORIES, _DEVICES))
    customers = pa.array([f"c{number:05}" for number in range(1 + rows // 20)])
    seconds = np.sort(np.floor(rng.random(rows) * _DAYS * 86_400))
    hour = seconds // 3600 % 24
    amount = np.round(np.exp(rng.normal(3.2, 1.0, rows)) + 0.5, 2)
    age = 18 + np.floor(rng.gamma(3.0, 9.0, rows)).clip(max=77)
    attempts = 1 + rng.poisson(0.15, rows)
    distance = np.round(rng.exponential(12.0, rows) * np.exp(rng.normal(0.0, 1.2, rows)), 1)
    known = rng.random(rows) >= _NO_DISTANCE
    score = 1.3 * (np.log(amount) - 3.2) + 2.0 * (attempts - 1) + 0.9 * np.log1p(distance / 20) * known
    score += 2.0 * (hour < 6) + _risks(category) + _risks(device) + rng.logistic(0.0, 0.7, rows)
    fraud = np.zeros(rows, np.int32)
    fraud[np.argsort(-score, kind="stable")[: max(1, round(rows * FRAUD))]] = 1
    return pa.table(
        {
            "payment_id": pa.array(1_000_000 + rng.permutation(rows)),
            "paid_at": pa.array(((_START + seconds) * 1_000_000).astype(np.int64), pa.timestamp("us", "UTC")),
            "customer": customers.take(pa.array(rng.integers(0, len(customers), rows))),
            "country": country,
            "category": category,
            "device": device,
            "amount": pa.array(amount).cast(pa.decimal128(10, 2)),
            "age": pa.array(age.astype(np.int32)),
            "attempts": pa.array(attempts.astype(np.int32)),
            "distance_km": pa.array(distance, mask=~known),
            "is_fraud": pa.array(fraud),
        }
    )


def _drawn(rng: np.random.Generator, rows: int, shares: dict[Any, float]) -> pa.Array:
    """Draw values by their shares."""
    drawn = np.searchsorted(np.cumsum([*shares.values()])[:-1], rng.random(rows), side="right")
    return pa.array([*shares], pa.string()).take(pa.array(drawn))


def _risks(values: pa.Array) -> Floats:
    """Return what each value adds to the score."""
    numbers = values.dictionary_encode()
    risks = np.array([_RISKS.get(value, 0.0) for value in numbers.dictionary.to_pylist()])
    added: Floats = risks[numbers.indices.fill_null(0).to_numpy()] * values.is_valid().to_numpy(zero_copy_only=False)
    return added
