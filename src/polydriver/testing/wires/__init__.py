"""The fixtures that come with polydriver: small answers in the form of each wire, in a module of the wire's name."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from ...wires import WIRES
from ..replies import WireFixtures

__all__ = ["wire_fixtures"]


@cache
def wire_fixtures() -> dict[str, WireFixtures]:
    """The fixtures of all wires, by the full name of the wire's class."""
    return {
        f"polydriver.wires.{name}.wire.{kind}": import_module(f"{__name__}.{name}").FIXTURES
        for name, kind in WIRES.items()
    }
