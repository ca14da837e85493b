"""Neighbors at any size: the k nearest of these rows among those, and decision rules on rows and their neighbors."""

from spark_balance.neighbors.api import decide, knn_join
from spark_balance.neighbors.workers import searched_with

__all__ = ["decide", "knn_join", "searched_with"]
