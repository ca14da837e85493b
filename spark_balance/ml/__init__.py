"""Training and evaluating on imbalanced data: weights, splits, fit-time resampling, honest probabilities, metrics."""
