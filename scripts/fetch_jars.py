"""Fetch the jars of Delta, Iceberg and Avro that tests start Spark with: once, before any engine starts.

    python scripts/fetch_jars.py              fetch the jars for the pinned Spark into data/jars
    python scripts/fetch_jars.py 4.1 3.5      fetch those that scripts/jars/4.1.txt and 3.5.txt list
    python scripts/fetch_jars.py --renew 4.1  write scripts/jars/4.1.txt anew, from the packages that conf/spark names

It needs Maven Central, or another repository that MAVEN_REPOSITORY names, and keeps the jars that are there already.
"""
# with spark.jars.packages each JVM would fill the same Ivy cache, and several at once corrupt it

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PROPERTIES = ROOT / "conf/spark"
PINNED = "4.2"  # the version of Spark in constraints.txt; files of conf/spark without a version in the name are for it
FORMATS = ("delta", "iceberg", "avro")
LOCKS = ROOT / "scripts/jars"
JARS = ROOT / "data/jars"
REPOSITORY = "https://repo1.maven.org/maven2"
ATTEMPTS, PAUSE, TIMEOUT = 4, 2.0, 60.0  # pause and timeout in seconds; the pause doubles after each attempt


class DownloadError(Exception):
    """A jar is missing or could not be fetched; the message is one sentence."""


class Jar(NamedTuple):
    """A jar in a Maven repository, with the SHA-256 of its bytes."""

    coordinates: str  # group:artifact:version
    sha256: str

    @property
    def path(self) -> str:
        """The path of the jar in a repository."""
        group, artifact, version = self.coordinates.split(":")
        return f"{group.replace('.', '/')}/{artifact}/{version}/{artifact}-{version}.jar"

    @property
    def file(self) -> Path:
        """The file of the jar in this checkout."""
        return JARS / self.path.rpartition("/")[2]


def minor_of(version: str) -> str:
    """Return the major and minor version, such as "4.2" of "4.2.1"."""
    return ".".join(version.split(".")[:2])


def read_lock(version: str) -> list[Jar]:
    """Return the jars for a minor version of Spark, such as "4.2"; empty if no format has a release for it."""
    lock = LOCKS / f"{version}.txt"
    if not lock.exists():
        return []
    return [Jar(*line.split()) for line in lock.read_text().splitlines() if line and not line.startswith("#")]


def find_properties(version: str) -> list[Path]:
    """Return the files of conf/spark that name Delta, Iceberg and Avro for a version of Spark."""
    minor = minor_of(version)
    ending = "" if minor == PINNED else f"-{minor}"
    files = [PROPERTIES / f"{name}{ending}.conf" for name in FORMATS]
    return [file for file in files if file.exists()]


def list_jars(version: str) -> str:
    """Return the jars for a version of Spark as spark.jars takes them; raise DownloadError if one is missing."""
    minor = minor_of(version)
    files = [jar.file for jar in read_lock(minor)]
    missing = [file.name for file in files if not file.exists()]
    if missing:
        where, names = JARS.relative_to(ROOT), ", ".join(missing)
        raise DownloadError(f"fetch_jars: {where} lacks {names}; run: python scripts/fetch_jars.py {minor}")
    return ",".join(map(str, files))


def hash_bytes(content: bytes) -> str:
    """Return the SHA-256 of some bytes as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def download(jar: Jar, repository: str) -> bytes:
    """Return the bytes of a jar; raise DownloadError if they cannot be fetched or differ from the lock."""
    url, failure = f"{repository.rstrip('/')}/{jar.path}", ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
                content: bytes = answer.read()
        except (OSError, HTTPException) as refused:
            failure = str(refused) or type(refused).__name__
            continue
        if hash_bytes(content) == jar.sha256:
            return content
        failure = f"its SHA-256 is {hash_bytes(content)}, and scripts/jars has {jar.sha256}"
    raise DownloadError(
        f"fetch_jars: {url} could not be fetched in {ATTEMPTS} attempts ({failure}); check the network, or name "
        "another repository with MAVEN_REPOSITORY, and run the command again"
    )


def fetch(version: str, repository: str) -> None:
    """Download the jars for a version of Spark into data/jars; a jar appears there whole or not at all."""
    missing = [
        jar for jar in read_lock(version) if not jar.file.exists() or hash_bytes(jar.file.read_bytes()) != jar.sha256
    ]
    JARS.mkdir(parents=True, exist_ok=True)
    for jar in missing:
        content = download(jar, repository)
        with tempfile.NamedTemporaryFile(dir=JARS, delete=False) as part:
            part.write(content)
        Path(part.name).replace(jar.file)
    if missing:
        megabytes = sum(jar.file.stat().st_size for jar in missing) / 1e6
        print(f"fetch_jars: {len(missing)} jars for Spark {version}, {megabytes:.0f} MB, into {JARS.relative_to(ROOT)}")


def read_properties(file: Path) -> dict[str, str]:
    """Return the properties of a file of conf/spark."""
    lines = (line for line in file.read_text().splitlines() if line.strip() and not line.startswith("#"))
    return {key: value for key, value in (line.split(maxsplit=1) for line in lines)}


def renew_lock(version: str) -> None:
    """Let Spark resolve the packages of conf/spark for a version of Spark, and write the list of their jars."""
    from pyspark.sql import SparkSession

    files = [read_properties(file) for file in find_properties(version)]
    packages, excludes = (
        ",".join(found[key] for found in files if key in found)
        for key in ("spark.jars.packages", "spark.jars.excludes")
    )
    jars = list[Jar]()
    with tempfile.TemporaryDirectory() as ivy:
        builder = SparkSession.builder.master("local[1]").config("spark.jars.ivy", ivy)
        builder.config("spark.jars.packages", packages).config("spark.jars.excludes", excludes).getOrCreate().stop()
        # Ivy lays the jars out as group/artifact/kind/artifact-version.jar
        for file in sorted(Path(ivy, "cache").glob("*/*/*/*.jar")):
            group, artifact, *_ = file.relative_to(Path(ivy, "cache")).parts
            version_of_jar = file.stem.removeprefix(f"{artifact}-")
            jars.append(Jar(f"{group}:{artifact}:{version_of_jar}", hash_bytes(file.read_bytes())))
    header = f"# What conf/spark takes from Maven for Spark {version}: `python scripts/fetch_jars.py --renew {version}`"
    lines = [f"{jar.coordinates} {jar.sha256}" for jar in sorted(jars)]
    (LOCKS / f"{version}.txt").write_text("\n".join([header, *lines]) + "\n")


def main() -> int:
    """Fetch the jars, or renew their list; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("versions", nargs="*", default=[PINNED], metavar="VERSION", help=f"of Spark, default {PINNED}")
    parser.add_argument("--renew", action="store_true", help="write the list of jars anew instead")
    given = parser.parse_args()
    try:
        for version in given.versions:
            if given.renew:
                renew_lock(version)
            else:
                fetch(version, os.environ.get("MAVEN_REPOSITORY") or REPOSITORY)
    except DownloadError as failed:
        print(failed, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
