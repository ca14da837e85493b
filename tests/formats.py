"""The properties of a session that has Delta, Iceberg and Avro."""

from __future__ import annotations

import pyspark
from fetch_jars import find_properties, list_jars, read_properties

# most code runs once in tests, which is not worth the second compiler; without it the JVM has little room for code and
# sweeps it; and one thread collects what is left, which is young
_JVM = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -Xmn512m -XX:MetaspaceSize=256m"
QUICK = {"spark.driver.extraJavaOptions": _JVM}
# nor to compile each plan to Java, a fifth of the JVM's time: classic Spark's tests do
INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


def table_formats(lake):
    """Return the properties of conf/spark for Delta, Iceberg and Avro, laid over each other for one session.

    The jars are those of data/jars, so that no session asks Maven.
    """
    conf = {}
    for file in find_properties(pyspark.__version__):
        for key, value in read_properties(file).items():
            joined = key == "spark.sql.extensions" and key in conf
            conf[key] = f"{conf[key]},{value}" if joined else value
    for key in ("spark.jars.packages", "spark.jars.excludes"):
        conf.pop(key, None)
    jars = {"spark.jars": list_jars(pyspark.__version__)} if conf else {}
    places = {f"spark.sql.catalog.{name}.warehouse": str(lake) for name in ("lake", "default_iceberg")}
    # what Delta splits small tables into by default costs a second for each look at its log
    return conf | jars | places | {"spark.databricks.delta.snapshotPartitions": "2"}
