"""Small changes to a program, one at a time: what a test suite must notice."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Pow: ast.Mult, ast.Mod: ast.Mult,
}  # fmt: skip
_WORDS = (ast.JoinedStr, ast.Raise, ast.arguments, ast.Import, ast.ImportFrom)
"""Messages, signatures and types: what they say is not what is computed."""

_ASSERTED = {"strict", "dtype"}
"""Keywords that assert something, and decide no value."""
_SYMMETRIC = {"max", "min", "maximum", "minimum"}


@dataclass(frozen=True)
class Change:
    """A change of a file.

    Attributes:
        line: Where.
        what: The piece before and after.
        source: The whole file as it is then.
    """

    line: int
    what: str
    source: str


def changes(source: str) -> Iterator[Change]:
    """All changes of a file, in order."""
    tree = ast.parse(source)
    for path in _paths(tree):
        count = len(list(_changed(_at(tree, path))))
        for i in range(count):
            own = copy.deepcopy(tree)
            parent, node = _at(own, path[:-1]), _at(own, path)
            before = ast.unparse(node)
            after = list(_changed(node))[i]
            field, index = path[-1]
            if index is None:
                setattr(parent, field, after)
            else:
                getattr(parent, field)[index] = after
            yield Change(node.lineno, f"{_short(before)} -> {_short(ast.unparse(after))}", ast.unparse(own))


def _paths(node: ast.AST, path: tuple = ()) -> Iterator[tuple]:
    for field, value in ast.iter_fields(node):
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if (
                (isinstance(node, ast.keyword) and node.arg in _ASSERTED)
                or not isinstance(child, ast.AST)
                or isinstance(child, _WORDS)
                or field in {"decorator_list", "returns", "annotation"}
            ):
                continue
            own = (*path, (field, index))
            if isinstance(child, ast.expr | ast.stmt):
                yield own
            yield from _paths(child, own)


def _at(tree: ast.AST, path: tuple) -> ast.AST:
    for field, index in path:
        tree = getattr(tree, field) if index is None else getattr(tree, field)[index]
    return tree


def _changed(node: ast.AST) -> Iterator[ast.AST]:  # noqa: PLR0912 - one branch a kind of node
    """What can stand in place of a node."""

    def but(**fields: object) -> ast.AST:
        found = copy.deepcopy(node)
        for name, value in fields.items():
            setattr(found, name, value)
        return found

    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            if type(op) in COMPARISONS:
                yield but(ops=[*node.ops[:i], COMPARISONS[type(op)](), *node.ops[i + 1 :]])
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS and not isinstance(node.left, ast.JoinedStr):
        yield but(op=OPERATORS[type(node.op)]())
    elif isinstance(node, ast.BoolOp):
        yield but(op=ast.And() if isinstance(node.op, ast.Or) else ast.Or())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield node.operand
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield but(value=not node.value)
        elif isinstance(node.value, int | float):
            yield but(value=node.value + 1)
    elif isinstance(node, ast.Dict) and len(node.keys) > 1:
        for i in range(len(node.keys)):
            yield but(keys=node.keys[:i] + node.keys[i + 1 :], values=node.values[:i] + node.values[i + 1 :])
    elif isinstance(node, ast.Continue) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield ast.copy_location(ast.Pass(), node)
    elif isinstance(node, ast.IfExp | ast.If) and not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):
        yield but(test=ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.Call):
        first, second, *rest = [*node.args, None, None]
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if second is not None and not isinstance(first, ast.Starred) and name not in _SYMMETRIC:
            yield but(args=[second, first, *rest[:-2]])
        for i, given in enumerate(node.keywords):
            if given.arg not in {None, *_ASSERTED}:
                yield but(keywords=node.keywords[:i] + node.keywords[i + 1 :])


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 70 else f"{text[:67]}..."
