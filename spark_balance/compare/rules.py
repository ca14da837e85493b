"""The rules of docs/when-to-resample.md as a table: when each holds, what it says, and what was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from spark_balance.compare.facts import Facts
from spark_balance.frames.counts import IF_PREDICTED

Action = Literal["nothing", "threshold", "weights", "downsample", "oversample"]
HARDLY = 0.55  # ROC-AUC of a quick model below which it hardly ranks


class Cell(NamedTuple):
    """Where docs/when-to-resample.md has a figure: the table, the classifier and the treatment, or what it says of all.

    A table's description has what is of no treatment, such as the share of a class.
    """

    table: str
    classifier: str
    treatment: str
    figure: str


@dataclass(frozen=True)
class Rule:
    """When it holds, what it says, with names of `Facts.known` in braces, and what was measured.

    A rule without an action is a remark. `after` names the actions that a remark belongs to; () means all.
    """

    name: str
    holds: Callable[[Facts], bool]
    says: str
    action: Action | None = None
    measured: str = ""
    cells: tuple[Cell, ...] = ()
    after: tuple[Action, ...] = ()

    def say(self, known: dict[str, Any]) -> str:
        """Return what it says of a table, and what was measured."""
        return " ".join(one for one in (self.says.format(**known), self.measured) if one)


def cells_of(table: str, classifier: str, **figures: str) -> tuple[Cell, ...]:
    """Return cells of a classifier: figures, with blanks between, by treatment."""
    return tuple(
        Cell(table, classifier, treatment.replace("_", " "), one)
        for treatment, text in figures.items()
        for one in text.split()
    )


def _won(action: Action) -> Callable[[Facts], bool]:
    return lambda of: of.winner == action


TREATMENTS: tuple[Action, ...] = ("weights", "downsample", "oversample")
LOGISTIC, TREES = "logistic_regression", "gradient_boosted_trees"
ALL = tuple(Cell("all", "", "", figure) for figure in ("84", "30", "1"))
OF_ALL = "On five real tables, 30 of 84 treatments ranked rows worse than doing nothing, and 1 ranked them better."
MOVED = (
    "On the flights, weights found 0.687 of the late ones at a precision of 0.173; moving the threshold, without a "
    "second fit, found 0.691 at the same precision."
)
OF_MOVED = cells_of("flights", LOGISTIC, **{"weights": "0.687 0.173", "nothing, threshold moved": "0.691 0.173"})


# the first that holds decides
DECIDE = (
    Rule(
        "the label is a measurement",
        lambda of: of.is_measurement,
        "{single_classes:,} of the {classes:,} classes have one row, as if '{label_col}' held a measurement or a key. "
        "Make a column of few classes first, such as one that is true for what you want to find. "
        f"{IF_PREDICTED[0].upper()}{IF_PREDICTED[1:]}.",
        "nothing",
    ),
    Rule(
        "too many rows to fit",
        lambda of: of.rows > of.most_rows,
        "{rows:,} rows are more than the {fit_rows:,} that a fit can have (fit_rows). Downsample for that reason, not "
        "because classes are unequal: keep each class of up to {cap:,} rows whole, and {cap:,} of each larger one.",
        "downsample",
        "What is thrown away is missed, so keep as many rows as fit: on the flights boosted trees trained on 8,304 in "
        "place of 48,000 rows took 0.6 in place of 1.1 seconds, and their PR-AUC fell from 0.359 to 0.317.",
        cells_of("flights", TREES, nothing="48,000 1.1 0.359", downsample="8,304 0.6 0.317"),
    ),
    *[
        Rule(
            f"{action} won on folds",
            _won(action),
            "On {n_folds} folds of your rows {best} ranked rows better than doing nothing, by {gap:+.3f} ± "
            "{spread:.3f} of PR-AUC. Keep it only if it wins on rows that were held out until the end, too.",
            action,
            OF_ALL,
            ALL,
        )
        for action in TREATMENTS
    ],
    Rule(
        "nothing won on folds",
        lambda of: bool(of.gaps),
        "On {n_folds} folds of your rows no treatment clearly ranked rows better than doing nothing; the best, "
        "{best}, differs by {gap:+.3f} ± {spread:.3f} of PR-AUC.",
        "threshold",
        OF_ALL,
        ALL,
    ),
    Rule(
        "balanced",
        lambda of: of.counts.degree == "balanced",
        "The classes are balanced, so any treatment would only add noise.",
        "nothing",
        "Even where 37.26% of the rows were of the rarer class, the tumors, SMOTE changed the PR-AUC of logistic "
        "regression by +0.000 ± 0.001.",
        (Cell("breast_cancer", "", "", "37.26%"), *cells_of("breast_cancer", LOGISTIC, SMOTE="+0.000 0.001")),
    ),
    Rule(
        "nothing to learn",
        lambda of: of.ranking is not None and not of.is_few and of.ranking.roc_auc < HARDLY,
        "A quick model hardly ranks rows of class {rare} before others (ROC-AUC {roc_auc:.2f}; chance gives 0.50). "
        "No treatment adds what the columns do not say: look for other columns first.",
        "nothing",
        "Not even on the hardest of the five tables, the caravan with a ROC-AUC of 0.731, did SMOTE rank rows clearly "
        "better (+0.002 ± 0.016).",
        cells_of("caravan", LOGISTIC, nothing="0.731", SMOTE="+0.002 0.016"),
    ),
    Rule(
        "several classes",
        lambda of: len(of.sizes) > 2,
        "With {classes} classes one threshold does not decide; weights shift all of them at once, and keep every row.",
        "weights",
        MOVED + " Several classes were not measured.",
        OF_MOVED,
    ),
    Rule(
        "mild",
        lambda of: of.counts.degree == "mild",
        "A mild case needs no other rows. Choose the threshold by what mistakes cost.",
        "threshold",
        "On the tumors, 37.26% of which are malignant, no treatment differed by more than the folds do: SMOTE by "
        "+0.000 ± 0.001 of PR-AUC, weights by +0.000 ± 0.000.",
        (
            Cell("breast_cancer", "", "", "37.26%"),
            *cells_of("breast_cancer", LOGISTIC, SMOTE="+0.000 0.001", weights="+0.000 0.000"),
        ),
    ),
    Rule(
        "moderate",
        lambda of: of.counts.degree == "moderate",
        "What resampling seems to win in recall comes from the threshold, which can be moved for nothing. Choose it by "
        "what mistakes cost.",
        "threshold",
        f"{OF_ALL} {MOVED}",
        (*ALL, *OF_MOVED),
    ),
    Rule(
        "extreme",
        lambda of: of.counts.degree == "extreme",
        "Move the threshold first. A class this rare was not measured, so {method} may help: keep it only if it ranks "
        "held-out rows better, by more than its spread.",
        "oversample",
        "The rarest measured class had 4.50% of the rows, those of the crashes: SMOTE changed the PR-AUC by -0.003 ± "
        "0.005 with logistic regression, and by -0.033 ± 0.031 with boosted trees.",
        (
            Cell("crashes", "", "", "4.50%"),
            *cells_of("crashes", LOGISTIC, SMOTE="-0.003 0.005"),
            *cells_of("crashes", TREES, SMOTE="-0.033 0.031"),
        ),
    ),
)
