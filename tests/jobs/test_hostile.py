"""Whatever the names: the right rows, or one sentence with exit 2 and everything as it was."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tomli_w
from hostile import NAMES, file_names, seen
from hypothesis import HealthCheck, Phase, given, note, settings, strategies as st

from spark_balance.app.engines import ENGINE_ERRORS
from spark_balance.app.storage import Source, read
from spark_balance.base.registry import SAMPLERS

MANY, FEW = 40, 12
OURS = {name: kind for name, kind in SAMPLERS.items() if kind.__module__.startswith("spark_balance.")}
BUILT_IN = sorted(name for name, kind in OURS.items() if "label_col" in kind.model_fields)
COMMANDS = {
    "downsample": "random_under",
    "upsample": "random_over",
    "smote": "smote",
    "weights": None,
    "balance": "tomek_links",
    "explain": "smote",
    "describe": None,
    "compare": None,
}
READERS = ("describe", "explain")  # commands that write nothing
VIEW, LAKE = "hostile_input", "lake"  # a view, and the folder of the Iceberg table that it reads
WANTED = {"downsample": (FEW, FEW), "upsample": (MANY, MANY), "smote": (MANY, MANY), "weights": (MANY, FEW)}


@dataclass(frozen=True)
class Hostile:
    """A job, as hypothesis draws and prints it."""

    command: str
    sampler: str  # that `balance` runs
    columns: tuple[str, ...]  # the label, a key, two features, a category
    classes: tuple[str, str]  # the large one and the small one
    source: str  # names of a folder
    is_view: bool  # of an Iceberg table that holds the input
    output: str
    output_format: str
    there: str  # what is where the output goes: nothing, data, a foreign file, or the table of the view
    partitioned: bool
    option: tuple[str, str] | None

    def table(self) -> pa.Table:
        """Return the rows of the input."""
        number = range(MANY + FEW)
        label = [self.classes[i >= MANY] for i in number]
        numbers = [float(i * 7 % 13) for i in number], [float(i * 5 % 11) for i in number]
        kinds = [self.classes[i % 5 > 2] for i in number]
        values = [pa.array(label), pa.array(number, pa.int64()), *map(pa.array, numbers), pa.array(kinds)]
        return pa.table(values, names=list(self.columns))

    def tables(self, folder: Path) -> dict[str, Any]:
        """Return the configuration."""
        label, key, *features, kind = self.columns
        output: dict[str, Any] = {"path": str(folder / self.output), "format": self.output_format, "mode": "overwrite"}
        if self.partitioned:
            output["partition_by"] = [label]
        if self.option:
            output["options"] = dict([self.option])
        place = {"table": VIEW} if self.is_view else {"path": str(folder / self.source)}
        tables: dict[str, Any] = {"input": place, "output": output}
        if self.command == "compare":
            return {"input": tables["input"], **self.study(str(folder / self.output))}
        name = self.sampler if self.command == "balance" else COMMANDS[self.command]
        if name is None:
            tables[self.command] = {"label_col": label}
            return tables
        other = {
            "random_under": {},
            "random_over": {},
            "chain": {"steps": [{"random_under": {"sampling_strategy": "majority"}}, {"random_over": {}}]},
            "smotenc": {"feature_cols": [*features, kind], "categorical_features": [kind]},
            "smoten": {"feature_cols": [kind]},
        }
        of = {"label_col": label, "key_cols": [key], **other.get(name, {"feature_cols": features})}
        tables["sampler"] = {name: of}
        return tables

    def study(self, report: str) -> dict[str, Any]:
        """Return the tables of a comparison, but for its input."""
        label, key, *features, _ = self.columns
        title = self.option[1] if self.option else "hostile"
        return {
            "compare": {"label_col": label, "key_cols": [key], "feature_cols": features, "n_folds": 2},
            "classifier": {"logistic_regression": {}},
            "treatment": [{"name": self.classes[0]}, {"name": self.classes[1], "sampler": {"random_under": {}}}],
            "report": {"path": report, "title": title, "mode": "overwrite"},
        }


def names(most: int, of: tuple[str, ...] = NAMES) -> st.SearchStrategy[tuple[str, ...]]:
    """Draw some names, all different."""
    return st.lists(st.sampled_from(of), min_size=most, max_size=most, unique_by=str.lower).map(tuple)


HOSTILE = st.builds(
    lambda folders, there, is_view, **others: Hostile(
        source=folders[0],
        output=LAKE if is_view and there == "the table of the view" else folders[1],
        there=there,
        is_view=is_view,
        **others,
    ),
    # a comparison takes a second to draw its plots
    command=st.sampled_from([name for name in COMMANDS for _ in range(1 if name == "compare" else 3)]),
    sampler=st.sampled_from(BUILT_IN),
    columns=names(5),
    classes=names(2),
    folders=names(2, file_names()),
    is_view=st.sampled_from([False, False, False, True]),
    output_format=st.sampled_from(["parquet", "parquet", "csv", "json", "delta", "iceberg"]),
    there=st.sampled_from(["nothing", "data", "a foreign file", "a foreign folder", "the table of the view"]),
    partitioned=st.booleans(),
    option=st.one_of(
        st.none(), st.none(), st.tuples(st.sampled_from(["compression", "header", *NAMES]), st.sampled_from(NAMES))
    ),
)


def put(spark: Any, folder: Path, case: Hostile, table: pa.Table) -> bool:
    """Write the input, and what is there before; say whether the names can be written at all."""
    source, output = folder / case.source, folder / case.output
    try:
        if case.is_view:
            spark.createDataFrame(table).write.format("iceberg").save(str(folder / LAKE))
            spark.read.format("iceberg").load(str(folder / LAKE)).createOrReplaceTempView(VIEW)
        else:
            source.mkdir()
            pq.write_table(table, source / "part.parquet")
        if case.there == "a foreign file":
            output.write_text("mine")
        elif case.there in ("data", "a foreign folder"):
            output.mkdir()
            if case.there == "data":
                pq.write_table(table.slice(0, 5), output / "old.parquet")
            else:
                (output / "letter.txt").write_text("mine")
    except (OSError, *ENGINE_ERRORS):  # a name is too long for a file, or Iceberg has no such column
        return False
    return True


def classes_of(spark: Any, case: Hostile, folder: Path) -> Counter[str]:
    """Return the classes of the rows that a reader finds at the output."""
    path, label = folder / case.output, case.columns[0]
    if case.output_format == "parquet" and not case.partitioned:
        # not by the engine that wrote them
        files = [file for file in sorted(path.rglob("*.parquet")) if file.is_file()]
        return Counter(value for file in files for value in pq.read_table(file, columns=[label])[label].to_pylist())
    # text does not say that it is text
    options = {"inferSchema": "false"} if case.output_format == "csv" else {}
    found = read(spark, Source(path=str(path), format=case.output_format, options=options)).toArrow()
    return Counter(map(str, found.column(found.column_names.index(label)).to_pylist()))


def verify(spark: Any, cli: Any, case: Hostile) -> str:
    """Run the job, and say how it ended."""
    note(str(case))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = case.table()
        if not put(spark, folder, case, table):
            return "cannot be"
        file = folder / "job.toml"
        file.write_text(tomli_w.dumps(case.tables(folder)))
        before = seen(folder)
        code, out, err = cli(case.command, file, *["--json"] * (case.command in (*READERS, "compare")))
        said = f"{case}\nexit {code}\n{out}\n{err}"
        assert "Traceback" not in err, said
        after = seen(folder)
        if code == 2:
            assert after == before, (said, sorted(set(after.items()) ^ set(before.items())))
            assert err.startswith("spark-balance: "), said
            return "refused: " + err.strip().splitlines()[-1]
        assert code == 0, said
        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        if case.command in READERS:
            assert not changed, (said, changed)
            found = json.loads(out)
            classes = found["before"]["classes"] if case.command == "describe" else []
            assert found.get("rows_before", MANY + FEW) == MANY + FEW, said
            assert {one["label"]: one["rows"] for one in classes} in (
                {},
                dict(zip(case.classes, (MANY, FEW), strict=True)),
            )
            return "right answers"
        if case.command == "compare":
            # a report goes beside what is in its folder
            pages = {path for path in changed if Path(path).parent == Path(case.output)}
            assert {path for path in pages if Path(path).name.startswith("compare")} == changed - {case.output}, said
            assert not changed & {*before}, (said, changed)
            return "right pages"
        assert not case.there.startswith("a foreign"), f"what was not data is gone: {said}"
        assert case.output != LAKE, f"the input was replaced: {said}"
        mine = {case.output, f"{case.output}.manifest.json"}
        assert {Path(path).parts[0] for path in changed} <= mine, (said, changed)
        rows = classes_of(spark, case, folder)
        wanted = WANTED.get(case.command)
        if wanted:
            # a reader guesses the type of what folders say
            held = rows == Counter(dict(zip(case.classes, wanted, strict=True)))
            assert held or (case.partitioned and sorted(rows.values()) == sorted(wanted)), (said, rows)
        return "right rows"


# a job of a JVM takes a second
ENGINES = [
    pytest.param("sail", marks=pytest.mark.engines("sail")),
    *(pytest.param(one, marks=[pytest.mark.engines(one), pytest.mark.soak]) for one in ("spark", "connect")),
]


@pytest.mark.parametrize("on", ENGINES)
def test_hostile_names(spark, cli, request, capsys, on):
    asked = request.config.getoption("--hostile")
    ends: Counter[str] = Counter()

    @settings(
        max_examples=asked, deadline=None, derandomize=asked < 100, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    @given(HOSTILE)
    def holds(case: Hostile) -> None:
        ends[f"{case.command}, {verify(spark, cli, case).partition(':')[0]}"] += 1

    holds()
    with capsys.disabled():
        said = "; ".join(f"{number} {way}" for way, number in sorted(ends.items()))
        request.config.pluginmanager.get_plugin("terminalreporter").write_line(f"hostile cases: {said}")
    assert sum(number for way, number in ends.items() if "right" in way) > asked // 10
