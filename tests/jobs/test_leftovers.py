"""A run that is killed leaves the target as it was, and the next run clears what it left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from spark_balance.app.storage import Sink, local_files, recover
from spark_balance.app.storage.local_files import StagingFolder, clear_leftovers

REPOSITORY = Path(__file__).parents[2]
# a run that stages two files, begins to move them as `how` says, and is killed in place of a rename
RUN = """
import os, signal, sys, time
from pathlib import Path
from spark_balance.app.storage import local_files
from spark_balance.app.storage.local_files import StagingFolder, beside

target, how, renames = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
folder = StagingFolder(target)
folder.make()
for name in ("day=1", "day=2"):
    (folder.data / name).mkdir(parents=True)
    (folder.data / name / "part.parquet").write_text("new")
text = beside(target.with_name("out.manifest.json"), folder.run)
text.write_text("new")
print("staged", flush=True)
if how == "stays":
    time.sleep(60)

real, left = os.rename, [renames]
def rename(source, target):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    real(source, target)
os.rename = rename
moves = {
    "overwrite": lambda: [(folder.data, target)],
    "partitions": lambda: local_files.partition_moves(folder.data, target),
    "append": lambda: local_files.added_moves(folder.data, target, folder.run),
}
local_files.move_all(moves[how](), folder.replaced, (text, target.with_name("out.manifest.json")))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def out(tmp_path):
    """Return an old output of two partitions, with its manifest."""
    for name in ("day=1", "day=3"):
        (tmp_path / "out" / name).mkdir(parents=True)
        (tmp_path / "out" / name / "part.parquet").write_text("old")
    (tmp_path / "out.manifest.json").write_text("old")
    return tmp_path / "out"


def everything(folder):
    """Return every file with what it holds."""
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


def started(target, how, renames=0):
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(target), how, str(renames)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )


@pytest.mark.parametrize(
    ("how", "renames"), [("overwrite", 0), ("overwrite", 1), ("partitions", 1), ("partitions", 2), ("append", 1)]
)
def test_a_run_killed_while_it_moves_files_is_undone_by_the_next(out, how, renames):
    before = everything(out.parent)
    assert started(out, how, renames).wait(60) == -signal.SIGKILL
    assert everything(out.parent) != before
    recover(None, Sink(path=f"file://{out}"))
    assert everything(out.parent) == before
    assert sorted(path.name for path in out.parent.iterdir()) == ["out", "out.manifest.json"]


def test_a_run_killed_while_it_writes_leaves_the_target_and_is_cleared_when_it_is_dead(out):
    before = everything(out.parent)
    run = started(out, "stays")
    assert run.stdout.readline() == "staged\n"
    staged = everything(out.parent)
    assert staged != before
    clear_leftovers(out, out.with_name("out.manifest.json"))
    assert everything(out.parent) == staged  # it is alive
    os.kill(run.pid, signal.SIGKILL)
    run.wait(60)
    assert {name: text for name, text in everything(out.parent).items() if not name.startswith(".")} == before
    clear_leftovers(out, out.with_name("out.manifest.json"))
    assert everything(out.parent) == before


def test_a_run_that_has_moved_everything_stays_moved(out):
    """What is left of it is deleted, and a half-deleted old target never returns."""
    started(out, "overwrite", 9).wait(60)
    clear_leftovers(out, out.with_name("out.manifest.json"))
    assert everything(out.parent) == {
        "out/day=1/part.parquet": "new",
        "out/day=2/part.parquet": "new",
        "out.manifest.json": "new",
    }


def test_a_target_made_anew_by_hand_is_left(out):
    started(out, "overwrite", 1).wait(60)
    assert not out.exists()
    out.mkdir()
    (out / "mine").write_text("mine")
    clear_leftovers(out, out.with_name("out.manifest.json"))
    assert everything(out) == {"mine": "mine"}


def test_the_runs_of_other_targets_are_left(out):
    others = [out.with_name(name) for name in ("out2", "out.staging-a", "ou")]
    for other in others:
        folder = StagingFolder(other)
        folder.make()
        folder.data.mkdir()
        os.close(folder._lock)  # as if the run were dead
    before = sorted(out.parent.rglob("*"))
    clear_leftovers(out, out.with_name("out.manifest.json"))
    assert sorted(out.parent.rglob("*")) == before


def test_what_cannot_be_moved_back_waits_for_the_next_run(out, monkeypatch):
    folder = StagingFolder(out)
    folder.make()
    folder.data.mkdir()
    real = os.rename

    def failing(source, target):
        if Path(target) == out:
            raise OSError("no space")
        real(source, target)

    monkeypatch.setattr("os.rename", failing)
    with pytest.raises(OSError, match="no space"):
        local_files.move_all([(folder.data, out)], folder.replaced, (out, out))
    folder.remove()
    assert not out.exists()
    monkeypatch.undo()
    clear_leftovers(out, out.with_name("out.manifest.json"))
    assert everything(out) == {"day=1/part.parquet": "old", "day=3/part.parquet": "old"}


def test_a_disk_that_is_full_at_the_list_of_moves_leaves_nothing(out, monkeypatch):
    before, real = everything(out.parent), Path.write_text

    def half(path, text, **how):
        real(path, text[: len(text) // 2], **how)
        raise OSError("no space")

    folder = StagingFolder(out)
    folder.make()
    folder.data.mkdir()
    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(OSError, match="no space"):
        local_files.move_all([(folder.data, out)], folder.replaced, (out, out))
    folder.remove()
    assert everything(out.parent) == before
    assert sorted(path.name for path in out.parent.iterdir()) == ["out", "out.manifest.json"]


def test_a_folder_to_which_a_task_still_adds_is_removed_in_the_end(out, monkeypatch):
    real, tries = shutil.rmtree, []

    def grown_meanwhile(path):
        tries.append(path)
        if len(tries) < 3:
            raise OSError("Directory not empty")
        real(path)

    monkeypatch.setattr(shutil, "rmtree", grown_meanwhile)
    monkeypatch.setattr(local_files, "_PAUSE", 0)
    local_files.remove(out)
    assert not out.exists()


def test_a_job_clears_what_killed_runs_left(cli, flights, tmp_path):
    config = REPOSITORY / "conf/jobs/downsample.toml"
    words = ["downsample", config, "--set", f"input.path={flights}", "--set", f"output.path={tmp_path / 'out'}"]
    (tmp_path / ".out.staging-dead" / "data").mkdir(parents=True)
    code, _, err = cli(*words, "--dry-run")
    assert code == 0, err
    assert ".out.staging-dead" in [path.name for path in tmp_path.iterdir()]  # a dry run touches nothing
    code, _, err = cli(*words)
    assert code == 0, err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.manifest.json"]


def test_an_output_that_a_killed_run_moved_away_exists(cli, flights, out):
    started(out, "overwrite", 1).wait(60)
    assert not out.exists()
    config = REPOSITORY / "conf/jobs/downsample.toml"
    sets = (f"input.path={flights}", f"output.path={out}", "output.mode=error")
    code, _, err = cli("downsample", config, *(word for one in sets for word in ("--set", one)))
    assert code == 2
    assert "exists already" in err
    assert everything(out) == {"day=1/part.parquet": "old", "day=3/part.parquet": "old"}
