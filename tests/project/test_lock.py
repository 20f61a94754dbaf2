"""The committed locks: hashed, free of addresses, and in step with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


def pins(text: str) -> dict[str, set[str]]:
    """Return the versions that a lock has for each package; platforms may differ."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def group(name: str) -> Iterator[Requirement]:
    """Yield the requirements of a dependency group, included groups' as well."""
    for entry in PROJECT["dependency-groups"][name]:
        if isinstance(entry, str):
            yield Requirement(entry)
        else:
            yield from group(entry["include-group"])


def wanted(profile: str) -> list[Requirement]:
    """Return what pyproject.toml asks for in one lock."""
    extras = PROJECT["project"]["optional-dependencies"]
    names = {"dev": list(extras), "demo": ["cli"], "bench": [], "sdks": []}[profile]
    texts = PROJECT["project"]["dependencies"] + [text for name in names for text in extras[name]]
    own = [Requirement(text) for text in texts if not text.startswith("polydriver[")]
    return own + list(group({"demo": "build"}.get(profile, profile)))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_it_holds_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    entries = re.findall(r"^[A-Za-z0-9].*(?:\n    --hash.*)*", text, re.MULTILINE)
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|^-|file:", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_it_meets_every_range(lock: Path) -> None:
    pinned = pins(lock.read_text())
    for requirement in wanted(lock.stem):
        versions = pinned.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement} is not in {lock.name}: run make lock"
        assert all(map(requirement.specifier.contains, versions)), f"{requirement}, {versions}: run make lock"


def test_the_core_is_three_packages() -> None:
    core = {Requirement(text).name for text in PROJECT["project"]["dependencies"]}
    assert core == {"msgspec", "aiohttp", "urllib3"}
