"""The density of a target and the weights of DenseWeight, against scipy and the formula of the paper."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gaussian_kde

from spark_balance.kernels.density import LEAST_WEIGHT, Density, bandwidth


def reference(values, alpha):
    """Return weights as Steininger et al. (2021) define them, of the exact density at each value."""
    width = bandwidth(values)
    density = gaussian_kde(values, bw_method=width / np.std(values, ddof=1))(values)
    common = (density - density.min()) / (density.max() - density.min())
    weights = np.maximum(1 - alpha * common, 1e-6)
    return weights / weights.mean()


SAMPLES = {
    "normal": np.random.default_rng(1).normal(50, 8, 900),
    "skewed": np.random.default_rng(2).lognormal(2, 1, 1500),
    "two peaks": np.concatenate(
        [np.random.default_rng(3).normal(0, 1, 300), np.random.default_rng(4).normal(9, 2, 60)]
    ),
    "whole numbers": np.random.default_rng(5).poisson(4, 700).astype(float),
}


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("name", SAMPLES)
def test_weights_are_those_of_the_paper(name, alpha):
    values = np.sort(SAMPLES[name])
    density = Density.fit(values)
    found = np.maximum(1 - alpha * density(values), LEAST_WEIGHT) / density.mean_weight(values, alpha)
    np.testing.assert_allclose(found, reference(values, alpha), atol=2e-3)
    assert abs(found.mean() - 1) < 1e-12
    assert (found == 1).all() == (alpha == 0)


def test_the_bandwidth_is_silvermans():
    values = SAMPLES["skewed"]
    box = np.subtract(*np.percentile(values, [75, 25])) / 1.3489795003921634
    assert box < np.std(values, ddof=1)
    assert bandwidth(values) == pytest.approx(box * (1500 * 3 / 4) ** -0.2)
    assert bandwidth(np.array([3.0])) == bandwidth(np.array([3.0, 3.0])) == 1.0
    # half of the values are equal: the bulk of them stands in
    assert bandwidth(np.array([0.0] * 80 + [*range(20)])) > 0


def test_equal_values_weigh_alike():
    density = Density.fit(np.full(9, 4.0))
    assert density([4.0, 5.0]).tolist() == [0.0, 0.0]
    assert density.mean_weight(np.full(9, 4.0), 1.0) == 1.0
