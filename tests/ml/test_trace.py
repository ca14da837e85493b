"""The parents of a new row are the rows that it lies between."""

from __future__ import annotations

import pytest
from frames import labelled

from spark_balance import SMOTE, RandomOverSampler, SparkBalanceError, trace


@pytest.fixture(scope="module")
def df(spark):
    return labelled(spark, [40, 12])


@pytest.mark.parametrize("key", [None, "id"])
def test_the_parents_of_a_new_row_are_those_it_lies_between(df, key):
    smote = SMOTE(label_col="label", feature_cols=["x", "y"], key_cols=key, k_neighbors=3, provenance_col="made")
    new = smote.fit_resample(df).where("made.kind = 'synthetic'").limit(6)
    rows = new.collect()
    for made, row in zip(trace(rows, df), rows, strict=True):
        assert made.kind == "synthetic"
        assert made.base["label"] == made.neighbor["label"] == row.label
        for name in ("x", "y"):
            between = made.base[name] + made.gap * (made.neighbor[name] - made.base[name])
            assert between == pytest.approx(row[name], abs=1e-9)
        assert set(made.base) == set(df.columns)
    [same] = trace(rows[0].asDict(recursive=True), df)
    assert trace(rows[0], df) == trace(rows[0].asDict(), df) == [same]
    assert len(trace(new, df)) == 6


def test_what_has_no_neighbor_or_no_parent_says_so(df):
    over = RandomOverSampler(label_col="label", key_cols="id", provenance_col="made", output="added")
    pandas = df.toPandas()
    made = over.fit_resample(pandas)
    told = trace(made, pandas)
    assert [one.base["id"] for one in told] == made["id"].tolist()
    assert {(one.kind, one.neighbor, one.gap) for one in told} == {("replica", None, None)}
    original = {"id": 1, "made": {"kind": "original", "base": None, "neighbor": None, "gap": None}}
    assert [(one.kind, one.base) for one in trace(original, df)] == [("original", None)]


def test_of_equal_parents_one_comes_to_the_driver(df, monkeypatch):
    from spark_balance.frames import provenance

    fetched, to_arrow = [], provenance.to_arrow
    monkeypatch.setattr(provenance, "to_arrow", lambda frame: fetched.append(to_arrow(frame)) or fetched[-1])
    equal = df.select("label")
    over = RandomOverSampler(label_col="label", provenance_col="made", output="added")
    [row] = over.fit_resample(equal).limit(1).collect()
    [made] = trace(row, equal)
    assert made.base == {"label": row.label}
    assert [one.num_rows for one in fetched] == [1]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda row, df: trace({"id": 1}, df), r"rows have the provenance columns \[\]; give rows of a sampler"),
        (
            lambda row, df: trace(row, df, provenance_col="id"),
            r"rows have .*\['made'\], and provenance_col='id' is not one of them",
        ),
        (lambda row, df: trace(row, df.where("id < 0")), "before lacks the base of a row, id=50; give the frame"),
        (lambda row, df: trace([row] * 1_001, df), "rows has more than 1,000"),
        (lambda row, df: trace(row, df.drop("id")), "the provenance names column 'id', which the frame does not have"),
        (lambda row, df: trace(5, df), "rows=5 is refused"),
    ],
)
def test_a_mistake_is_one_sentence(df, call, sentence):
    row = {"made": {"kind": "replica", "base": {"id": 50}, "neighbor": None, "gap": None}}
    with pytest.raises(SparkBalanceError, match=f"trace: {sentence}"):
        call(row, df)
