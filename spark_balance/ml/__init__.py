"""Training on imbalanced data: weights, splits, fit-time resampling, ensembles, honest probabilities."""
