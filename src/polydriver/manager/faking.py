"""What stands behind `AI.fake()`: every provider answers from one script, nothing leaves the process, nothing waits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from typing import Any, ClassVar

from ..data.http import Request
from ..data.prompt import Prompt
from ..driver import Driver
from ..drivers import driver_class, driver_names
from ..drivers.mock.driver import MockDriver
from ..drivers.mock.script import Script
from ..drivers.traits import ErrorTable
from ..engine.connection import Connection
from ..engine.ports import AsyncPort, BlockingPort
from ..engine.transports.simulated import AsyncSimulatedTransport, SimulatedTransport
from ..engine.waiting import Signal, Stop, is_simulated, is_skipping, now, wait_async
from ..errors import ConfigurationError, InvalidRequestError, error_branch
from ..operations.kinds import OperationKind
from ..provider import Provider
from .connections import Connections

__all__ = ["FakeConnections", "make_script"]

_DEFAULT_PROVIDER = "fake"


_passed = [0.0]
"""Seconds that fakes did not wait for room in their limits: for all of them they have passed."""


def _now() -> float:
    return now() + _passed[0]


def _passes(signal: Signal, seconds: float) -> bool:
    """Whether a wait is over at once, and its time has passed: unless what it is for has happened already, or a test
    has a way of its own with time."""
    is_over = not (signal.is_set or is_simulated() or is_skipping())
    if is_over:
        _passed[0] += seconds
    return is_over


class _InstantBlockingPort(BlockingPort):
    """A port that waits for nothing: the time until a limit has room again passes at once."""

    def _set_now(self) -> None:
        self.now = _now

    async def wait_for(self, signal: Signal, seconds: float, stop: Stop | None = None, *, timed: bool = True) -> None:
        """See `Port.wait_for`."""
        if timed and _passes(signal, seconds):
            seconds, timed = 0.0, False
        await super().wait_for(signal, seconds, stop, timed=timed)


class _InstantAsyncPort(AsyncPort):
    """The same for async callers."""

    def _set_now(self) -> None:
        self.now = _now

    async def wait_for(self, signal: Signal, seconds: float, stop: Stop | None = None, *, timed: bool = True) -> None:
        """See `Port.wait_for`."""
        if timed and _passes(signal, seconds):
            seconds, timed = 0.0, False
        await super().wait_for(signal, seconds, stop, timed=timed)


class _InstantConnection(Connection):
    """A connection whose waits are over at once: retries, delays, timeouts, and those for room in a limit."""

    __slots__ = ()

    def blocking_port(self) -> BlockingPort:
        transport = SimulatedTransport(self.driver.simulate, sleep=_skip, clock=_now)
        return _InstantBlockingPort(transport, sleep=_skip)

    def async_port(self) -> AsyncPort:
        transport = AsyncSimulatedTransport(self.driver.simulate, sleep=_skip_async, clock=_now)
        return _InstantAsyncPort(transport, sleep=_skip_async)


class _FakeDriver(MockDriver):
    """The mock driver under another provider's name; `real` is that provider's driver, if there is one."""

    real: ClassVar[type[Driver] | None] = None
    is_judged: ClassVar[bool] = False

    def build_request(self, prompt: Prompt) -> Request:
        """The request; judged, if that is wanted, as the real driver would render it.

        Raises `InvalidRequestError` for one that its provider is known to refuse.
        """
        if self.is_judged and self.real is not None:
            # The judges belong to the layer above, and are loaded when they are asked for alone.
            judges = import_module("polydriver.testing.rules.rendering")
            if broken := judges.judge_prompt(self.real, prompt):
                raise error_branch(self.errors.branch)[InvalidRequestError](
                    f"{self.real.title} refuses such a request: " + "; ".join(map(str, broken))
                )
        return super().build_request(prompt)

    def operation_option_names(self, kind: OperationKind[Any]) -> frozenset[str]:
        """The options of the real driver as well."""
        names = super().operation_option_names(kind)
        if self.real is not None:
            names |= self.real.operation_options.get(kind.method, frozenset())
            names = names.union(*(part.option_names(kind) for part in self.real.operations))
        return names

    @cached_property
    def connection(self) -> Connection:
        return self._watched(_InstantConnection(self, self._events))


class FakeConnections(Connections):
    """Resolves every name to a fake."""

    def __init__(
        self, script: Script, default: str | None, settings: dict[str, Any], *, is_judged: bool = False
    ) -> None:
        super().__init__({"default": default} if default else None, env={})
        self._script = script
        self._settings = settings
        self._is_judged = is_judged

    def default(self) -> str:
        """The default provider, which is called "fake" if it was not named."""
        return self.settings.default or _DEFAULT_PROVIDER

    def _make(self, name: str, ai: object) -> Provider:
        provider = _fake_class(name, is_judged=self._is_judged)(None, script=self._script, env={}, **self._settings)
        provider.report_to(self.bus)
        return provider


def _fake_class(name: str, *, is_judged: bool = False) -> type[_FakeDriver]:
    """The mock under a provider's name, with the error classes, options and default model of its driver, if
    there is one."""
    fields: dict[str, Any] = {"__module__": __name__, "name": name, "is_judged": is_judged}
    if name in driver_names():
        try:
            real = driver_class(name)
        except (ConfigurationError, ImportError):
            pass  # an optional package is missing, which a fake does not need
        else:
            table = getattr(real, "errors", None)
            fields["title"] = real.title
            fields["errors"] = ErrorTable(branch=table.branch if table else real.title.replace(" ", ""))
            fields["option_names"] = real.option_names | real.wire.option_names
            fields["real"] = real
            fields["default_model"] = real.default_model or MockDriver.default_model
    return type(f"Fake_{name}", (_FakeDriver,), fields)


def make_script(responses: Any, patterns: Mapping[Any, Any] | None, default: Any, strict: bool | None) -> Script:
    """The script of a fake: see `FakeAI`. Raises `ConfigurationError` for replies that cannot be made."""
    replies: Any = ()
    by_pattern = dict(patterns or {})
    if isinstance(responses, list | tuple):
        replies = responses
    elif isinstance(responses, Mapping):
        by_pattern = {**responses, **by_pattern}
    elif responses is not None:
        default = responses
    scripted = responses is not None or bool(by_pattern)
    return Script(replies, by_pattern, default=default, strict=scripted if strict is None else strict)


def _skip(seconds: float) -> None:
    """Do not wait."""


async def _skip_async(seconds: float) -> None:
    """Nothing waits, but other tasks may run; in simulated time every wait counts, and passes at once."""
    await (wait_async(seconds) if is_simulated() else asyncio.sleep(0))
