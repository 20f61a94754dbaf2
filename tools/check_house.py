"""Check the house rules that no linter on hand checks; ruff, mypy and import-linter do the rest.

Errors: a module without `__all__`, or one that names something absent; a module over 500 lines; a function
over 60 lines; more than 8 parameters; `NotImplementedError` or an unfinished-work mark; `open` in a driver;
msgspec given a type in a function; a package import that loads more than the public names; an import cycle,
types included; a test file that mirrors no module. A module over 250 lines is a warning: look for the seam.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # where `tools` is, when this file is run as a script

from tools.import_cycles import cycles, imports_of

__all__ = ["main"]

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "polydriver"

MODULE_WARNING = 250
MODULE_LIMIT = 500
FUNCTION_LIMIT = 60
PARAMETER_LIMIT = 8
_TYPED = ("msgspec.convert", "msgspec.json.Decoder")
_PREPARES = ("src/polydriver/typed.py", "src/polydriver/schema/types.py")

# Functions that may have more parameters, each with the reason.
MANY_PARAMETERS: dict[str, str] = {
    "src/polydriver/errors.py:AIError.__init__": "every error carries the same keyword-only facts",
}

# Folders of tests that belong to no single module, each with the reason.
TESTS_APART: dict[str, str] = {
    "conformance": "every driver, and every wire",
    "e2e": "real providers, or any server by its base URL",
    "engine/transports": "each test runs over all HTTP clients",
    "faults": "hostile servers, through the whole pipeline",
    "growth": "work, counted, of everything that reads foreign text",
    "project": "the repository itself: tools, documentation, examples, public names",
    "sdks": "the providers' own SDKs",
    "switching": "a conversation from one provider to another",
    "traffic": "recorded traffic",
    "typing": "read by type checkers alone",
}
# Folders of tests that have another name than their package, each with the reason.
TESTS_RENAMED = {"mcp_tools": "mcp"}  # pytest would take tests/mcp for the package `mcp` itself

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

# What `import polydriver` may not load: a name stands for the module and everything below it.
LAZY_MODULES = (
    "aiohttp",
    "alembic",
    "asyncio",
    "botocore",
    "celery",
    "click",
    "dbos",
    "google.auth",
    "http.client",
    "httpx2",
    "kombu",
    "mcp",
    "polydriver.cli",
    "polydriver.engine.transports",
    "polydriver.storage",
    "polydriver.testing",
    "polydriver.workers",
    "psycopg",
    "pyarrow",
    "pydantic",
    "redis",
    "rich",
    "socket",
    "sqlalchemy",
    "ssl",
    "urllib3",
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def main() -> int:
    """Print every finding, and return 1 when one of them is an error."""
    errors: list[str] = []
    warnings: list[str] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        where = path.relative_to(ROOT).as_posix()
        tree = ast.parse(text, where)
        errors += check_exports(tree, where)
        errors += check_functions(tree, where)
        errors += check_unfinished(tree, text, where)
        errors += check_driver(tree, where)
        errors += check_typed(tree, where)
        lines = text.count("\n")
        if lines > MODULE_LIMIT:
            errors.append(f"{where}: {lines} lines, at most {MODULE_LIMIT}")
        elif lines > MODULE_WARNING:
            warnings.append(f"{where}: {lines} lines; past {MODULE_WARNING} look for the seam")
    errors += check_tests(ROOT / "tests", PACKAGE)
    errors += check_import()
    errors += [f"import cycle: {' <-> '.join(cycle)}" for cycle in cycles(imports_of(PACKAGE))]
    for warning in warnings:
        print("warning:", warning)
    for error in errors:
        print("error:", error)
    print(f"house rules: {len(errors)} errors, {len(warnings)} warnings")
    return 1 if errors else 0


def check_exports(tree: ast.Module, where: str) -> Iterator[str]:
    """Yield what is wrong with a module's `__all__`; one with `__getattr__` may name what it loads later."""
    if where.endswith("/__main__.py"):
        return
    exported: list[str] | None = None
    bound: set[str] = set()
    for node in top_level(tree.body):
        names = set(bound_names(node))
        bound |= names
        if "__all__" in names:
            exported = exported_names(node)
    if exported is None and {"__all__", "__getattr__"} <= bound:
        return  # it loads its names on first use, and makes the list of them from its table
    if exported is None:
        yield f"{where}: no literal __all__"
        return
    if len(set(exported)) < len(exported):
        yield f"{where}: __all__ names something twice"
    if "__getattr__" not in bound and "*" not in bound:
        for name in exported:
            if name not in bound:
                yield f"{where}: __all__ names {name}, which is not in the module"


def top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, those inside `if` and `try` included."""
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from top_level(node.body + node.orelse)
        elif isinstance(node, ast.Try):
            handlers = [statement for handler in node.handlers for statement in handler.body]
            yield from top_level(node.body + handlers + node.orelse)


def bound_names(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0]
    else:
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                yield part.id


def exported_names(node: ast.stmt) -> list[str] | None:
    """Return the strings of an `__all__` assignment, or None when it is not a literal list of strings."""
    value = getattr(node, "value", None)
    try:
        names = ast.literal_eval(value) if value is not None else None
    except ValueError:
        return None
    if isinstance(names, list | tuple) and all(isinstance(name, str) for name in names):
        return list(names)
    return None


def check_functions(tree: ast.Module, where: str) -> Iterator[str]:
    """Yield the functions that are too long or take too much. A docstring does not count as length."""
    for name, node in functions(tree):
        first = node.body[0]
        documented = ast.get_docstring(node, clean=False) is not None
        docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
        length = (node.end_lineno or node.lineno) - node.lineno + 1 - docstring
        if length > FUNCTION_LIMIT:
            yield f"{where}:{node.lineno}: {name} has {length} lines, at most {FUNCTION_LIMIT}"
        arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        count = sum(argument.arg not in ("self", "cls") for argument in arguments)
        if count > PARAMETER_LIMIT and f"{where}:{name}" not in MANY_PARAMETERS:
            yield f"{where}:{node.lineno}: {name} has {count} parameters, at most {PARAMETER_LIMIT}"


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Yield each function with its qualified name, nested ones included."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
            yield from functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")
        else:
            yield from functions(node, prefix)


def check_unfinished(tree: ast.Module, text: str, where: str) -> Iterator[str]:
    """Yield marks of unfinished work."""
    for number, line in enumerate(text.splitlines(), 1):
        if mark := UNFINISHED.search(line):
            yield f"{where}:{number}: {mark[0]}"
    hooks = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.endswith("_hook")]
    excused = {id(inner) for hook in hooks for inner in ast.walk(hook)}  # msgspec's hooks are to answer so
    for node in ast.walk(tree):
        if id(node) in excused:
            continue
        raised = node.exc if isinstance(node, ast.Raise) else None
        raised = raised.func if isinstance(raised, ast.Call) else raised
        if isinstance(raised, ast.Name) and raised.id == "NotImplementedError":
            yield f"{where}:{raised.lineno}: NotImplementedError; an operation is whole or absent"


def check_driver(tree: ast.Module, where: str) -> Iterator[str]:
    """Yield the files that a driver opens; import-linter watches over the modules that do I/O."""
    if not where.startswith("src/polydriver/drivers/"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
            yield f"{where}:{node.lineno}: open(); a driver does no I/O"


def check_typed(tree: ast.Module, where: str) -> Iterator[str]:
    """Yield where msgspec is given a type while calls run: two threads that do so for the first time crash."""
    if where in _PREPARES:
        return
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            name, given = ast.unparse(node.func), [keyword.arg for keyword in node.keywords]
            if name in _TYPED or (name == "msgspec.json.decode" and "type" in given):
                yield f"{where}:{node.lineno}: {name} in a function; polydriver.typed does it safely"


def check_tests(tests: Path, package: Path) -> Iterator[str]:
    """Yield the test files that belong to no module.

    The tests of `X/Y.py`, or of the package `X/Y`, are `tests/X/test_Y.py`, `tests/X/test_Y_ASPECT.py`, or anything in
    a folder `tests/X/Y` of a module `X/Y.py`.
    """
    for path in sorted(tests.rglob("test_*.py")):
        where = path.relative_to(tests).as_posix()
        if any(where.startswith(f"{apart}/") for apart in TESTS_APART):
            continue
        first, _, rest = where.rpartition("/")[0].partition("/")
        folder = package / TESTS_RENAMED.get(first, first) / rest
        if folder.with_suffix(".py").is_file():
            continue
        words = path.stem.removeprefix("test_").split("_")
        names = ["_".join(words[:count]) for count in range(1, len(words) + 1)]
        if not any((folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file() for name in names):
            wanted = folder.relative_to(package.parent)
            yield f"tests/{where}: {wanted} has no module of that name; CONTRIBUTING.md says where tests are"


def check_import() -> Iterator[str]:
    """Yield what `import polydriver` loads in a fresh interpreter although no call needs it yet."""
    code = "import polydriver, sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        yield f"import polydriver fails: {done.stderr.strip().splitlines()[-1]}"
        return
    loaded = done.stdout.split()
    for lazy in LAZY_MODULES:
        if any(name == lazy or name.startswith(lazy + ".") for name in loaded):
            yield f"import polydriver loads {lazy}"
    for name in loaded:
        if name.startswith("polydriver.drivers."):
            yield f"import polydriver loads the driver module {name}"


if __name__ == "__main__":
    sys.exit(main())
