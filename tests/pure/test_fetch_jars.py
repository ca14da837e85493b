"""Jars for tests come whole, with the bytes that were locked, or a sentence says why they do not."""

from __future__ import annotations

import sys

import fetch_jars
import pytest

CONTENT = b"the bytes of a jar"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Lock one jar for Spark 9.9, and return a folder that serves it as a repository."""
    for name in ("LOCKS", "JARS"):
        monkeypatch.setattr(fetch_jars, name, tmp_path / name)
    monkeypatch.setattr(fetch_jars, "ROOT", tmp_path)
    monkeypatch.setattr(fetch_jars, "PAUSE", 0.0)
    monkeypatch.setattr(sys, "argv", ["fetch_jars.py", "9.9"])
    monkeypatch.setenv("MAVEN_REPOSITORY", (tmp_path / "maven").as_uri())
    (tmp_path / "LOCKS").mkdir()
    digest = fetch_jars.hash_bytes(CONTENT)
    (tmp_path / "LOCKS/9.9.txt").write_text(f"# a comment\norg.example:lake:1.0 {digest}\n")
    served = tmp_path / "maven/org/example/lake/1.0/lake-1.0.jar"
    served.parent.mkdir(parents=True)
    served.write_bytes(CONTENT)
    return served


def test_a_jar_is_fetched_once(repository, tmp_path, capsys):
    assert fetch_jars.main() == 0
    assert fetch_jars.list_jars("9.9.1") == str(tmp_path / "JARS/lake-1.0.jar")
    assert (tmp_path / "JARS/lake-1.0.jar").read_bytes() == CONTENT
    assert "1 jars for Spark 9.9" in capsys.readouterr().out
    repository.unlink()
    assert fetch_jars.main() == 0
    assert capsys.readouterr().out == ""


def test_a_jar_that_a_crash_cut_is_fetched_again(repository, tmp_path):
    (tmp_path / "JARS").mkdir()
    (tmp_path / "JARS/lake-1.0.jar").write_bytes(CONTENT[:5])
    assert fetch_jars.main() == 0
    assert (tmp_path / "JARS/lake-1.0.jar").read_bytes() == CONTENT


@pytest.mark.parametrize("served", [None, b"other bytes"])
def test_a_failed_download_is_one_sentence_and_leaves_nothing(repository, tmp_path, capsys, served):
    repository.unlink()
    if served:
        repository.write_bytes(served)
    assert fetch_jars.main() == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "lake-1.0.jar could not be fetched in 4 attempts" in said
    assert ("its SHA-256 is" in said) == bool(served)
    assert list((tmp_path / "JARS").iterdir()) == []


def test_a_second_attempt_is_made(repository, monkeypatch):
    def answer_late(url, timeout):
        monkeypatch.undo()
        raise TimeoutError("timed out")

    monkeypatch.setattr(fetch_jars.urllib.request, "urlopen", answer_late)
    jar = fetch_jars.Jar("org.example:lake:1.0", fetch_jars.hash_bytes(CONTENT))
    monkeypatch.setattr(fetch_jars.time, "sleep", lambda seconds: None)
    assert fetch_jars.download(jar, repository.parents[4].as_uri()) == CONTENT


def test_a_lacking_jar_names_the_command_that_fetches_it(repository):
    with pytest.raises(fetch_jars.DownloadError, match=r"lacks lake-1.0.jar; run: python scripts/fetch_jars.py 9.9"):
        fetch_jars.list_jars("9.9.0")
