"""What an exact search will do and cost beyond a search in cells: numbers in, numbers out."""

from __future__ import annotations

from dataclasses import replace

from spark_balance.cost import CostModel, Part, Step
from spark_balance.samplers.cell_steps import ROW_BYTES, CellSearch

_SEARCH = ("distances", "products", "pivoted", "python")
_BESIDE = 4  # numbers that travel with a neighbour's features: its distance and its identity


class ExactSearching(CellSearch):
    """A search whose every neighbour is proven: bases are placed once more, questions and answers travel."""

    def steps(self, model: CostModel) -> tuple[Step, ...]:
        """Return every step of the run."""
        *before, last = super().steps(model)
        *originals, new = last.parts
        rows, asked = sum(one.rows for one in self.classes), self._asked
        answer = 8 * self.k * (self.width + _BESIDE)
        row = 8 * (self.width + self.carried) + ROW_BYTES
        sent = round(rows * (2 * row + answer) + asked * row)
        scan = Part(self.table.splits(self.rows), self._scan())
        work = {unit: amount for unit, amount in new.amounts.items() if unit in _SEARCH}
        search = replace(new, amounts=work | {"shuffled": float(sent)})
        ask = Step(
            "search, ask",
            (scan, search),
            rows_read=self.rows,
            shuffle_rows=round(2 * rows + asked),
            shuffle_bytes=sent,
            task_bytes=last.task_bytes,
        )
        home = sum(one.rows * one.guests * one.rows / one.centroids for one in self.classes)
        told = round((rows + asked) * (answer + row))
        replies = {"distances": home, "products": home * self.width, "shuffled": float(told)}
        reply = Step(
            "answer",
            (replace(new, amounts=replies),),
            shuffle_rows=round(rows + asked),
            shuffle_bytes=told,
            task_bytes=last.task_bytes,
        )
        written = {unit: amount for unit, amount in new.amounts.items() if unit not in _SEARCH}
        write = replace(last, name="merge, write", parts=(*originals, replace(new, amounts=written)))
        return (*before, ask, reply, write)

    @property
    def assumed(self) -> tuple[str, ...]:
        """What is taken for granted: only the search itself learns which neighbours are proven."""
        return (*super().assumed, "as many rows ask another cell as visit one")

    @property
    def _asked(self) -> float:
        return float(sum(one.rows * one.guests for one in self.classes))
