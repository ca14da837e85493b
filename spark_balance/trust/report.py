"""The report: figures by class, what of them needs a look, and a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from spark_balance.frames.plan import Label
from spark_balance.frames.text import TextTable, on_a_line, plain, plural, shown
from spark_balance.report.findings import FEW, some_of
from spark_balance.trust.figures import ClassTrust, Concentration, Share

# from when on a figure is worth a sentence: beyond what honest interpolation does on the tables of the tests
MORE_COPIES, MORE_STRANGERS, MORE_OFF, MANY_NEAR = 0.01, 0.05, 0.04, 0.5
TELLING = 0.9  # of ROC-AUC
MANY_OF_ONE = 0.05  # share of one base, entity or value above that of originals
TIMES_EVEN = 10.0  # times an even share of one base


def findings_of(of: ClassTrust) -> Iterator[str]:
    """Yield what a person should look at."""
    for sentence in (*_of_shares(of), *_of_models(of), *_of_concentration(of)):
        yield f"Class {on_a_line(of.label)}: {sentence}"


def _of_shares(of: ClassTrust) -> Iterator[str]:
    copies, other, off, near = of.copies, of.nearer_to_other_class, of.off_support, of.distance_to_closest_record
    if copies and copies.above > MORE_COPIES:
        yield (
            f"{percent(copies.value)} of its new rows equal an original in all features; {percent(copies.originals)} "
            "of the originals equal another."
        )
    if near and near.nearer.value - near.nearer.chance > MANY_NEAR:
        yield (
            f"{percent(near.nearer.value)} of its new rows are nearer to an original that they are not made of than 19 "
            "of 20 held-out originals are."
        )
    if other and other.above > MORE_STRANGERS:
        yield (
            f"the nearest original of {percent(other.value)} of its new rows is of another class, and of "
            f"{percent(other.originals)} of its originals; new rows lie among other classes."
        )
    if off and off.outlier_share > off.outlier_allowance:
        outside = f", outside the range of the originals in {some_of(off.columns)}" if off.columns else ""
        outliers = round(off.outlier_share * of.new_rows)
        yield (
            f"{percent(off.outlier_share)} of its new rows, about {outliers:,}, are more than twice as far from every"
            f" original of the class as 99 of 100 originals are{outside}; new rows lie where the class is not."
        )
    elif off and off.above > MORE_OFF:
        yield (
            f"{percent(off.value)} of its new rows are farther from every original of the class than 99 of 100 "
            "originals are from each other; new rows lie where the class is not."
        )


def _of_models(of: ClassTrust) -> Iterator[str]:
    if of.drift and (moved := [name for name, gap in of.drift.columns.items() if gap > of.drift.far]):
        yield f"new rows and originals are spread otherwise in {some_of(moved)}."
    if of.correlation and of.correlation.value > of.correlation.far:
        pair = " and ".join(map(on_a_line, of.correlation.columns))
        yield (
            f"the correlation of {pair} in its new rows differs by {of.correlation.value:.2f} from that"
            f" in its originals; chance alone makes about {of.correlation.noise:.2f}."
        )
    if of.detectable and of.detectable.value - of.detectable.error > TELLING:
        yield (
            f"a classifier tells its new rows from originals with a ROC-AUC of {of.detectable.value:.2f}; a model can "
            "learn that a row is synthetic."
        )


def _of_concentration(trust: ClassTrust) -> Iterator[str]:
    of = trust.concentration
    if of is None:
        return
    even = TIMES_EVEN / trust.new_rows  # of ten rows each is a tenth
    if of.base and of.base.value > max(MANY_OF_ONE, TIMES_EVEN * of.base.originals, even):
        yield f"{percent(of.base.value)} of its new rows are made of one base."
    if of.entity and of.entity.value > max(2 * of.entity.originals + MANY_OF_ONE, even):
        yield (
            f"{percent(of.entity.value)} of its new rows are made of one entity; of the originals "
            f"{percent(of.entity.originals)} at most are of one."
        )
    if of.value and of.value.above > 2 * MANY_OF_ONE:
        yield (
            f"{percent(of.value.value)} of its new rows have one value of {of.column}, which "
            f"{percent(of.value.originals)} of the originals have."
        )


def percent(share: float) -> str:
    """Return a share in percent, which is 0 or 100 only if that is meant."""
    return f"{share:.0%}" if share in (0, 1) else f"{min(max(share, 0.0001), 0.9999):.2%}"


def show_trust(report: TrustReport) -> list[TextTable]:
    """Lay out the figures: a line for each class and figure."""
    lines = [(on_a_line(one.label), *line) for one in report.classes for line in _lines(one)]
    head = ("class", "figure", "new rows", "originals")
    return [TextTable(report.verdict, head, lines, names=2, notes=report.findings)]


@shown(show_trust)
@dataclass(frozen=True, repr=False)
class TrustReport:
    """What `assess_synthetic` found, class by class.

    Attributes
    ----------
    classes : tuple of ClassTrust
        The classes that have new rows.
    features : tuple of str
        The columns that were compared.
    findings : tuple of str
        A sentence for each figure that is worse than that of originals by more than honest interpolation makes it.
    verdict : str
        One sentence.
    """

    classes: tuple[ClassTrust, ...]
    features: tuple[str, ...]

    @property
    def findings(self) -> tuple[str, ...]:
        """A sentence for each figure that a person should look at."""
        return tuple(sentence for one in self.classes for sentence in findings_of(one))

    @property
    def verdict(self) -> str:
        """What follows, in one sentence."""
        rows = plural(sum(one.new_rows for one in self.classes), "new row")
        if not self.classes:
            return "No row is new."
        fewest = min(one.originals for one in self.classes)
        far = f", as far as {plural(fewest, 'original')} can say" if fewest < FEW else ""
        unknown = dict.fromkeys(name for one in self.classes for name in one.unknown)
        left_out = f"; not known, since more rows are needed: {', '.join(unknown)}" if unknown else ""
        if not self.findings:
            return f"Nothing speaks against the {rows}{far}{left_out}."
        need = "needs" if len(self.findings) == 1 else "need"
        return f"{plural(len(self.findings), 'figure')} of the {rows} {need} a look{left_out}."

    def worst(self, figure: str) -> tuple[Label, float] | None:
        """Return the class for which a figure is worst, and its value.

        Parameters
        ----------
        figure : {'copies', 'nearer_to_other_class', 'off_support', 'correlation', 'detectable'}

        Returns
        -------
        tuple of label and float, or None
            None if no class has that figure.
        """
        known = [(one.label, getattr(one, figure).value) for one in self.classes if getattr(one, figure) is not None]
        return max(known, key=lambda one: one[1], default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can carry it."""
        classes = [
            asdict(one) | {"label": plain(one.label), "findings": list(findings_of(one))} for one in self.classes
        ]
        return {"verdict": self.verdict, "features": list(self.features), "classes": classes}


def _lines(of: ClassTrust) -> Iterator[tuple[str, str, str]]:
    """Yield the figure, its value for new rows and for originals, and how far chance moves each."""
    if near := of.distance_to_closest_record:
        new, held = near.quantiles["50%"]
        yield "distance_to_closest_record, median", f"{new:.3g}", f"{held:.3g}"
    shares: dict[str, Share | None] = {
        "copies": of.copies,
        "distance_to_closest_record, nearer": near.nearer if near else None,
        "nearer_to_other_class": of.nearer_to_other_class,
        "off_support": of.off_support,
        **(_lines_of_concentration(of.concentration) if of.concentration else {}),
    }
    for name, share in shares.items():
        if share is not None:
            yield name, _doubted(share.value, share.error), _doubted(share.originals, share.originals_error)
    if of.drift and of.drift.columns:
        name, gap = next(iter(of.drift.columns.items()))
        yield f"drift of {on_a_line(name)}", f"{gap:.3f} ± {of.drift.noise:.3f}", f"{of.drift.originals[name]:.3f}"
    if (pair := of.correlation) and pair.columns:
        name = " and ".join(map(on_a_line, pair.columns))
        yield f"correlation of {name}, difference", f"{pair.value:.3f} ± {pair.noise:.3f}", f"{pair.originals:.3f}"
    if of.detectable:
        yield "detectable, ROC-AUC", f"{of.detectable.value:.3f} ± {of.detectable.error:.3f}", "0.500"
    if of.utility:
        for score, value in of.utility.with_new.items():
            yield f"utility, {score}", f"with them {value:.3f}", f"without {of.utility.without[score]:.3f}"


def _doubted(share: float, error: float) -> str:
    return f"{percent(share)} ± {error:.2%}" if error else percent(share)


def _lines_of_concentration(of: Concentration) -> dict[str, Share | None]:
    parts = {"one base": of.base, "one entity": of.entity, f"one value of {of.column}": of.value}
    return {f"concentration, {name}": share for name, share in parts.items()}
