"""Neighbors and votes of SMOTENC and SMOTEN are imbalanced-learn's, on real tables, where ties go by identity."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest
from categorical import SETS, ByPosition, EachRow, frame, names, our_ties
from imblearn.over_sampling import SMOTEN as TheirSMOTEN, SMOTENC as TheirSMOTENC

from spark_balance import SMOTEN, SMOTENC

K = 3
COPIES = 20


def _grown(df, ordered, sampler, label, categorical):
    """Return what was made of each base: its position in its class, those of the neighbors used, and values."""
    of_class = ordered[ordered["label"] == label]
    place = {key: i for i, key in enumerate(of_class["id"])}
    new = sampler.fit_resample(df).select("provenance", *categorical).toArrow().to_pylist()
    near = {i: set() for i in range(len(place))}
    voted = {i: set() for i in range(len(place))}
    for row in new:
        told = row["provenance"]
        base = place[told["base"]["id"]]
        voted[base].add(tuple(row[name] for name in categorical))
        if told["neighbor"] is not None:
            near[base].add(place[told["neighbor"]["id"]])
    return of_class, near, voted


def _candidates(values):
    """Return the values that are there most often."""
    counts = Counter(values)
    return {value for value, count in counts.items() if count == max(counts.values())}


@pytest.mark.parametrize("name", SETS)
def test_smotenc_has_their_neighbors_and_votes(spark, name):
    df, ordered = frame(spark, name)
    label = ordered["label"].value_counts().idxmin()
    rows = int((ordered["label"] == label).sum())
    numbers, categorical = names(name, "n"), names(name, "c")
    wish = {int(label): rows * (1 + COPIES)}
    ours = SMOTENC(
        label_col="label", key_cols="id", sampling_strategy=wish, k_neighbors=K, scale=False,
        output="added", provenance_col="provenance",
    )  # fmt: skip
    assert ours.features(df).categorical == tuple(categorical)
    of_class, near, voted = _grown(df, ordered, ours, label, categorical)
    bases = []
    with our_ties(bases):
        theirs = TheirSMOTENC(categorical_features=categorical, sampling_strategy=wish, k_neighbors=K, random_state=0)
        made, _ = theirs.fit_resample(ordered[[*numbers, *categorical]], ordered["label"])
    found = ByPosition.found[:, 1:]
    assert all(near[i] <= set(found[i]) for i in near)
    # of so many copies hardly one base uses fewer than all
    assert np.mean([near[i] == set(found[i]) for i in near]) > 0.98
    their_votes = made[categorical].to_numpy(object)[len(ordered) :]
    values = of_class[categorical].to_numpy(object)
    candidates = cache(lambda base, column: _candidates(values[found[base], column]))
    votes = cache(lambda base, column: {one[column] for one in voted[base]})
    unique = 0
    for base, row in zip(bases[0], their_votes, strict=True):
        for column, value in enumerate(row):
            tied, mine = candidates(base, column), votes(base, column)
            assert mine <= tied
            if len(tied) == 1:
                unique += 1
                assert mine == {value}
    assert unique > len(their_votes) / 2


@pytest.mark.parametrize("name", SETS)
def test_smoten_has_their_votes(spark, name):
    df, ordered = frame(spark, name)
    label = ordered["label"].value_counts().idxmin()
    rows = int((ordered["label"] == label).sum())
    categorical = names(name, "c")
    wish = {int(label): 2 * rows}
    ours = SMOTEN(
        label_col="label", key_cols="id", sampling_strategy=wish, k_neighbors=K,
        output="added", provenance_col="provenance",
    )  # fmt: skip
    of_class, _, voted = _grown(df, ordered, ours, label, categorical)
    with our_ties([]):
        theirs = TheirSMOTEN(sampling_strategy=wish, k_neighbors=K, random_state=EachRow(0))
        made, _ = theirs.fit_resample(ordered[categorical], ordered["label"])
    found = ByPosition.found
    assert found.shape == (rows, K + 1)
    assert (found[:, 0] == np.arange(rows)).all()
    unique = 0
    for base, row in enumerate(np.asarray(made, object)[len(ordered) :]):
        [mine] = voted[base]
        for column, value in enumerate(row):
            tied = _candidates(of_class[categorical[column]].iloc[found[base]])
            assert mine[column] in tied
            if len(tied) == 1:
                unique += 1
                assert mine[column] == value
    assert unique > rows / 2
