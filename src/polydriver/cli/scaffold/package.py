"""The files of a new driver's package: a driver, its fixtures, and tests that pass at once."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template

import msgspec

from ...errors import ConfigurationError
from ...testing.fixtures import WireFixtures, fixtures_for
from ...version import __version__
from ...wires import WIRES, wire_class
from .own_wire import OWN_FIXTURES

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
    fixtures = _fixtures(wire)
    words["fixtures"] = "\n".join(f"    {field}=read({file!r})," for field, file, _ in fixtures).replace("'", '"')
    contents = {target: _fill(template, words) for target, template in _texts(words["module"], wire).items()}
    contents |= {f"tests/fixtures/{file}": data for _, file, data in fixtures}
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
            f"{name!r} cannot be a driver's name", hint="Take lower-case letters and digits, parted by - or _."
        )
    if name in driver_names():
        raise ConfigurationError(f"there is a driver called {name!r} already", hint="Take another name.")
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


def _fixtures(wire: str) -> list[tuple[str, str, bytes]]:
    """The replies that the tests read: field of `WireFixtures`, file name, bytes."""
    found = OWN_FIXTURES
    if wire != "own":
        found = fixtures_for(wire_class(wire)) or WireFixtures()
    stored = []
    for field in WireFixtures.__struct_fields__:
        data = getattr(found, field)
        if isinstance(data, bytes) and data:
            stored.append((field, f"{field}.{'txt' if 'stream' in field else 'json'}", _readable(data)))
    return stored


def _readable(data: bytes) -> bytes:
    """JSON with line breaks, for people who will edit it; a stream as it is."""
    try:
        return msgspec.json.format(data, indent=2) + b"\n"
    except msgspec.DecodeError:
        return data
