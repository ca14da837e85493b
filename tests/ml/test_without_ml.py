"""The package is imported without pyspark.ml, and says so where an engine has none."""

from __future__ import annotations

import subprocess
import sys

import pytest
from frames import labelled

from spark_balance import RandomUnderSampler, SparkBalanceError


def test_importing_the_package_does_not_import_pyspark_ml():
    code = "import spark_balance, sys; sys.exit('pyspark.ml' in sys.modules or 'pydantic' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.engines("sail")
def test_sail_which_has_no_ml_is_told_in_one_sentence(spark):
    from pyspark.ml.classification import LogisticRegression

    from spark_balance import BalancedBaggingClassifier, BalancedEstimator

    rows = labelled(spark, (40, 10))
    for kind in (BalancedEstimator, BalancedBaggingClassifier):
        estimator = kind(sampler=RandomUnderSampler(label_col="label"), estimator=LogisticRegression())
        with pytest.raises(SparkBalanceError, match=f"{kind.__name__}: this engine has no pyspark.ml"):
            estimator.fit(rows)
