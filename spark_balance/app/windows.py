"""Jobs on windows of a series: rows that the sampler decides about as a whole."""

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.base import Keep, Resampled
from spark_balance.base.parameters import Names
from spark_balance.base.sampler import Sampler
from spark_balance.combine.combined import complete_rows, single_steps
from spark_balance.errors import ConfigError
from spark_balance.frames.columns import quoted
from spark_balance.frames.plan import ClassCounts
from spark_balance.frames.provenance import provenance, provenance_fields
from spark_balance.frames.windows import MAX_STEPS, from_windows, to_windows
from spark_balance.ml.weights import ClassWeighter

MadeBy = Sampler | ClassWeighter


UNCOUNTED = "the rows that the sampler reads are shuffled into windows each time, which is not counted here"


class Windows(BaseModel):
    """The table ``[windows]``: rows that are one window of a series, which is kept, copied, dropped or made whole.

    The sampler sees a row for each window, as `to_windows` returns it: it counts windows, its key is `window_cols`, its
    features are arrays, and a new window has all other columns of its base. What is written has a row for each step.

    Parameters
    ----------
    window_cols : tuple of str
        All rows with equal values here are one window.
    order_col : str
        Number, date or timestamp that orders the steps of a window.
    copy_col : str
        New column that, with `window_cols`, identifies a window: 0 in an original, 1, 2, ... in its copies and new
        windows. A method that only removes windows adds none.
    aligned : bool
        Refuse windows of different lengths; false takes them, for methods that look at no features.
    max_steps : int
        Refuse a window of more steps.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_cols: Names
    order_col: str
    copy_col: str = "copy"
    aligned: StrictBool = True
    max_steps: int = Field(default=MAX_STEPS, ge=1, strict=True)

    def prepare(self, sampler: Sampler) -> Sampler:
        """Return the sampler for windows: their columns are its key, and a new one takes the columns of its base."""
        if sampler.keys not in ((), self.window_cols):
            raise ConfigError(
                f"config: windows: key_cols ({', '.join(sampler.keys)}) of {sampler.name} identifies rows, and "
                "window_cols a window; leave key_cols out"
            )
        if sampler.class_col != sampler.label_col:
            raise ConfigError(
                f"config: windows: label_col of {sampler.name} names several columns, and a window has one label; name "
                "one column, or leave [windows] out"
            )
        if sampler.options.target_col is not None:
            raise ConfigError(
                f"config: windows: {sampler.name} resamples by a number, and a window has a class; leave [windows] out"
            )
        for one in single_steps(sampler):
            if one.options.missing == "drop":
                raise ConfigError(
                    f"config: windows: missing='drop' of {one.name} would drop whole windows after they are counted; "
                    "filter them before, or use missing='ignore'"
                )
            if one.promises.rows in ("segment", "free") and getattr(one, "provenance_col", "") is None:
                raise ConfigError(
                    f"config: windows: {one.name} makes new windows, and a provenance column says which they are; set "
                    "its provenance_col"
                )
        return sampler.replace(key_cols=self.window_cols).inheriting("base")

    @property
    def notes(self) -> dict[str, str]:
        """What counts are of."""
        return {"rows_are": f"windows of {', '.join(self.window_cols)}"}

    def copy_cols(self, made_by: MadeBy) -> tuple[str, ...]:
        """Return the column that what a sampler made has beside those of the frame; none if it only removes windows."""
        return (self.copy_col,) if isinstance(made_by, Sampler) and made_by.promises.rows != "subset" else ()


def fold(windows: Windows | None, rows: DataFrame, label_col: str, made_by: MadeBy | None = None) -> DataFrame:
    """Return a row for each window, of the input or of what was made; without windows the rows themselves."""
    if windows is None:
        return rows
    copied = windows.copy_cols(made_by) if made_by else ()
    names, one = [*windows.window_cols, *copied], windows
    return to_windows(rows, names, one.order_col, label_col, aligned=one.aligned, max_steps=one.max_steps)


def take(windows: Windows | None, rows: DataFrame, made_by: MadeBy) -> tuple[DataFrame, DataFrame]:
    """Return the rows that a sampler works on, and what it sees of them; or refuse them by their schema."""
    frame = fold(windows, rows, made_by.class_col)
    made_by.check(frame)
    if windows is None:
        rows = frame = complete_rows(made_by, rows)
    return rows, frame


def resample(
    windows: Windows | None, made_by: MadeBy, frame: DataFrame, rows: DataFrame, counts: ClassCounts, keep: Keep
) -> tuple[Resampled, DataFrame]:
    """Resample a frame that `fold` made of the rows to keep, and return the result and the rows to write.

    A method that adds windows leaves those rows as they are, in their place.
    """
    options = made_by.options
    if windows is None or options.output == "removed_keys":
        made = made_by.resample(frame, counts, extract_path=keep)
        return made, made.frame
    [copied] = windows.copy_cols(made_by) or (None,)
    if not isinstance(made_by, Sampler) or made_by.family != "over" or options.output == "added":
        made = made_by.resample(frame, counts, extract_path=keep)
        originals = options.output != "added"
        return made, from_windows(made.frame, windows.window_cols, windows.order_col, copied, originals)
    made = made_by.replace(output="added").resample(frame, counts, extract_path=keep)
    added = from_windows(made.frame, windows.window_cols, windows.order_col, copied, originals=False)
    new: dict[str, Any] = {one.name: one.dataType for one in provenance_fields(made.frame.schema)}
    original = F.lit("original")
    # cast, since a literal may not be NULL, and Sail refuses to read back what may
    told = [
        provenance(original, kind["base"].dataType).cast(kind).alias(name)
        for name, kind in new.items()
        if name not in rows.columns
    ]
    beside = rows.select("*", *told, F.lit(0).alias(windows.copy_col))
    return replace(made, sampler=made_by), beside.unionByName(added)


def one_each(windows: Windows | None, rows: DataFrame, label_col: str, made_by: MadeBy | None = None) -> DataFrame:
    """Return a row for each window with its label and provenance alone, to be counted: one narrow shuffle."""
    if windows is None:
        return rows
    copied = windows.copy_cols(made_by) if made_by else ()
    told = [one.name for one in provenance_fields(rows.schema)]
    return rows.select(*[F.col(quoted(name)) for name in (*windows.window_cols, *copied, label_col, *told)]).distinct()


def new_fields(windows: Windows | None, frame: DataFrame, made_by: MadeBy) -> list[T.StructField]:
    """Return the columns of the output that the input lacks."""
    copied = windows.copy_cols(made_by) if windows else ()
    return [*made_by.new_fields(frame.schema), *[T.StructField(name, T.IntegerType(), False) for name in copied]]
