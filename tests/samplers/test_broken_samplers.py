"""Each check sees the sampler that breaks what it is about: the example, wrong in one way at a time."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from example_under import CappedSampler
from pydantic import BaseModel, ConfigDict
from pyspark.sql import functions as F

from spark_balance import SMOTE, RandomOverSampler, SparkBalanceError
from spark_balance.base.parameters import given_to
from spark_balance.frames.columns import quoted
from spark_balance.frames.plan import ClassCounts
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

    def resample(self, df, counts=None, **how):
        done = super().resample(df, counts, **how)
        return replace(done, frame=self.altered(done.frame))


def right(sampler, **parameters):
    """Return the example with the parameters of a broken sampler, and some of them others."""
    return CappedSampler(**{**given_to(sampler), **parameters})


@breaks("schema", "the columns are .* and not")
class LosesAColumn(Changed):
    """Wrong in the columns."""

    def altered(self, frame):
        return frame.drop("text")


@breaks("schema", "metadata of column 'id' was .*about id.* and is {}")
class LosesMetadata(Changed):
    """Wrong in the metadata."""

    def altered(self, frame):
        return frame.select(*[F.col(quoted(name)).alias(name, metadata={}) for name in frame.columns])


@breaks("required_columns", "nullable of column 'id' was False and is True")
class LosesNullability(Changed):
    """Wrong in what may be NULL."""

    def altered(self, frame):
        return frame.withColumn("id", F.when(F.col("y") > -1, F.col("id")))


@breaks("label_types", "the label was of type boolean and is no longer")
class ChangesTheLabel(Changed):
    """Wrong in the type of the label."""

    def altered(self, frame):
        return frame.withColumn("label", F.col("label").cast("string"))


@breaks("counts", "class 'class 0' has 39 rows, its plan promises 40 .exact.")
@breaks("twenty_classes", "its plan promises 20 .exact.")
@breaks("equal_features", "class 'class 0' has 39 rows")
@breaks("a_balanced_frame", "class 'class 0' has 39 rows")
class LosesARow(CappedSampler):
    """Wrong in the counts."""

    def resample(self, df, counts=None, **how):
        plan = self.plan(df, counts)
        fewer = {label: rows - 1 for label, rows in plan.targets.items()}
        return replace(right(self, sampling_strategy=fewer).resample(df, counts), plan=plan)


@breaks("rows", "rows are new, or come out more often")
class ChangesARow(Changed):
    """Wrong in the rows."""

    def altered(self, frame):
        return frame.withColumn("n", (F.col("n") + 1).cast("int"))


@breaks("layouts", "rows differ in one partition.*: .* unexpected, such as .*; .* missing, such as ")
class DependsOnPartitions(CappedSampler):
    """Wrong where a row's identity is its place."""

    def resample(self, df, counts=None, **how):
        place = F.xxhash64(F.spark_partition_id(), "id")
        done = right(self, key_cols="place").resample(df.withColumn("place", place), counts)
        return replace(done, frame=done.frame.drop("place"))


@breaks("layouts_of_groups", "within groups, rows differ in")
class DependsOnPartitionsInGroups(DependsOnPartitions):
    """The same inside groups."""


@breaks("seeds", "two seeds give the same rows")
class IgnoresTheSeed(CappedSampler):
    """Wrong in the draws."""

    def resample(self, df, counts=None, **how):
        return right(self, random_state=0).resample(df, counts)


@breaks("seeds", "random=False is declared, and the seed changes the rows")
class DeclaresNoDraws(CappedSampler):
    """Wrong in what it declares."""

    random = False


@breaks("neighboring_seeds_do_not_share_draws", "two neighboring seeds draw 40 rows in common")
class SharesDrawsBetweenSeeds(CappedSampler):
    """Wrong where seeds are near."""

    def resample(self, df, counts=None, **how):
        return right(self, random_state=self.random_state // 2).resample(df, counts)


@breaks("classes_do_not_share_draws", "two classes draw 1000 rows in common", most_rows=1_000)
class SharesDrawsBetweenClasses(CappedSampler):
    """Wrong where a row's draw is that of its place in the class."""

    def resample(self, df, counts=None, **how):
        done = right(self, key_cols="place").resample(df.withColumn("place", F.col("id") % 2_000), counts)
        return replace(done, frame=done.frame.drop("place"))


@breaks("duplicates", "class 'class 0' has .* rows, its plan promises", key_cols=None)
class LosesDuplicates(Changed):
    """Wrong where rows are equal."""

    def altered(self, frame):
        return frame.dropDuplicates() if "text" not in frame.columns else frame


@breaks("missing_labels_are_kept", "0 rows without a label come out")
class LosesRowsWithoutALabel(Changed):
    """Wrong where the label is NULL."""

    def altered(self, frame):
        return frame.where("label IS NOT NULL AND NOT isnan(cast(label AS double))")


@breaks("missing_labels_are_dropped", "the plan does not say what is dropped")
class AlwaysKeeps(CappedSampler):
    """Wrong where the label is NULL, as the plan sees it."""

    def resample(self, df, counts=None, **how):
        return right(self, null_label="keep").resample(df, counts)


@breaks("groups", "four groups are not planned apart")
class IgnoresGroups(CappedSampler):
    """Wrong within groups."""

    def resample(self, df, counts=None, **how):
        return right(self, within_cols=None).resample(df, counts)


@breaks("small_classes", "has no room")
class FailsOnSmallClasses(CappedSampler):
    """Wrong where a class has one row."""

    def resample(self, df, counts=None, **how):
        done = super().resample(df, counts, **how)
        assert min(entry.before for entry in done.plan.classes) > 1, "has no room"
        return done


@breaks("frames_are_refused", "a label that is an array is not refused")
@breaks("a_stream_is_refused", "a stream is not refused")
@breaks("columns_are_refused", "label_col='labell' is not refused")
@breaks("missing_labels_are_refused", "a frame with NULL labels is not refused")
class RefusesNothing(CappedSampler):
    """Wrong where something must be refused."""

    def fit_resample(self, df, counts=None, **how):
        with suppress(SparkBalanceError):
            return super().fit_resample(df, counts, **how)
        return df


@breaks("wishes_are_refused", "sampling_strategy={'class 9': 500} is not refused")
class IgnoresTheWish(CappedSampler):
    """Wrong where sampling_strategy is not looked at."""

    def plan(self, df, counts=None):
        return right(self, sampling_strategy="auto").plan(df, counts)


@breaks("growth_is_refused", "max_growth=.* is not refused")
class GrowsFreely(CappedSampler):
    """Wrong where a plan is too large."""

    def plan(self, df, counts=None):
        return right(self, max_growth=None).plan(df, counts)


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
    __setattr__ = BaseModel.__setattr__


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

    def altered(self, frame):
        return frame.where(F.lit(frame.count() >= 0))


@breaks("nothing_is_left", "cache without unpersist leaves data")
class LeavesDataCached(Changed):
    """Wrong in what it leaves."""

    def altered(self, frame):
        return frame.cache()


@breaks("nothing_is_left", "it leaves a view behind")
class LeavesAView(Changed):
    """Wrong in what others see."""

    def altered(self, frame):
        frame.createOrReplaceTempView("left_behind")
        return frame


@breaks("given_counts", "given counts give other rows")
class TrustsGivenCounts(CappedSampler):
    """Wrong where counts are given."""

    def resample(self, df, counts=None, **how):
        known = counts is None or isinstance(counts, ClassCounts)
        return right(self, random_state=self.random_state if known else 5).resample(df, counts)


@breaks("explain", "explain writes 470 rows, the plan")
class ExplainsAnotherRun(CappedSampler):
    """Wrong in what it says before."""

    def explain(self, *given, **more):
        said = super().explain(*given, **more)
        *steps, last = said.steps
        return replace(said, steps=(*steps, replace(last, rows_written=470)))


@breaks("in_a_chain", "random under-sampling of all classes leaves")
class LosesAClass(Changed):
    """Wrong in what a next step finds."""

    def altered(self, frame):
        return frame.where("label != 'class 2'")


@breaks("windows_stay_whole", "window .* has other steps than 0 to 2")
class CutsAWindow(Changed):
    """Wrong in the length of what is an array."""

    def altered(self, frame):
        return frame.withColumns({name: F.slice(name, 1, 2) for name in ("x", "y", "n", "step")})


@breaks("windows_stay_whole", "copy 0 of window .* differs from the window")
class MixesSteps(Changed):
    """Wrong in the order of an array."""

    def altered(self, frame):
        return frame.withColumn("x", F.reverse("x"))


class LosesAnOriginal(RandomOverSampler):
    """Wrong in the rows that were there."""

    def resample(self, df, counts=None, **how):
        done = super().resample(df, counts, **how)
        return replace(done, frame=done.frame.where("id != 5"))


breaks("rows", "originals are lost or changed", most_rows=None)(LosesAnOriginal)
breaks("added_and_originals_are_all", "are not output='all'", most_rows=None)(LosesAnOriginal)


class ChangedSMOTE(SMOTE):
    """SMOTE, with its new rows changed."""

    def resample(self, df, counts=None, **how):
        done = super().resample(df, counts, **how)
        return replace(done, frame=self.altered(done.frame, F.col(self.provenance_col), df))


class TellsAnotherGap(ChangedSMOTE):
    """Wrong in what a new row says that it is made of."""

    def altered(self, frame, made_of, df):
        return frame.withColumn(self.provenance_col, made_of.withField("gap", made_of["gap"] * 0.5))


class MovesOneStep(ChangedSMOTE):
    """Wrong where a window has several gaps."""

    def altered(self, frame, made_of, df):
        moved = F.transform(
            "x", lambda one, i: F.when((i == 1) & (made_of["kind"] != "original"), one + 1).otherwise(one)
        )
        return frame.withColumn("x", moved)


class TellsNoGap(ChangedSMOTE):
    """Wrong where a new row says less than is promised."""

    def altered(self, frame, made_of, df):
        return frame.withColumn(self.provenance_col, made_of.withField("gap", F.lit(None).cast("double")))


class TellsNoKind(ChangedSMOTE):
    """Wrong where new rows cannot be found."""

    def altered(self, frame, made_of, df):
        return frame.withColumn(self.provenance_col, made_of.withField("kind", F.lit("original")))


class TellsAnotherBase(ChangedSMOTE):
    """Wrong where a new row names a row of another class as its base."""

    def altered(self, frame, made_of, df):
        other = F.struct(F.lit(0).cast("bigint").alias("id"))
        return frame.withColumn(self.provenance_col, made_of.withField("base", other))


class DrawsNoGap(ChangedSMOTE):
    """Wrong in what two classes draw."""

    def altered(self, frame, made_of, df):
        base, near = (df.select(*[F.col(name).alias(f"{of}_{name}") for name in ("id", "x", "y")]) for of in "bn")
        base_id, near_id = made_of["base"]["id"], made_of["neighbor"]["id"]
        joined = frame.join(base, F.col("b_id") == base_id, "left").join(near, F.col("n_id") == near_id, "left")
        new = {name: F.col(f"b_{name}") + 0.25 * (F.col(f"n_{name}") - F.col(f"b_{name}")) for name in ("x", "y")}
        columns = {name: F.coalesce(column, F.col(name)) for name, column in new.items()}
        told = made_of.withField("gap", F.when(base_id.isNotNull(), 0.25))
        return joined.withColumns(columns | {self.provenance_col: told}).select(*frame.columns)


class CallsNaNZero(SMOTE):
    """Wrong in the features that it takes."""

    def resample(self, df, counts=None, **how):
        return super().resample(df.withColumn("x", F.nanvl(F.coalesce("x", F.lit(0.0)), F.lit(0.0))), counts, **how)


class LosesWhatLacksFeatures(SMOTE):
    """Wrong where rows lack features."""

    def resample(self, df, counts=None, **how):
        done = super().resample(df, counts, **how)
        if self.missing == "error":
            return done
        return replace(done, frame=done.frame.where("x IS NOT NULL") if self.missing == "ignore" else df)


class ProtectsNobody(SMOTE):
    """Wrong where a class is too small to hide in."""

    def plan(self, df, counts=None):
        return SMOTE(**{**given_to(self), "min_class_rows": None}).plan(df, counts)


_FEATURES = {"most_rows": None, "feature_cols": ("x", "y", "n")}
breaks("small_classes_are_protected", "min_class_rows=51 is not refused", **_FEATURES)(ProtectsNobody)
breaks("new_rows_lie_between", "where base, neighbor and gap make", **_FEATURES)(TellsAnotherGap)
breaks("new_rows_lie_between", "has base, neighbor, promises.provenance is .*, gap", **_FEATURES)(TellsNoGap)
breaks("new_rows_lie_between", "no row has kind 'synthetic' in provenance_col", **_FEATURES)(TellsNoKind)
breaks("new_rows_lie_between", "the base of a new row is of another class", **_FEATURES)(TellsAnotherBase)
breaks("new_rows_lie_between", "draw the same gaps, such as .0.25.", **_FEATURES)(DrawsNoGap)
breaks("windows_stay_whole", "is not at its gap .* in x", **_FEATURES)(MovesOneStep)
breaks("missing_features_are_ignored", "has .* rows, its plan promises 60", **_FEATURES)(LosesWhatLacksFeatures)
breaks("missing_features_are_dropped", "has 60 rows, its plan promises 33", **_FEATURES)(LosesWhatLacksFeatures)
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
    [(DependsOnPartitions, "rows differ on other partitions: .* such as "), (LosesARow, "its plan promises 4")],
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
