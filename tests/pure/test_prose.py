"""What the package and its pages say reads as plain American English; names are spelled as in the API."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

import spark_balance

ROOT = Path(spark_balance.__file__).parents[1]

# a phrase, and what to write instead
PHRASES = {
    r"\b(is|are) no\b(?! longer)": "is not a, unknown, without",
    r"\bthere (is|are|was|were) no\b": "name the subject: 'unknown parameter', 'steps is empty'",
    r"\b(is|are) none\b": "is not one",
    r"\btold\b": "said, given, reported",
    r"\b[Tt]ells? (whether|which|how|what|that|it|them|apart)\b": "return, say, identify",
    r"\btells? \w+ (not )?apart\b": "identify, be unique",
    r"\bso many\b": "a number",
    r"\bbel(y|ie)": "contradict",
    r"\b(if|unless|was|is|are) (it )?(is )?not \w+ else\b": "unless ... says otherwise",
    r"\bhangs? on\b": "depends on",
    r"\bbut for\b": "except",
    r"\bas (many|few|much|little) as may be\b": "at most, at least",
    r"\bnot any ?more\b": "no longer",
    r"\bor lie in each other\b": "overlap",
    r"\bnobody\b": "name who",
    r"\bthe (one|like) (of it|of them)\b": "name it",
}
BRITISH = (
    r"neighbour|equalis|centre[ds]?\b|\blearnt\b|spelt\b|colour|behaviour|favour|honour|normalis|optimis|initialis|"
    r"minimis|maximis|summaris|synthesis(e|ing)|randomis|generalis|catalogue|\bgrey\b|analys(e|ing)\b|modell|cancell"
)
# imbalanced-learn's own names, and CSS
SPELLED_SO = re.compile(
    r"NeighbourhoodCleaningRule|NearestNeighbours?\b|neighbourhood_cleaning_rule|nearest_neighbours?\b"
)

SOURCES = sorted((ROOT / "spark_balance").rglob("*.py"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def texts_of(source):
    """Yield the line and the text of each string, docstring and comment of a source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, " ".join(node.value.split())
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def names_of(source):
    """Yield the line and the text of each name of a source."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string


def paragraphs_of(page):
    """Yield the line and the text of each paragraph of a page, without its code and its addresses."""
    line, fenced = 1, False
    for block in re.split(r"(\n\s*\n)", page):
        shown = []
        for one in block.splitlines():
            fenced ^= one.lstrip().startswith("```")
            shown.append("" if fenced else one)
        yield line, re.sub(r"`[^`]*`|\]\([^)]*\)", "", " ".join(" ".join(shown).split()))
        line += block.count("\n")


def offences(texts, phrases):
    """Yield what is to be written otherwise."""
    for line, text in texts:
        plain = SPELLED_SO.sub("", text)
        for phrase, instead in phrases.items():
            if found := re.search(phrase, plain):
                yield f"line {line}: {found[0]!r}; write: {instead}"


EVERYWHERE = PHRASES | {f"(?i){BRITISH}": "American spelling"}


def offences_of(path):
    """Yield what is to be written otherwise in a source or a page."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield from offences(paragraphs_of(text), EVERYWHERE)
    else:
        yield from offences(texts_of(text), EVERYWHERE)
        yield from offences(names_of(text), {f"(?i){BRITISH}": "American spelling"})


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in (*SOURCES, *PAGES)])
def test_it_reads_well(path):
    assert list(offences_of(path)) == []


@pytest.mark.parametrize(
    "line",
    [
        'raise ValueError(f"chain: {name} is no registered sampler")',
        'raise ValueError("the key does not "\n    "tell rows apart")',
        '"""Return the rows, unless told else."""',
        "neighbours = 5",
        "x = 1  # of so many rows",
        'x = f"{rows} rows whose labels belie it"',
        '"""Equalise the features."""',
    ],
)
def test_the_reader_sees_an_offence(line):
    assert [*offences(texts_of(line), EVERYWHERE), *offences(names_of(line), {f"(?i){BRITISH}": ""})]


@pytest.mark.parametrize("page", ["There is no key.", "Rows and\nneighbours.", "`x = 1` told"])
def test_the_reader_sees_an_offence_on_a_page(page):
    assert list(offences(paragraphs_of(page), EVERYWHERE))


@pytest.mark.parametrize(
    "line", ["class NeighbourhoodCleaningRule: ...", 'x = f"{told} rows"', "x = 1  # it is no longer here", "told = 1"]
)
def test_the_reader_leaves_the_rest_alone(line):
    assert not list(offences(texts_of(line), EVERYWHERE))


def test_the_reader_leaves_code_on_a_page_alone():
    page = "A page.\n\n```python\nneighbours = 5\n\ncentre = 3\n```\n\n[here](#neighbours) and `colour`."
    assert not list(offences(paragraphs_of(page), EVERYWHERE))
