"""Reading and writing data: the only place that does."""

from spark_balance.storage.manifest import read_manifest
from spark_balance.storage.pages import Pages
from spark_balance.storage.sink import Sink, check_sink, stage
from spark_balance.storage.source import Source, fingerprint, read
from spark_balance.storage.staged import Staged

__all__ = ["Pages", "Sink", "Source", "Staged", "check_sink", "fingerprint", "read", "read_manifest", "stage"]
