"""Neighbors at any size: the k nearest of these rows among those, and decision rules on rows and their neighbors."""

from spark_balance.neighbors.api import decide, knn_join

__all__ = ["decide", "knn_join"]
