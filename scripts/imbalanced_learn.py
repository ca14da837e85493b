"""Run the tests of imbalanced-learn on the samplers of spark_balance.sklearn, but those that cannot hold, and say why.

python scripts/imbalanced_learn.py            all others: 5 minutes on 2 cores
python scripts/imbalanced_learn.py -k smote   some of them, as pytest has it
"""

from __future__ import annotations

import sys

import imblearn.combine
import imblearn.over_sampling
import imblearn.under_sampling
import pytest

import spark_balance.sklearn as ours

FOLDERS = ("over_sampling", "under_sampling", "combine", "ensemble", "tests/test_pipeline.py")
EXCLUDED = {
    "compares rows that were drawn at random": """
        smote_enn::sample_regular smote_enn::sample_regular_half smote_enn::sample_regular_pass_smote_enn
        smote_enn::validate_estimator_default smote_enn::validate_estimator_init smote_tomek::sample_regular
        smote_tomek::sample_regular_half smote_tomek::validate_estimator_default smote_tomek::validate_estimator_init
        smote::sample_regular smote::sample_regular_half smote::sample_regular_with_nn adasyn::ada_fit_resample
        adasyn::ada_fit_resample_nn_obj smoten::smoten_resampling random_over_sampler::ros_fit_resample
        random_under_sampler::rus_fit_resample random_under_sampler::rus_fit_resample_half
        one_sided_selection::oss_fit_resample one_sided_selection::oss_with_object
        easy_ensemble::easy_ensemble_classifier_single_estimator""",
    "looks at a fitted object, method or number inside of imbalanced-learn's": """
        borderline_smote::borderline_smote_in_danger kmeans_smote::kmeans_smote kmeans_smote::sample_kmeans_custom
        smote_nc::smotenc smote_nc::smotenc_pandas smote_nc::smote_nc_with_null_median_std
        common::smote_m_neighbors cluster_centroids::cluster_centroids_custom_clusterer
        condensed_nearest_neighbour::condensed_nearest_neighbour_multiclass
        one_sided_selection::one_sided_selection_multiclass
        instance_hardness_threshold::iht_fit_resample_default_estimator
        smote_enn::parallelisation smote_tomek::parallelisation""",
    "compares the wording of an error, which is refused here too": """
        kmeans_smote::sample_kmeans_not_enough_clusters smote_nc::smotenc_error smote_nc::smotenc_check_target_type
        smote_nc::smotenc_samplers_one_label smote_nc::smotenc_raising_error_all_categorical
        smote_nc::smote_nc_categorical_features_auto_error svm_smote::svm_smote_all_noise
        svm_smote::svm_smote_not_svm random_over_sampler::random_over_sampler_shrinkage_error
        random_over_sampler::random_over_sampling_heterogeneous_data_smoothed_bootstrap""",
    "gives a parameter that has no meaning here, and is refused": """
        smote_nc::smotenc_categorical_encoder smote_nc::smotenc_categorical_encoder_dropped_columns
        smoten::smoten smoten::smoten_categorical_encoder neighbourhood_cleaning_rule::ncr_n_neighbors
        neighbourhood_cleaning_rule::ncr_threshold_cleaning""",
    "a class without a row in danger is refused here (docs/deviations.md)": """
        borderline_smote::borderline_smote_kind borderline_smote::borderline_smote_no_in_danger_samples""",
    "condensing goes by another rule here (docs/deviations.md)": """
        condensed_nearest_neighbour::cnn_fit_resample condensed_nearest_neighbour::cnn_fit_resample_with_object""",
    "wants the rows of a class by score, which come in the order of the table here": """
        nearmiss::nm_fit_resample_auto nearmiss::nm_fit_resample_float_sampling_strategy
        nearmiss::nm_fit_resample_nn_obj""",
    "wants a warning that a sparse matrix is made dense": "smoten::smoten_sparse_input",
}


class WithReasons:
    """Leaves the tests out that cannot hold, and says why."""

    def __init__(self) -> None:
        self.left_out: dict[str, int] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests that are not excluded."""
        why = {test: reason for reason, tests in EXCLUDED.items() for test in tests.split()}
        kept = []
        for item in items:
            test = f"{item.path.stem}::{getattr(item, 'originalname', item.name)}".replace("test_", "")
            if reason := why.get(test):
                self.left_out[reason] = self.left_out.get(reason, 0) + 1
            else:
                kept.append(item)
        items[:] = kept

    def pytest_terminal_summary(self) -> None:
        """Say how many were left out for each reason."""
        for reason, tests in self.left_out.items():
            print(f"{tests:4} left out: {reason}")


def main() -> int:
    """Put our samplers in the place of imbalanced-learn's, and run."""
    for package in (imblearn.over_sampling, imblearn.under_sampling, imblearn.combine):
        for name in package.__all__:
            setattr(package, name, getattr(ours, name))
    root = imblearn.__path__[0]
    # neither the configuration of this repository, nor its cache in the folder of a package
    options = ["-q", "-c", "/dev/null", "-p", "no:cacheprovider", "--rootdir", root, "--import-mode", "importlib"]
    folders = [f"{root}/{folder}" for folder in FOLDERS]
    return int(pytest.main([*options, *sys.argv[1:], *folders], plugins=[WithReasons()]))


if __name__ == "__main__":
    raise SystemExit(main())
