"""Work on bytes, counted: a module is compiled anew, so that each slice, sum, copy and search in it says how much it
touched.

Counting steps of the interpreter does not see what one step of it does to a long buffer; here that is what counts.
"""

from __future__ import annotations

import ast
import re
import sys
import types
from typing import Any

__all__ = ["Work", "instrumented"]

_TEXTS = (bytes, bytearray, str)
_SEARCHES = frozenset({"find", "index", "rfind", "rindex"})
_CHEAP = frozenset({"append", "clear", "endswith", "startswith"})


class Work:
    """How many bytes were touched."""

    def __init__(self) -> None:
        self.total = 0

    def called(self, function: Any, *args: Any, **options: Any) -> Any:
        """Call a function, and count what that touches of its owner or of its arguments."""
        result = function(*args, **options)
        self.total += 1 + self._size(function, args, result)
        return result

    def _size(self, function: Any, args: tuple[Any, ...], result: Any) -> int:
        owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
        if isinstance(owner, re.Pattern):
            text, start = args[-1 if name == "sub" else 0], args[1] if len(args) > 1 and isinstance(args[1], int) else 0
            if isinstance(result, re.Match):
                return result.end() - start
            return 0 if name in ("match", "fullmatch") and result is None else len(text) - start
        if isinstance(owner, _TEXTS):
            if name in _CHEAP:
                return 0
            if name in _SEARCHES:
                start = args[1] if len(args) > 1 and isinstance(args[1], int) else 0
                if isinstance(result, int) and result >= 0:
                    return len(owner) - result if name.startswith("r") else result - start
                return len(owner) - start
            return len(args[0]) if name == "extend" else len(owner)
        return len(result) if isinstance(result, _TEXTS) else 0

    def made(self, value: Any) -> Any:
        """Count a value that was made just now: a sum or a slice."""
        self.total += len(value) if isinstance(value, _TEXTS) else 1
        return value

    def grown(self, value: Any, more: Any) -> Any:
        """Count what is to be added in place: only a `bytearray` is not copied for it."""
        if isinstance(value, bytes | str):
            self.total += len(value)
        self.total += len(more) if isinstance(more, _TEXTS) else 1
        return more


class _Counting(ast.NodeTransformer):
    """Puts calls of `Work` around whatever can be long."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in ("super", "frozenset"):
            return node
        return _call("called", [node.func, *node.args], node.keywords)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return _call("made", [node]) if isinstance(node.op, ast.Add) else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        loads = isinstance(node.ctx, ast.Load) and isinstance(node.slice, ast.Slice)
        return _call("made", [node]) if loads else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Add) and isinstance(node.target, ast.Name | ast.Attribute):
            read = ast.parse(ast.unparse(node.target), mode="eval").body
            node.value = _call("grown", [read, node.value])
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        for place, statement in enumerate(node.body):
            if isinstance(statement, ast.FunctionDef):
                node.body[place] = self.visit(statement)
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node


def _call(name: str, args: list[ast.expr], keywords: list[ast.keyword] | None = None) -> ast.Call:
    counter = ast.Attribute(ast.Name("_work", ast.Load()), name, ast.Load())
    return ast.Call(counter, args, keywords or [])


def instrumented(source: str, name: str) -> tuple[types.ModuleType, Work]:
    """A module of this text that counts what it does, and the counter."""
    tree = ast.parse(source)
    counted = _Counting()
    for place, node in enumerate(tree.body):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            tree.body[place] = counted.visit(node)
    module, work = types.ModuleType(f"counted_{name}"), Work()
    vars(module)["_work"] = work
    sys.modules[module.__name__] = module
    exec(compile(ast.fix_missing_locations(tree), f"<counted {name}>", "exec"), vars(module))
    return module, work
