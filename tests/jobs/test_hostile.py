"""Whatever the names: the right rows, or one sentence with exit 2 and everything as it was."""

from __future__ import annotations

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

from spark_balance.app.storage import Source, read

MANY, FEW = 40, 12
COMMANDS = {
    "downsample": "random_under",
    "upsample": "random_over",
    "smote": "smote",
    "weights": None,
    "balance": "tomek_links",
}
WANTED = {"downsample": (FEW, FEW), "upsample": (MANY, MANY), "smote": (MANY, MANY), "weights": (MANY, FEW)}


@dataclass(frozen=True)
class Hostile:
    """A job, as hypothesis draws and prints it."""

    command: str
    columns: tuple[str, ...]  # the label, a key, two features
    classes: tuple[str, str]  # the large one and the small one
    source: str  # names of a folder
    output: str
    output_format: str
    there: str  # what is where the output goes: nothing, data, or a foreign file
    partitioned: bool
    option: tuple[str, str] | None

    def table(self) -> pa.Table:
        """Return the rows of the input."""
        number = range(MANY + FEW)
        label = [self.classes[i >= MANY] for i in number]
        numbers = [float(i * 7 % 13) for i in number], [float(i * 5 % 11) for i in number]
        values = [pa.array(label), pa.array(number, pa.int64()), *map(pa.array, numbers)]
        return pa.table(values, names=list(self.columns))

    def tables(self, folder: Path) -> dict[str, Any]:
        """Return the configuration."""
        label, key, *features = self.columns
        output: dict[str, Any] = {"path": str(folder / self.output), "format": self.output_format, "mode": "overwrite"}
        if self.partitioned:
            output["partition_by"] = [label]
        if self.option:
            output["options"] = dict([self.option])
        tables: dict[str, Any] = {"input": {"path": str(folder / self.source)}, "output": output}
        if self.command == "weights":
            tables["weights"] = {"label_col": label}
            return tables
        name = COMMANDS[self.command]
        of = {"label_col": label, "key_cols": [key]} | ({} if name.startswith("random") else {"feature_cols": features})
        tables["sampler"] = {name: of}
        return tables


HOSTILE = st.builds(
    Hostile,
    st.sampled_from(sorted(COMMANDS)),
    st.lists(st.sampled_from(NAMES), min_size=4, max_size=4, unique_by=str.lower).map(tuple),
    st.lists(st.sampled_from(NAMES), min_size=2, max_size=2, unique=True).map(tuple),
    st.sampled_from(file_names()),
    st.sampled_from(file_names()),
    st.sampled_from(["parquet", "parquet", "csv", "json", "delta"]),
    st.sampled_from(["nothing", "data", "a foreign file", "a foreign folder"]),
    st.booleans(),
    st.one_of(
        st.none(), st.none(), st.tuples(st.sampled_from(["compression", "header", *NAMES]), st.sampled_from(NAMES))
    ),
)


def put(folder: Path, case: Hostile, table: pa.Table) -> bool:
    """Write the input, and what is there before; say whether the names can be written at all."""
    source, output = folder / case.source, folder / case.output
    if case.source == case.output:
        return False
    try:
        source.mkdir()
        if case.there == "a foreign file":
            output.write_text("mine")
        elif case.there != "nothing":
            output.mkdir()
            if case.there == "data":
                pq.write_table(table.slice(0, 5), output / "old.parquet")
            else:
                (output / "letter.txt").write_text("mine")
    except OSError:  # a name is too long for a file
        return False
    pq.write_table(table, source / "part.parquet")
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
        if not put(folder, case, table):
            return "cannot be"
        file = folder / "job.toml"
        file.write_text(tomli_w.dumps(case.tables(folder)))
        before = seen(folder)
        code, out, err = cli(case.command, file)
        said = f"{case}\nexit {code}\n{out}\n{err}"
        assert "Traceback" not in err, said
        after = seen(folder)
        if code == 2:
            assert after == before, (said, sorted(set(after.items()) ^ set(before.items())))
            return "refused: " + err.strip().splitlines()[-1]
        assert code == 0, said
        assert not case.there.startswith("a foreign"), f"what was not data is gone: {said}"
        mine = {case.output, f"{case.output}.manifest.json"}
        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        assert {Path(path).parts[0] for path in changed} <= mine, (said, changed)
        rows = classes_of(spark, case, folder)
        wanted = WANTED.get(case.command)
        if wanted:
            # a reader guesses the type of what folders say
            held = rows == Counter(dict(zip(case.classes, wanted, strict=True)))
            assert held or (case.partitioned and sorted(rows.values()) == sorted(wanted)), (said, rows)
        return "right rows"


# a job of classic Spark takes a second
ENGINES = [
    pytest.param("sail", marks=pytest.mark.engines("sail")),
    pytest.param("spark", marks=[pytest.mark.engines("spark"), pytest.mark.soak]),
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
        ends[verify(spark, cli, case).partition(":")[0]] += 1

    holds()
    with capsys.disabled():
        request.config.pluginmanager.get_plugin("terminalreporter").write_line(f"hostile cases: {dict(ends)}")
    assert ends["right rows"] > asked // 10
