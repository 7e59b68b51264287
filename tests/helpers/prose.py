"""The texts that the package says, as its source has them: with ``{}`` for each value put in.

A text is a string of several words, or one inside ``translated(…)``; what is inserted, added or chosen between
(``x if y else z``) gives each text that may come of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "babygpt"
_TWO_WORDS = re.compile(r"[A-Za-z]{2,}[,.:;]? +\S*[A-Za-z]{2,}")
MOST = 16  # texts of one expression


def texts_of(path: Path, only_raised: bool = False) -> list[str]:
    """Return the texts of a module, docstrings left out; or those alone that it raises."""
    tree = ast.parse(path.read_text("utf-8"))
    found: dict[str, None] = {}
    for text in _walk(tree, raised=not only_raised):
        found[text] = None
    return list(found)


def _walk(node: ast.AST, raised: bool) -> Iterator[str]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    raised = raised or isinstance(node, ast.Raise)
    if isinstance(node, ast.expr) and _is_text(node):
        if raised:
            yield from (text for text in map(_parted, _texts(node)) if _TWO_WORDS.search(text.replace("{}", "xx")))
        inner = [part for part in ast.walk(node) if isinstance(part, ast.FormattedValue)]
        for part in inner:
            yield from _walk(part.value, raised)
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "translated":
        yield from (_parted(text) for argument in node.args for text in _texts(argument))
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, raised)


def _parted(text: str) -> str:
    """Return a text in which two values without anything between them are one: nobody can tell them apart."""
    return re.sub(r"(\{\})+", "{}", text)


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add) and (_is_text(node.left) or _is_text(node.right))
    if isinstance(node, ast.IfExp):
        return _is_text(node.body) or _is_text(node.orelse)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _texts(node: ast.expr) -> list[str]:
    match node:
        case ast.Constant(value=str(value)):
            return [value]
        case ast.JoinedStr(values=values):
            return _joined([_texts(value) for value in values])
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _joined([_texts(left), _texts(right)])
        case ast.IfExp(body=body, orelse=orelse):
            return [*_texts(body), *_texts(orelse)]
        case _:
            return ["{}"]


def _joined(parts: list[list[str]]) -> list[str]:
    return ["".join(pieces) for pieces in product(*parts)][:MOST]
