"""Moves happen all or not at all."""

from __future__ import annotations

import pytest

from spark_balance.app.storage import local_files


@pytest.mark.parametrize("fails", ["a folder", "the file"])
def test_a_move_that_fails_brings_everything_back(tmp_path, fails):
    for name in ("new_a", "new_b", "old_a", "old_b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rows").write_text(name)
    second, last = ("missing", "new_b/rows") if fails == "a folder" else ("new_b", "missing")
    moves = [(tmp_path / "new_a", tmp_path / "old_a"), (tmp_path / second, tmp_path / "old_b")]
    with pytest.raises(FileNotFoundError):
        local_files.move_all(moves, tmp_path / "replaced", (tmp_path / last, tmp_path / "rows"))
    assert not local_files.is_unfinished(tmp_path / "replaced")
    local_files.remove(tmp_path / "replaced")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new_a", "new_b", "old_a", "old_b"]
    assert [(tmp_path / name / "rows").read_text() for name in ("new_a", "old_a", "old_b")] == [
        "new_a",
        "old_a",
        "old_b",
    ]


def test_data_files_are_those_that_engines_read(tmp_path):
    for name in (
        "part-0.parquet",
        ".part-0.parquet.crc",
        "_SUCCESS",
        "_c=1/part-1.parquet",
        "_temporary/part-2.parquet",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [str(file.relative_to(tmp_path)) for file in local_files.data_files(tmp_path)] == [
        "_c=1/part-1.parquet",
        "part-0.parquet",
    ]
