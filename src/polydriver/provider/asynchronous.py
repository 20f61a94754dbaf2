"""`AsyncProvider`: a service for async callers."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sequence
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, Unpack, overload

from ..colours import finish_async
from ..contract import DriverHooks
from ..data.circuits import CircuitReport
from ..data.cost import Cost
from ..data.models import AIModel, Capabilities, CredentialReport, HealthReport, SyncReport
from ..data.responses import AIChunk, AIResponse, ParsedT
from ..data.usage import TokenUsage
from ..engine.connection import Connection
from ..engine.ports import AsyncPort
from ..errors import AIError
from ..events import EventBus
from ..events.bus import Observable
from .answers import UNSET, Answers, Message
from .operations import AsyncOperations
from .routing import PoolMember, prepare_call

if TYPE_CHECKING:
    from ..data.batches import BatchProgress
    from ..engine.batches import AsyncBatchStream
    from ..engine.pipeline import Pipeline
    from ..engine.streams import AsyncStream
    from .options import AllOptions, ResponseFormat, SendOptions

    Prompts: TypeAlias = Iterable[Message | Sequence[Message]] | AsyncIterable[Message | Sequence[Message]]

__all__ = ["AsyncProvider"]


class AsyncProvider(AsyncOperations, Answers, Observable):
    """A service, for async callers: the methods of `Provider`, awaited. May be used from several event loops."""

    def __init__(self, source: Answers) -> None:
        """`source` is the provider for blocking callers, with which it shares all but the transport."""
        self._source = source
        self._twins: dict[Any, AsyncProvider] = {}
        self._share: Callable[[Any], AsyncProvider] | None = None

    @property
    def driver(self) -> DriverHooks:
        """The driver that translates."""
        return self._source.driver

    @property
    def connection(self) -> Connection:
        """What the calls of this provider share, blocking ones included."""
        return self._source.connection

    @property
    def bus(self) -> EventBus:
        """See `Provider.bus`."""
        return self.connection.bus

    @property
    def _finder(self) -> Any:
        return getattr(self._source, "_finder", None)

    def _twin_source(self) -> Any:
        """The provider for blocking callers that this one belongs to."""
        return self._source

    @property
    def _is_single(self) -> bool:
        """See `Provider._is_single`."""
        single: bool = getattr(self._source, "_is_single", True)
        return single

    @property
    def _main(self) -> AsyncProvider:
        """See `Provider._main`."""
        source: Any = self._source
        return self._twin(source._main)

    def _members(self, able: Callable[[DriverHooks], bool] | None = None, *, keeps: bool = False) -> list[PoolMember]:
        """See `Provider._members`."""
        source: Any = self._source
        members: list[PoolMember] = source._members(able, keeps=keeps)
        return [PoolMember(self._twin(member.provider), member.weight) for member in members]

    def _others(self) -> list[tuple[str, AsyncProvider]]:
        """See `Provider._others`."""
        source: Any = self._source
        return [(name, self._twin(provider)) for name, provider in source._others()]

    def _twin(self, provider: Any) -> AsyncProvider:
        """The same provider for async callers; a manager's own, or made once."""
        if isinstance(provider, AsyncProvider):
            return provider
        if provider is self._source:
            return self
        if self._share is not None:
            return self._share(provider)
        if provider not in self._twins:
            self._twins[provider] = provider.asynchronous()
        return self._twins[provider]

    def _pipelines(self) -> list[Pipeline[AsyncPort]]:
        """The pipelines of those who can be asked for what all know, in order."""
        return [provider._pipeline for _, provider in self._others()] or [self._pipeline]

    @cached_property
    def _pipeline(self) -> Pipeline[AsyncPort]:
        from ..engine.pipeline import Pipeline

        main = self._main
        return main._pipeline if main is not self else Pipeline(self.connection, self.connection.async_port())

    def calculate_cost(self, usage: TokenUsage | None, model: str) -> Cost | None:
        """See `Answers.calculate_cost`."""
        return self._source.calculate_cost(usage, model)

    def get_capabilities(self) -> Capabilities:
        """See `Answers.get_capabilities`."""
        return self._source.get_capabilities()

    def get_config(self) -> dict[str, Any]:
        """See `Answers.get_config`."""
        return self._source.get_config()

    def get_name(self) -> str:
        """See `Answers.get_name`."""
        return self._source.get_name()

    async def send_message(
        self,
        message: Message,
        *,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> AIResponse[ParsedT]:
        """See `Provider.send_message`."""
        return await self.send_messages([message], response_format=response_format, **options)

    async def send_messages(
        self,
        messages: Sequence[Message] | Message,
        *,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> AIResponse[ParsedT]:
        """See `Provider.send_messages`."""
        prompt, call = prepare_call(self, messages, options, response_format)
        return await self._pipeline.send(prompt, call)

    def send_streaming_message(
        self,
        message: Message,
        *,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> AsyncStream[ParsedT]:
        """See `Provider.send_streaming_message`.

        Not a coroutine: use `async with`, `async for`, or `await` to open it.
        """
        return self.send_streaming_messages([message], response_format=response_format, **options)

    def send_streaming_messages(
        self,
        messages: Sequence[Message] | Message,
        *,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> AsyncStream[ParsedT]:
        """See `Provider.send_streaming_messages`.

        Not a coroutine: use `async with`, `async for`, or `await` to open it.
        """
        from ..engine.streams import AsyncStream

        prompt, call = prepare_call(self, messages, options, response_format, stream=True)
        return AsyncStream(self._pipeline, prompt, call)

    async def stream_message(
        self,
        message: Message | Sequence[Message],
        callback: Callable[[AIChunk], Awaitable[object] | object],
        *,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> AIResponse[ParsedT]:
        """See `Provider.stream_message`. The callback may be a coroutine function."""
        async with self.send_streaming_messages(message, response_format=response_format, **options) as stream:
            async for chunk in stream:
                await finish_async(callback(chunk))
        return stream.response

    @overload
    async def send_batch(
        self,
        messages: Prompts,
        *,
        max_concurrency: int = 5,
        return_exceptions: Literal[False] = False,
        on_progress: Callable[[BatchProgress], object] | None = None,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> list[AIResponse[ParsedT]]: ...
    @overload
    async def send_batch(
        self,
        messages: Prompts,
        *,
        max_concurrency: int = 5,
        return_exceptions: bool,
        on_progress: Callable[[BatchProgress], object] | None = None,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> list[AIResponse[ParsedT] | AIError]: ...

    async def send_batch(
        self,
        messages: Prompts,
        *,
        max_concurrency: int = 5,
        return_exceptions: bool = False,
        on_progress: Callable[[BatchProgress], object] | None = None,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> list[Any]:
        """See `Provider.send_batch`; side by side in tasks, and `messages` may be an async iterable."""
        from ..engine.batches import check_prompts, gather_in_tasks

        options.setdefault("queue", "batch")
        return await gather_in_tasks(
            check_prompts(messages, "send_batch", asynchronous=True),
            lambda item: self.send_messages(item, response_format=response_format, **options),
            max_concurrency=max_concurrency,
            return_exceptions=return_exceptions,
            on_progress=on_progress,
        )

    def stream_batch(
        self,
        messages: Prompts,
        *,
        max_concurrency: int = 5,
        ordered: bool = False,
        on_progress: Callable[[BatchProgress], object] | None = None,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> AsyncBatchStream[ParsedT]:
        """See `Provider.stream_batch`; side by side in tasks, and `messages` may be an async iterable."""
        from ..engine.batches import AsyncBatchStream, check_prompts

        options.setdefault("queue", "batch")
        return AsyncBatchStream(
            check_prompts(messages, "stream_batch", asynchronous=True),
            lambda item: self.send_messages(item, response_format=response_format, **options),
            max_concurrency=max_concurrency,
            ordered=ordered,
            on_progress=on_progress,
        )

    def circuits(self) -> list[CircuitReport]:
        """The state of the circuit of each model that was called."""
        if members := self._others():
            return [report for _, provider in members for report in provider.circuits()]
        circuits = self.connection.circuits
        return [] if circuits is None else circuits.describe(self._pipeline.port.now())

    async def get_available_models(self, refresh: bool = False) -> list[AIModel]:
        """See `Provider.get_available_models`."""
        from ..engine.models import first_to_answer, list_models

        return await first_to_answer(self._pipelines(), partial(list_models, refresh=refresh))

    async def get_model(self, model_id: str) -> AIModel:
        """See `Provider.get_model`."""
        from ..engine.models import find_model, first_to_answer

        return await first_to_answer(self._pipelines(), partial(find_model, model_id=model_id))

    async def sync_models(self, force: bool = False, *, dry_run: bool = False) -> SyncReport:
        """See `Provider.sync_models`."""
        from ..engine.syncing import sync_models

        return await sync_models(self._pipeline, force=force, dry_run=dry_run)

    async def validate_credentials(self) -> CredentialReport:
        """See `Provider.validate_credentials`."""
        from ..engine.models import sum_up_credentials, validate_credentials

        if members := self._others():
            return sum_up_credentials({name: await provider.validate_credentials() for name, provider in members})
        return await validate_credentials(self._pipeline)

    async def get_health(self, *, probe: Message | None = None, **options: Unpack[AllOptions]) -> HealthReport:
        """See `Provider.get_health`."""
        from ..engine.health import check_health, sum_up_health
        from ..engine.models import reach

        if members := self._others():
            return sum_up_health(
                {name: await provider.get_health(probe=probe, **options) for name, provider in members}
            )

        async def send() -> object:
            chosen: AllOptions = {"max_tokens": 16, "retry_attempts": 1, **options}
            return await self.send_message(probe or "", **chosen)

        return await check_health(self._pipeline, send if probe is not None else partial(reach, self._pipeline))

    def recent_health(self) -> HealthReport:
        """See `Provider.recent_health`."""
        from ..engine.health import recent_health, sum_up_health

        if members := self._others():
            return sum_up_health({name: provider.recent_health() for name, provider in members})
        return recent_health(self._pipeline)

    async def aclose(self, grace: float | None = None) -> None:
        """See `Provider.close`."""
        if grace is not None:
            from ..engine.running import close_async

            await close_async([self.connection], grace)
        if "_pipeline" in self.__dict__ and self._main is self:
            await self._pipeline.port.aclose()
        if self._main is self:
            if self.connection.remote is not None:
                import asyncio

                await asyncio.to_thread(self.connection.rest)
            else:
                self.connection.rest()
        for twin in list(self._twins.values()):
            await twin.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
