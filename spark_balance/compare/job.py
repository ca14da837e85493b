"""The study as a TOML file, and one run of it: cut folds, treat and fit, write the report."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyspark.sql import DataFrame, SparkSession
from typing_extensions import Self

from spark_balance.app.config import Table, check_keys, load_tables, make_part, make_sampler, validate_table
from spark_balance.app.steps import Steps
from spark_balance.app.storage import Pages, Source, pin
from spark_balance.app.storage.manifest import made_by
from spark_balance.app.storage.paths import engine_path
from spark_balance.compare.comparison import Comparison
from spark_balance.compare.measure import Treatment, compare_treatments
from spark_balance.compare.pages import draw_figures, figure_names, render_markdown, render_page
from spark_balance.compare.sklearn_trainer import SklearnTrainer
from spark_balance.compare.table import Setup, Table as Rows, prepare_table
from spark_balance.compare.trainers import CLASSIFIERS, Classifier, SparkTrainer
from spark_balance.errors import ConfigError
from spark_balance.frames.engine import engine_name
from spark_balance.ml.weights import ClassWeighter
from spark_balance.report.page import check_installed


class CompareConfig(BaseModel):
    """One comparison."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    input: Source  # [input]
    setup: Setup  # [compare]: label, features, folds
    classifiers: dict[str, Classifier]  # [classifier.<name>], each with its parameters
    # [[treatment]]; label, key and seed of sampler.<name> and weights are those of [compare] unless given
    treatments: list[Treatment]
    report: Pages  # [report]: where to write

    @classmethod
    def load(cls, path: str | Path, overrides: Iterable[str] = ()) -> Self:
        """Read a TOML file and lay ``table.key=value`` overrides over it, as `JobConfig.load` does."""
        tables = load_tables(path, overrides)
        needed = ["input", "compare", "classifier", "treatment", "report"]
        check_keys("config", tables, needed)
        for name in needed:
            if not tables.get(name):
                raise ConfigError(f"config: the table [{name}] is missing; a comparison has {', '.join(needed)}")
        setup = validate_table(Setup, "compare", tables["compare"])
        kinds = tables["classifier"]
        if not isinstance(kinds, dict):
            raise ConfigError(f"config: classifier={kinds!r} is a value; make it tables [classifier.<name>]")
        check_keys("config: classifier", kinds, list(CLASSIFIERS))
        return cls(
            input=validate_table(Source, "input", tables["input"]),
            setup=setup,
            classifiers={name: validate_table(CLASSIFIERS[name], f"classifier.{name}", kinds[name]) for name in kinds},
            treatments=_read_treatments(tables["treatment"], setup),
            report=validate_table(Pages, "report", tables["report"]),
        )


def compare(
    spark: SparkSession, config: CompareConfig, steps: Steps | None = None, show: Callable[[str], None] = lambda _: None
) -> tuple[Comparison, list[str]]:
    """Compare treatments of the input on held-out folds, write the report; return the measurements and the files.

    `show` receives a line for each treatment of each fold.
    """
    steps = (steps or Steps()).on(spark)
    setup, stem = config.setup, "compare"
    plots = [name for classifier in config.classifiers for name in figure_names(classifier)]
    config.report.check([f"{stem}.html", f"{stem}.md", f"{stem}.json", *plots])
    check_installed("compare", "matplotlib", "draws the plots", "compare")
    check_installed("compare", "jinja2", "renders the page", "compare")
    frame = pin(spark, config.input).frame(spark)
    with steps.step("folds"):
        table = prepare_table(frame, setup)
    with steps.step("compare"):
        found = compare_here(table, config.classifiers, config.treatments, config.report.title, show)
    with steps.step("report"):
        data = json.dumps({**made_by(spark), **found.to_dict()}, default=str) + "\n"
        drawn = draw_figures(found)
        texts = {f"{stem}.html": render_page(found, drawn), f"{stem}.md": render_markdown(found), f"{stem}.json": data}
        return found, config.report.save({**texts, **drawn})


def compare_here(
    table: Rows,
    classifiers: Mapping[str, Classifier],
    treatments: list[Treatment],
    title: str = "",
    show: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Compare with what the engine of the table fits with: pyspark.ml, or scikit-learn on the driver."""
    engine = engine_name(table.folded.sparkSession)
    if engine != "sail":
        spark_ml = SparkTrainer(table.features, table.categorical)
        return compare_treatments(table, classifiers, treatments, spark_ml, title, engine, show)
    sklearn = SklearnTrainer(table.features, table.setup.row_limit, table.categorical)
    # each step of a sampler reads the rows again, and would cut the folds again, in this process's memory
    with hold_on_disk(table.folded) as folded:
        held = replace(table, folded=folded)
        return compare_treatments(held, classifiers, treatments, sklearn, title, engine, show)


@contextmanager
def hold_on_disk(frame: DataFrame) -> Iterator[DataFrame]:
    """Yield the same rows, read from a temporary folder of an engine on this machine: one job, and no plan behind."""
    spark = frame.sparkSession
    with TemporaryDirectory(prefix="spark_balance_") as folder:
        rows = Path(folder) / "rows"
        frame.write.parquet(engine_path(spark, rows))
        yield spark.read.schema(frame.schema).parquet(engine_path(spark, rows, expands=True))


def _read_treatments(tables: Any, setup: Setup) -> list[Treatment]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError("config: treatment is not a list of tables; write each as [[treatment]] with a name")
    treatments = [_read_treatment(f"treatment {number + 1}", table, setup) for number, table in enumerate(tables)]
    names = [treatment.name for treatment in treatments]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"config: two treatments are named {name!r}; give each a name of its own")
    return treatments


def _read_treatment(where: str, table: Table, setup: Setup) -> Treatment:
    given = dict(table)
    label: Table = {"label_col": setup.label_col}
    if "sampler" in given:
        seeded = {**label, "random_state": setup.random_state, "key_cols": setup.key_cols}
        wish = given["sampler"]
        if isinstance(wish, dict):
            wish = {name: {**seeded, **one} if isinstance(one, dict) else one for name, one in wish.items()}
        given["sampler"] = make_sampler(wish)[1]
    if "weights" in given:
        wish = given["weights"]
        given["weights"] = make_part(ClassWeighter, "weights", {**label, **wish} if isinstance(wish, dict) else wish)
    return validate_table(Treatment, where, given)
