"""What an exact search will do and cost beyond a search in cells: numbers in, numbers out."""

from __future__ import annotations

from dataclasses import replace

from spark_balance.cost import CostModel, Step
from spark_balance.kernels.local import candidates, pivots
from spark_balance.samplers.cell_steps import ROW_BYTES, CellSearch

_SEARCH = ("distances", "products", "pivoted")
_BESIDE = 4  # numbers that travel with a neighbour's features: its distance and its identity


class ExactSearching(CellSearch):
    """A search whose every neighbour is proven: bases are placed once more, questions and answers travel."""

    def steps(self, model: CostModel) -> tuple[Step, ...]:
        """Return every step of the run."""
        *before, last = super().steps(model)
        *originals, new = last.parts
        rows, bases = (sum(getattr(one, what) for one in self.classes) for what in ("rows", "bases"))
        asked = float(sum(one.bases * one.guests for one in self.classes))
        answer = 8 * self.k * (self.width + _BESIDE)
        row = 8 * (self.width + self.carried) + ROW_BYTES
        sent = round(rows * row + bases * (row + answer) + asked * row)
        (placed,) = before[-1].parts
        # every row is placed as before, but shuffled with the questions
        again = replace(placed, amounts={**placed.amounts, "shuffled": float(sent)})
        work = {unit: new.amounts[unit] for unit in _SEARCH} | {"python": 1.0}
        ask = Step(
            "search, ask",
            (again, replace(new, amounts=work)),
            rows_read=self.rows,
            shuffle_rows=round(rows + bases + asked),
            shuffle_bytes=sent,
            task_bytes=last.task_bytes,
        )
        homes = [(one, one.rows / one.centroids) for one in self.classes]
        compared = float(sum(one.bases * one.guests * candidates(round(home)) for one, home in homes))
        told = round((bases + asked) * (answer + row))
        # the answers to a cell's rows are there as they came and as numbers
        held = last.task_bytes + 2 * round(float(self.sizes.max())) * answer
        replies = {
            "distances": compared,
            "products": compared * self.width,
            # the rows at home find their pivots once more, without the guests
            "pivoted": sum((one.rows + 2 * one.bases * one.guests) * pivots(round(home)) for one, home in homes),
            "shuffled": float(told),
            "python": 1.0,
        }
        reply = Step(
            "answer",
            (replace(new, amounts=replies),),
            shuffle_rows=round(bases + asked),
            shuffle_bytes=told,
            task_bytes=held,
        )
        written = {unit: amount for unit, amount in new.amounts.items() if unit not in _SEARCH}
        write = replace(last, name="merge, write", task_bytes=held, parts=(*originals, replace(new, amounts=written)))
        return (*before, ask, reply, write)

    @property
    def assumed(self) -> tuple[str, ...]:
        """What is taken for granted: only the search itself learns which neighbours are proven."""
        return (*super().assumed, "as many rows ask another cell as visit one")
