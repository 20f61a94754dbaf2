"""All regular expressions of the package: those in its modules, and those in the tables of errors."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import polydriver
from polydriver.drivers import driver_class, driver_names
from polydriver.drivers.traits.error_table import COMMON_TEXTS

__all__ = ["all_patterns"]

_ANCHORED = {"match", "fullmatch"}
_WRITTEN = {"compile", "search", "match", "fullmatch", "sub", "subn", "findall", "finditer", "split"}
Found = tuple[str | bytes, int, bool]


def all_patterns() -> dict[Found, str]:
    """Each pattern with its flags and whether it is only tried at the start of texts, and the name of its place."""
    found: dict[Found, str] = {}
    for info in pkgutil.walk_packages(polydriver.__path__, "polydriver."):
        if not info.name.endswith("__main__"):
            for pattern in _of_module(importlib.import_module(info.name)):
                found.setdefault(pattern, info.name)
    for name in driver_names():
        for text, _ in getattr(driver_class(name).errors, "texts", ()):
            found.setdefault((text, int(re.IGNORECASE | re.DOTALL), False), f"errors of {name}")
    for text, _ in COMMON_TEXTS:
        found.setdefault((text, int(re.IGNORECASE | re.DOTALL), False), "errors of all drivers")
    return found


def _of_module(module: ModuleType) -> Iterator[Found]:
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    tree = ast.parse(source)
    uses: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            uses.setdefault(node.value.id, set()).add(node.attr)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_re(node.func.value):
            given = node.args[0] if node.args else None
            if node.func.attr in _WRITTEN - {"compile"} and isinstance(given, ast.Constant):
                yield given.value, 0, node.func.attr in _ANCHORED
    for name, value in vars(module).items():
        used = uses.get(name, set())
        anchored = isinstance(value, re.Pattern) and bool(used) and used <= _ANCHORED
        for pattern in _patterns_in(value):
            yield pattern.pattern, pattern.flags, anchored


def _is_re(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "re"


def _patterns_in(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, list | tuple) and depth < 3:
        for item in value:
            yield from _patterns_in(item, depth + 1)
    elif type(value) is dict and depth < 3:
        for item in value.values():
            yield from _patterns_in(item, depth + 1)
