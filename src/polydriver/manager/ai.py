"""`AI` and `AsyncAI`: named connections, drivers added by name, the way to conversations; and their fakes for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from ..config import AISettings
from ..data.circuits import CircuitReport
from ..data.models import HealthReport, SyncReport
from ..drivers.mock.log import CallLog
from ..errors import AIError
from ..events import EventBus
from ..events.bus import Observable
from .connections import Connections, Factory, unusable
from .syncing import Syncing, SyncProgress

if TYPE_CHECKING:
    from ..conversation import AsyncConversation, Conversation
    from ..conversation.store import AsyncConversations, Conversations
    from ..drivers.mock.script import Pattern
    from ..provider import AsyncProvider, Provider
    from ..storage import Storage

__all__ = ["AI", "AsyncAI", "FakeAI", "FakeAsyncAI"]

_AT_ONCE = 16


class _Manager(Observable):
    """What both managers share."""

    def __init__(
        self,
        config: Mapping[str, Any] | str | Path | None = None,
        *,
        env: Mapping[str, str] | None = None,
        connections: Connections | None = None,
    ) -> None:
        """Read the settings: a dict, the path of a TOML file, or what is found (`polydriver.toml`, the environment).

        Nothing is contacted, and no driver is made before it is used. `connections` shares those of another manager.
        """
        self.connections = connections or Connections(config, env=env)

    @property
    def settings(self) -> AISettings:
        """The settings as they were read."""
        return self.connections.settings

    @property
    def default_provider(self) -> str:
        """The name of the connection that is used when none is named.

        Raises `ConfigurationError` when that is not clear.
        """
        return self.connections.default()

    def extend(self, name: str, factory: Factory) -> None:
        """Add a driver under a name, or replace one: a class, `factory(config)` or `factory(ai, config)`.

        Connections use it by `driver = name`; a name without any settings can be used as a provider at once.
        """
        self.connections.extend(name, factory)

    def provider_names(self) -> list[str]:
        """The connections that are configured or were added by `extend`, sorted."""
        return self.connections.names()

    def circuits(self) -> list[CircuitReport]:
        """The state of the circuits of all connections that were used."""
        return [report for provider in self.connections.used() for report in provider.circuits()]

    @property
    def storage(self) -> Storage | None:
        """The database that the settings name, with what is kept there; `None` where they name none."""
        return self.connections.storage

    @property
    def bus(self) -> EventBus:
        """The bus of the events of all providers and conversations; `on` listens to them."""
        return self.connections.bus


class AI(_Manager):
    """The manager, for blocking callers.

    ::

        ai = AI({"default": "openai", "providers": {"openai": {"api_key": "..."}}})
        ai.provider().send_message("Hi", model="gpt-4o-mini")
        ai.conversation().provider("openai").model("gpt-4o-mini").message("Hi").send()
    """

    def provider(self, name: str | None = None) -> Provider:
        """The provider of a connection, the default one without a name. Made once; safe in many threads."""
        return self.connections.resolve(name, self)

    def conversation(self, title: str | None = None, *, provider: str | None = None) -> Conversation:
        """A new conversation. Where the settings name a database, it is stored there as it goes."""
        from ..conversation import Conversation  # with tools and schemas, half of the package

        return Conversation(self, provider, title=title)

    @property
    def conversations(self) -> Conversations:
        """The stored conversations: load, list, search, export. Raises `ConfigurationError` without a database."""
        from ..conversation.store import Conversations

        return Conversations(self)

    def health(self, *, ask: bool = False) -> dict[str, HealthReport]:
        """The health of all connections by name: of their recent attempts, circuits and limits, without a request.

        With `ask` each is asked with one cheap request, side by side, as by `get_health`. A connection that cannot be
        made is unhealthy, and its report says why. Raises no `AIError`.
        """
        from ..engine.batches import gather_in_threads

        def look(name: str) -> HealthReport:
            try:
                provider = self.provider(name)
                return provider.get_health() if ask else provider.recent_health()
            except AIError as error:
                return unusable(error)

        names = self.provider_names()
        if not ask or not names:
            return {name: look(name) for name in names}
        found = gather_in_threads(names, look, max_concurrency=_AT_ONCE, return_exceptions=False)
        return dict(zip(names, cast("list[HealthReport]", found), strict=True))

    def sync_models(
        self,
        providers: Sequence[str] | None = None,
        *,
        force: bool = False,
        dry_run: bool = False,
        on_progress: SyncProgress | None = None,
    ) -> dict[str, SyncReport]:
        """Sync the models of all connections, or of the named ones, side by side; a report for each, by name.

        See `Provider.sync_models`. One that fails never stops the others: its report says why. Connections that share
        their models (a pool and its first member) are synced once. `on_progress` is called with a name when that
        connection begins, and with its report when it is done. Raises no `AIError`.
        """
        from ..engine.batches import gather_in_threads

        def sync(name: str) -> SyncReport:
            return syncing.run(name, lambda: self.provider(name).sync_models(force, dry_run=dry_run))

        syncing = Syncing(self.connections, self, providers, on_progress)
        if syncing.names:
            gather_in_threads(syncing.names, sync, max_concurrency=_AT_ONCE, return_exceptions=False)
        return syncing.reports()

    def asynchronous(self) -> AsyncAI:
        """The manager for async callers of the same connections."""
        return AsyncAI(connections=self.connections)

    @classmethod
    def fake(cls, responses: Any = None, **settings: Any) -> FakeAI:
        """A manager for tests: every provider answers from `responses`, nothing leaves the process, calls are kept."""
        return FakeAI(responses, **settings)

    def close(self, grace: float | None = None) -> None:
        """Close all idle connections, and write what storage still has to write.

        With `grace` (seconds) all providers are closed for good, see `Provider.close`: they share the grace.
        """
        if grace is not None:
            from ..engine.running import close_blocking

            close_blocking(self.connections.refuse(), grace)
        self.connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncAI(_Manager):
    """The manager, for async callers: the same names, awaited."""

    def __init__(
        self,
        config: Mapping[str, Any] | str | Path | None = None,
        *,
        env: Mapping[str, str] | None = None,
        connections: Connections | None = None,
    ) -> None:
        super().__init__(config, env=env, connections=connections)
        self._providers: dict[Provider, AsyncProvider] = {}

    def provider(self, name: str | None = None) -> AsyncProvider:
        """The provider of a connection, the default one without a name. Made once."""
        provider = self.connections.resolve(name, self)
        return self._twin(provider)

    def _twin(self, provider: Provider) -> AsyncProvider:
        """The provider for async callers, made once; those that it falls back to are this manager's as well."""
        known = self._providers.get(provider)
        if known is None:
            known = self._providers[provider] = provider.asynchronous()
            known._share = self._twin
        return known

    def conversation(self, title: str | None = None, *, provider: str | None = None) -> AsyncConversation:
        """A new conversation; see `AI.conversation`."""
        from ..conversation import AsyncConversation

        return AsyncConversation(self, provider, title=title)

    @property
    def conversations(self) -> AsyncConversations:
        """See `AI.conversations`."""
        from ..conversation.store import AsyncConversations

        return AsyncConversations(self)

    async def health(self, *, ask: bool = False) -> dict[str, HealthReport]:
        """See `AI.health`."""
        import asyncio

        async def look(name: str) -> HealthReport:
            try:
                provider = self.provider(name)
                return await provider.get_health() if ask else provider.recent_health()
            except AIError as error:
                return unusable(error)

        names = self.provider_names()
        return dict(zip(names, await asyncio.gather(*map(look, names)), strict=True))

    async def sync_models(
        self,
        providers: Sequence[str] | None = None,
        *,
        force: bool = False,
        dry_run: bool = False,
        on_progress: SyncProgress | None = None,
    ) -> dict[str, SyncReport]:
        """See `AI.sync_models`."""
        import asyncio

        turn = asyncio.Semaphore(_AT_ONCE)

        async def sync(name: str) -> None:
            async with turn:
                await syncing.run_async(name, lambda: self.provider(name).sync_models(force, dry_run=dry_run))

        syncing = Syncing(self.connections, self, providers, on_progress)
        await asyncio.gather(*map(sync, syncing.names))
        return syncing.reports()

    @classmethod
    def fake(cls, responses: Any = None, **settings: Any) -> FakeAsyncAI:
        """See `AI.fake`."""
        return FakeAsyncAI(responses, **settings)

    async def aclose(self, grace: float | None = None) -> None:
        """See `AI.close`."""
        import asyncio

        if grace is not None:
            from ..engine.running import close_async

            await close_async(self.connections.refuse(), grace)
        for provider in list(self._providers.values()):
            await provider.aclose()
        if self.connections.has_open_storage:
            await asyncio.to_thread(self.connections.flush)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


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
        from ..drivers.mock.failures import make_failure

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
      it does as soon as anything was scripted. `True` also has the real driver of the provider's name render each
      prompt, and fails with `InvalidRequestError` where its provider is known to refuse that request
      (`polydriver.testing.rules`).
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
        from .faking import FakeConnections, make_script

        self._becomes_strict = strict is None
        self.script = make_script(responses, patterns, settings.pop("default", None), strict)
        super().__init__(connections=FakeConnections(self.script, provider, settings, is_judged=strict is True))

    def asynchronous(self) -> FakeAsyncAI:
        """The manager for async callers of the same fake, with the same script and log."""
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
