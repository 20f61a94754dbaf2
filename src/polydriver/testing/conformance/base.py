"""What all checks share: a driver made from an example configuration, prompts, fixtures, exchanges that stay
inside."""

from __future__ import annotations

import asyncio
import unittest
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal, NoReturn

import msgspec

from ...contract import StreamDecoder, Wire
from ...data.http import Reply, Request, Simulated, TransportConfig
from ...data.messages import AIMessage
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from ...driver import Driver
from ...engine.transports.simulated import AsyncSimulatedTransport, SimulatedTransport
from ...errors import AIError, UnsupportedFeatureError
from ..examples import KEY, example_config
from ..fixtures import WireFixtures, fixtures_for
from ..replies import ExpectedAnswer

__all__ = ["JSON_HEADERS", "KEY", "STREAM_HEADERS", "ConformanceBase", "digest", "only_our_errors"]

JSON_HEADERS = {"content-type": "application/json"}
STREAM_HEADERS = {"content-type": "text/event-stream"}

_MOMENT = 1_767_225_600.0


class ConformanceBase:
    """The attributes of a suite.

    - `driver`: the class to check. `config`: its settings; by default an example one with a made-up key.
    - `fixtures`: replies of its wire; by default those that come with the wire (`fixtures_for`).
    - `model`: which model to ask for. `options`: further fields of `Prompt` in every prompt (`{"max_tokens":
      10}`).
    - `expected_statuses`: statuses that mean something of their own for this provider, with the name of the
      class.
    """

    driver: ClassVar[type[Any]]
    config: ClassVar[Mapping[str, Any] | None] = None
    fixtures: ClassVar[WireFixtures | None] = None
    model: ClassVar[str] = "conformance-model-1"
    options: ClassVar[Mapping[str, Any]] = {}
    expected_statuses: ClassVar[Mapping[int, str]] = {}
    sent: list[Request]

    def answer(self, request: Request, reply: Simulated) -> Simulated:
        """What the provider answers to a request. Override it when the driver's `authenticate` makes requests
        of its own."""
        return reply

    def make(self, transport: Any = None, **settings: Any) -> Driver:
        """A new driver with the suite's configuration."""
        given = {**example_config(self.driver), **(self.config or {})}
        made: Driver = self.driver({**given, **settings}, transport=transport, env={})
        return made

    @cached_property
    def subject(self) -> Driver:
        """The driver that is checked."""
        return self.make()

    @cached_property
    def key(self) -> str:
        """The key of the configuration."""
        key = self.subject.config.api_key
        return key.reveal() if key else self.skip(f"{self.driver.name} is configured without a key")

    @cached_property
    def replies(self) -> WireFixtures:
        """The fixtures. Skips the check when there are none for this wire."""
        return self.fixtures_or_none() or self.skip(f"there are no fixtures for {self.driver.__name__}: set `fixtures`")

    def fixtures_or_none(self) -> WireFixtures | None:
        """The fixtures, if there are any for this wire."""
        if self.fixtures is not None:
            return self.fixtures
        classes: list[type] = [*map(type, self.subject.wire.members()), self.driver]
        if self.subject.supports_streaming() and self.has("build_request"):
            classes.insert(0, type(self.decoder()))
        return fixtures_for(*classes)

    def prompt(self, text: str = "Hello", **fields: Any) -> Prompt:
        """A prompt with one message, or with `messages`."""
        messages = fields.pop("messages", None) or [AIMessage(text)]
        return Prompt(messages=messages, model=fields.pop("model", self.model), **{**self.options, **fields})

    def decoder(self) -> StreamDecoder[Any]:
        """A new decoder for one stream."""
        return self.subject.decoder(self.prompt(stream=True))

    def parse(self, body: bytes) -> AIResponse:
        """The answer in a whole reply."""
        reply = Reply(status=200, headers={"content-type": "application/json"}, body=body)
        return self.subject.parse_response(reply, self.prompt())

    def decode(self, *pieces: bytes) -> StreamDecoder[Any]:
        """A decoder that was fed these pieces, and then the end of the body."""
        decoder = self.decoder()
        for piece in pieces:
            decoder.feed(piece)
        decoder.finish()
        return decoder

    def connected(self, *replies: Simulated, **settings: Any) -> Driver:
        """A driver whose provider answers its requests so, one after the other and the last one again and again, for
        blocking and async callers, without a retry. What it sends is kept in `sent`, as it would go out."""
        if type(self).answer is ConformanceBase.answer and self._asks_to_authenticate():
            self.skip("this driver makes requests to authenticate: override `answer`")
        sent = self.sent = []

        def simulate(request: Request) -> Simulated:
            sent.append(request)
            return self.answer(request, replies[min(len(sent), len(replies)) - 1])

        def transport(kind: Literal["blocking", "async"], config: TransportConfig) -> Any:
            return (SimulatedTransport if kind == "blocking" else AsyncSimulatedTransport)(simulate)

        return self.make(transport, **{"retry_attempts": 1, "logging": {"enabled": False}, **settings})

    def outcomes(self, reply: Simulated, *, stream: bool) -> Iterator[tuple[str, AIResponse | AIError]]:
        """What blocking and async callers get when the provider answers so: an answer or an error, and who got it."""
        driver = self.connected(reply)
        how = "streamed" if stream else "whole"
        options = {"model": self.model, **self.options}

        def ask() -> AIResponse:
            if not stream:
                return driver.send_message("Hello", **options)
            with driver.send_streaming_message("Hello", **options) as answer:
                return answer.until_done()

        async def ask_async() -> AIResponse:
            provider = driver.asynchronous()
            try:
                if not stream:
                    return await provider.send_message("Hello", **options)
                async with provider.send_streaming_message("Hello", **options) as answer:
                    return await answer.until_done()
            finally:
                await provider.aclose()

        yield f"a blocking caller ({how})", _outcome(ask)
        yield f"an async caller ({how})", _outcome(lambda: asyncio.run(ask_async()))

    def _asks_to_authenticate(self) -> bool:
        """Whether the driver's authentication wants an exchange of its own, rather than just to sign."""
        plain = Request(method="GET", url=self.subject.config.base_url)
        asked = self.subject.build_request(self.prompt()) if self.has("build_request") else plain
        flow = self.subject.authenticate(asked, _MOMENT)
        if flow is None:
            return False
        try:
            next(flow)
        except StopIteration:
            return False
        flow.close()
        return True

    def skip(self, reason: str) -> NoReturn:
        """End this check: it does not apply."""
        raise unittest.SkipTest(reason)

    def needs(self, capability: str) -> None:
        """Skip the check unless the driver claims this."""
        if not self.subject.get_capabilities().supports(capability):
            self.skip(f"{self.subject.name} does not claim {capability}")

    def needs_chat(self) -> None:
        """Skip the check for drivers that only do other things."""
        if not self.has("build_request"):
            self.skip(f"{self.driver.name} has no chat")

    def has(self, hook: str) -> bool:
        """Whether the driver, or its wire, has a hook of its own."""
        if getattr(self.driver, hook) is not getattr(Driver, hook):
            return True
        wire = self.subject.wire
        if hook == "decoder":
            return wire.is_streaming()
        return hasattr(Wire, hook) and getattr(type(wire), hook) is not getattr(Wire, hook)

    def lists_models(self) -> bool:
        """Whether the provider has a list of models."""
        try:
            self.subject.models_request()
        except UnsupportedFeatureError:
            return False
        return True

    def needs_fixture(self, name: str) -> bytes:
        """One of the fixtures. Skips the check when it is empty."""
        found: bytes = getattr(self.replies, name)
        return found or self.skip(f"the fixtures have no {name}")


def digest(response: AIResponse) -> dict[str, Any]:
    """What must be the same however the bytes of an answer arrive. The cost is not among it: the engine knows it."""
    return {**msgspec.structs.asdict(ExpectedAnswer.of(response)), "cost": None}


def _outcome(ask: Callable[[], AIResponse]) -> AIResponse | AIError:
    try:
        return ask()
    except AIError as error:
        return error


def only_our_errors(what: str, run: Any, sample: bytes) -> None:
    """Run a hook on foreign bytes: it may raise an `AIError`, and nothing else."""
    try:
        run()
    except AIError:
        pass
    except Exception as error:
        shown = sample if len(sample) <= 600 else sample[:600] + b"..."
        raise AssertionError(
            f"{what} raised {type(error).__name__} ({error}), not an AIError, for {shown!r}"
        ) from error
