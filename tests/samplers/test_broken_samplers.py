"""Each check sees the sampler that breaks what it is about: the example, wrong in one way at a time."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from example_sampler import CappedSampler
from pydantic import ConfigDict
from pyspark.sql import functions as F

from spark_balance import SMOTE, RandomOverSampler, SparkBalanceError
from spark_balance.columns import quoted
from spark_balance.plans.keys import HI, LO
from spark_balance.testing import CHECKS, Case, CheckFailed
from spark_balance.testing.odd import OddFrame, verify_odd

CHECK = {str(check): check for check in CHECKS}
BROKEN = []


def breaks(check, sentence, **parameters):
    """Say which check sees that a class is broken, and what it says."""

    def listed(kind):
        BROKEN.append(pytest.param(kind, check, sentence, parameters, id=f"{kind.__name__}-{check}"))
        return kind

    return listed


class Changed(CappedSampler):
    """The example, with its frame changed."""

    def _resampled(self, df, plan, strata):
        done = super()._resampled(df, plan, strata)
        return replace(done, frame=self._changed(done.frame))


@breaks("schema", "the columns are .* and not")
class LosesAColumn(Changed):
    """Wrong in the columns."""

    def _changed(self, frame):
        return frame.drop("text")


@breaks("schema", "metadata of column 'id' was .*about id.* and is {}")
class LosesMetadata(Changed):
    """Wrong in the metadata."""

    def _changed(self, frame):
        return frame.select(*[F.col(quoted(name)).alias(name, metadata={}) for name in frame.columns])


@breaks("required_columns", "nullable of column 'id' was False and is True")
class LosesNullability(Changed):
    """Wrong in what may be NULL."""

    def _changed(self, frame):
        return frame.withColumn("id", F.when(F.col("y") > -1, F.col("id")))


@breaks("label_types", "the label was of type boolean and is not any more")
class ChangesTheLabel(Changed):
    """Wrong in the type of the label."""

    def _changed(self, frame):
        return frame.withColumn("label", F.col("label").cast("string"))


@breaks("counts", "class 'class 0' has 39 rows, its plan promises 40 .exact.")
@breaks("twenty_classes", "its plan promises 20 .exact.")
@breaks("equal_features", "class 'class 0' has 39 rows")
@breaks("a_balanced_frame", "class 'class 0' has 39 rows")
class LosesARow(CappedSampler):
    """Wrong in the counts."""

    def _resampled(self, df, plan, strata):
        fewer = replace(plan, classes=tuple(replace(entry, after=entry.after - 1) for entry in plan.classes))
        return replace(super()._resampled(df, fewer, strata), plan=plan)


@breaks("rows", "rows are new, or come out more often")
class ChangesARow(Changed):
    """Wrong in the rows."""

    def _changed(self, frame):
        return frame.withColumn("n", (F.col("n") + 1).cast("int"))


@breaks("layouts", "rows are others in one partition")
class DependsOnPartitions(CappedSampler):
    """Wrong where a row's identity is its place."""

    def _identified(self, df):
        return df.select("*", F.xxhash64(F.spark_partition_id(), "id").alias(HI), F.lit(0).cast("bigint").alias(LO))


@breaks("layouts_of_groups", "within groups, rows are others in")
class DependsOnPartitionsInGroups(DependsOnPartitions):
    """The same inside groups."""


@breaks("seeds", "two seeds give the same rows")
class IgnoresTheSeed(CappedSampler):
    """Wrong in the draws."""

    def _resampled(self, df, plan, strata):
        # a copy, so that the seed is a parameter like any other
        return CappedSampler._resampled(self.model_copy(update={"random_state": 0}), df, plan, strata)


@breaks("seeds", "random=False is declared, and the seed changes the rows")
class DeclaresNoDraws(CappedSampler):
    """Wrong in what it declares."""

    random = False


@breaks("neighbouring_seeds_do_not_share_draws", "two neighbouring seeds draw 40 rows in common")
class SharesDrawsBetweenSeeds(CappedSampler):
    """Wrong where seeds are near."""

    def _resampled(self, df, plan, strata):
        half = self.model_copy(update={"random_state": self.random_state // 2})
        return CappedSampler._resampled(half, df, plan, strata)


@breaks("classes_do_not_share_draws", "two classes draw 1000 rows in common", most_rows=1_000)
class SharesDrawsBetweenClasses(CappedSampler):
    """Wrong where a row's draw is that of its place in the class."""

    def _identified(self, df):
        place = F.col("id") % 2_000
        return df.select("*", F.xxhash64(place).alias(HI), F.xxhash64(place, F.lit(1)).alias(LO))


@breaks("duplicates", "class 'class 0' has .* rows, its plan promises", key_cols=None)
class LosesDuplicates(Changed):
    """Wrong where rows are equal."""

    def _changed(self, frame):
        return frame.dropDuplicates() if "text" not in frame.columns else frame


@breaks("missing_labels_are_kept", "0 rows without a label come out")
class LosesRowsWithoutALabel(Changed):
    """Wrong where the label is NULL."""

    def _changed(self, frame):
        return frame.where("label IS NOT NULL AND NOT isnan(cast(label AS double))")


@breaks("missing_labels_are_dropped", "the plan does not tell what is dropped")
class AlwaysKeeps(CappedSampler):
    """Wrong where the label is NULL, as the plan sees it."""

    def _prepared(self, df, counts):
        return CappedSampler._prepared(self.model_copy(update={"null_label": "keep"}), df, counts)


@breaks("groups", "four groups are not planned apart")
class IgnoresGroups(CappedSampler):
    """Wrong within groups."""

    @property
    def _within(self):
        return ()


@breaks("small_classes", "has no room")
class FailsOnSmallClasses(CappedSampler):
    """Wrong where a class has one row."""

    def _wanted(self, group, classes):
        assert min(classes.values()) > 1, "has no room"
        return super()._wanted(group, classes)


@breaks("frames_are_refused", "a label that is an array is not refused")
@breaks("a_stream_is_refused", "a stream is not refused")
@breaks("columns_are_refused", "label_col='labell' is not refused")
@breaks("missing_labels_are_refused", "a frame with NULL labels is not refused")
class RefusesNothing(CappedSampler):
    """Wrong where something must be refused."""

    def fit_resample(self, df, counts=None):
        with suppress(SparkBalanceError):
            return super().fit_resample(df, counts)
        return df


@breaks("wishes_are_refused", "sampling_strategy={'class 9': 500} is not refused")
class IgnoresTheWish(CappedSampler):
    """Wrong where sampling_strategy is not looked at."""

    def _wanted(self, group, classes):
        return {label: min(rows, self.most_rows) for label, rows in classes.items()}


@breaks("growth_is_refused", "max_growth=.* is not refused")
class GrowsFreely(CappedSampler):
    """Wrong where a plan is too large."""

    def _check_growth(self, plan):
        pass


@breaks("declarations", "rows='some' is declared; it is one of subset, copies, segment, free")
class DeclaresNothing(CappedSampler):
    """Wrong in what it declares."""

    rows = "some"


@breaks("round_trips", "after TOML it is")
class ForgetsAParameter(CappedSampler):
    """Wrong in TOML."""

    def to_toml_dict(self):
        return {name: value for name, value in super().to_toml_dict().items() if name != "most_rows"}


@breaks("it_cannot_be_changed", "random_state can be set")
class CanBeChanged(CappedSampler):
    """Wrong as a value."""

    model_config = ConfigDict(frozen=False)


@breaks("values_are_refused", "random_state=1.5 is not refused")
class TakesAnySeed(CappedSampler):
    """Wrong in the type of the seed."""

    random_state: object = 0


@breaks("own_parameters_are_refused", "an object for most_rows is not refused")
class TakesAnyBound(CappedSampler):
    """Wrong in the type of its own parameter."""

    most_rows: object = 40


@breaks("jobs", "2 jobs run .toArrow, count., jobs declares at most 1")
@breaks("nothing_is_read", "it declares no jobs, and reads the frame")
class CountsSecretly(Changed):
    """Wrong in the jobs it declares."""

    def _changed(self, frame):
        return frame.where(F.lit(frame.count() >= 0))


@breaks("nothing_is_left", "cache without unpersist leaves data")
class LeavesDataCached(Changed):
    """Wrong in what it leaves."""

    def _changed(self, frame):
        return frame.cache()


@breaks("nothing_is_left", "it leaves a view behind")
class LeavesAView(Changed):
    """Wrong in what others see."""

    def _changed(self, frame):
        frame.createOrReplaceTempView("left_behind")
        return frame


@breaks("given_counts", "given counts give other rows")
class TrustsGivenCounts(CappedSampler):
    """Wrong where counts are given."""

    def _resampled(self, df, plan, strata):
        own = self if strata.complete else self.model_copy(update={"random_state": 5})
        return CappedSampler._resampled(own, df, plan, strata)


@breaks("explain", "explain writes 470 rows, the plan")
class ExplainsAnotherRun(CappedSampler):
    """Wrong in what it says before."""

    def _sketch(self, plan, table, model, seen):
        sketch = super()._sketch(plan, table, model, seen)
        return replace(sketch, steps=(*sketch.steps[:-1], replace(sketch.steps[-1], rows_written=470)))


@breaks("in_a_chain", "random under-sampling of all classes leaves")
class LosesAClass(Changed):
    """Wrong in what a next step finds."""

    def _changed(self, frame):
        return frame.where("label != 'class 2'")


class LosesAnOriginal(RandomOverSampler):
    """Wrong in the rows that were there."""

    def _resampled(self, df, plan, strata):
        done = super()._resampled(df, plan, strata)
        return replace(done, frame=done.frame.where("id != 5"))


breaks("rows", "originals are lost or changed", most_rows=None)(LosesAnOriginal)
breaks("added_and_originals_are_all", "are not output='all'", most_rows=None)(LosesAnOriginal)


class TellsAnotherGap(SMOTE):
    """Wrong in what a new row says that it is made of."""

    def _made_of(self):
        base, neighbour, gap = super()._made_of()
        return base, neighbour, gap * 0.5


class DrawsNoGap(SMOTE):
    """Wrong in what two classes draw."""

    def _gap(self, uniform):
        return F.lit(0.25)


class CallsNaNZero(SMOTE):
    """Wrong in the features that it takes."""

    def _resampled(self, df, plan, strata):
        return super()._resampled(df.withColumn("x", F.nanvl(F.coalesce("x", F.lit(0.0)), F.lit(0.0))), plan, strata)


_FEATURES = {"most_rows": None, "feature_cols": ("x", "y", "n")}
breaks("new_rows_lie_between", "where base, neighbour and gap make", **_FEATURES)(TellsAnotherGap)
breaks("new_rows_lie_between", "draw the same gaps, such as .0.25.", **_FEATURES)(DrawsNoGap)
breaks("features_that_are_no_numbers_are_refused", "a feature that is null is not refused", **_FEATURES)(CallsNaNZero)


@pytest.mark.parametrize(("kind", "check", "sentence", "parameters"), BROKEN)
def test_a_check_sees_what_is_broken(spark, kind, check, sentence, parameters):
    given: dict[str, Any] = {"label_col": "label", "key_cols": "id", "most_rows": 40, **parameters}
    if given["most_rows"] is None:
        del given["most_rows"]
    case = Case.of(kind(**given))
    assert CHECK[check].applies(case)
    with pytest.raises((CheckFailed, AssertionError), match=sentence):
        CHECK[check].run(spark, case)
    if kind is LeavesAView:
        spark.catalog.dropTempView("left_behind")


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [(DependsOnPartitions, "rows are others on other partitions"), (LosesARow, "its plan promises 4")],
    ids=["layout", "counts"],
)
def test_an_odd_frame_sees_what_is_broken(spark, kind, sentence):
    case = Case.of(kind(label_col="label", key_cols="id", most_rows=4))
    with pytest.raises(CheckFailed, match=sentence):
        verify_odd(spark, case, OddFrame("date", (30, 9), "spread", 5, 4))


def test_what_hypothesis_draws_is_told(spark):
    case = Case.of(LosesARow(label_col="label", key_cols="id", most_rows=1))
    with pytest.raises(CheckFailed, match=r"LosesARow: .*; of OddFrame\(label='"):
        CHECK["odd_frames"].run(spark, case)
