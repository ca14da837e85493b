"""What a job would do and cost: it counts, SMOTE also samples, nothing is written."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from spark_balance.config import JobConfig
from spark_balance.cost import Explanation
from spark_balance.errors import SparkBalanceError
from spark_balance.samplers.base import Sampler
from spark_balance.session import cores_of, engine_name
from spark_balance.steps import Steps
from spark_balance.storage import Sink, read
from spark_balance.summary import ClassCounts


def explain(
    spark: SparkSession, config: JobConfig, cores: int | None = None, steps: Steps | None = None
) -> Explanation:
    """Say what the job's sampler would do and cost."""
    steps = (steps or Steps()).on(spark)
    sampler = explained_by(config)
    if config.output is not None:
        sampler = keeping_partitions(sampler, config.output)
    with steps.step("explain"):
        return explained(spark, sampler, read(spark, config.input), cores=cores)


def explained_by(config: JobConfig) -> Sampler:
    """Return the configuration's sampler, or say that it has none."""
    if config.sampler is None:
        raise SparkBalanceError("explain: the configuration has no sampler; say what to explain as [sampler.<name>]")
    return config.sampler


def explained(
    spark: SparkSession,
    sampler: Sampler,
    frame: DataFrame,
    counts: ClassCounts | None = None,
    cores: int | None = None,
) -> Explanation:
    """Explain a sampler on the engine and the cores that it would run on."""
    return sampler.explain(frame, counts, cores=cores_of(spark) if cores is None else cores, engine=engine_name(spark))


def keeping_partitions(sampler: Sampler, sink: Sink) -> Sampler:
    """Let new rows take their base row's partition, if the sampler is not told else."""
    made = sampler.label_col, getattr(sampler, "provenance_col", None)
    inherited = tuple(name for name in sink.partition_by if name not in made)
    return sampler.inheriting(inherited) if inherited else sampler
