"""Rows with several labels: what imbalance there is among them, and the methods that add and remove rows."""
