"""Saving estimators and models that are made of others, on classic Spark and Spark Connect."""

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pyspark.ml.param import Params
from pyspark.ml.util import DefaultParamsReader, MLReadable, MLReader, MLWritable, MLWriter
from typing_extensions import Self

from spark_balance.errors import InputError, ParameterError
from spark_balance.frames.older_spark import metadata_session
from spark_balance.metrics.evaluator import save_text

Load = Callable[[str], Any]
WithUid = TypeVar("WithUid", bound=Params)


class Persistent(MLReadable[Any], MLWritable):
    """An estimator or model that is saved as a little JSON, and its parts by their own writers.

    pyspark's writer for Python classes overwrites by a call into the JVM, which Connect does not have. The JSON lies
    where pyspark looks for it (`metadata`, with the class), so that `Pipeline` and `CrossValidator` save and load
    such a part too.
    """

    uid: str

    @abstractmethod
    def _described(self) -> dict[str, Any]:
        """Return its own state, as JSON can carry it."""

    @abstractmethod
    def _parts(self) -> Mapping[str, Any]:
        """Return the estimators or models that it is made of, by the name of their folder."""

    @classmethod
    @abstractmethod
    def _restored(cls, described: dict[str, Any], load: Load) -> Self:
        """Make it again; `load` reads the part of that name."""

    def write(self) -> MLWriter:
        """Return the writer; ``write().overwrite().save(path)`` replaces existing files."""
        return _Writer(type(self).__name__, self._metadata, self._parts)

    @classmethod
    def read(cls) -> Any:
        """Return the reader."""
        return _Reader(cls, cls._restored)

    def _metadata(self) -> str:
        # pyspark's readers look for the class here, and for nothing else
        state = {"class": _class_name(type(self)), "uid": self.uid, "described": self._described()}
        try:
            return json.dumps(state)
        except TypeError as refused:
            raise ParameterError(
                f"{type(self).__name__}: a parameter cannot be saved as JSON ({refused}); "
                "a sampling_strategy is saved as text, a number or a dict of text and numbers"
            ) from None


class _Writer(MLWriter):
    def __init__(self, name: str, metadata: Callable[[], str], parts: Callable[[], Mapping[str, Any]]) -> None:
        super().__init__()
        self._name, self._metadata, self._parts = name, metadata, parts

    def save(self, path: str) -> None:
        """Save to a path that the engine can reach, local or remote."""
        parts = self._parts()
        for part in parts.values():
            if not isinstance(part, MLWritable):
                raise ParameterError(f"{self._name}: {type(part).__name__} has no writer; save its parts alone")
        save_text(self, self._name, self._metadata(), f"{path}/metadata")
        for folder, part in parts.items():
            writer = part.write().session(self.sparkSession)
            (writer.overwrite() if self.shouldOverwrite else writer).save(f"{path}/{folder}")


class _Reader(MLReader[Any]):
    def __init__(self, wanted: type, restore: Callable[[dict[str, Any], Load], Any]) -> None:
        super().__init__()
        self._wanted, self._restore = wanted, restore

    def load(self, path: str) -> Any:
        """Load from a path that the engine can reach."""
        session = metadata_session(self.sparkSession)
        metadata = DefaultParamsReader.loadMetadata(path, session)
        if metadata["class"] != _class_name(self._wanted):
            raise InputError(f"{self._wanted.__name__}: '{path}' holds a {metadata['class']}; load it with that")
        instance = self._restore(
            metadata["described"], lambda part: DefaultParamsReader.loadParamsInstance(f"{path}/{part}", session)
        )
        return keep_uid(instance, metadata["uid"]) if isinstance(instance, Params) else instance


def keep_uid(instance: WithUid, uid: str) -> WithUid:
    """Give a copy or a loaded instance the uid that it had; pyspark has no public way."""
    return instance._resetUid(uid)


def _class_name(of: type) -> str:
    return f"{of.__module__}.{of.__name__}"
