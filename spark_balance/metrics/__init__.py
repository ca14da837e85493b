"""Scores of scored frames as aggregates: what measures a classifier of imbalanced data."""
