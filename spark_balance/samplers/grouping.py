"""What random samplers share: rows are chosen or repeated one by one, or, with `group_cols`, in whole groups."""

from __future__ import annotations

from pydantic import StrictBool
from pyspark.sql import Column, DataFrame

from spark_balance.columns import check_columns
from spark_balance.cost import Step, Table
from spark_balance.errors import SparkBalanceError
from spark_balance.plans.keep import Share, share_numbers, with_copies
from spark_balance.plans.keys import identity, unhashable
from spark_balance.plans.replicate import origin
from spark_balance.plans.strata import Numbers, Strata
from spark_balance.plans.whole_groups import class_sizes, with_group_copies
from spark_balance.samplers.base import Sampler
from spark_balance.samplers.parameters import Names
from spark_balance.samplers.steps import chosen, chosen_groups
from spark_balance.summary import Counts, ResamplingPlan


class GroupingSampler(Sampler):
    """The parameters of a sampler that takes rows as they are, and can take those of an entity together.

    Parameters
    ----------
    group_cols : tuple of str, optional
        Rows of one class with equal values here (a customer's, a session's; NULLs are one group) are
        kept, dropped or repeated together. A group that has rows of several classes is one group
        in each of them: a customer's good rows stay together, and so do the fraudulent ones, but what
        happens to the former does not touch the latter. (Whole customers would drag rows of other classes
        along, and no class would have the rows that were planned.) Groups are drawn by one order for all
        classes, so that who is kept in one tends to be kept in others.
    exact : bool, default True
        With `group_cols` the rows after are at most those planned: groups come in random order until
        the next no longer fits, so fewer than its rows are missing; a group of more rows than there is
        room for is passed over. False takes each group by its own probability: one scan, approximate.
        With `key_cols` or `group_cols` and given counts that is also what streams are resampled by.
    """

    group_cols: Names | None = None
    exact: StrictBool = True

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        check_columns(self._name, df.schema, self._groups, "group_cols")
        for name in self._groups:
            if unhashable(df.schema[name].dataType):
                raise SparkBalanceError(
                    f"{self._name}: group_cols names column '{name}' of type "
                    f"{df.schema[name].dataType.simpleString()}; maps and variants tell no groups, so name others"
                )

    @property
    def _groups(self) -> tuple[str, ...]:
        return self.group_cols or ()

    @property
    def streams(self) -> bool:
        """Whether it takes a stream, if counts are given: with `exact=False`, by the key or the group."""
        return not self.exact and bool(self._keys or self._groups)

    @property
    def _promise(self) -> Counts:
        return "at_most" if self.group_cols and self.exact else super()._promise

    def _with_copies(
        self, df: DataFrame, strata: Strata, shares: list[Share], stream: int, numbers: Numbers
    ) -> DataFrame:
        """Return the rows with how often each is to appear, and numbers of their class."""
        numbers = {**share_numbers(shares), **numbers}
        if not self._groups:
            rows = strata.attach(self._identified(df), numbers)
            return with_copies(rows, strata, shares, stream, keyed=bool(self._keys), exact=self.exact)
        grouped = df.select("*", *identity(self._name, df.schema, self._groups))
        if self.exact:
            rows = strata.attach(grouped, {**numbers, **class_sizes(shares)})
            return with_group_copies(rows, strata, shares, stream)
        # rows of one identity draw alike: a group is chosen whole
        return with_copies(strata.attach(grouped, numbers), strata, shares, stream, keyed=True, exact=False)

    def _row_origin(self, df: DataFrame) -> Column:
        """Return what tells a row, of the rows that have copies."""
        # the identity that rows of groups have is that of their group
        own = identity(self._name, df.schema, self._keys) if self._groups else ()
        return origin(df.schema, self._keys, own)

    def _choosing(self, plan: ResamplingPlan, table: Table) -> tuple[Step, ...]:
        """Return the step that finds what is taken once more."""
        if not self.exact:
            return ()
        shares = [Share(entry.before, entry.after) for entry in plan.classes]
        if self._groups:
            return chosen_groups(table, shares, plan.rows_before, len(self._groups))
        return chosen(table, shares, plan.rows_before, len(self._keys))
