"""What a manifest says of the rows that were made is what the output has, and its schema refuses another form."""

from __future__ import annotations

import copy
import json

import pandas as pd
import pytest
from jsonschema import Draft202012Validator, ValidationError
from manifests import SCHEMA, check_described

from spark_balance import SparkBalanceError, read_manifest
from spark_balance.app import job
from spark_balance.app.config import JobConfig

FEW, MANY = 12, 60


@pytest.fixture
def run(spark, tmp_path):
    """Return a function that runs a sampler's table on 60 rows of one class and 12 of another, on two days."""
    rows = pd.DataFrame({"id": range(FEW + MANY), "x": [(7 * i % 31) / 1.0 for i in range(FEW + MANY)]})
    rows["y"], rows["day"] = ["few"] * FEW + ["many"] * MANY, ["mon", "tue"] * ((FEW + MANY) // 2)
    rows.to_parquet(tmp_path / "in.parquet")

    def made(sampler, table="sampler"):
        output = {"path": str(tmp_path / "out"), "mode": "overwrite"}
        given = {"input": {"path": str(tmp_path / "in.parquet")}, "output": output, table: sampler}
        done = job.run(spark, JobConfig.of(given), "balance" if table == "sampler" else table)
        manifest = read_manifest(done.manifest)
        check_described(manifest)
        return manifest, spark.read.parquet(str(tmp_path / "out"))

    return made


def classes(manifest):
    return {
        "/".join([*one["group"], one["label"]]): (one["methods"], one["rows_before"], one["rows_made"], one["bases"])
        for one in manifest["lineage"]["classes"]
    }


def test_bases_are_counted_where_provenance_names_them(run):
    asked = {"label_col": "y", "within_cols": ["day"], "provenance_col": "made", "key_cols": ["id"]}
    manifest, output = run({"smote": {**asked, "k_neighbors": 2, "feature_cols": ["x"], "random_state": 5}})
    new = output.where("made.kind = 'synthetic'")
    counted = new.groupBy("day").agg({"made.base.id": "count"}).collect()
    bases = new.selectExpr("day", "made.base.id AS base").distinct().groupBy("day").count().collect()
    known, bases = {row[0]: row[1] for row in counted}, {row[0]: row[1] for row in bases}
    assert classes(manifest) == {
        f"{day}/{label}": (["SMOTE"], FEW // 2, known[day], bases[day]) if label == "few" else ([], MANY // 2, 0, 0)
        for day in ("mon", "tue")
        for label in ("few", "many")
    }
    lineage = manifest["lineage"]
    assert (lineage["random_state"], lineage["input_version"]) == (5, None)
    assert lineage["input_state"] == manifest["run"]["input"]


@pytest.mark.parametrize(
    ("sampler", "known"),
    [
        (
            {"random_over": {"label_col": "y", "provenance_col": "made"}},
            {"few": (["RandomOverSampler"], FEW, 48, 12), "many": ([], MANY, 0, 0)},
        ),
        (
            {"random_over": {"label_col": "y", "output": "added"}},
            {"few": (["RandomOverSampler"], FEW, 48, None), "many": ([], MANY, 0, 0)},
        ),
        ({"random_under": {"label_col": "y"}}, {"few": ([], FEW, 0, 0), "many": (["RandomUnderSampler"], MANY, 0, 0)}),
        (
            # what a later step adds has the provenance of its base, so that nothing is counted
            {
                "chain": {
                    "label_col": "y",
                    "steps": [
                        {"random_over": {"label_col": "y", "sampling_strategy": 0.5, "provenance_col": "made"}},
                        {"random_over": {"label_col": "y"}},
                    ],
                }
            },
            {"few": (["RandomOverSampler"] * 2, FEW, None, None), "many": ([], MANY, 0, 0)},
        ),
    ],
    ids=["over", "added", "under", "chain"],
)
def test_rows_made_are_said_as_far_as_they_are_known(run, sampler, known):
    assert classes(run(sampler)[0]) == known


def test_weights_make_no_rows(run):
    manifest, _ = run({"label_col": "y"}, "weights")
    assert [one["rows_made"] for one in manifest["lineage"]["classes"]] == [0, 0]
    assert manifest["lineage"]["random_state"] is None


def test_the_version_of_the_input_is_said(spark, tmp_path):
    for mode in ("error", "append"):
        spark.range(9).selectExpr("id", "id < 3 AS y").write.format("delta").mode(mode).save(str(tmp_path / "in"))
    places = {name: {"path": str(tmp_path / name), "format": "delta"} for name in ("in", "out")}
    asked = {"sampler": {"random_over": {"label_col": "y"}}, "input": places["in"], "output": places["out"]}
    lineage = read_manifest(job.run(spark, JobConfig.of(asked)).manifest)["lineage"]
    assert (lineage["input_version"], lineage["input_state"].partition("@")[0]) == (1, "1")
    asked = {**asked, "input": {**places["in"], "version": 0}, "output": {**places["out"], "mode": "overwrite"}}
    lineage = read_manifest(job.run(spark, JobConfig.of(asked)).manifest)["lineage"]
    assert (lineage["input_version"], [one["rows_before"] for one in lineage["classes"]]) == (0, [6, 3])


def broken(manifest, *path, value=None):
    """Return a manifest without a field, or with another value there."""
    other = copy.deepcopy(manifest)
    *above, last = path
    place = other
    for step in above:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return other


def test_the_schema_refuses_what_is_no_manifest(run):
    manifest, _ = run({"random_over": {"label_col": "y"}})
    schema = Draft202012Validator(SCHEMA)
    Draft202012Validator.check_schema(SCHEMA)
    schema.validate({**manifest, "later": 1})  # a version may gain fields
    wrong = [
        *[broken(manifest, name) for name in SCHEMA["required"]],
        broken(manifest, "sampler"),
        broken(manifest, "manifest_version", value="1"),
        broken(manifest, "manifest_version", value=2),
        broken(manifest, "run", "id", value="not a digest"),
        broken(manifest, "plan", "classes", 0, "before", value=-1),
        broken(manifest, "plan", "counts", value="about"),
        broken(manifest, "after", "classes", 0, "rows", value="60"),
        broken(manifest, "lineage", "classes", 0, "methods", value="RandomOverSampler"),
        broken(manifest, "lineage", "classes", 1, "rows_made", value=4.5),
        broken(manifest, "lineage", "classes", 1, "bases"),
        broken(manifest, "seconds", "count", value="1 s"),
        broken(manifest, "sampler", value={"smote": {}, "random_over": {}}),
        [manifest],
    ]
    for one in wrong:
        with pytest.raises(ValidationError):
            schema.validate(one)
    with pytest.raises(ValidationError, match="later"):
        check_described({**manifest, "later": 1})


def test_a_manifest_of_before_is_read_and_one_of_later_is_refused(run, tmp_path):
    manifest, _ = run({"random_over": {"label_col": "y"}})
    place = tmp_path / "out.manifest.json"
    older = broken(broken(manifest, "manifest_version"), "lineage")
    place.write_text(json.dumps(older))
    assert read_manifest(place) == older
    for version in (2, "1", None, True):
        place.write_text(json.dumps({**manifest, "manifest_version": version}))
        with pytest.raises(SparkBalanceError, match=r"read_manifest: '.*' has manifest_version .* reads up to 1;"):
            read_manifest(place)
