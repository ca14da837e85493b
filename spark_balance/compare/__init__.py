"""The study: fit classifiers after several treatments of the training rows, and report the held-out scores."""
