"""The README's example of training runs as printed, on less: one iteration, two folds, one entry of the grid."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from vectors import noise

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.engines("spark")
def test_training_honestly_runs_as_the_readme_has_it(spark, capsys):
    from pyspark.ml.classification import GBTClassifier
    from pyspark.ml.tuning import CrossValidator, ParamGridBuilder

    class FirstOfGrid(ParamGridBuilder):
        def build(self):
            return super().build()[:1]

    section = README.read_text().split("## Train and evaluate honestly")[1]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]
    code, fewer = re.subn(r"(train, |numFolds=)5\b", r"\g<1>2", code)
    assert fewer == 2
    names = {
        "df": noise(spark, (400, 80)).withColumnRenamed("label", "late"),
        "GBTClassifier": partial(GBTClassifier, maxIter=1),
        "ParamGridBuilder": FirstOfGrid,
        "CrossValidator": CrossValidator,
    }
    exec(compile(code, str(README), "exec"), names)
    assert (names["train"].count(), names["scored"].count()) == (384, 96)
    assert {(entry.label, entry.before, entry.after) for entry in names["plan"].classes} == {
        (0, 320, 320),
        (1, 64, 320),
    }
    assert names["weighed"].columns[-1] == "weight"
    said = capsys.readouterr().out
    assert "accuracy" in said
    assert "roc_auc" in said
