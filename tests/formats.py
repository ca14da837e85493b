"""The properties of a session that has Delta, Iceberg and Avro."""

from __future__ import annotations

from pathlib import Path

import pyspark

PINNED = "4.1"  # the version of Spark whose jars the files of conf/spark without a version name
# most code runs once in tests, which is not worth the second compiler; without it the JVM has little room for code and
# sweeps it; and one thread collects what is left, which is young
_JVM = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -Xmn512m -XX:MetaspaceSize=256m"
QUICK = {"spark.driver.extraJavaOptions": _JVM}
# nor to compile each plan to Java, a fifth of the JVM's time: classic Spark's tests do
INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


def lakes_of(version):
    """Return the files of conf/spark that have Delta, Iceberg and Avro for a version of Spark; none where none are."""
    folder = Path(__file__).parents[1] / "conf/spark"
    version = ".".join(version.split(".")[:2])
    files = [
        folder / f"{name}{'' if version == PINNED else f'-{version}'}.conf" for name in ("delta", "iceberg", "avro")
    ]
    return [file for file in files if file.exists()]


def table_formats(lake):
    """Return the properties of conf/spark for Delta, Iceberg and Avro, laid over each other for one session."""
    conf = {}
    for file in lakes_of(pyspark.__version__):
        lines = file.read_text().splitlines()
        for key, value in (line.split(maxsplit=1) for line in lines if line.strip() and not line.startswith("#")):
            joined = key in ("spark.jars.packages", "spark.sql.extensions") and key in conf
            conf[key] = f"{conf[key]},{value}" if joined else value
    places = {f"spark.sql.catalog.{name}.warehouse": str(lake) for name in ("lake", "default_iceberg")}
    # what Delta splits small tables into by default costs a second for each look at its log
    return conf | places | {"spark.databricks.delta.snapshotPartitions": "2"}
