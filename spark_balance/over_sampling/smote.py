"""SMOTE: synthetic rows between a row and one of its nearest neighbors; with a normal gap, and with categories."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field
from pyspark.sql import Column, types as T

from spark_balance.base import (
    JoinNode,
    Names,
    OverSampler,
    Pair,
    Recipe,
    Result,
    SampleNode,
    Sampler,
    Sought,
    own_class,
)
from spark_balance.errors import ColumnError
from spark_balance.frames.columns import choose_categories, choose_features, floats_of
from spark_balance.frames.plan import RowsOut
from spark_balance.frames.provenance import COPY
from spark_balance.frames.row_ids import HI, LO, NTH, normal
from spark_balance.neighbors.cells import RECALL
from spark_balance.neighbors.space import MixedColumns, ValueColumns, why_all_features

VOTING_CELL_ROWS = 8_192  # all pairs of a cell are compared
NOT_OF_CATEGORIES = {
    "metric": "categories have a distance of their own; SMOTE(metric=...) searches numbers alone",
    "categorical_encoder": "categories are compared and kept as they are; leave it out",
}


class SMOTE(OverSampler):
    """Synthetic minority over-sampling (Chawla, Bowyer, Hall and Kegelmeyer, 2002).

    A new row is base + gap * (neighbor - base), where the neighbor is one of the base's k
    nearest rows of its class and the gap is uniform in [0, 1). Every row of a class is a base
    equally often (+- 1), and its neighbors take turns, beginning with one that the seed draws.

    Parameters
    ----------
    k_neighbors : int or 'shrink', default 5
        Nearest neighbors to choose from; a class needs at least k_neighbors + 1 rows, while 'shrink' takes 5, or
        all other rows of a smaller class.
    neighbors : {'cells', 'exact', 'partition'}
        'cells' groups near rows and lets rows near a border visit the next cell, so that local neighbors
        are the true ones (recall is estimated in every run); 'exact' also asks other cells wherever a nearer
        row could be, as recall=1.0 does; 'partition' searches random partitions, as most SMOTEs for Spark do:
        mostly wrong.

    Notes
    -----
    Cost, besides the counts: one job that checks the features and samples them; then lazily one scan of the rows to
    grow, one shuffle of their features (1 to 4 copies of a row), two crossings to Python; the rows of other classes
    never pass through Python. Where a task would make more than 64 MiB of new numbers of a class that grows
    to more than 4 k times its rows, or more than 128 MiB of any, one more shuffle deals pairs of a base and a neighbor
    out to other tasks.
    """

    k_neighbors: Sought = 5
    recall: float = Field(default=RECALL, gt=0, le=1)
    neighbors: Literal["cells", "exact", "partition"] = "cells"

    @property
    def needs_all(self) -> str | None:
        """Why the method needs every feature of every row; None where it does not."""
        return why_all_features(self.metric, exact=self.search == "exact")

    def recipe(self, run: Recipe) -> Result:
        """Search for the neighbors of each row in its class, and make rows towards them."""
        return run.synthesize(self.pairs(run, run.sample(run.changing)))

    def pairs(self, run: Recipe, sample: SampleNode, *, space: SampleNode | None = None) -> JoinNode:
        """Pair the rows of each class, equally often, with their neighbors in it; `space` adds columns to rows."""
        bases = run.spread_evenly(run.rows(run.changing, of=space), draws="synthesize")
        return run.knn_join(bases, run.cells(sample, own_class(self.k)), self.k, how=self.search, shrink=self.shrinks)

    @property
    def search(self) -> Literal["cells", "exact", "partition"]:
        """How neighbors are searched."""
        return "exact" if self.recall == 1 else self.neighbors


class GaussianSMOTE(SMOTE):
    """SMOTE that does not always stay between a row and its neighbor (after Lee, Kim and Kim, 2017).

    A new row is base + gap * (neighbor - base), where the gap has a normal distribution whose mean is
    uniform in [0, 1) and whose standard deviation is sigma: the row lies on the line
    through both, and beyond an end of the segment as often as the draw says. Nothing is cut off, except where the
    type of a column ends.

    Parameters
    ----------
    sigma : float, default 0.05
        Standard deviation of the gap around its mean; 0 is SMOTE.

    Notes
    -----
    Cost: as `SMOTE`, with which it shares all other parameters, neighbors, bases and means of the gap.
    """

    rows: ClassVar[RowsOut] = "free"

    sigma: float = Field(default=0.05, ge=0, allow_inf_nan=False, strict=True)

    def recipe(self, run: Recipe) -> Result:
        """Do what SMOTE does, with a normal gap."""
        return run.synthesize(self.pairs(run, run.sample(run.changing)), self.normal_gap)

    def normal_gap(self, pair: Pair) -> Column:
        """Return a normal gap around a uniform one."""
        if not self.sigma:
            return pair.uniform
        return pair.uniform + self.sigma * normal(pair.run.stream("gaussian gap"), HI, LO, NTH, COPY)


def _named(given: object) -> object:
    """Let 'auto' be the default, as imbalanced-learn has it; ['auto'] is a column of that name."""
    return None if given == "auto" else given


class SMOTENC(SMOTE):
    """SMOTE for nominal and continuous features (Chawla, Bowyer, Hall and Kegelmeyer, 2002).

    Numbers of a new row lie between those of a base and one of its neighbors, as SMOTE's; each category is the most
    frequent one among all k neighbors. The squared distance of two rows is that of their numbers, and med^2 for each
    category that differs: med is the median of the standard deviations of the class's numbers, scaled ones if `scale`
    is True. Where med is 0, at least half of the numbers being constant, categories do not count in the distance (nor
    do they in imbalanced-learn).

    Parameters
    ----------
    categorical_features : tuple of str, optional
        Columns of strings, booleans or numbers. NULL is a category like any other. With `missing='ignore'` it is not
        one: it has no share in distances and no vote, and comes out where all neighbors have it. Default, or 'auto',
        every string and boolean column among `feature_cols`, or, without those, of the frame, that has no other role.
    feature_cols : tuple of str, optional
        The features; default every numeric column that has no other role, and `categorical_features`,
        which need not be named twice.
    cell_rows : int, optional
        Rows of a cell, all pairs of which are compared; default 8,192, fewer of wide rows.
    neighbors : {'cells'}
        Near rows are grouped, and rows near a border visit the next cell.

    Notes
    -----
    Cost: as SMOTE's, all pairs of a cell compared. A category travels as a number of 8 bytes and as itself:
    their number does not matter, nothing is one-hot encoded. Of a class of more than 20,000 rows med is taken from
    the driver's sample. A `CategoryWarning` names a category that is nearly unique in a class, an identity: neighbors
    cannot vote for its values.

    Examples
    --------
    >>> rows = [(i, i * 7 % 13 / 1.0, "abc"[i * 5 % 11 % 3], int(i % 10 == 0)) for i in range(200)]
    >>> df = spark.createDataFrame(rows, "id int, x double, kind string, fraud int")
    >>> sampler = SMOTENC(label_col="fraud", key_cols="id")
    >>> sampler.fit_resample(df).groupBy("fraud").count().sort("fraud").collect()
    [Row(fraud=0, count=180), Row(fraud=1, count=180)]
    """

    metric: ClassVar[Literal["euclidean"]] = "euclidean"  # type: ignore[misc]  # not a parameter here
    absent: ClassVar[Mapping[str, str]] = {**SMOTE.absent, **NOT_OF_CATEGORIES}

    categorical_features: Annotated[Names | None, BeforeValidator(_named)] = None
    recall: float = Field(default=RECALL, gt=0, lt=1)
    neighbors: Literal["cells"] = "cells"

    def recipe(self, run: Recipe) -> Result:
        """Do what SMOTE does, in a space of numbers and categories."""
        sample = run.sample(run.changing, columns=self.choose_columns, most_cell_rows=VOTING_CELL_ROWS)
        return run.synthesize(self.pairs(run, sample))

    def choose_columns(self, _: Sampler, schema: T.StructType) -> MixedColumns:
        """Choose numbers and categories."""
        taken = list(self.roles)
        if self.categorical_features is None and self.feature_cols is not None:
            taken += [name for name in schema.names if name not in self.feature_cols]
        elif self.categorical_features is None and isinstance(self.passthrough, tuple):
            taken += self.passthrough
        categorical = choose_categories(self.name, schema, self.categorical_features, taken)
        if not categorical:
            raise ColumnError(
                f"{self.name}: the features hold no string or boolean column; "
                "name some with categorical_features, or use SMOTE"
            )
        numbers = self.feature_cols
        if numbers is not None:
            numbers = tuple(name for name in numbers if name not in categorical)
            if not numbers:
                raise ColumnError(f"{self.name}: feature_cols names no column of numbers; use SMOTEN")
        features = choose_features(self.name, schema, numbers, [*self.roles, *categorical])
        floats, lacking = floats_of(schema, categorical), self.missing == "ignore"
        return MixedColumns(tuple(features), lacking=lacking, categorical=categorical, floats=floats)


class SMOTEN(SMOTE):
    """SMOTE for nominal features (Chawla, Bowyer, Hall and Kegelmeyer, 2002).

    Each value of a new row is the most frequent one among a base and its k neighbors. Two values of
    a feature are as far apart as the classes of the rows that hold them differ (the value difference metric of
    Stanfill and Waltz, 1986); distances of features are squared and added.

    Parameters
    ----------
    feature_cols : tuple of str, optional
        Columns of strings, booleans or numbers; default every string and boolean column that has no other role.
        NULL is a value like any other.
    scale : bool
        Does nothing here: probabilities need no scale.
    cell_rows : int, optional
        Rows of a cell, all pairs of which are compared; default 8,192, fewer of wide rows.
    neighbors : {'cells'}
        Near rows are grouped, and rows near a border visit the next cell.

    Notes
    -----
    Cost: as SMOTE's, and one job more, which counts the classes of every value; values of a row to grow, 1,000,000
    at most, reach the driver as numbers. Of two classes the distance is Euclid's, and searched as SMOTE's is; of
    more, all pairs of a cell are compared. A new row has no neighbor and no gap that `provenance_col` could name.

    Examples
    --------
    >>> rows = [(i, "abc"[i * 5 % 11 % 3], int(i % 10 == 0)) for i in range(200)]
    >>> df = spark.createDataFrame(rows, "id int, kind string, fraud int")
    >>> sampler = SMOTEN(label_col="fraud", key_cols="id")
    >>> sampler.fit_resample(df).groupBy("fraud").count().sort("fraud").collect()
    [Row(fraud=0, count=180), Row(fraud=1, count=180)]
    """

    rows: ClassVar[RowsOut] = "free"
    provenance: ClassVar[tuple[str, ...]] = ("base",)
    metric: ClassVar[Literal["euclidean"]] = "euclidean"  # type: ignore[misc]  # not a parameter here
    missing: ClassVar[Literal["error"]] = "error"  # type: ignore[misc]  # not a parameter here
    absent: ClassVar[Mapping[str, str]] = {**SMOTE.absent, **NOT_OF_CATEGORIES, "missing": "NULL is a value here"}

    recall: float = Field(default=RECALL, gt=0, lt=1)
    neighbors: Literal["cells"] = "cells"

    def recipe(self, run: Recipe) -> Result:
        """Do what SMOTE does, in a space of categories."""
        columns, most = self.choose_columns, VOTING_CELL_ROWS
        sample = run.sample(run.changing, columns=columns, most_cell_rows=most, more_jobs=1)
        return run.synthesize(self.pairs(run, sample, space=sample))

    def choose_columns(self, _: Sampler, schema: T.StructType) -> ValueColumns:
        """Choose categories."""
        taken = list(self.roles)
        if self.feature_cols is None and isinstance(self.passthrough, tuple):
            taken += self.passthrough
        categorical = choose_categories(self.name, schema, self.feature_cols, taken, "feature_cols")
        if not categorical:
            raise ColumnError(
                f"{self.name}: the features hold no string or boolean column; name some with feature_cols"
            )
        return ValueColumns((), categorical=categorical, floats=floats_of(schema, categorical))
