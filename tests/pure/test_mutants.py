"""The script that changes the arithmetic, on a function of a few lines."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "scripts"))
import mutants

TINY = '''
def larger(a: int, b: int = 2) -> int:
    """Return the larger, say of 1 and 2."""
    if a < 0:
        raise ValueError(f"{a - 1} is below {0}")
    return a if a > b else b
'''
TEST = """
import pytest
from spark_balance.kernels.tiny import larger

def test_larger():
    assert (larger(2, 1), larger(1, 2), larger(0, 3), larger(1)) == (2, 2, 3, 2)
    pytest.raises(ValueError, larger, -1, 5)

def test_that_fails_without_a_change():
    assert larger(1, 2) == 1
"""
TABLE = """
["kernels/tiny.py".'return a if a > b else b']
"a > b -> a >= b" = "equivalent: they are equal"
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("spark_balance")]:
        monkeypatch.delitem(sys.modules, name)
    texts = {"spark_balance/kernels/tiny.py": TINY, "tests/pure/test_tiny.py": TEST, "pyproject.toml": ""}
    texts |= dict.fromkeys(
        ("spark_balance/__init__.py", "spark_balance/kernels/__init__.py", "scripts/mutants.toml"), ""
    )
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_it_changes_what_is_computed_alone(root):
    changes = [(one.number, one.change) for one in mutants.every_mutant(root, ["spark_balance"])]
    assert changes == [
        (2, "2 -> 3"),
        (2, "2 -> 1"),
        (4, "a < 0 -> a <= 0"),
        (4, "a < 0 -> a >= 0"),
        (4, "0 -> 1"),
        (4, "0 -> -1"),
        (6, "a > b -> a >= b"),
        (6, "a > b -> a <= b"),
    ]


def test_it_says_what_no_test_notices_unless_the_table_does(root, capsys):
    asked = ["--root", str(root), "spark_balance"]
    assert mutants.main([*asked, "--all"])
    told = capsys.readouterr().out
    assert "spark_balance/kernels/tiny.py:6: return a if a > b else b\n    a > b -> a >= b\n" in told
    assert told.endswith("8 changes, 8 drawn, 8 tried, 1 survived: 87.5% noticed\n")
    (root / "scripts/mutants.toml").write_text(TABLE)
    assert not mutants.main([*asked, "-n", "1", "--seed", "0"])
    assert (
        capsys.readouterr().out == "8 changes, 1 drawn, 1 accepted (equivalent), 0 tried, 0 survived: 100.0% noticed\n"
    )
    assert (root / "spark_balance/kernels/tiny.py").read_text() == TINY


def test_the_table_names_changes_that_there_are():
    ours = {}
    for one in mutants.every_mutant(mutants.HERE):
        ours.setdefault(one.path.removeprefix("spark_balance/"), {}).setdefault(one.line.strip(), set()).add(one.change)
    for path, lines in mutants.read_table(mutants.HERE).items():
        for line, reasons in lines.items():
            known = ours.get(path, {}).get(line, set())
            assert known, f"{path}: {line}"
            each = reasons if isinstance(reasons, dict) else dict.fromkeys(known, reasons)
            assert each.keys() <= known, f"{path}: {line}: {each.keys() - known}"
            assert all(one.startswith(("equivalent: ", "cost: ")) for one in each.values())
