"""Reading and writing data: the only place that does."""

from spark_balance.app.storage.address import Sink
from spark_balance.app.storage.manifest import MANIFEST_VERSION, made_by, read_manifest
from spark_balance.app.storage.places import Pages, check_log, check_page, check_place, check_saved, save_tables
from spark_balance.app.storage.refusals import check_sink
from spark_balance.app.storage.shapes import check_labels
from spark_balance.app.storage.source import Pinned, Source, digest, pin, read
from spark_balance.app.storage.staging import Staged, keep_extract, recover, stage, staging_place

__all__ = [
    "MANIFEST_VERSION",
    "Pages",
    "Pinned",
    "Sink",
    "Source",
    "Staged",
    "check_labels",
    "check_log",
    "check_page",
    "check_place",
    "check_saved",
    "check_sink",
    "digest",
    "keep_extract",
    "made_by",
    "pin",
    "read",
    "read_manifest",
    "recover",
    "save_tables",
    "stage",
    "staging_place",
]
