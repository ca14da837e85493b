"""One comparison from input to report: cut folds, treat and fit, write."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from pyspark.sql import DataFrame, SparkSession

from spark_balance.compare_config import CompareConfig
from spark_balance.ml.compare import compare as measured
from spark_balance.ml.folds import prepared
from spark_balance.ml.sklearn_trainer import SklearnTrainer
from spark_balance.ml.trainers import SparkTrainer, Trainer
from spark_balance.report.comparison import Comparison
from spark_balance.report.html import page
from spark_balance.report.markdown import markdown
from spark_balance.report.plots import check_plots, figure_names, figures
from spark_balance.session import engine_name
from spark_balance.steps import Steps
from spark_balance.storage import held, pin
from spark_balance.storage.manifest import made_by


def compare(spark: SparkSession, config: CompareConfig, steps: Steps | None = None) -> tuple[Comparison, list[str]]:
    """Compare treatments of the input on held-out folds, and write the report.

    Returns
    -------
    tuple
        What was measured, and the files: HTML, Markdown, JSON, and the plots beside the Markdown as SVG.
    """
    steps = (steps or Steps()).on(spark)
    setup, stem = config.setup, "compare"
    plots = [name for classifier in config.classifiers for name in figure_names(classifier)]
    config.report.check([f"{stem}.html", f"{stem}.md", f"{stem}.json", *plots])
    check_plots()
    frame = pin(spark, config.input).frame(spark)
    with steps.step("folds"):
        table = prepared(frame, setup)
    engine = engine_name(spark)
    trainer: Trainer = SparkTrainer(table.features, table.categorical)
    rows: AbstractContextManager[DataFrame] = nullcontext(table.folded)
    if engine == "sail":
        trainer = SklearnTrainer(table.features, setup.row_limit, table.categorical)
        # each step of a sampler reads the rows again, and would cut the folds again, in this process's memory
        rows = held(table.folded)
    with steps.step("compare"), rows as folded:
        table = replace(table, folded=folded)
        found = measured(table, config.classifiers, config.treatments, trainer, config.report.title, engine)
    with steps.step("report"):
        told = json.dumps({**made_by(spark), **found.to_dict()}, default=str) + "\n"
        drawn = figures(found)
        texts = {f"{stem}.html": page(found, drawn), f"{stem}.md": markdown(found), f"{stem}.json": told}
        return found, config.report.save({**texts, **drawn})
