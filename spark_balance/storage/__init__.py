"""Reading and writing data: the only place that does."""

from spark_balance.storage.held import held
from spark_balance.storage.manifest import read_manifest
from spark_balance.storage.pages import Pages, RunPage
from spark_balance.storage.refusals import check_sink
from spark_balance.storage.sink import Sink, recover, stage
from spark_balance.storage.source import Source, fingerprint, read
from spark_balance.storage.staged import Staged

__all__ = [
    "Pages",
    "RunPage",
    "Sink",
    "Source",
    "Staged",
    "check_sink",
    "fingerprint",
    "held",
    "read",
    "read_manifest",
    "recover",
    "stage",
]
