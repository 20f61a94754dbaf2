"""The files of a new driver's package: a driver, its fixtures, and tests that pass at once."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template

from ...errors import ConfigurationError
from ...testing.fixture_files import fixture_files
from ...testing.fixtures import WireFixtures, fixtures_for
from ...version import __version__
from ...wires import WIRES, wire_class
from .own_wire import own_fixtures

__all__ = ["CHOICES", "write_package"]

CHOICES = tuple(name for name in WIRES if name != "converse")
"""The wires that a new driver can speak, beside one of its own; Converse is spoken on Bedrock alone."""

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")


def write_package(name: str, wire: str, folder: Path, base_url: str) -> list[Path]:
    """Write the package of a driver called `name` into `folder`, and give the paths of its files.

    `wire` is one of `CHOICES`, or `own`. Raises `ConfigurationError` for a name that cannot be a driver's, and for
    a folder with something in it; `OSError` when it cannot be written.
    """
    _check(name, folder)
    words = {
        "name": name,
        "distribution": f"polydriver-{name.replace('_', '-')}",
        "module": f"polydriver_{name.replace('-', '_')}",
        "branch": "".join(part.title() for part in re.split(r"[-_]", name)),
        "title": " ".join(part.title() for part in re.split(r"[-_]", name)),
        "base_url": base_url.rstrip("/"),
        "wire": wire,
        "wire_class": WIRES.get(wire, ""),
        "version": __version__,
    }
    contents = {target: _fill(template, words) for target, template in _texts(words["module"], wire).items()}
    fixtures = own_fixtures(name) if wire == "own" else fixtures_for(wire_class(wire)) or WireFixtures()
    contents |= {f"tests/fixtures/{file}": data for file, data in fixture_files(fixtures).items()}
    paths = []
    for target, data in contents.items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        paths.append(path)
    return paths


def _check(name: str, folder: Path) -> None:
    from ...drivers import driver_names

    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be a driver's name", hint="Use lower-case letters and digits, separated by - or _."
        )
    if name in driver_names():
        raise ConfigurationError(f"there is a driver called {name!r} already", hint="Choose another name.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} is there already, and not empty", hint="Name another with --directory.")


def _texts(module: str, wire: str) -> dict[str, str]:
    """The templates of the files, by where they go."""
    return {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"src/{module}/__init__.py": "init.py",
        f"src/{module}/driver.py": "own_driver.py" if wire == "own" else "wire_driver.py",
        f"src/{module}/py.typed": "py.typed",
        "tests/test_driver.py": "test_driver.py",
    }


def _fill(template: str, words: dict[str, str]) -> bytes:
    text = (files(__package__) / "templates" / f"{template}.tmpl").read_text(encoding="utf-8")
    return Template(text).substitute(words).encode()
