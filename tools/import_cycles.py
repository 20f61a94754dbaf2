"""Find import cycles in a package: every import counts, those for types and those inside functions included.

    python tools/import_cycles.py [src/polydriver]

A module that is imported through its package counts as an import of the module that defines the name, where the
package only hands it on: `from .data import x` is an import of where `x` is made.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Container, Iterator, Mapping
from pathlib import Path

__all__ = ["cycles", "imports_of", "main"]

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Print each cycle; the exit status is 1 when there is one."""
    package = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "src" / "polydriver"
    found = list(cycles(imports_of(package)))
    for cycle in found:
        print(" <-> ".join(cycle))
    return 1 if found else 0


def imports_of(package: Path) -> dict[str, set[str]]:
    """Which modules each module of a package imports, by dotted names."""
    names = {}
    for path in sorted(package.rglob("*.py")):
        parts = (package.name, *path.relative_to(package).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        names[".".join(parts[:-1] if is_package else parts)] = (path, is_package)
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, (path, _) in names.items()}
    inside = {name: name if is_package else name.rpartition(".")[0] for name, (_, is_package) in names.items()}
    handed_on = {
        name: {
            alias.asname or alias.name: f"{_base(node, name)}.{alias.name}"
            for node in ast.walk(trees[name])
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for name, (_, is_package) in names.items()
        if is_package
    }
    graph: dict[str, set[str]] = {}
    for name, tree in trees.items():
        found = {home for full in _imported(tree, inside[name]) if (home := _home(full, names, handed_on)) is not None}
        if name in handed_on:  # what a package hands on is not what it needs
            found = {target for target in found if not target.startswith(f"{name}.")}
        graph[name] = found - {name}
    return graph


def _imported(tree: ast.Module, inside: str) -> Iterator[str]:
    """The dotted names that import statements mean, those of functions and of `TYPE_CHECKING` included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{_base(node, inside)}.{alias.name}" for alias in node.names)


def _base(node: ast.ImportFrom, inside: str) -> str:
    """What a `from` statement in the package `inside` names."""
    if not node.level:
        return node.module or ""
    parts = inside.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


def _home(full: str, names: Container[str], handed_on: Mapping[str, Mapping[str, str]]) -> str | None:
    """The module that defines a dotted name, through the packages that hand it on; `None` outside of the package."""
    for _ in range(10):
        if full in names:
            return full
        base, _, name = full.rpartition(".")
        if base not in names:
            return None
        if name not in handed_on.get(base, {}):
            return base
        full = handed_on[base][name]
    return None


def cycles(graph: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Every group of modules that import each other in a circle (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(name: str) -> Iterator[list[str]]:
        index[name] = low[name] = len(index)
        stack.append(name)
        for target in sorted(graph.get(name, ())):
            if target not in index:
                yield from visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], index[target])
        if low[name] == index[name]:
            place = stack.index(name)
            group, stack[place:] = stack[place:], []
            if len(group) > 1:
                yield sorted(group)

    for name in sorted(graph):
        if name not in index:
            yield from visit(name)


if __name__ == "__main__":
    sys.exit(main())
