"""Build the documentation into site/: generate the API pages, check the navigation, run zensical strictly, check links.

Every module with a non-empty `__all__` gets a page below docs/api/, and a line in docs/api/index.md with the
first line of its docstring. The page of `polydriver` itself is a table of the public names, with links to the modules
that they are defined in. Pages below docs/api/ need no line in the navigation; every other page does.
"""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parent.parent))  # where `tools` is, when this file is run as a script

from tools.links import broken_links

__all__ = ["main"]

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
DOCS = ROOT / "docs"
API = DOCS / "api"

PACKAGE = "polydriver"

PUBLIC_HEAD = """# polydriver

Everything that `from polydriver import ...` gives. A name is loaded when it is first used, so importing the package
loads no driver and no HTTP client.

| Name | What it is |
| --- | --- |
"""

INDEX_HEAD = """# Reference

Generated from the docstrings. Start with [`polydriver`](polydriver.md): what it exports is the public
interface; the other modules are for authors of drivers and for readers of the source.

| Module | What it holds |
| --- | --- |
"""


def main() -> int:
    """Generate, check and build; return zensical's exit status, or 1 when a page or the end of a link is missing."""
    generate_api()
    if missing := pages_outside_navigation():
        print("mkdocs.yml: the navigation lacks", ", ".join(missing), file=sys.stderr)
        return 1
    zensical = Path(sysconfig.get_path("scripts")) / "zensical"
    command: list[str | Path] = [zensical, "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    # It colours its output wherever that goes, and ends a failed build with a traceback of its own.
    print(re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).partition("Traceback")[0].rstrip())
    if done.returncode:
        return done.returncode
    broken = broken_links(ROOT / "site")
    print("\n".join(broken) or "Every link leads somewhere", file=sys.stderr if broken else sys.stdout)
    return 1 if broken else 0


def generate_api() -> None:
    """Write a page for each module that exports something, and the index of them."""
    shutil.rmtree(API, ignore_errors=True)
    API.mkdir(parents=True)
    rows = []
    for name, summary in modules():
        page = f"# {name}\n\n::: {name}\n"
        if name == PACKAGE:
            page = PUBLIC_HEAD + "".join(f"| {link} | {first_line} |\n" for link, first_line in public_names())
        (API / f"{name}.md").write_text(page, encoding="utf-8")
        rows.append(f"| [`{name}`]({name}.md) | {summary} |\n")
    (API / "index.md").write_text(INDEX_HEAD + "".join(rows), encoding="utf-8")


def public_names() -> Iterator[tuple[str, str]]:
    """Yield a link for each name that `polydriver` exports, and the first sentence of its docstring."""
    package = importlib.import_module(PACKAGE)
    for name in package.__all__:
        value = getattr(package, name)
        if home := getattr(value, "__module__", None):
            sentence = " ".join((value.__doc__ or "").split("\n\n")[0].split()).replace("|", "\\|")
            yield f"[`{name}`]({home}.md#{home}.{name})", sentence


def modules() -> Iterator[tuple[str, str]]:
    """Yield the dotted name and the first docstring line of each module that exports something."""
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if name == PACKAGE or (not any(part.startswith("_") for part in name.split(".")) and exports(tree)):
            summary = (ast.get_docstring(tree) or "").partition("\n")[0]
            yield name, summary.replace("|", "\\|")


def exports(tree: ast.Module) -> bool:
    """Return whether a module's `__all__` names anything."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "__all__":
            value = getattr(node, "value", None)
            return isinstance(value, ast.List | ast.Tuple) and bool(value.elts)
    return False


def pages_outside_navigation() -> list[str]:
    """Return the pages outside docs/api/ that mkdocs.yml does not list."""
    configuration: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = set(leaves(configuration["nav"]))
    pages = (path.relative_to(DOCS).as_posix() for path in sorted(DOCS.rglob("*.md")))
    return [page for page in pages if page not in listed and not page.startswith("api/")]


def leaves(tree: object) -> Iterator[str]:
    """Yield the pages that a navigation tree lists."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for branch in tree.values():
            yield from leaves(branch)
    elif isinstance(tree, list):
        for branch in tree:
            yield from leaves(branch)


if __name__ == "__main__":
    sys.exit(main())
