"""What a command prints of the user's data is text, whatever a terminal's markup would make of it."""

from __future__ import annotations

from spark_balance.app.look import JobResult
from spark_balance.app.results import show
from spark_balance.frames.plan import ClassCounts

NAMES = ("cost [/km]", "[bold]", ":key:", "[link=x]y")


def test_names_and_labels_are_printed_as_they_are(capsys):
    for name in NAMES:
        counts = ClassCounts(name, {(): {name: 40, "b": 12}}, {(): 0})
        show(JobResult(counts, after=counts, output=name, manifest=name, notes={"features": [name], name: 1}))
        shown = capsys.readouterr().out
        # title, header and label of two tables; two places, two notes
        assert shown.count(name) >= 8, shown
