"""imbalanced-learn's under-samplers and cleaning methods."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from scipy.sparse import issparse

from spark_balance.sklearn.arrays import Target
from spark_balance.sklearn.base import Neighbors, Resampler, Seed
from spark_balance.sklearn.estimator import estimator
from spark_balance.sklearn.features import Features


@estimator
class RandomUnderSampler(Resampler):
    """Keep rows of the larger classes at random; see `spark_balance.RandomUnderSampler`.

    Parameters
    ----------
    replacement : bool
        Whether a row may come out more than once.
    """

    _method: ClassVar[str] = "random_under"
    _reads: ClassVar[str] = "nothing"
    _selects: ClassVar[bool] = True

    random_state: Seed = None
    replacement: bool = False


@estimator
class NearMiss(Resampler):
    """Keep the rows that are near to the smallest class; see `spark_balance.NearMiss`.

    Parameters
    ----------
    version : {1, 2, 3}
        By the nearest rows, the farthest, or in two steps.
    n_neighbors : int or estimator
        Rows of the smallest class to which distances are averaged.
    n_neighbors_ver3 : int or estimator
        Neighbors that the first step of version 3 keeps.
    """

    _method: ClassVar[str] = "near_miss"
    _selects: ClassVar[bool] = True
    _itself: ClassVar[int] = 0

    version: Literal[1, 2, 3] = 1
    n_neighbors: Neighbors = 3
    n_neighbors_ver3: Neighbors = 3
    n_jobs: int | None = None


@estimator
class InstanceHardnessThreshold(Resampler):
    """Keep the rows that a classifier finds easy; see `spark_balance.InstanceHardnessThreshold`.

    Parameters
    ----------
    estimator : classifier, optional
        What finds a row easy; default a `RandomForestClassifier`.
    cv : int
        Folds; a splitter is refused.
    """

    _method: ClassVar[str] = "instance_hardness_threshold"
    _selects: ClassVar[bool] = True

    estimator: Any = None
    random_state: Seed = None
    cv: int = 5
    n_jobs: int | None = None


@estimator
class ClusterCentroids(Resampler):
    """Replace rows of the larger classes by the centers of their clusters; see `spark_balance.ClusterCentroids`.

    Parameters
    ----------
    estimator : clusterer, optional
        What clusters; default k-means.
    voting : {'auto', 'soft', 'hard'}
        Keep the centers ('soft'), or the rows nearest to them ('hard'); 'auto' is 'hard' for a sparse matrix.
    """

    _method: ClassVar[str] = "cluster_centroids"

    random_state: Seed = None
    estimator: Any = None
    voting: Literal["auto", "soft", "hard"] = "auto"

    def _features(self, X: Any, target: Target) -> tuple[Any, Features]:
        """Check features, and vote by what they are."""
        table, features = super()._features(X, target)
        self.voting_ = ("hard" if issparse(table) else "soft") if self.voting == "auto" else self.voting
        return table, features

    def for_spark(self, target: Target) -> dict[str, Any]:
        """Return the parameters for Spark."""
        return super().for_spark(target) | {"voting": self.voting_}


@estimator
class TomekLinks(Resampler):
    """Remove the rows of Tomek links; see `spark_balance.TomekLinks`."""

    _method: ClassVar[str] = "tomek_links"
    _selects: ClassVar[bool] = True
    _by_class: ClassVar[bool] = False

    n_jobs: int | None = None


@estimator
class EditedNearestNeighbours(Resampler):
    """Remove the rows that their neighbors outvote; see `spark_balance.EditedNearestNeighbours`.

    Parameters
    ----------
    n_neighbors : int or estimator
        Neighbors that vote.
    kind_sel : {'all', 'mode'}
        Whether all neighbors have to agree, or most.
    """

    _method: ClassVar[str] = "edited_nearest_neighbours"
    _selects: ClassVar[bool] = True

    n_neighbors: Neighbors = 3
    kind_sel: Literal["all", "mode"] = "all"
    n_jobs: int | None = None


@estimator
class RepeatedEditedNearestNeighbours(EditedNearestNeighbours):
    """Edit again, until nothing changes; see `spark_balance.RepeatedEditedNearestNeighbours`.

    Parameters
    ----------
    max_iter : int
        Rounds at most.
    """

    _method: ClassVar[str] = "repeated_edited_nearest_neighbours"

    max_iter: int = 100

    @property
    def n_iter_(self) -> int:
        """Rounds that were done."""
        rounds: int = self.notes_["rounds"]
        return rounds


@estimator
class AllKNN(EditedNearestNeighbours):
    """Edit with one neighbor, two, and so on; see `spark_balance.AllKNN`.

    Parameters
    ----------
    allow_minority : bool
        Whether a larger class may become the smallest.
    """

    _method: ClassVar[str] = "all_knn"

    allow_minority: bool = False


@estimator
class NeighbourhoodCleaningRule(Resampler):
    """Remove outvoted rows, and the neighbors of outvoted minority rows; see `spark_balance.NeighbourhoodCleaningRule`.

    Parameters
    ----------
    edited_nearest_neighbours : None
        It edits by its own rule: another is refused.
    n_neighbors : int or estimator
        Neighbors that vote.
    threshold_cleaning : float
        Classes of fewer rows than this share of the smallest one's are not cleaned.
    """

    _method: ClassVar[str] = "neighbourhood_cleaning_rule"
    _selects: ClassVar[bool] = True
    _by_class: ClassVar[bool] = False

    edited_nearest_neighbours: Any = None
    n_neighbors: Neighbors = 3
    threshold_cleaning: float = 0.5
    n_jobs: int | None = None


@estimator
class CondensedNearestNeighbour(Resampler):
    """Remove the rows that those kept classify; see `spark_balance.CondensedNearestNeighbour`.

    Parameters
    ----------
    n_neighbors : int or estimator, optional
        Neighbors that classify a row; default 1.
    n_seeds_S : int
        Rows of each class to begin with.
    """

    _method: ClassVar[str] = "condensed_nearest_neighbour"
    _selects: ClassVar[bool] = True
    _itself: ClassVar[int] = 0

    random_state: Seed = None
    n_neighbors: Neighbors | None = None
    n_seeds_S: int = 1
    n_jobs: int | None = None


@estimator
class OneSidedSelection(CondensedNearestNeighbour):
    """Remove rows that are classified by others, and those of Tomek links; see `spark_balance.OneSidedSelection`."""

    _method: ClassVar[str] = "one_sided_selection"
