"""`AI.fake()`: a manager for tests. Every provider answers from one script, nothing leaves the process,
nothing waits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Self

from ..driver import Driver
from ..drivers import driver_class, driver_names
from ..drivers.mock import CallLog, MockDriver, Script
from ..drivers.mock.failures import make_failure
from ..drivers.mock.script import Pattern
from ..drivers.traits import ErrorTable
from ..engine.connection import Connection
from ..engine.ports import AsyncPort, BlockingPort
from ..engine.transports.simulated import AsyncSimulatedTransport, SimulatedTransport
from ..errors import ConfigurationError
from ..manager import AI, AsyncAI, Connections
from ..operations.kinds import OperationKind
from ..provider import Provider

__all__ = ["FakeAI", "FakeAsyncAI"]

_DEFAULT_PROVIDER = "fake"


class _Scripted(CallLog):
    """What both fakes share: a script to add to, and a log to make assertions on."""

    _becomes_strict: bool

    def reply(self, *replies: Any) -> Self:
        """Add replies to the end of the script; see `MockDriver.reply`."""
        self.script.add(*replies)
        return self._scripted()

    def when(self, pattern: Pattern, reply: Any) -> Self:
        """Reply so whenever the last message is like `pattern`; see `MockDriver.when`."""
        self.script.when(pattern, reply)
        return self._scripted()

    def fail(self, kind: str | int | BaseException | type[BaseException], *, times: int = 1, **details: Any) -> Self:
        """Add a failure to the script; see `MockDriver.fail`."""
        failure = make_failure(kind, **details) if isinstance(kind, str | int) else kind
        return self.reply(*[failure] * times)

    def _scripted(self) -> Self:
        if self._becomes_strict:
            self.script.strict = True
        return self


class FakeAI(_Scripted, AI):
    """An `AI` whose providers, whatever their names, answer from one script. Made by `AI.fake(...)`.

    - `responses`: a list is the script, in order; a dict holds replies by regular expression; a function, a
      text or any other single reply answers every call. Forms of replies: see
      `polydriver.drivers.mock.replies.make_reply`.
    - `provider`: the name of the default provider. `patterns`: replies by regular expression, beside a list.
    - `strict`: whether a call without a reply fails with `UnscriptedCallError`, else it is echoed. By default
      it does as soon as anything was scripted.
    - `settings`: settings of the mock driver and of every connection (chunk_size, prices, retry_attempts,
      ...).

    The environment is not read. Errors are of the branch of the provider that is asked for: a scripted
    `RateLimitError` is an `OpenAIRateLimitError` from `ai.provider("openai")`.

    ::

        ai = AI.fake(["Hello!", tool_call("get_weather", city="Paris"), "Sunny."])
        greet(ai)  # the code under test
        ai.assert_sent("Hi", provider="openai")
        ai.assert_done()
    """

    def __init__(
        self,
        responses: Any = None,
        *,
        provider: str | None = None,
        patterns: Mapping[Any, Any] | None = None,
        strict: bool | None = None,
        **settings: Any,
    ) -> None:
        """Raises `ConfigurationError` for replies that cannot be made."""
        self._becomes_strict = strict is None
        self.script = _make_script(responses, patterns, settings.pop("default", None), strict)
        super().__init__(connections=_FakeConnections(self.script, provider, settings))

    def asynchronous(self) -> FakeAsyncAI:
        """The async face of the same fake, with the same script and log."""
        return FakeAsyncAI._sharing(self)


class FakeAsyncAI(_Scripted, AsyncAI):
    """The async twin of `FakeAI`. Made by `AsyncAI.fake(...)`, with the same arguments; its assertions do not
    wait."""

    def __init__(self, responses: Any = None, *, source: FakeAI | None = None, **settings: Any) -> None:
        """`source` is a fake to share script and log with. Raises `ConfigurationError` for replies that
        cannot be made."""
        source = source or FakeAI(responses, **settings)
        self._becomes_strict = source._becomes_strict
        self.script = source.script
        super().__init__(connections=source.connections)

    @classmethod
    def _sharing(cls, source: FakeAI) -> Self:
        return cls(source=source)


class _InstantConnection(Connection):
    """A connection whose waits are over at once: retries, delays and timeouts."""

    __slots__ = ()

    def blocking_port(self) -> BlockingPort:
        return BlockingPort(SimulatedTransport(self.driver.simulate, sleep=_skip), sleep=_skip)

    def async_port(self) -> AsyncPort:
        return AsyncPort(AsyncSimulatedTransport(self.driver.simulate, sleep=_skip_async), sleep=_skip_async)


class _FakeDriver(MockDriver):
    """The mock driver under another provider's name; `real` is that provider's driver, if there is one."""

    real: ClassVar[type[Driver] | None] = None

    def operation_option_names(self, kind: OperationKind[Any]) -> frozenset[str]:
        """The options of the real driver as well."""
        names = super().operation_option_names(kind)
        if self.real is not None:
            names |= self.real.operation_options.get(kind.method, frozenset())
            names = names.union(*(part.option_names(kind) for part in self.real.operations))
        return names

    @cached_property
    def connection(self) -> Connection:
        return _InstantConnection(self, self._events)


class _FakeConnections(Connections):
    """Resolves every name to a fake."""

    def __init__(self, script: Script, default: str | None, settings: dict[str, Any]) -> None:
        super().__init__({"default": default} if default else None, env={})
        self._script = script
        self._settings = settings

    def default(self) -> str:
        return self.settings.default or _DEFAULT_PROVIDER

    def _make(self, name: str, ai: object) -> Provider:
        provider = _fake_class(name)(None, script=self._script, env={}, **self._settings)
        provider.report_to(self.bus)
        return provider


def _fake_class(name: str) -> type[_FakeDriver]:
    """The mock under a provider's name, with the error classes, options and default model of its driver, if
    there is one."""
    fields: dict[str, Any] = {"__module__": __name__, "name": name}
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


def _make_script(responses: Any, patterns: Mapping[Any, Any] | None, default: Any, strict: bool | None) -> Script:
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
    """Wait no time at all."""


async def _skip_async(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(0)
