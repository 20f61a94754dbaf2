"""Replies in the form of each known wire, for the conformance suite and for tests of drivers that speak it."""

from __future__ import annotations

from .fixture_files import read_fixtures
from .replies import ExpectedAnswer, RequestExample, WireFixtures
from .wires import wire_fixtures

__all__ = ["ExpectedAnswer", "RequestExample", "WireFixtures", "fixtures_for", "read_fixtures", "register_fixtures"]

_registry: dict[str, WireFixtures] = {}


def register_fixtures(wire: type | str, fixtures: WireFixtures) -> None:
    """Make these the fixtures of a wire: its class or its decoder's, or the full name of either
    (`package.module.Class`)."""
    _registry[wire if isinstance(wire, str) else f"{wire.__module__}.{wire.__qualname__}"] = fixtures


def fixtures_for(*classes: type) -> WireFixtures | None:
    """The fixtures of the first class, or base of one, that has some: of a decoder's class, a driver's or a
    wire's."""
    for kind in classes:
        for base in kind.__mro__:
            name = f"{base.__module__}.{base.__qualname__}"
            if found := _registry.get(name) or wire_fixtures().get(name):
                return found
    return None
