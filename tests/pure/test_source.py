"""Promises that the source itself must keep: what it never calls, how long a file is, what an import costs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import spark_balance

ROOT = Path(spark_balance.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
every_file = pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])

# never, whatever they hang on
ATTRIBUTES = {"rdd", "_jvm", "_jsc", "sparkContext", "cache", "persist", "monotonically_increasing_id", "rand", "randn"}
ATTRIBUTES |= {f"create{how}TempView" for how in ("", "OrReplace", "Global", "OrReplaceGlobal")}
NAMES = {"print", "SparkContext", "rand", "randn", "monotonically_increasing_id"}
FUNCTIONS = {"F", "functions"}  # F.broadcast is a hint, SparkContext.broadcast a variable


def offences(tree):
    """Yield what a library that runs on Connect, serverless and Sail must not do."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            on = node.value
            parent = on.attr if isinstance(on, ast.Attribute) else on.id if isinstance(on, ast.Name) else ""
            if (
                node.attr in ATTRIBUTES
                or (node.attr == "set" and parent == "conf")
                or (node.attr == "register" and parent == "udf")
                or (node.attr == "broadcast" and parent not in FUNCTIONS)
            ):
                yield f"line {node.lineno}: .{node.attr}"
        elif isinstance(node, ast.Name) and node.id in NAMES:
            yield f"line {node.lineno}: {node.id}"
        elif isinstance(node, ast.ImportFrom) and {alias.name for alias in node.names} & (NAMES | {"SparkContext"}):
            yield f"line {node.lineno}: from {node.module} import"


@every_file
def test_nothing_that_some_engine_lacks_or_that_changes_with_the_layout(path):
    found = list(offences(ast.parse(path.read_text())))
    # the session, what watches it and what stands in for Spark 3.5 alone may touch the context, on classic Spark
    alone = path in (ROOT / "app" / "session.py", ROOT / "app" / "steps.py", ROOT / "frames" / "older_spark.py")
    assert [one for one in found if not alone or ".sparkContext" not in one] == []


@pytest.mark.parametrize(
    "line",
    [
        "df.rdd.map(f)",
        "spark._jvm",
        "spark.sparkContext.broadcast(x)",
        "sc.broadcast(x)",
        "spark.conf.set('a', 1)",
        "conf.set('a', 1)",
        "print('x')",
        "df.cache()",
        "df.persist()",
        "df.createTempView('x')",
        "df.createOrReplaceTempView('x')",
        "spark.udf.register('f', f)",
        "F.rand(5)",
        "rand(5)",
        "F.monotonically_increasing_id()",
        "from pyspark.sql.functions import rand",
        "from pyspark import SparkContext",
    ],
)
def test_the_reader_sees_an_offence(line):
    assert list(offences(ast.parse(line)))


@pytest.mark.parametrize("line", ["F.broadcast(df)", "console.print('x')", "seen.set(1)", "x = {'rdd': 'cache'}"])
def test_the_reader_leaves_the_rest_alone(line):
    assert not list(offences(ast.parse(line)))


# these say something in SQL: of numbers and of our own columns, or of tables and conditions that the user writes
WRITE_SQL = {f"app/storage/{name}.py" for name in ("committed", "scratch", "source", "staging", "versions")}
WRITE_SQL |= {f"frames/{name}.py" for name in ("features", "numbers", "sample", "typed")} | {"testing/refusals.py"}
PARSE_NAMES = {"col", "groupBy", "orderBy", "partitionedBy", "repartition", "sort", "sortWithinPartitions"}


def is_safe(node):
    """Return whether an argument that an engine parses is a constant, a column, or a name that `quoted` made."""
    if isinstance(node, ast.Starred):
        return is_safe(node.value)
    if isinstance(node, ast.ListComp | ast.GeneratorExp):
        return is_safe(node.elt)
    if isinstance(node, ast.Call):
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        return is_safe(node.args[0]) if called == "map" else called != "str"
    # a column that is made before lies in a variable, as a name may
    named = isinstance(node, ast.Attribute) and re.search("(_col|_cols|name|names|_by)$", node.attr)
    return not (named or isinstance(node, ast.JoinedStr))


def unquoted(tree, writes_sql=False):
    """Yield text for an engine's parser that holds a name as it is given."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and "`" in "".join(
            part.value for part in node.values if isinstance(part, ast.Constant)
        ):
            yield f"line {node.lineno}: quotes a name itself"
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        called, given = node.func.attr, node.args
        if called in {"sql", "expr", "selectExpr"} and not writes_sql:
            if not all(isinstance(one, ast.Constant) for one in given):
                yield f"line {node.lineno}: writes SQL"
        elif called == "raise_error":
            yield f"line {node.lineno}: stops a job without a mark"
        elif called in PARSE_NAMES:
            variable = called == "col" and isinstance(given[0], ast.Name) and not given[0].id.strip("_").isupper()
            if variable or not all(map(is_safe, given)):
                yield f"line {node.lineno}: {ast.unparse(node)}"


@every_file
def test_names_reach_an_engines_parser_through_one_function(path):
    found = list(unquoted(ast.parse(path.read_text()), str(path.relative_to(ROOT)) in WRITE_SQL))
    # one makes what stops a job, the other a frame that must not be read
    alone = path in (ROOT / "frames" / "columns.py", ROOT / "testing" / "work.py")
    assert [one for one in found if not alone or "without a mark" not in one] == []


@pytest.mark.parametrize(
    "line",
    [
        "F.col(name)",
        "F.col(f'`{name}`')",
        "F.col(self.label_col)",
        "df.repartition(8, *sink.partition_by)",
        "df.groupBy(*[self.label_col for _ in names])",
        "F.expr(f'sum({name})')",
        "spark.sql('DROP TABLE ' + name)",
        "F.raise_error(F.lit(sentence))",
    ],
)
def test_the_reader_sees_a_name_as_it_is_given(line):
    assert list(unquoted(ast.parse(line)))


@pytest.mark.parametrize(
    "line", ["F.col(CODE)", "F.col('x')", "F.col(quoted(name))", "df.groupBy(*map(quoted, names))", "df.sort(order)"]
)
def test_the_reader_leaves_quoted_names_alone(line):
    assert not list(unquoted(ast.parse(line)))


def addresses(tree):
    """Yield what makes a path or an address of a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("file:"):
            yield f"line {node.lineno}: {node.value}"
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name, on = node.func.attr, ast.unparse(node.func.value)
        if name in ("expanduser", "resolve", "absolute", "realpath", "abspath") or (name == "glob" and on == "glob"):
            yield f"line {node.lineno}: {name}"
        is_io = any(word in f"{on}." for word in ("reader", "writer", ".read.", ".write."))
        if is_io and name in ("load", "save", "parquet", "csv", "json", "orc", "text"):
            given = ast.unparse(node.args[0]) if node.args else ""
            if not given.startswith(("engine_path(", "paths")):
                yield f"line {node.lineno}: {name}({given})"


def test_one_module_makes_addresses():
    # where a library's user spells a path for an engine, and names that are no paths
    others = {"base/node.py", "ml/persistence.py", "metrics/evaluator.py", "testing/refusals.py"}
    found = {}
    for file in FILES:
        name = str(file.relative_to(ROOT))
        if name != "app/storage/paths.py" and name not in others:
            found[name] = list(addresses(ast.parse(file.read_text())))
    iceberg = {
        "app/storage/committed.py": "load(full_name(self._spark, str(self._sink.table)))",
        "app/storage/versions.py": "load(f'{engine_path(spark, str(place.path))}#{name}')",
    }
    left = {name: [one for one in lines if not one.endswith(iceberg.get(name, "\n"))] for name, lines in found.items()}
    assert {name: lines for name, lines in left.items() if lines} == {}


@pytest.mark.parametrize(
    "line", ["Path(x).expanduser()", "spark.read.format(x).load(path)", "frame.write.parquet(str(x))", "'file://' + x"]
)
def test_the_reader_sees_an_address(line):
    assert list(addresses(ast.parse(line)))


def undocumented(node, inside=""):
    """Yield public modules, classes, functions and methods that say nothing of themselves."""
    if not ast.get_docstring(node):
        yield inside or "the module"
    for child in node.body:
        public = isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if public and not child.name.startswith("_"):
            name = f"{inside}.{child.name}".lstrip(".")
            if isinstance(child, ast.ClassDef):
                yield from undocumented(child, name)
            elif not ast.get_docstring(child):
                yield name


@every_file
def test_everything_public_has_a_docstring(path):
    assert list(undocumented(ast.parse(path.read_text()))) == []


def imported_by(code):
    found = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT.parent,
    )
    return {name.partition(".")[0] for name in found.stdout.split()}


@pytest.fixture(scope="module")
def ours():
    """Return what the driver alone may load; scikit-learn 1.9 loads rich by itself where it is installed."""
    return {"pydantic", "typer", "rich", "pysail"} - imported_by("import sklearn.neighbors, pyspark.sql")


def test_a_worker_does_not_pay_for_the_driver(ours):
    loaded = imported_by("import spark_balance.kernels.knn, spark_balance.neighbors.join")
    assert {"numpy", "pyarrow"} <= loaded
    # scikit-learn takes as long to import as a small search takes to run
    assert not loaded & {*ours, "sklearn", "scipy"}
    assert {"pydantic", "typer"} <= ours


def test_kernels_frames_and_neighbors_leave_the_driver_alone(ours):
    names = [
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        for path in FILES
        if path.parent.name in ("kernels", "frames", "neighbors") and path.stem != "__init__"
    ]
    assert len(names) >= 10
    assert not imported_by(f"import {', '.join(names)}") & ours


def test_kernels_never_load_spark():
    names = [f"spark_balance.kernels.{path.stem}" for path in FILES if path.parent.name == "kernels"]
    assert "pyspark" not in imported_by(f"import {', '.join(names)}")


def test_the_package_alone_loads_almost_nothing():
    loaded = imported_by("import spark_balance")
    assert not loaded & {"pyspark", "sklearn", "numpy", "pandas", "pyarrow", "pydantic", "typer", "rich"}
