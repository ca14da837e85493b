"""The changelog has the form of keepachangelog.com 1.1.0, and the newest version is this one."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from spark_balance import __version__

PAGE = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
PARTS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
HEADING = re.compile(r"\[(?P<name>Unreleased|\d+\.\d+\.\d+)\](?: - (?P<day>\d{4}-\d\d-\d\d))?")


def problems(page):
    """Yield what is not as Keep a Changelog has it."""
    title, *versions = re.split(r"^## ", page, flags=re.MULTILINE)
    if not title.startswith("# Changelog\n"):
        yield "the title"
    seen = []
    for version in versions:
        head, *parts = re.split(r"^### ", version, flags=re.MULTILINE)
        line = head.splitlines()[0]
        found = HEADING.fullmatch(line)
        if found is None or (found["name"] == "Unreleased") != (found["day"] is None):
            yield f"the heading {line!r}"
            continue
        try:
            numbers = tuple(map(int, found["name"].split("."))) if found["day"] else (10**6,)
            seen.append((numbers, date.fromisoformat(found["day"]) if found["day"] else date.max))
        except ValueError:
            yield f"the day of {line!r}"
        names = [part.splitlines()[0] for part in parts]
        if names != [name for name in PARTS if name in names] or (found["day"] and not names):
            yield f"the parts of {line!r}: {names}"
        for name, part in zip(names, parts, strict=True):
            lines = part.splitlines()[1:]
            stray = [one for one in lines if one and not one.startswith(("- ", "  "))]
            if stray or not any(one.startswith("- ") for one in lines):
                yield f"{name} of {line!r} has no entry, or text beside them: {stray}"
    if not seen or seen[0][0] != (10**6,) or [one[0] for one in seen] != sorted({one[0] for one in seen}, reverse=True):
        yield "Unreleased comes first, then the newest version"
    if [one[1] for one in seen] != sorted((one[1] for one in seen), reverse=True):
        yield "a version is older than the one below it"


def released(page):
    """Return name and day of each version, as the page lists them."""
    return [(one["name"], one["day"]) for one in HEADING.finditer(page) if one["day"]]


def test_the_changelog_has_the_form():
    assert list(problems(PAGE)) == []


def test_the_newest_version_is_this_one():
    assert released(PAGE)[0][0] == __version__


GOOD = """# Changelog

## [Unreleased]

## [0.2.0] - 2026-11-28

### Added
- A method.

  With a table.

### Fixed
- Another
  method.

## [0.1.0] - 2026-01-02

### Removed
- A third.
"""


def test_the_reader_takes_a_good_page():
    assert list(problems(GOOD)) == []


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("# Changelog", "# Changes"),
        ("## [Unreleased]\n\n", ""),
        ("## [0.2.0] - 2026-11-28", "## 0.2.0 - 2026-11-28"),
        ("## [0.2.0] - 2026-11-28", "## [0.2.0]"),
        ("2026-11-28", "28.11.2026"),
        ("2026-11-28", "2026-11-31"),
        ("2026-11-28", "2026-01-01"),
        ("[0.2.0]", "[0.0.9]"),
        ("[0.2.0]", "[0.1.0]"),
        ("### Fixed", "### Mended"),
        ("### Fixed", "### Added"),
        ("### Added\n- A method.\n\n  With a table.\n\n### Fixed", "### Fixed\n- A method.\n\n### Added"),
        ("- A third.", "A third."),
        ("- A third.", ""),
        ("### Removed\n- A third.\n", ""),
    ],
)
def test_the_reader_sees_a_problem(text, instead):
    assert text in GOOD
    assert list(problems(GOOD.replace(text, instead, 1)))
