"""The figures that arrays give, against scikit-learn, SciPy and a computation by hand."""

from dataclasses import replace

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE as Smote
from scipy.stats import binom, binomtest, ks_2samp
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, brier_score_loss
from sklearn.model_selection import StratifiedKFold, cross_val_score

from spark_balance.kernels.closest import Closest
from spark_balance.trust import judge, models
from spark_balance.trust.drawn import Drawn, Made
from spark_balance.trust.facts import Facts, scale_of
from spark_balance.trust.figures import (
    ClassTrust,
    Concentration,
    Copies,
    Correlation,
    Detectable,
    Distance,
    Drift,
    OffSupport,
    Share,
)
from spark_balance.trust.near import Near
from spark_balance.trust.report import TrustReport


def rows(seed, n, shift=0, code=1, times=None, parents=None):
    """Return drawn rows of three numbers, of few values each, and a category."""
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 60, (n, 3)) + shift * 1.0
    ids = np.arange(n, dtype=np.int64) + 1_000 * seed
    times = np.ones(n, dtype=np.int64) if times is None else times
    categories = rng.integers(0, 4, (n, 1))
    return Drawn(parents or {}, np.full(n, code), times, ids, ids, numbers, categories)


def near(own, other=None, parent=None, equal=None, among=False):
    """Return distances; of these rows none is there twice."""
    own = np.asarray(own, dtype=float)
    other = np.full(len(own), np.inf) if other is None else np.asarray(other, dtype=float)
    parent = np.full(len(own), np.inf) if parent is None else np.asarray(parent, dtype=float)
    equal = np.zeros(len(own), dtype=np.int64) if equal is None else np.asarray(equal)
    times = np.ones(len(own), dtype=np.int64)
    return Near(Closest(equal, (4 * own) ** 2, (4 * other) ** 2, parent), slice(None), times, 4.0, among=among)


def test_a_share_has_the_interval_of_wilson():
    once = np.ones(200, dtype=np.int64)
    found = judge.share_of(np.arange(200) < 13, once, np.arange(200) < 0, once)
    reach = []
    for marked in (13, 0):
        low, high = binomtest(marked, 200).proportion_ci(method="wilson")
        reach.append(pytest.approx(max(high - marked / 200, marked / 200 - low), rel=1e-4))
    assert found == Share(0.065, 0.0, *reach)
    assert found.above == pytest.approx(0.065 - np.hypot(found.error, found.originals_error))


@pytest.mark.parametrize("share", [0.002, 0.005, 0.02, 0.1, 0.5, 0.98])
def test_a_share_is_nearer_than_its_error_nineteen_times_of_twenty(share):
    marked = np.arange(1_001)
    errors = [
        judge.share_of(rows := np.arange(1_000) < n, once := np.ones(1_000, np.int64), rows, once).error for n in marked
    ]
    covered = np.abs(marked / 1_000 - share) <= errors
    assert binom.pmf(marked, 1_000, share)[covered].sum() > 0.94


@pytest.mark.parametrize("originals", [5, 10])
def test_new_rows_like_a_few_originals_are_not_off_their_support(originals):
    rng, spoken = np.random.default_rng(originals), 0
    for _ in range(60):
        class_, new = rng.normal(size=(originals, 2)), rng.normal(size=(300, 2))
        away = np.linalg.norm(class_[:, None] - class_, axis=2) + np.diag(np.full(originals, np.inf))
        apart = np.linalg.norm(new[:, None] - class_, axis=2)
        share = judge.off_support_of(near(apart.min(axis=1)), near(away.min(axis=1)))
        spoken += bool(TrustReport((replace(HONEST, off_support=share),), ("x",)).findings)
    assert spoken <= 6


def test_equal_rows_count_as_often_as_they_are_there_and_say_less():
    few = np.array([False, True, False]), np.array([98, 1, 1])
    found = judge.share_of(*few, np.arange(100) < 1, np.ones(100, dtype=np.int64))
    assert found.value == found.originals == 0.01
    assert found.error > found.originals_error


def test_a_row_that_is_one_of_the_points_is_not_its_own_neighbor():
    assert near([2.0, 2.0, 3.0], equal=[1, 2, 0], among=True).own.tolist() == [2.0, 0.0, 3.0]
    assert near([2.0, 2.0, 3.0], equal=[1, 2, 0]).own.tolist() == [0.0, 0.0, 3.0]


def test_distances_have_the_quantiles_of_their_rows():
    rng = np.random.default_rng(3)
    new, held = np.abs(rng.normal(size=400)), np.abs(rng.normal(size=300)) + 0.2
    found = judge.distance_of(near(new, new + 1), near(held, held + 1))
    for q in (0.05, 0.25, 0.5, 0.75, 0.95):
        wanted = [np.quantile(one, q, method="inverted_cdf") for one in (new, held)]
        assert found.quantiles[f"{q:.0%}"] == pytest.approx(wanted)
    assert found.ratio == pytest.approx(found.quantiles["50%"][0] / found.quantiles["50%"][1])
    close = found.quantiles["5%"][1]
    assert (found.nearer.value, found.nearer.originals) == ((new < close).mean(), (held < close).mean())


def test_who_is_nearer_to_another_class_or_far_from_its_own():
    held = near(np.arange(1.0, 101.0), np.where(np.arange(100) < 4, 0.5, 200.0))
    new = near([98.0, 99.0, 99.5, 300.0], [97.0, 99.0, 400.0, 400.0])
    assert judge.strangers_of(new, held).value == 0.25  # as near to both is nearer to none
    assert judge.strangers_of(new, held).originals == 0.04
    found = judge.off_support_of(new, held)
    assert (found.value, found.originals) == (0.5, 0.01)


def test_where_parents_are_the_whole_class_nobody_is_far_from_it_or_nearer_to_another():
    held, new = near([1.0, 1.0], [9.0, 9.0]), near([np.inf] * 300, [9.0] * 300)
    assert judge.off_support_of(new, held) is None
    assert judge.strangers_of(new, held) is None


def test_drift_is_that_of_kolmogorov_smirnov_and_of_total_variation():
    new, old = rows(1, 300, shift=9), rows(2, 500)
    found = judge.drift_of(new, old, ("a", "b", "c"), ("d",))
    for i, name in enumerate("abc"):
        assert found.columns[name] == pytest.approx(ks_2samp(new.numbers[:, i], old.numbers[:, i]).statistic)
        halves = old.numbers[::2, i], old.numbers[1::2, i]
        assert found.originals[name] == pytest.approx(ks_2samp(*halves).statistic)
    shares = [np.bincount(side.categories[:, 0], minlength=4) / len(side.code) for side in (new, old)]
    assert found.columns["d"] == pytest.approx(np.abs(shares[0] - shares[1]).sum() / 2)
    assert list(found.columns.values()) == sorted(found.columns.values(), reverse=True)


def test_the_correlation_that_moved_most_is_named_with_its_pair():
    new, old = rows(1, 300, shift=9), rows(2, 500)
    new.numbers[:, 2] += 3 * new.numbers[:, 0]
    found = judge.compare_correlations(new, old, ("a", "b", "c"))
    apart = np.corrcoef(new.numbers.T) - np.corrcoef(old.numbers.T)
    assert (found.value, found.columns) == (pytest.approx(np.abs(apart).max()), ("a", "c"))
    halves = np.corrcoef(old.numbers[::2].T) - np.corrcoef(old.numbers[1::2].T)
    assert found.originals == pytest.approx(np.abs(halves).max())
    alone = judge.compare_correlations(replace(new, numbers=new.numbers[:, :1]), old, ("a",))
    assert (alone.value, alone.columns) == (0.0, ())
    assert "correlation" not in str(TrustReport((replace(HONEST, correlation=alone),), ("a",)))


@pytest.mark.parametrize("load", [load_wine, load_iris, load_breast_cancer, load_digits])
def test_smote_of_a_real_table_moves_no_correlation_beyond_the_limit(load):
    X, y = load(return_X_y=True)
    X = X[:, X.std(axis=0) > 0]
    names, rng = tuple(f"x{i}" for i in range(X.shape[1])), np.random.default_rng(0)

    def drawn(numbers):
        ids = np.arange(len(numbers), dtype=np.int64)
        return Drawn({}, ids * 0, ids * 0 + 1, ids, ids, numbers, np.zeros((len(ids), 0), dtype=np.int64))

    for label in np.unique(y):
        rare = np.flatnonzero(y == label)[::2]
        kept = np.r_[rare, np.flatnonzero(y != label)]
        old, rows = X[rare], Smote(random_state=0).fit_resample(X[kept], y[kept] == label)[0][len(kept) :]
        shuffled = rng.permuted(rows, axis=0)
        honest, faulty = (judge.compare_correlations(drawn(new), drawn(old), names) for new in (rows, shuffled))
        assert honest.value <= honest.far
        assert faulty.value > faulty.far


def test_outliers_are_far_from_their_parents_too_and_named_with_columns_out_of_range():
    held = near(np.arange(1.0, 101.0), np.full(100, 200.0))
    new = near([197.0, 199.0, 300.0, 300.0], [400.0] * 4)
    assert (judge.find_outliers(new, held)).tolist() == [False, True, True, True]
    new.parent = np.array([500.0, 500.0, 500.0, 3.0])
    found = judge.off_support_of(new, held)
    assert (found.outlier_share, found.outlier_allowance) == (0.5, 0.01)
    points, old = np.array([[5.0, 0.5, 9.0], [0.5, 0.2, -3.0]]), np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    assert judge.list_columns_out_of_range(points, old, ("a", "b", "c")) == ("c", "a")


@pytest.mark.parametrize("factor", [2.0**900, 2.0**-900])
def test_numbers_of_any_size_have_the_same_correlations_and_scale(factor):
    new, old = rows(1, 300, shift=9), rows(2, 500)
    huge = [replace(one, numbers=one.numbers * factor) for one in (new, old)]
    assert judge.drift_of(*huge, ("a", "b", "c"), ()) == judge.drift_of(new, old, ("a", "b", "c"), ())
    assert judge.compare_correlations(*huge, ("a", "b", "c")) == judge.compare_correlations(new, old, ("a", "b", "c"))
    wanted, found = scale_of(old, {1: 500}), scale_of(huge[1], {1: 500})
    assert (found.integers(huge[0].numbers) == wanted.integers(new.numbers)).all()


def test_a_constant_column_has_no_correlation_and_no_drift():
    new, old = (replace(rows(i, 50), numbers=np.ones((50, 2))) for i in (1, 2))
    assert judge.drift_of(new, old, ("a", "b"), ()).columns == {"a": 0.0, "b": 0.0}
    assert judge.compare_correlations(new, old, ("a", "b")).value == 0


def test_the_commonest_value_is_that_of_the_category_that_grew_most():
    new, old = rows(1, 100), rows(2, 200)
    new.categories[:70, 0] = 3
    name, share = judge.commonest_value(new, old, ("kind",))
    assert name == "kind"
    assert share.value == (new.categories[:, 0] == 3).mean()
    assert share.originals == (old.categories[:, 0] == 3).mean()


def trees(seed):
    return HistGradientBoostingClassifier(
        max_iter=25,
        learning_rate=0.2,
        max_leaf_nodes=15,
        early_stopping=False,
        random_state=seed,
        categorical_features=[3],
    )


def as_matrix(*parts):
    """Return the rows as the trees of scikit-learn take them, without what is left out of `models`."""
    x = np.concatenate([np.column_stack([one.numbers, one.categories]) for one in parts])
    ranks = np.argsort(np.argsort(-np.bincount(x[:, 3].astype(int)), kind="stable"), kind="stable")
    return np.column_stack([x[:, :3], ranks[x[:, 3].astype(int)]])


def test_new_rows_are_told_apart_as_scikit_learn_does_it():
    new, old = rows(1, 200, shift=4), rows(2, 1_000)
    found = models.detectable_of(new, old, None, 5)
    x, y = as_matrix(new, old.take(np.arange(200))), np.repeat([1, 0], 200)
    folds = StratifiedKFold(5, shuffle=True, random_state=5)
    scores = cross_val_score(trees(5), x, y, cv=folds, scoring="roc_auc")
    assert found == Detectable(pytest.approx(scores.mean()), pytest.approx(scores.std()), 200)


def test_few_rows_are_told_apart_too():
    assert models.detectable_of(rows(1, 20, shift=90), rows(2, 100), None, 5).value > 0.9


def test_offspring_of_held_out_rows_and_of_one_base_are_left_out():
    old = rows(2, 500)
    base = np.concatenate([np.arange(100), np.arange(100, 400), np.full(300, 450)]) + 2_000
    new = rows(1, 700, shift=30, parents={"base": (base, base, np.ones(700, dtype=bool))})
    assert models.detectable_of(new, old, None, 0).rows == 100  # as many as are held out
    few = new.take(np.arange(400, 700))
    assert models.detectable_of(few, old, None, 0) is None  # all of one base
    assert models.detectable_of(new.take(np.arange(100)), old, None, 0) is None  # made of those that are held out


def test_a_model_is_scored_with_and_without_new_rows():
    old = rows(2, 400, code=0)
    rare = rows(3, 100, shift=20)
    both = Drawn({}, *(np.concatenate(pair) for pair in zip(old.columns, rare.columns, strict=True)))
    new = rows(4, 300, shift=20)
    found = models.utility_of(new, both, None, 1, *[{0: 2.0, 1: 1.0}] * 2, 3.0, 7)
    test = np.r_[0:80, 400:420]
    train = np.setdiff1d(np.arange(500), test)
    x, y = as_matrix(both.take(train), new, both.take(test)), np.concatenate([both.code[train], new.code])
    w = np.concatenate([np.where(both.code[train] == 0, 2.0, 1.0), np.full(300, 3.0)])
    target, weight = both.code[test], np.where(both.code[test] == 0, 2.0, 1.0)
    for scores, n in ((found.without, 400), (found.with_new, 700)):
        said = trees(7).fit(x[:n], y[:n], sample_weight=w[:n] / w[:n].mean()).predict_proba(x[700:])[:, 1]
        assert scores["pr_auc"] == pytest.approx(average_precision_score(target, said, sample_weight=weight))
        assert scores["brier_score"] == pytest.approx(brier_score_loss(target, said, sample_weight=weight))
        assert scores["recall"] == pytest.approx((said > 0.5)[target == 1].mean())
        chosen = said > 0.5
        assert scores["precision"] == pytest.approx(np.average(target[chosen], weights=weight[chosen]))
    assert found.held_out == 100


def test_a_model_is_not_fitted_on_offspring_of_the_rows_that_score_it():
    old, rare = rows(2, 400, code=0), rows(3, 100, shift=20)
    both = Drawn({}, *(np.concatenate(pair) for pair in zip(old.columns, rare.columns, strict=True)))
    base = np.arange(300) % 100 + 3_000  # the first 20 of which are held out
    new = rows(4, 300, shift=20, parents={"neighbor": (base, base, np.ones(300, dtype=bool))})
    wanted = {0: 2.0, 1: 1.0}, {0: 2.0, 1: 1.0}, 3.0, 7
    fresh = new.take(np.flatnonzero(base >= 3_020))
    assert models.utility_of(new, both, None, 1, *wanted) == models.utility_of(fresh, both, None, 1, *wanted)
    assert models.utility_of(new.take(np.flatnonzero(base < 3_020)), both, None, 1, *wanted) is None


def test_originals_that_nobody_saw_are_scored_with_the_shares_of_the_classes():
    def both(seed, common):
        parts = rows(seed, common, code=0), rows(seed + 1, 40, shift=20)
        return Drawn({}, *(np.concatenate(pair) for pair in zip(*[one.columns for one in parts], strict=True)))

    facts = Facts(
        {0: "no", 1: "yes"}, {0: 4_000, 1: 40}, {1: Made(40, 1)}, rows(4, 40), both(2, 400), both(6, 80), (), ()
    )
    found = facts.judge(1, ["utility"], 0.0, 0).utility
    facts = replace(facts, held=both(6, 80).take(np.r_[:80, :80, 80:120]))  # twice as many of a class are drawn
    assert facts.judge(1, ["utility"], 0.0, 0).utility.without == pytest.approx(found.without, rel=1e-5)


HONEST = ClassTrust(
    "yes",
    100,
    900,
    900,
    Copies(0.0, 0.0),
    Distance({"50%": (0.9, 1.0)}, 0.9, Share(0.1, 0.05, 0.02)),
    Share(0.30, 0.31, 0.02),
    OffSupport(0.0, 0.01, 0.01),
    Drift({"x": 0.05}, {"x": 0.04}, 0.01),
    Correlation(0.05, 0.04, ("x", "y"), 0.01),
    Detectable(0.6, 0.05, 200),
    None,
    Concentration(Share(0.01, 0.01), Share(0.05, 0.05), Share(0.5, 0.5), "kind"),
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"copies": Copies(0.2, 0.0)}, "equal an original in all features"),
        (
            {"distance_to_closest_record": replace(HONEST.distance_to_closest_record, nearer=Share(0.9, 0.05, 0.02))},
            "nearer to an original that they are not made of",
        ),
        ({"nearer_to_other_class": Share(0.45, 0.31, 0.02)}, "new rows lie among other classes"),
        ({"off_support": OffSupport(0.2, 0.01, 0.01)}, "new rows lie where the class is not"),
        (
            {"off_support": OffSupport(0.03, 0.01, 0.01, 0.01, 0.02, 0.01, ("x", "y"))},
            "2.00% of its new rows, about 18, are more than twice as far from every original of the class as 99 of 100 "
            "originals are, outside the range of the originals in x, y; new rows lie where the class is not.",
        ),
        ({"drift": Drift({"x": 0.4}, {"x": 0.04}, 0.01)}, "spread otherwise in x."),
        (
            {"correlation": Correlation(0.8, 0.05, ("x", "y"), 0.1)},
            "the correlation of x and y in its new rows differs by 0.80 from that in its originals; chance alone makes "
            "about 0.10.",
        ),
        ({"detectable": Detectable(0.98, 0.01, 200)}, "ROC-AUC of 0.98"),
        ({"concentration": Concentration(Share(0.3, 0.01), None, None, None)}, "made of one base"),
        ({"concentration": Concentration(None, Share(0.3, 0.05), None, None)}, "made of one entity"),
        ({"concentration": Concentration(None, None, Share(0.9, 0.5, 0.01), "kind")}, "one value of kind"),
    ],
)
def test_each_figure_has_a_sentence_of_its_own(change, words):
    report = TrustReport((replace(HONEST, **change),), ("x",))
    assert [words in sentence for sentence in report.findings] == [True]
    assert report.verdict == "1 figure of the 900 new rows needs a look."
    assert report.findings[0] in str(report)


def test_few_originals_leave_room_for_chance():
    doubtful = replace(HONEST, nearer_to_other_class=Share(0.45, 0.31, 0.02, 0.12))
    assert TrustReport((doubtful,), ("x",)).findings == ()


def test_each_of_a_few_new_rows_is_much_of_them():
    single = Concentration(Share(1 / 8, 0.001), Share(1 / 8, 0.003), None, None)
    assert TrustReport((replace(HONEST, new_rows=8, concentration=single),), ("x",)).findings == ()
    same = replace(HONEST, new_rows=80, concentration=replace(single, base=Share(0.2, 0.001)))
    assert len(TrustReport((same,), ("x",)).findings) == 1


def test_honest_figures_have_none():
    report = TrustReport((HONEST,), ("x",))
    assert (report.findings, report.verdict) == ((), "Nothing speaks against the 900 new rows.")
    assert report.worst("off_support") == ("yes", 0.0)
    assert TrustReport((), ()).worst("copies") is None
