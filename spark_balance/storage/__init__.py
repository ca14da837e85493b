"""Reading and writing data: the only place that does."""

from spark_balance.storage.held import held
from spark_balance.storage.manifest import read_manifest
from spark_balance.storage.pages import Pages, RunPage
from spark_balance.storage.refusals import check_scratch, check_sink
from spark_balance.storage.searched import Searched
from spark_balance.storage.sink import Sink
from spark_balance.storage.source import Pinned, Source, digest, pin, read
from spark_balance.storage.staged import Staged
from spark_balance.storage.staging import recover, stage, staging_place

__all__ = [
    "Pages",
    "Pinned",
    "RunPage",
    "Searched",
    "Sink",
    "Source",
    "Staged",
    "check_scratch",
    "check_sink",
    "digest",
    "held",
    "pin",
    "read",
    "read_manifest",
    "recover",
    "stage",
    "staging_place",
]
