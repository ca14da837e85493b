"""What a command prints of the user's data is text, whatever a terminal's markup would make of it."""

from __future__ import annotations

import logging
import sys

from spark_balance.app import terminal
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


def test_a_log_on_the_terminal_goes_through_what_draws_there(monkeypatch, capsys):
    with terminal.log_as_json("/dev/stderr", "smote"):
        monkeypatch.setattr(sys, "stderr", sys.stdout)  # as the progress of a step does
        logging.getLogger("spark_balance").info("step count ended")
    said = capsys.readouterr()
    assert "step count ended" in said.out
    assert said.err == ""
