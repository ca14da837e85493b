"""An over-sampler of one's own: SMOTE whose new rows stay near their base."""

from pydantic import Field
from pyspark.sql import Column

from spark_balance import register
from spark_balance.base import OverSampler, Pair, Recipe, Result, own_class


@register("close_smote")
class CloseSMOTE(OverSampler):
    """Make new rows on the part of the way to a neighbor that is nearest to the base, `reach` of it."""

    k_neighbors: int = Field(default=5, ge=1, strict=True)
    reach: float = Field(default=0.5, gt=0, le=1, strict=True)

    def recipe(self, run: Recipe) -> Result:
        """Search for the neighbors of each row in its class, and make rows towards them."""
        cells = run.cells(run.sample(run.changing), own_class(self.k_neighbors))
        bases = run.spread_evenly(run.rows(run.changing), draws="synthesize")
        return run.synthesize(run.knn_join(bases, cells, self.k_neighbors), self.gap)

    def gap(self, pair: Pair) -> Column:
        """Return the place of a new row between its base, 0, and the neighbor, 1."""
        return pair.uniform * self.reach
