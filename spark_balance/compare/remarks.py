"""What else is said of a table, whichever rule decides; and the judgement, of both."""

from __future__ import annotations

from spark_balance.compare.facts import Facts
from spark_balance.compare.rules import DECIDE, HARDLY, LOGISTIC, TREES, Action, Cell, Rule, cells_of
from spark_balance.frames.text import on_a_line
from spark_balance.report.findings import MANY_COLUMNS, REPEATED, some_of

SURELY = 0.999  # ROC-AUC of a quick model that hardly ever comes from what is known before

# all that hold are said
REMARK = (
    Rule(
        "ranking",
        lambda of: of.ranking is not None and of.ranking.roc_auc >= HARDLY,
        "Your rows: a quick model of {sampled:,} of them ranks with a PR-AUC of {pr_auc:.3f} (chance: {share:.3f}). "
        "Decided at 0.5 it finds {recall_at_half:.0%} of class {rare}. Decided at {threshold:.2g} it finds "
        "{recall:.0%}, and {precision:.0%} of what it names is right.",
        after=("threshold", "weights", "downsample", "oversample"),
    ),
    Rule(
        "outcome",
        lambda of: of.ranking is not None and of.ranking.roc_auc >= SURELY,
        "Its ROC-AUC is {roc_auc:.4f}: check that no column is known only after the outcome.",
    ),
    Rule(
        "compared",
        lambda of: bool(of.gaps) and of.rows > of.most_rows,
        "On {n_folds} folds of a sample, {best} changed the PR-AUC by {gap:+.3f} ± {spread:.3f} against doing nothing.",
        after=("downsample",),
    ),
    Rule(
        "few",
        lambda of: of.is_few,
        "{rare_rows:,} rows of class {rare} say little: scores of them are uncertain and their neighbors far apart. "
        "More such rows help more than any treatment.",
        after=("threshold", "weights", "downsample", "oversample"),
    ),
    Rule(
        "few and downsampled",
        lambda of: of.is_few,
        "With few rare rows, average several draws: BalancedBaggingClassifier.",
        measured="On the loans it ranked rows better than doing nothing, by +0.022 ± 0.018 with boosted trees.",
        cells=cells_of("lending_club", TREES, balanced_bagging="+0.022 0.018"),
        after=("downsample",),
    ),
    Rule(
        "categories of the base",
        lambda of: 0 < len(of.categories) <= len(of.numbers) and not of.is_few,
        "{method} copies categories from the base row.",
        measured="SMOTENC, which has neighbors vote for them, ranked the flights worse with boosted trees (-0.053 "
        "against -0.035).",
        cells=cells_of("flights", TREES, SMOTENC="-0.053", SMOTE="-0.035"),
        after=("oversample",),
    ),
    Rule(
        "many columns",
        lambda of: len(of.numbers) > MANY_COLUMNS and not of.is_few,
        "Among {numeric_columns} numbers the nearest rows are hardly nearer than any others.",
        measured="On the caravan's 85 features SMOTE changed PR-AUC by -0.004 ± 0.032 with boosted trees.",
        cells=(Cell("caravan", "", "", "85"), *cells_of("caravan", TREES, SMOTE="-0.004 0.032")),
        after=("oversample",),
    ),
    Rule(
        "repeated",
        lambda of: of.repeated > REPEATED,
        "{repeated:.0%} of the sampled rows of class {rare} repeat another one; new rows between them are copies.",
        after=("oversample",),
    ),
    Rule(
        "prior after weights",
        lambda of: True,
        "Correct the probabilities before anybody reads one (correct_prior).",
        measured="On the flights that brought the calibration error of logistic regression from 0.332 back to 0.005.",
        cells=cells_of("flights", LOGISTIC, **{"weights": "0.332", "weights, prior corrected": "0.005"}),
        after=("weights",),
    ),
    Rule(
        "prior after oversampling",
        lambda of: not of.is_few,
        "Correct the probabilities of its model (correct_prior), and check them: after SMOTE trees stay miscalibrated.",
        measured="On the flights their calibration error was 0.050 after the correction, and 0.007 without SMOTE.",
        cells=cells_of("flights", TREES, **{"nothing": "0.007", "SMOTE, prior corrected": "0.050"}),
        after=("oversample",),
    ),
    Rule(
        "incomplete",
        lambda of: bool(of.incomplete),
        "Left out until you fill them, since values are missing: {missing}.",
        after=("oversample",),
    ),
    Rule(
        "unused",
        lambda of: bool(of.unused),
        "Left out, since they have too many values to learn from: {left_out}.",
        after=("threshold", "weights", "downsample", "oversample"),
    ),
    Rule("unlabeled", lambda of: of.counts.missing_rows > 0, "{unlabeled:,} rows have no label and were left out."),
)


def decide(facts: Facts, method: str = "") -> tuple[Action, tuple[str, ...]]:
    """Return what to do, and why: the first rule that decides, and all remarks on it; `method` is what is tried."""
    known = facts.known() | {"method": method}
    known |= {"rare": on_a_line(facts.rare), "label_col": on_a_line(facts.counts.label_col)}
    known |= {"missing": some_of(list(known["incomplete"])), "left_out": some_of(known["unused"])}
    known["best"] = {"oversample": method, "downsample": "downsampling", "weights": "weights"}.get(facts.best)
    rule = next(one for one in DECIDE if one.holds(facts))
    action: Action = rule.action or "nothing"
    remarks = [one for one in REMARK if one.holds(facts) and (not one.after or action in one.after)]
    return action, tuple(one.say(known) for one in (rule, *remarks))
