"""Every built-in method: the name that configurations use, its class, and what it does, in a line.

It imports nothing, so that a list of methods costs nothing. What is spelled otherwise on a command line is here, too.
"""

GROUP = "spark_balance.samplers"  # the entry points that installed packages name their samplers under
SAMPLER_OF = {"downsample": "random_under", "upsample": "random_over"}  # commands with a name of their own
BUILT_IN = {
    "adasyn": ("ADASYN", "Add synthetic rows, more where more neighbors are of other classes."),
    "all_knn": ("AllKNN", "Remove rows that their 1, 2, ... nearest neighbors outvote."),
    "borderline_smote": ("BorderlineSMOTE", "Add synthetic rows near the border of the class."),
    "chain": ("Chain", "Run several methods, one after the other."),
    "cluster_centroids": ("ClusterCentroids", "Put k-means centroids in place of the rows of large classes."),
    "condensed_nearest_neighbour": ("CondensedNearestNeighbour", "Remove rows that those kept classify."),
    "edited_nearest_neighbours": ("EditedNearestNeighbours", "Remove rows that their nearest neighbors outvote."),
    "gaussian_smote": ("GaussianSMOTE", "Add synthetic rows along the line through a row and a near one."),
    "instance_hardness_threshold": ("InstanceHardnessThreshold", "Keep the rows that a classifier finds easy."),
    "kmeans_smote": ("KMeansSMOTE", "Add synthetic rows inside clusters, more where a class is sparse."),
    "mlros": ("MLROS", "Repeat random rows of rare labels, where rows have several."),
    "mlrus": ("MLRUS", "Remove random rows of frequent labels, where rows have several."),
    "mlsmote": ("MLSMOTE", "Add synthetic rows for rare labels, where rows have several."),
    "mwmote": ("MWMOTE", "Add synthetic rows, more near the border of the class."),
    "near_miss": ("NearMiss", "Keep the rows of large classes that are nearest to the small class."),
    "neighbourhood_cleaning_rule": ("NeighbourhoodCleaningRule", "Remove outvoted rows, and those that outvote."),
    "one_sided_selection": ("OneSidedSelection", "Remove rows that a few seeds classify, then Tomek links."),
    "random_over": ("RandomOverSampler", "Repeat random rows of small classes."),
    "random_under": ("RandomUnderSampler", "Keep random rows of large classes."),
    "relevance_over": ("RelevanceOverSampler", "Repeat random rows of rare values of a numeric target."),
    "relevance_under": ("RelevanceUnderSampler", "Keep random rows of common values of a numeric target."),
    "repeated_edited_nearest_neighbours": ("RepeatedEditedNearestNeighbours", "Remove outvoted rows until none are."),
    "safe_level_smote": ("SafeLevelSMOTE", "Add synthetic rows, nearer to the safer of a row and its neighbor."),
    "smote": ("SMOTE", "Add synthetic rows between a row and a near one of its class."),
    "smoteenn": ("SMOTEENN", "Add synthetic rows, then remove rows that their neighbors outvote."),
    "smoten": ("SMOTEN", "Add synthetic rows of categories, by the vote of the neighbors."),
    "smotenc": ("SMOTENC", "Add synthetic rows of numbers and categories."),
    "smogn": ("SMOGN", "Do what SMOTER does, with noise around rows whose neighbors are far."),
    "smoter": ("SMOTER", "Add synthetic rows of rare values of a numeric target, keep fewer of common ones."),
    "smotetomek": ("SMOTETomek", "Add synthetic rows, then remove Tomek links."),
    "svm_smote": ("SVMSMOTE", "Add synthetic rows from the support vectors of an SVM."),
    "tomek_links": ("TomekLinks", "Remove rows whose nearest row is of another class, and whose it is."),
}


def spelled(word: str) -> str:
    """Return how a word is spelled as an option: ``feature_cols`` is ``--features``, ``label_col`` is ``--label``."""
    word = word.replace("_", "-")
    stem = word.removesuffix("-cols").removesuffix("-col")
    return {"feature": "features", "keys": "key", "groups": "group"}.get(stem, stem)
