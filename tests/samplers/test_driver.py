"""What comes to the driver: class counts, and of rows a sample that is bounded."""

from __future__ import annotations

from cases import crossed
from frames import labelled

SAMPLED = 300


# SMOTEN counts the classes of every value, which are as many as there are: see test_categories
@crossed(lambda case: case.method != "smoten")
def test_only_counts_and_a_bounded_sample_come_to_the_driver(spark, case, monkeypatch):
    df = labelled(spark, [4_000, 2_000, 1_000])
    for bound in (
        "frames.sample.SAMPLE_ROWS",
        "frames.levels.MOST_HELD",
        "frames.fetch.FITTED_ROWS",
        "combine.combined.HELD_NUMBERS",
        "under_sampling.edited_nearest_neighbours.HELD",
    ):
        monkeypatch.setattr(f"spark_balance.{bound}", SAMPLED)
    fetched = []
    to_arrow = type(df).toArrow

    def counted(frame):
        fetched.append(to_arrow(frame))
        return fetched[-1]

    def refused(*_):
        raise AssertionError("rows are fetched")

    monkeypatch.setattr(type(df), "toArrow", counted)
    for name in ("collect", "toPandas", "toLocalIterator", "head", "take", "show"):
        monkeypatch.setattr(type(df), name, refused)
    case().fit_resample(df)
    # a sampled row is 3 features and 3 numbers to tell it by; 3,000 rows could be sampled
    of_sample = 4 * SAMPLED * 8 * 6 if case.learns else 0
    assert sum(table.nbytes for table in fetched) < 1_000 + of_sample
