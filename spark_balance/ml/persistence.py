"""Saving estimators and models that are made of others, on classic Spark and Spark Connect."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Self

from pyspark.errors import AnalysisException
from pyspark.ml.param import Params
from pyspark.ml.util import DefaultParamsReader, MLReadable, MLReader, MLWritable, MLWriter

from spark_balance.errors import SparkBalanceError

Load = Callable[[str], Any]


class Persistent(MLReadable[Any], MLWritable):
    """An estimator or model that is saved as a little JSON, and its parts by their own writers.

    pyspark's writer for Python classes overwrites by a call into the JVM, which Connect
    does not have. The JSON lies where pyspark looks for it (`metadata`, with the class), so that
    `Pipeline` and `CrossValidator` save and load such a part too.
    """

    @abstractmethod
    def _described(self) -> dict[str, Any]:
        """Return what is to be known of it, as JSON can carry it."""

    @abstractmethod
    def _parts(self) -> Mapping[str, Any]:
        """Return the estimators or models that it is made of, by the name of their folder."""

    @classmethod
    @abstractmethod
    def _restored(cls, described: dict[str, Any], load: Load) -> Self:
        """Make it again; `load` reads the part of that name."""

    def write(self) -> MLWriter:
        """Return the writer; ``write().overwrite().save(path)`` replaces what is there."""
        return _Writer(self)

    @classmethod
    def read(cls) -> Any:
        """Return the reader."""
        return _Reader(cls)


class _Writer(MLWriter):
    def __init__(self, instance: Persistent) -> None:
        super().__init__()
        self._instance = instance

    def save(self, path: str) -> None:
        """Save to a path that the engine can reach, local or remote."""
        instance = self._instance
        parts = instance._parts()
        name = type(instance).__name__
        for part in parts.values():
            if not isinstance(part, MLWritable):
                raise SparkBalanceError(f"{name}: {type(part).__name__} has no writer, so it cannot be saved with it")
        self._save_text(name, _as_json(instance), f"{path}/metadata")
        for folder, part in parts.items():
            writer = part.write().session(self.sparkSession)
            (writer.overwrite() if self.shouldOverwrite else writer).save(f"{path}/{folder}")

    def _save_text(self, name: str, text: str, path: str) -> None:
        frame = self.sparkSession.createDataFrame([(text,)], "value string").coalesce(1)
        try:
            frame.write.mode("overwrite" if self.shouldOverwrite else "error").text(path)
        except AnalysisException as refused:
            if "PATH_ALREADY_EXISTS" not in str(refused):
                raise
            raise SparkBalanceError(
                f"{name}: '{path}' exists; choose another path, or use write().overwrite().save(...)"
            ) from None


class _Reader(MLReader[Any]):
    def __init__(self, wanted: type[Persistent]) -> None:
        super().__init__()
        self._wanted = wanted

    def load(self, path: str) -> Any:
        """Load from a path that the engine can reach."""
        spark = self.sparkSession
        metadata = DefaultParamsReader.loadMetadata(path, spark)
        if metadata["class"] != _class_name(self._wanted):
            raise SparkBalanceError(f"{self._wanted.__name__}: '{path}' holds a {metadata['class']}; load it with that")
        instance = self._wanted._restored(
            metadata["described"], lambda part: DefaultParamsReader.loadParamsInstance(f"{path}/{part}", spark)
        )
        return instance._resetUid(metadata["uid"]) if isinstance(instance, Params) else instance


def _class_name(of: type) -> str:
    return f"{of.__module__}.{of.__name__}"


def _as_json(instance: Any) -> str:
    described = instance._described()
    try:
        # pyspark's readers look for the class here, and for nothing else
        return json.dumps({"class": _class_name(type(instance)), "uid": instance.uid, "described": described})
    except TypeError as refused:
        raise SparkBalanceError(
            f"{type(instance).__name__}: a parameter cannot be saved as JSON ({refused}); "
            "a sampling_strategy is saved as text, a number or a dict of text and numbers"
        ) from None
