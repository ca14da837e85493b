"""Changes of operators and constants, one place at a time: what `mutants.py` tries."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

TARGETS = ("spark_balance/kernels", "spark_balance/neighbors", "spark_balance/base/strategy.py")
ENGINE = ("pyspark", "spark_balance.frames.arguments")  # what functions name that an engine runs
CHECKS = {"strict", "copy"}  # keywords that change no result

_OPERATORS = """Lt LtE GtE, LtE Lt Gt, Gt GtE LtE, GtE Gt Lt, Eq NotEq, NotEq Eq, Is IsNot, IsNot Is, In NotIn,
    NotIn In, Add Sub, Sub Add, Mult Div, Div Mult, FloorDiv Div Mult, Mod FloorDiv, Pow Mult, BitAnd BitOr,
    BitOr BitAnd, BitXor BitAnd, LShift RShift, RShift LShift, And Or, Or And"""
_SWAPS = {old: new for old, *new in map(str.split, _OPERATORS.split(","))}
_FUNCTIONS = dict(map(str.split, ("min max", "minimum maximum", "argmin argmax", "floor ceil", "any all")))
_FUNCTIONS |= {new: old for old, new in _FUNCTIONS.items()}
_SIDES = {"left": "right", "right": "left"}


class Mutant(NamedTuple):
    """A change of one line of a file, where each statement is one line, as `ast.unparse` writes it."""

    path: str
    number: int  # of the line in the file as it is
    at: int  # of the line, one statement each
    line: str
    change: str
    after: str

    def accepted(self, table: dict[str, Any]) -> str | None:
        """Return why nothing need notice it, if the table says so."""
        reasons = table.get(self.path.removeprefix("spark_balance/"), {}).get(self.line.strip())
        return reasons.get(self.change) if isinstance(reasons, dict) else reasons


def every_mutant(root: Path, paths: Sequence[str] = TARGETS) -> Iterator[Mutant]:
    """Yield every change of some files and folders."""
    for path in paths:
        for file in sorted((root / path).rglob("*.py")) if (root / path).is_dir() else [root / path]:
            yield from _mutants(str(file.relative_to(root)), ast.parse(file.read_text()))


def _mutants(path: str, given: ast.Module) -> Iterator[Mutant]:
    tree, lines, seen = ast.parse(ast.unparse(given)), ast.unparse(given).splitlines(), Counter[tuple[int, str]]()
    nodes = zip(ast.walk(tree), ast.walk(given), strict=True)
    numbers = {id(node): getattr(same, "lineno", 0) for node, same in nodes}
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    engine = {n.asname or n.name for one in imports if str(one.module).startswith(ENGINE) for n in one.names}
    for old, new in (change for node in _arithmetic(tree, engine) for change in _changes(node)):
        line, row = lines[old.lineno - 1], lines[old.lineno - 1].encode()  # columns count bytes
        change = f"{ast.unparse(old)} -> {new}"
        seen[old.lineno, change] += 1
        nth = seen[old.lineno, change]
        after = (row[: old.col_offset] + new.encode() + row[old.end_col_offset :]).decode()
        yield Mutant(path, numbers[id(old)], old.lineno, line, change + f" #{nth}" * (nth > 1), after)


def _arithmetic(node: ast.AST, engine: set[str]) -> Iterator[Any]:
    """Yield what is computed: no annotation, decorator or message, and no function that names what an engine has."""
    inside, name = list(ast.iter_child_nodes(node)), _name(getattr(node, "func", getattr(node, "test", None)))
    if isinstance(node, ast.FunctionDef):
        used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        inside = [*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body]
        inside = [] if used & engine or _name(node.returns) == "str" else inside
    elif isinstance(node, ast.AnnAssign):
        inside = [node.value] if node.value else []
    elif isinstance(node, ast.ClassDef):
        inside = list(node.body)
    elif isinstance(node, ast.Raise | ast.JoinedStr) or name.endswith(("Error", "Warning", "TYPE_CHECKING")):
        return
    yield node
    for one in inside:
        if not (isinstance(one, ast.keyword) and one.arg in CHECKS):
            yield from _arithmetic(one, engine)


def _name(node: ast.AST | None) -> str:
    return str(getattr(node, "id", getattr(node, "attr", "")))


def _changes(node: Any) -> Iterator[tuple[Any, str]]:  # noqa: C901
    """Yield what is replaced, and by which text."""
    match node:
        case ast.Constant(value=bool(value)):
            yield node, str(not value)
        case ast.Constant(value=int(value)):
            yield from ((node, str(one)) for one in (value + 1, value - 1))
        case ast.Constant(value=float(value)):
            yield node, repr(value * 2 or 1.0)
        case ast.Constant(value="left" | "right" as side):
            yield node, repr(_SIDES[side])
        case ast.UnaryOp():
            yield node, f"({ast.unparse(node.operand)})"
        case ast.Compare():
            for i, new in ((i, new) for i, op in enumerate(node.ops) for new in _SWAPS[type(op).__name__]):
                ops = [*node.ops[:i], getattr(ast, new)(), *node.ops[i + 1 :]]
                yield node, ast.unparse(ast.Compare(node.left, ops, node.comparators))
        case ast.BinOp() | ast.BoolOp() | ast.AugAssign():
            for name in _SWAPS.get(type(node.op).__name__, []):
                changed = copy.copy(node)
                changed.op = getattr(ast, name)()
                yield node, ast.unparse(changed)
        case ast.Continue() | ast.Break():
            yield node, "break" if isinstance(node, ast.Continue) else "continue"
        case ast.Name() | ast.Attribute() if _name(node) in _FUNCTIONS:
            yield node, ast.unparse(node).removesuffix(_name(node)) + _FUNCTIONS[_name(node)]
        case ast.If() | ast.While() | ast.IfExp() if not isinstance(node.test, ast.Compare | ast.UnaryOp):
            yield node.test, f"not ({ast.unparse(node.test)})"
