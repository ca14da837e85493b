"""The page about training runs as printed, on less: one iteration, two folds, one entry of the grid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "training.md"


@pytest.mark.engines("spark")
def test_training_honestly_runs_as_the_page_has_it(spark, capsys, monkeypatch):
    from pyspark.ml.tuning import ParamGridBuilder

    build = ParamGridBuilder.build
    monkeypatch.setattr("spark_balance.open_session", lambda _: spark)
    monkeypatch.setattr(ParamGridBuilder, "build", lambda grid: build(grid)[:1])
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    code, fewer = re.subn(r"(train, |numFolds=)5\b", r"\g<1>2", code.replace("payments(20_000", "payments(4_000"))
    assert fewer == 2
    code = code.replace("GBTClassifier(", "GBTClassifier(maxIter=1, ")
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    # 12 of 4,000 payments are fraud: 9 or 10 of them to learn from
    fraud = names["train"].where("is_fraud = 1").count()
    assert fraud in (9, 10)
    assert names["train"].count() - fraud in (3_190, 3_191)
    assert names["train"].count() + names["scored"].count() == 4_000
    wanted = names["train"].count() - fraud
    assert {(one.label, one.before, one.after) for one in names["plan"].classes} == {
        (0, wanted, wanted),
        (1, fraud, wanted),
    }
    assert names["weighed"].columns[-1] == "weight"
    said = capsys.readouterr().out
    assert "accuracy" in said
    assert "roc_auc" in said
