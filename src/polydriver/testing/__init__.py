"""The testing kit: fakes, recorded traffic, a mock server, the conformance suite for drivers, the pytest
plugin.

Loaded name by name, since the pytest plugin is imported in every run of its users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..drivers.mock import MockCall as MockCall
    from ..drivers.mock import MockDriver as MockDriver
    from ..drivers.mock import tool_call as tool_call
    from ..engine.waiting import no_waiting as no_waiting
    from ..manager import FakeAI as FakeAI
    from ..manager import FakeAsyncAI as FakeAsyncAI
    from .cassette import Cassette as Cassette
    from .conformance import DriverConformance as DriverConformance
    from .fixtures import ExpectedAnswer as ExpectedAnswer
    from .fixtures import RequestExample as RequestExample
    from .fixtures import WireFixtures as WireFixtures
    from .fixtures import fixtures_for as fixtures_for
    from .fixtures import read_fixtures as read_fixtures
    from .fixtures import register_fixtures as register_fixtures
    from .recording import RecordingTransport as RecordingTransport
    from .recording import ReplayTransport as ReplayTransport
    from .server import MockServer as MockServer
    from .simulation import Outage as Outage
    from .simulation import Service as Service
    from .simulation import Simulation as Simulation

_HOMES = {
    "Cassette": ".cassette",
    "DriverConformance": ".conformance",
    "ExpectedAnswer": ".fixtures",
    "FakeAI": "..manager",
    "FakeAsyncAI": "..manager",
    "MockCall": "..drivers.mock",
    "MockDriver": "..drivers.mock",
    "MockServer": ".server",
    "Outage": ".simulation",
    "Service": ".simulation",
    "Simulation": ".simulation",
    "RecordingTransport": ".recording",
    "ReplayTransport": ".recording",
    "RequestExample": ".fixtures",
    "WireFixtures": ".fixtures",
    "fixtures_for": ".fixtures",
    "no_waiting": "..engine.waiting",
    "read_fixtures": ".fixtures",
    "register_fixtures": ".fixtures",
    "tool_call": "..drivers.mock",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value
