"""A driver for each wire, found among all drivers: a new wire is in every test that loops over these."""

from __future__ import annotations

from typing import Any, NamedTuple

from polydriver.contract import Wire
from polydriver.data.prompt import Prompt
from polydriver.driver import Driver
from polydriver.drivers import driver_class, driver_names
from polydriver.testing.examples import example_config
from polydriver.wires import WIRES, wire_class

__all__ = ["SPEAKERS", "Speaker", "spoken_wire"]

_CHOICES: tuple[dict[str, Any], ...] = ({}, {"api": "chat"}, {"api": "responses"})
"""Options by which drivers with several wires are told which one to use."""


class Speaker(NamedTuple):
    """A driver that speaks a wire, and the options of a call which choose it there."""

    driver: str
    options: dict[str, Any]

    def make(self, transport: Any = None, **settings: Any) -> Driver:
        """The driver, with made-up settings where it needs some."""
        kind = driver_class(self.driver)
        return kind({**example_config(kind), **settings}, transport=transport, env={})


def spoken_wire(driver: Driver, model: str = "m", **options: Any) -> str:
    """The name in `WIRES` of the wire on which a prompt with these options is sent."""
    wire: Any = driver.wire
    prompt = Prompt(messages=[], model=model, options=options)
    spoken: Wire = wire.choose(prompt) if hasattr(wire, "choose") else wire
    return next(name for name in WIRES if isinstance(spoken, wire_class(name)))


def _find_speakers() -> dict[str, Speaker]:
    """The first driver of each wire in the order of their names, but OpenAI before all others."""
    found: dict[str, Speaker] = {}
    for name in sorted(driver_names(), key=lambda name: name != "openai"):
        members = driver_class(name).wire.members()
        spoken = {wire for wire in WIRES if any(isinstance(member, wire_class(wire)) for member in members)}
        for wire in sorted(spoken - found.keys()):
            driver = Speaker(name, {}).make()
            options = next(options for options in _CHOICES if spoken_wire(driver, **options) == wire)
            found[wire] = Speaker(name, options)
    missing = WIRES.keys() - found.keys()
    assert not missing, f"no driver speaks the wires {sorted(missing)}: add one, and its line in drivers/__init__.py"
    return {wire: found[wire] for wire in WIRES}


SPEAKERS = _find_speakers()
"""By the names of `WIRES`."""
