"""imbalanced-learn's and scikit-learn's own checks of estimators, on every sampler of spark_balance.sklearn."""

import pytest
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.under_sampling.base import BaseCleaningSampler, BaseUnderSampler
from imblearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks as checks_of_scikit_learn

import spark_balance.sklearn as samplers
from spark_balance.base.registry import SAMPLERS

# docs/imbalanced-learn.md has the same table
EXCEPTED = {
    "KMeansSMOTE": {"check_samplers_fit": "30 random rows in 12 clusters: whether one holds 3 of a class is a draw"},
    "NearMiss": {"check_samplers_fit_resample": "version 3 may keep fewer rows; imbalanced-learn excepts it too"},
    "SMOTENC": {
        "check_samplers_string": "its table has one column, and SMOTENC needs a number and a category",
        "check_estimators_nan_inf": "NaN in a column of categories is a category",
    },
}
NAMES = [name for name in dir(samplers) if name[0].isupper()]
GIVEN = {"SMOTENC": [{"categorical_features": [0]}], "NearMiss": [{"version": version} for version in (1, 2, 3)]}
KINDS = {"over": BaseOverSampler, "under": BaseUnderSampler, "clean": BaseCleaningSampler}
OFTEN = ("RandomUnderSampler", "RandomOverSampler", "SMOTE", "TomekLinks")  # one of each kind, of which all checks run


def made(name):
    kind = getattr(samplers, name)
    if base := KINDS.get(SAMPLERS[kind._method].family):
        base.register(kind)  # the checks look at the counts of what is one of these
    seed = {"random_state": 0} if "random_state" in kind._get_param_names() else {}
    return [kind(**given, **seed) for given in GIVEN.get(name, [{}])]


def each(mark, *, soaked):
    """Return a mark with its checks as a list, those of rarer samplers to be run by scripts/soak.sh --sklearn alone."""
    names, pairs = mark.args
    cases = []
    for one in pairs:
        case = one if hasattr(one, "marks") else pytest.param(*one)
        rare = soaked and type(case.values[0]).__name__ not in OFTEN
        cases.append(pytest.param(*case.values, marks=[*case.marks, *([pytest.mark.soak] if rare else [])]))
    return pytest.mark.parametrize(names, cases, **mark.kwargs)


def excepted(estimator):
    # NearMiss has three versions, of which the exception is the third's
    return EXCEPTED.get(type(estimator).__name__, {}) if getattr(estimator, "version", 3) == 3 else {}


EVERY = [one for name in NAMES for one in made(name)]


def test_every_sampler_of_imbalanced_learn_is_there():
    from imblearn import combine, over_sampling, under_sampling

    theirs = {name for package in (combine, over_sampling, under_sampling) for name in package.__all__}
    assert theirs == set(NAMES)


@pytest.mark.filterwarnings("ignore")  # the checks are about results
@each(estimator_checks.parametrize_with_checks(EVERY, expected_failed_checks=excepted), soaked=True)
def test_imbalanced_learns_checks_pass(estimator, check, spark):
    estimator_checks._set_checking_parameters(estimator)
    check(estimator)


@pytest.mark.filterwarnings("ignore")
@each(checks_of_scikit_learn(EVERY, expected_failed_checks=excepted), soaked=False)
def test_scikit_learns_checks_pass(estimator, check, spark):
    estimator_checks._set_checking_parameters(estimator)
    check(estimator)
