"""The guides read easily: few long sentences, and an ease that does not fall."""

from __future__ import annotations

from pathlib import Path

import pytest
from modules import module_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script():
    return module_of(ROOT / "scripts" / "reading_ease.py")


def test_sentences_of_the_guides_are_short_and_plain(script):
    for name, ease in script.pages(ROOT).items():
        assert ease.long_share < 0.05 or ease.long_sentences <= 1, f"{name}: {ease}"
        assert ease.flesch > 55, f"{name}: {ease}"


def test_code_tables_and_addresses_are_left_out(script):
    left_out = "# A heading\n\n| a | table |\n\n```\ncode. Code.\n```\n\n"
    page = f"{left_out}One `x.y z` word. [Two words](a/b.md)!\n\n- three\n- four\n"
    assert [one.strip() for one in script.sentences(page) if one.strip()] == [
        "One code word.",
        "Two words!",
        "- three",
        "- four",
    ]


@pytest.mark.parametrize(
    ("text", "syllables"), [("cat", 1), ("table", 2), ("made", 1), ("neighbor", 2), ("balance", 2)]
)
def test_syllables_are_groups_of_vowels(script, text, syllables):
    assert script.measure(text).syllables == syllables


def test_a_sentence_of_31_words_is_long(script):
    assert script.measure("one " * 30).long_sentences == 0
    assert script.measure("one " * 31).long_sentences == 1
    # the shorter one reads more easily
    assert script.measure("A dog runs. A cat sits.").flesch > script.measure("A dog runs and a cat sits.").flesch
