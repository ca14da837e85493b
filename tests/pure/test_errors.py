"""A program can catch what it means."""

from __future__ import annotations

import pytest

from spark_balance import errors
from spark_balance.app.config import JobConfig
from spark_balance.app.session import choose_engine
from spark_balance.app.storage import Source, check_page, read_manifest
from spark_balance.errors import SparkBalanceError, mark, raise_engine_sentences, wrong_counts


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        (wrong_counts("SMOTE"), errors.CountsError),
        ("SMOTE: key_cols is not unique: 2 rows share a key", errors.CountsError),
        ("SMOTE: feature column 'x' is NaN", errors.BadValuesError),
    ],
)
def test_a_sentence_that_stopped_the_engine_has_its_type(sentence, kind):
    with pytest.raises(kind, match=sentence) as caught, raise_engine_sentences():
        raise RuntimeError(f"[USER_RAISED_EXCEPTION] {''.join(mark(kind))}{sentence} SQLSTATE: P0001")
    assert (type(caught.value), str(caught.value)) == (kind, sentence)


def test_a_sentence_in_the_plan_of_another_error_is_not_taken_for_the_error():
    first, second = mark(errors.CountsError)
    plan = f"raise_error(concat({first}, substring(y#1, 1, 0), {second}{wrong_counts('SMOTE')}))"
    for said in (f"Division by zero\n{plan}", "Division by zero in SMOTE: the given counts differ from the rows"):
        with pytest.raises(ZeroDivisionError), raise_engine_sentences():
            raise ZeroDivisionError(said)


@pytest.mark.parametrize(
    ("kind", "mistake"),
    [
        (errors.ConfigError, lambda path: JobConfig.load(path / "none.toml")),
        (errors.ConfigError, lambda path: JobConfig.of({"input": {"path": "x"}, "sampler": {"smote": {"k": 3}}})),
        (errors.InputError, lambda path: read_manifest(path / "none")),
        (errors.OutputError, lambda path: check_page(None, "s3://b/p.html", None, Source(path="x"))),
        (errors.EngineError, lambda path: choose_engine("flink")),
    ],
)
def test_each_part_of_the_application_has_its_type(tmp_path, kind, mistake):
    with pytest.raises(kind):
        mistake(tmp_path)


def test_every_type_is_the_one_root_and_explained():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SparkBalanceError)]
    assert len(kinds) == 13
    assert all(kind.__doc__ and (kind.exit_code == 3) == (kind is errors.RefusedByGuard) for kind in kinds)
