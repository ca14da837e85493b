"""Small odd frames, drawn by hypothesis, on which a sampler keeps its promises or refuses in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_balance.errors import SparkBalanceError
from spark_balance.testing.case import Case, CheckFailed, expect
from spark_balance.testing.checks import check
from spark_balance.testing.frames import LABELS, labelled, number
from spark_balance.testing.labels import verify

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

EXAMPLES = 5  # a handful of jobs each


@dataclass(frozen=True)
class OddFrame:
    """A small frame, as hypothesis draws and tells it.

    Attributes
    ----------
    label : str
        A key of `spark_balance.testing.frames.LABELS`.
    sizes : tuple of int
        Rows of each class.
    features : {'spread', 'few', 'equal'}
        All different, small integers that rows of all classes share, or one value.
    unlabelled : int
        One in so many rows has no label; 0 for none.
    partitions : int
    """

    label: str
    sizes: tuple[int, ...]
    features: str
    unlabelled: int
    partitions: int

    def frame(self, spark: SparkSession, *, keyed: bool) -> DataFrame:
        """Make the frame; without a key its ids repeat too, so that whole rows are equal."""
        df = labelled(spark, self.sizes, self.label, self.partitions)
        if self.unlabelled:
            df = df.withColumn("label", F.when(number(41, self.unlabelled) != 0, F.col("label")))
        if self.features == "spread":
            return df
        values = {"x": F.col("x"), "y": F.col("y"), "n": F.col("n")}
        few = {name: F.pmod(F.floor(of), F.lit(3)).cast(df.schema[name].dataType) for name, of in values.items()}
        df = df.withColumns(few if self.features == "few" else {name: one * 0 + 1 for name, one in few.items()})
        return (
            df.select(*[F.col(name).cast(kind) for name, kind in df.dtypes])
            if keyed
            else df.withColumn("id", F.col("id") % 2)
        )


def odd_frames(k: int = 5) -> SearchStrategy[OddFrame]:
    """Return a strategy of frames with labels of every type, small classes, ties, equal rows and missing labels.

    Parameters
    ----------
    k : int
        Neighbours that the method asks for; classes have 1 to k + 2 rows, or some dozens.
    """
    from hypothesis import strategies as st

    size = st.one_of(st.integers(1, k + 2), st.integers(k + 3, 60))
    return st.builds(
        lambda label, sizes, *rest: OddFrame(label, tuple(sizes[: 2 if label == "boolean" else None]), *rest),
        st.sampled_from(sorted(LABELS)),
        st.lists(size, min_size=2, max_size=4),
        st.sampled_from(["spread", "few", "equal"]),
        st.sampled_from([0, 5]),
        st.integers(1, 5),
    )


@check()
def check_odd_frames(spark: SparkSession, case: Case) -> None:
    """What hypothesis draws is resampled as declared, the same on another layout, or refused in one sentence."""
    from hypothesis import HealthCheck, Phase, given, settings

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        # each example is several jobs: the frame is told instead of made smaller
        phases=[Phase.explicit, Phase.generate],
    )
    @given(odd_frames())
    def keeps_its_promises(odd: OddFrame) -> None:
        try:
            verify_odd(spark, case, odd)
        except CheckFailed as failed:
            raise CheckFailed(f"{failed}; of {odd}") from failed

    keeps_its_promises()


def verify_odd(spark: SparkSession, case: Case, odd: OddFrame) -> None:
    """Expect of one frame what is declared."""
    df = odd.frame(spark, keyed=case.keyed)
    try:
        outcome = case.made_of(df, null_label="keep")
    except SparkBalanceError:
        case.refuses("it", lambda: case(null_label="keep").fit_resample(df), case.who)
        return
    verify(case, df, outcome)
    if case.sampler.same_anywhere:
        again = case.made_of(df.repartition(3), null_label="keep")
        expect(again.everything == outcome.everything, f"{case}: rows are others on other partitions")
