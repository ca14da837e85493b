"""Measure how easily the pages read: Flesch's reading ease, and the share of sentences of more than 30 words.

``python scripts/reading_ease.py [FOLDER]`` prints a line for each page of README.md and docs/. Code, tables, addresses
and headings are left out; a list item is a sentence at least. Syllables are groups of vowels, without a silent e at the
end: the numbers compare pages with each other and with earlier versions of themselves.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
LONG = 30


class Ease(NamedTuple):
    """What was counted in a text."""

    sentences: int
    words: int
    syllables: int
    long_sentences: int

    @property
    def flesch(self) -> float:
        """Flesch's reading ease: 60 is plain English, 30 is hard."""
        return 206.835 - 1.015 * self.words / self.sentences - 84.6 * self.syllables / self.words

    @property
    def long_share(self) -> float:
        """The share of sentences of more than 30 words."""
        return self.long_sentences / self.sentences


def measure(page: str) -> Ease:
    """Count sentences, words and syllables of a page."""
    counted = [[word for word in re.findall(r"[A-Za-z][A-Za-z'-]*|\d[\d,.]*", one)] for one in sentences(page)]
    counted = [words for words in counted if words]
    syllables = sum(_syllables(word) for words in counted for word in words)
    long = sum(len(words) > LONG for words in counted)
    return Ease(len(counted), sum(map(len, counted)), syllables, long)


def sentences(page: str) -> Iterator[str]:
    """Yield the sentences of a page, a piece of code as one word."""
    page = re.sub(r"^( *)(```|~~~).*?^ *\2", "\n", page, flags=re.MULTILINE | re.DOTALL)
    page = re.sub(r"<!--[\s\S]*?-->|^ *\|.*$|^#.*$|^ *<[^>]*>", "\n", page, flags=re.MULTILINE)
    page = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", page)
    page = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", page)
    page = re.sub(r"`[^`]*`", "code", page)
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", page):
        text = " ".join(block.replace("**", "").split())
        yield from re.split(r"(?<=[.!?])[\"')]*\s+(?=[A-Z\"'(0-9]|code)", text)


def _syllables(word: str) -> int:
    groups = re.findall(r"[aeiouy]+", word.lower())
    silent = len(groups) > 1 and word.lower().endswith("e") and not word.lower().endswith("le")
    return max(1, len(groups) - silent)


def pages(folder: Path) -> dict[str, Ease]:
    """Measure the guides of a folder."""
    found = [folder / "README.md", *sorted((folder / "docs").rglob("*.md"))]
    return {one.name: measure(one.read_text(encoding="utf-8")) for one in found if one.exists()}


if __name__ == "__main__":
    measured = pages(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    measured["all"] = Ease(*map(sum, zip(*measured.values(), strict=True)))
    for name, ease in measured.items():
        long = f"{ease.long_share:6.1%} of {ease.sentences} sentences are long"
        print(f"{name:24} {ease.words:6,} words  ease {ease.flesch:5.1f}  {long}")
