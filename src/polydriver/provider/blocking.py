"""`Provider`: a service for blocking callers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, overload

from ..colours import drive, finish_blocking
from ..contract import DriverHooks
from ..data.circuits import CircuitReport
from ..data.models import AIModel, CredentialReport, HealthReport, SyncReport
from ..data.responses import AIChunk, AIResponse, ParsedT
from ..engine.ports import BlockingPort
from ..errors import AIError
from ..events import EventBus
from ..events.bus import Observable
from .answers import UNSET, Answers, Message
from .asynchronous import AsyncProvider
from .operations import Operations
from .routing import PoolMember, prepare_call

if TYPE_CHECKING:
    from ..data.batches import BatchProgress
    from ..engine.batches import BatchStream
    from ..engine.pipeline import Pipeline
    from ..engine.streams import Stream
    from .options import AllOptions, ResponseFormat, SendOptions

__all__ = ["Provider"]


class Provider(Operations, Answers, Observable):
    """A service, for blocking callers. May be called from many threads, and inside a running event loop.

    Options of the sending methods are those of `Prompt` (temperature, max_tokens, tools, response_format, ...),
    `model`, the limits of the call (timeout, idle_timeout, deadline in seconds, retry_attempts), `metadata` for events,
    those that the driver adds, and `extra` for anything else that goes into the request's body. All of them raise
    `AIError`s only.
    """

    @property
    def bus(self) -> EventBus:
        """The bus of this provider's events; `on` listens to them."""
        return self.connection.bus

    def asynchronous(self) -> AsyncProvider:
        """The same provider for async callers; both share limits, events and the model cache."""
        return AsyncProvider(self)

    def report_to(self, bus: EventBus) -> None:
        """Bring this provider's events to `bus` as well. Does nothing for a provider without events of its own."""

    _finder: Callable[[str], tuple[Provider, str | None]] | None = None  # a manager's: a name to a provider and a model

    _is_single = True  # whether all calls begin here, and not at one of several members

    @property
    def _main(self) -> Provider:
        """Which provider does all that is not sending messages: of a pool, the first member."""
        return self

    def _members(self, able: Callable[[DriverHooks], bool] | None = None, *, keeps: bool = False) -> list[PoolMember]:
        """The providers that a call may go to, in the order in which they are to be asked.

        `able` tells of a driver whether it can do what is asked: those that cannot are left out where others can. With
        `keeps` the call depends on what one of them keeps, which is the main one.
        """
        return [PoolMember(self)]

    def _others(self) -> list[tuple[str, Provider]]:
        """Of a pool all members with their names, in the order of the settings; else nobody."""
        return []

    def _twin(self, provider: Provider | AsyncProvider) -> Provider:
        """The same provider for blocking callers."""
        return provider if isinstance(provider, Provider) else provider._twin_source()

    def _pipelines(self) -> list[Pipeline[BlockingPort]]:
        """The pipelines of those who can be asked for what all know, in order."""
        return [provider._pipeline for _, provider in self._others()] or [self._pipeline]

    @cached_property
    def _pipeline(self) -> Pipeline[BlockingPort]:
        from ..engine.pipeline import Pipeline

        return Pipeline(self.connection, self.connection.blocking_port())

    def send_message(
        self,
        message: Message,
        *,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> AIResponse[ParsedT]:
        """Send one message and wait for the whole answer."""
        return self.send_messages([message], response_format=response_format, **options)

    def send_messages(
        self,
        messages: Sequence[Message] | Message,
        *,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> AIResponse[ParsedT]:
        """Send a conversation and wait for the whole answer."""
        prompt, call = prepare_call(self, messages, options, response_format)
        return drive(self._pipeline.send(prompt, call))

    def send_streaming_message(
        self,
        message: Message,
        *,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> Stream[ParsedT]:
        """Send one message; the answer comes in chunks.

        The request is made when the stream is entered or first read.
        """
        return self.send_streaming_messages([message], response_format=response_format, **options)

    def send_streaming_messages(
        self,
        messages: Sequence[Message] | Message,
        *,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> Stream[ParsedT]:
        """Send a conversation; the answer comes in chunks.

        The request is made when the stream is entered or first read.
        """
        from ..engine.streams import Stream

        prompt, call = prepare_call(self, messages, options, response_format, stream=True)
        return Stream(self._pipeline, prompt, call)

    def stream_message(
        self,
        message: Message | Sequence[Message],
        callback: Callable[[AIChunk], object],
        *,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> AIResponse[ParsedT]:
        """Stream an answer into `callback`, chunk by chunk, and return it whole. An async callback is waited for."""
        with self.send_streaming_messages(message, response_format=response_format, **options) as stream:
            for chunk in stream:
                drive(finish_blocking(callback(chunk)))
        return stream.response

    @overload
    def send_batch(
        self,
        messages: Iterable[Message | Sequence[Message]],
        *,
        max_concurrency: int = 5,
        return_exceptions: Literal[False] = False,
        on_progress: Callable[[BatchProgress], object] | None = None,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> list[AIResponse[ParsedT]]: ...
    @overload
    def send_batch(
        self,
        messages: Iterable[Message | Sequence[Message]],
        *,
        max_concurrency: int = 5,
        return_exceptions: bool,
        on_progress: Callable[[BatchProgress], object] | None = None,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> list[AIResponse[ParsedT] | AIError]: ...

    def send_batch(
        self,
        messages: Iterable[Message | Sequence[Message]],
        *,
        max_concurrency: int = 5,
        return_exceptions: bool = False,
        on_progress: Callable[[BatchProgress], object] | None = None,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> list[Any]:
        """Send many prompts side by side in threads; answers come in the order of the prompts.

        `messages` is any iterable, which is read as the work goes on: a list, a generator, an open text file with a
        prompt on each line. An item is a message or a whole conversation. Each is a call of its own, which waits behind
        others for its turn within the limits (`queue="batch"`). `on_progress` is called after each.

        The first error is raised at once, and so is Ctrl-C: what has not begun is not sent, and what runs is stopped;
        a note on the error says what was done. With `return_exceptions` an error stands in its prompt's place instead.
        """
        from ..engine.batches import check_prompts, gather_in_threads

        options.setdefault("queue", "batch")
        return gather_in_threads(
            check_prompts(messages, "send_batch", asynchronous=False),
            lambda item: self.send_messages(item, response_format=response_format, **options),
            max_concurrency=max_concurrency,
            return_exceptions=return_exceptions,
            on_progress=on_progress,
        )

    def stream_batch(
        self,
        messages: Iterable[Message | Sequence[Message]],
        *,
        max_concurrency: int = 5,
        ordered: bool = False,
        on_progress: Callable[[BatchProgress], object] | None = None,
        response_format: ResponseFormat[ParsedT] = UNSET,
        **options: Unpack[SendOptions],
    ) -> BatchStream[ParsedT]:
        """Send any number of prompts side by side in threads, and iterate over the outcomes as they come.

        The same as `send_batch` for what does not fit into memory: `messages` is read by the thread that iterates, and
        never far ahead of it. Each outcome has the place of its prompt, the prompt, and a response or an error; with
        `ordered` they come in the order of the prompts. `cancel()` stops at once, and `progress` says what was done.

        ::

            with provider.stream_batch(open("prompts.txt"), model="gpt-4o-mini") as batch:
                for outcome in batch:
                    print(outcome.index, outcome.error or outcome.response.content)
        """
        from ..engine.batches import BatchStream, check_prompts

        options.setdefault("queue", "batch")
        return BatchStream(
            check_prompts(messages, "stream_batch", asynchronous=False),
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

    def get_available_models(self, refresh: bool = False) -> list[AIModel]:
        """All models that this account can use, all pages; cached for `models_ttl` seconds."""
        from ..engine.models import first_to_answer, list_models

        return drive(first_to_answer(self._pipelines(), partial(list_models, refresh=refresh)))

    def get_model(self, model_id: str) -> AIModel:
        """One model, from the provider's list or the catalog. Raises `ModelNotFoundError` when neither has it."""
        from ..engine.models import find_model, first_to_answer

        return drive(first_to_answer(self._pipelines(), partial(find_model, model_id=model_id)))

    def sync_models(self, force: bool = False, *, dry_run: bool = False) -> SyncReport:
        """List the models anew, tell what changed since the last sync, and keep that in the database, if there is one.

        Skipped while the last sync is less than `sync_ttl` seconds old, unless `force` is true. With `dry_run` nothing
        is kept. A failure is a report.
        """
        from ..engine.syncing import sync_models

        return drive(sync_models(self._pipeline, force=force, dry_run=dry_run))

    def validate_credentials(self) -> CredentialReport:
        """Ask the provider once whether it takes the credentials. A bad key is a report, not an error."""
        from ..engine.models import sum_up_credentials, validate_credentials

        if members := self._others():
            return sum_up_credentials({name: provider.validate_credentials() for name, provider in members})
        return drive(validate_credentials(self._pipeline))

    def get_health(self, *, probe: Message | None = None, **options: Unpack[AllOptions]) -> HealthReport:
        """Whether the provider is healthy, degraded or unhealthy, by its model list, which costs nothing.

        With `probe` a message is sent instead, which is paid for. The report also has what is known of recent attempts,
        circuits and limits.
        """
        from ..engine.health import check_health, sum_up_health
        from ..engine.models import reach

        if members := self._others():
            return sum_up_health({name: provider.get_health(probe=probe, **options) for name, provider in members})

        async def send() -> object:
            chosen: AllOptions = {"max_tokens": 16, "retry_attempts": 1, **options}
            return self.send_message(probe or "", **chosen)

        return drive(check_health(self._pipeline, send if probe is not None else partial(reach, self._pipeline)))

    def recent_health(self) -> HealthReport:
        """What is known of the provider's health without asking it: recent attempts, circuits, limits."""
        from ..engine.health import recent_health, sum_up_health

        if members := self._others():
            return sum_up_health({name: provider.recent_health() for name, provider in members})
        return recent_health(self._pipeline)

    def close(self, grace: float | None = None) -> None:
        """Close idle connections. The provider can be used again afterwards, unless `grace` is given.

        With `grace` (seconds) it is closed for good: new calls raise `ProviderClosedError`, those that run have so long
        to end. What still runs then is stopped: whole calls raise `ProviderClosedError`, streams
        `StreamInterruptedError` with what came. Calls of threads and event loops alike.
        """
        if grace is not None:
            from ..engine.running import close_blocking

            close_blocking([self.connection], grace)
        if "_pipeline" in self.__dict__:
            self._pipeline.port.close()
        self.connection.rest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
