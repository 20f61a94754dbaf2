"""The pytest plugin: fixtures for fakes and recorded traffic, and the marker `e2e`. Found by pytest by
itself.

- `fake_ai`: a `FakeAI` without a script (`AI.fake()`); it becomes strict with the first reply that is added.
- `mock_driver`: a `MockDriver` without a script.
- `no_waiting`: retries, delays and timeouts on script take no time; gives the list of waits (seconds) that
  were left out.
- `cassette`: recorded traffic in `cassettes/<module>/<test>.jsonl` beside the test; give it to a driver as
  its `transport`. `--polydriver-cassettes` says how: once (the default), replay (the default where CI is set)
  or record.
- `@pytest.mark.e2e(provider="openai")`: the test runs only when this provider's credentials are in the
  environment.

It is imported in every run, so it imports nothing of polydriver before a fixture is used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..drivers.mock import MockDriver
    from ..manager import FakeAI
    from .cassette import Cassette

__all__ = ["cassette", "fake_ai", "mock_driver", "no_waiting"]

_MODES = ("once", "replay", "record")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--polydriver-cassettes`."""
    group = parser.getgroup("polydriver")
    group.addoption(
        "--polydriver-cassettes",
        choices=_MODES,
        default="replay" if os.environ.get("CI") else "once",
        help="the fixture `cassette`: once (record what has no file yet), replay, or record anew",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "e2e(provider): talks to a real provider; runs only with its credentials in the environment",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip end-to-end tests without credentials, saying which are missing."""
    marker = item.get_closest_marker("e2e")
    if marker is not None and (provider := _provider_of(marker)):
        from .credentials import missing_credentials

        if reason := missing_credentials(provider, os.environ):
            pytest.skip(reason)


@pytest.fixture
def fake_ai() -> FakeAI:
    """A manager whose providers answer from a script; see `AI.fake`."""
    from ..manager import FakeAI

    return FakeAI()


@pytest.fixture
def mock_driver() -> MockDriver:
    """A provider that answers from a script; see `MockDriver`."""
    from ..drivers.mock import MockDriver

    return MockDriver(env={})


@pytest.fixture
def no_waiting() -> Iterator[list[float]]:
    """Nothing waits; gives the waits (seconds) that were left out."""
    from ..engine.waiting import no_waiting

    with no_waiting() as waits:
        yield waits


@pytest.fixture
def cassette(request: pytest.FixtureRequest) -> Iterator[Cassette]:
    """The recorded traffic of this test. What was recorded is written only when the test passes."""
    from .cassette import Cassette

    folder = request.path.parent / "cassettes" / request.path.stem
    name = re.sub(r"[^\w.-]+", "_", request.node.name).strip("_")
    made = Cassette(folder / f"{name}.jsonl", request.config.getoption("--polydriver-cassettes"))
    failures = request.session.testsfailed
    yield made
    if made.exchanges and request.session.testsfailed == failures:
        made.save()


def _provider_of(marker: pytest.Mark) -> str | None:
    provider: Any = marker.kwargs.get("provider", marker.args[0] if marker.args else None)
    return str(provider) if provider else None
