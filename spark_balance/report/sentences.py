"""The words and numbers that every form of a comparison shares."""

from __future__ import annotations

from spark_balance.report.comparison import CALIBRATION_BINS, FEW, SCORES, Comparison, Line

NOTES = (
    "Mean ± standard deviation over the held-out folds, which were never resampled. The first column is the difference "
    "within each fold, since folds differ more than treatments; training folds share most of their rows, so the spread "
    "understates what another table would show.",
    "Positive is decided at a probability of 0.5; *threshold moved* decides at the share of the positive class in the "
    "training fold instead; *prior corrected* undoes the change of the class shares in the probabilities. Neither fits "
    "again.",
    "Brier score and ECE (expected calibration error): smaller is better. Seconds are one fold's, resampling "
    "and fitting.",
)
CURVES = f"Precision against recall, held-out rows of all folds, from the first {FEW} rows on."
CALIBRATION = (
    f"Calibration: {CALIBRATION_BINS} equally wide bins, those with fewer than {FEW} rows left out; dashed where the "
    "prior was corrected."
)


def described(comparison: Comparison) -> str:
    """Say what was compared on what."""
    counts = comparison.counts
    rows, share = sum(counts.rows.values()), counts.shares[comparison.positive]
    told = f"{rows:,} rows"
    if comparison.source_rows != rows:
        told = f"a stratified sample of {rows:,} of {comparison.source_rows:,} rows"
    categories = f" and {len(comparison.categorical)} categories" if comparison.categorical else ""
    return (
        f"{told}, {len(comparison.features)} features{categories}, {counts.label_col} = {comparison.positive} in "
        f"{share:.2%} ({counts.degree}); {comparison.n_folds} stratified folds, "
        f"random_state {comparison.random_state}; resampled on {comparison.engine}, fitted by {comparison.learner}"
    )


def head(comparison: Comparison) -> tuple[str, ...]:
    """Return the heads of a table's columns."""
    compared = f"PR-AUC against {comparison.lines[0].name}"
    return ("treatment", compared, *SCORES.values(), "seconds to fit", "rows trained on")


def cells(comparison: Comparison, line: Line) -> tuple[str, ...]:
    """Return a line as the texts of a table row."""
    first = comparison.of(line.classifier)[0]
    gap, spread = line.against(first, "pr_auc")
    compared = "" if line is first else f"{gap:+z.3f} ± {spread:.3f}"
    shown = [f"{line.mean(name):z.3f} ± {line.spread(name):.3f}" for name in SCORES]
    seconds = sum(line.seconds) / len(line.seconds)
    rows = round(sum(line.rows) / len(line.rows))
    return (line.name, compared, *shown, f"{seconds:.1f}", f"{rows:,}")
