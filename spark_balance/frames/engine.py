"""Which engine a session is of."""

from weakref import WeakKeyDictionary

from pyspark.sql import SparkSession

# behind a wire the engine has to be asked, which is a query
_engines: WeakKeyDictionary[SparkSession, str] = WeakKeyDictionary()


def is_classic(spark: SparkSession) -> bool:
    """Say whether a session has its Spark in this process, not behind a wire."""
    return not type(spark).__module__.startswith("pyspark.sql.connect")


def engine_name(spark: SparkSession) -> str:
    """Return ``"spark"``, ``"connect"`` or ``"sail"`` for an open session."""
    if is_classic(spark):
        return "spark"
    if spark not in _engines:
        # Spark's version() carries the commit it was built from ("4.1.4 45b9b17..."), Sail's is a bare number
        row = spark.sql("SELECT version()").first()
        _engines[spark] = "connect" if row and " " in row[0] else "sail"
    return _engines[spark]
