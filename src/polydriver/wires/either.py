"""For services that speak both of OpenAI's wires: which of the two a call takes."""

from __future__ import annotations

import re
from typing import Any, Self

import msgspec

from ..config import Setting
from ..contract import DriverHooks, StreamDecoder, Wire
from ..data.http import Reply, Request
from ..data.messages import Audio
from ..data.prompt import Prompt, ProviderTool
from ..data.responses import AIChunk, AIResponse
from ..errors import ConfigurationError
from ..prices.catalog import find
from ..prices.model_rules import find_rules
from .chat_completions import ChatCompletions
from .openai import CHAT_OPTIONS
from .responses import Responses

__all__ = ["API_SETTING", "EitherDecoder", "EitherWire"]

API_SETTING = Setting(
    "api", default="auto", help='which API is spoken: "chat", "responses", or "auto" (the better one for the model)'
)
"""The connection's choice; drivers that speak both list it in their `settings`."""


class EitherWire(Wire, kw_only=True, eq=False):
    """Speaks Chat Completions and the Responses API, each whole and unchanged, and chooses one for each prompt.

    The option `api` of the call decides, else the setting `api` of the connection: "chat", "responses" or "auto". With
    "auto", what only one of the two can do decides, else `prefers_responses(model)`. A model that the catalog doesn't
    know goes to Chat Completions, which every service has, as does any model at a base URL of one's own: what is
    known of a model says nothing of the server there.
    """

    chat: ChatCompletions = msgspec.field(default_factory=lambda: ChatCompletions(option_names=CHAT_OPTIONS))
    responses: Responses = msgspec.field(default_factory=Responses)

    is_elsewhere: bool = False
    """Whether the connection leads to another server than the provider's; noted when the wire is bound."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.option_names = self.chat.option_names | self.responses.option_names | {"api"}

    def bind(self, driver: DriverHooks) -> Self:
        """See `Part.bind`."""
        bound = super().bind(driver)
        bound.chat, bound.responses = self.chat.bind(driver), self.responses.bind(driver)
        bound.is_elsewhere = driver.has_own_address()
        return bound

    def choose(self, prompt: Prompt) -> ChatCompletions | Responses:
        """The wire for a prompt. Raises `ConfigurationError` for an `api` that does not exist."""
        chosen: str = prompt.options.get("api") or self.driver.config.settings.get("api") or "auto"
        if chosen == "auto":
            return self.responses if self._is_for_responses(prompt) else self.chat
        if chosen not in ("chat", "responses"):
            raise ConfigurationError(f"api must be 'chat', 'responses' or 'auto', not {chosen!r}", provider=self.name)
        return self.responses if chosen == "responses" else self.chat

    def prefers_responses(self, model: str) -> bool:
        """Whether a model is better served by the Responses API: it reasons there, or is served nowhere else."""
        driver = self.driver
        entry = find(driver.catalog_name or driver.name, model)
        if entry is None:
            return False
        if entry.endpoints is None:
            return entry.reasoning is True
        if "/v1/responses" not in entry.endpoints:
            return False
        return entry.reasoning is True or "/v1/chat/completions" not in entry.endpoints

    def _is_for_responses(self, prompt: Prompt) -> bool:
        options = prompt.options
        chat, responses = self.chat.option_names, self.responses.option_names
        if options and any(
            name in responses and name not in chat and value is not None for name, value in options.items()
        ):
            return True
        if prompt.tools:
            given = [tool.data for tool in prompt.tools if isinstance(tool, ProviderTool)]
            if given:
                return not all(_is_of_chat(tool) for tool in given)
        if self.is_elsewhere or not self.prefers_responses(prompt.model):
            return False
        if not self._is_on_chat(prompt.model) or (prompt.tools and self._calls_beyond_chat(prompt)):
            return True
        chat_alone = (prompt.n or 1) > 1 or prompt.audio is not None or "prediction" in options
        return not (chat_alone or _has_audio(prompt))

    def _is_on_chat(self, model: str) -> bool:
        """Whether the model is served on Chat Completions, as far as that is known."""
        entry = find(self.driver.catalog_name or self.driver.name, model)
        return entry is None or entry.endpoints is None or "/v1/chat/completions" in entry.endpoints

    def _calls_beyond_chat(self, prompt: Prompt) -> bool:
        """Whether the model calls functions on the Responses API alone, thinking as it does here."""
        if self.is_elsewhere:
            return False
        taken = find_rules(self.driver.catalog_name or self.driver.name, prompt.model).chat_tools
        return taken == "never" or (taken == "unreasoned" and prompt.reasoning_effort != "none")

    def _fit_chat(self, prompt: Prompt) -> Prompt:
        """A prompt for Chat Completions as its model takes it there: newer ones call functions without thinking."""
        if not prompt.tools or not self._calls_beyond_chat(prompt):
            return prompt
        efforts = find_rules(self.driver.catalog_name or self.driver.name, prompt.model).efforts or ()
        if "none" not in efforts:
            raise self.unsupported(f'tools with {prompt.model} on Chat Completions: leave out api="chat"')
        prompt.warn(
            f"{prompt.model} calls tools on Chat Completions without thinking only; reasoning_effort 'none' was sent. "
            'It does both on the Responses API: leave out api="chat".'
        )
        return msgspec.structs.replace(prompt, reasoning_effort="none")

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, on the wire that it takes, with the options that this wire has."""
        wire = self.choose(prompt)
        if wire is self.chat:
            prompt = self._fit_chat(prompt)
        if prompt.options:
            other = self.responses if wire is self.chat else self.chat
            foreign = other.option_names - wire.option_names
            for name in prompt.options.keys() & foreign:
                prompt.warn(f"{self.name} does not support {name} on the {wire.title} API; it was left out.")
            options = {name: value for name, value in prompt.options.items() if name not in foreign and name != "api"}
            prompt = msgspec.structs.replace(prompt, options=options)
        return wire.build_request(prompt)

    def leaves_state(self, prompt: Prompt) -> bool:
        """See `Wire.leaves_state`."""
        return self.choose(prompt).leaves_state(prompt)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply, on the wire that the prompt took, or the other one if that is what came."""
        return self.answered_wire(reply.body, prompt).parse_response(reply, prompt)

    def decoder(self, prompt: Prompt) -> StreamDecoder[Any]:
        """A new decoder for one stream, on the wire that the prompt took, or the other one if that is what comes."""
        return EitherDecoder(self, prompt)

    def answered_wire(self, body: bytes, prompt: Prompt) -> ChatCompletions | Responses:
        """The wire that a reply or the start of a stream speaks; the one that was asked for when that is not plain."""
        start = body[:_START]
        if b'"choices"' in start:
            if b'"response' not in start:
                return self.chat
        elif _IS_RESPONSE.search(start):
            return self.responses
        return self.choose(prompt)


class EitherDecoder(StreamDecoder[EitherWire]):
    """Looks at the start of a stream to see which wire it speaks, and leaves the rest to that wire's own decoder.

    Gateways do convert between the two: an answer is read as what it is, not as what was asked for.
    """

    def __init__(self, wire: EitherWire, prompt: Prompt) -> None:
        super().__init__(wire, prompt)
        self._held = b""
        self._chosen: StreamDecoder[Any] | None = None

    def feed(self, data: bytes) -> list[AIChunk]:
        """See `StreamDecoder.feed`."""
        if self._chosen is None:
            self._held += data
            is_event = b"data:" in self._held and self._held.endswith(b"\n")
            if not is_event and len(self._held) < _ENOUGH:
                return []
            data, self._held = self._held, b""
            self._choose(data)
        assert self._chosen is not None
        return self._follow(self._chosen.feed(data))

    def finish(self) -> list[AIChunk]:
        """See `StreamDecoder.finish`."""
        chunks: list[AIChunk] = []
        if self._chosen is None:
            self._choose(self._held)
            assert self._chosen is not None
            chunks = self._chosen.feed(self._held)
        return self._follow([*chunks, *self._chosen.finish()])

    def build(self) -> AIResponse:
        """See `StreamDecoder.build`."""
        return self._chosen.build() if self._chosen is not None else super().build()

    def _choose(self, data: bytes) -> None:
        self._chosen = self.wire.answered_wire(data, self.prompt).decoder(self.prompt)
        self.answer = self._chosen.answer

    def _follow(self, chunks: list[AIChunk]) -> list[AIChunk]:
        inner = self._chosen
        assert inner is not None
        self.events, self.complete, self.closed = inner.events, inner.complete, inner.closed
        self.failure = inner.failure
        return chunks


_ENOUGH = 4096
_START = 2000


_IS_RESPONSE = re.compile(rb'"object"\s*:\s*"response"|"type"\s*:\s*"response\.')


def _is_of_chat(tool: dict[str, Any]) -> bool:
    """Whether a tool is declared in the form of Chat Completions, which nests a declaration under its type."""
    kind = tool.get("type")
    return isinstance(kind, str) and kind in tool


def _has_audio(prompt: Prompt) -> bool:
    return any(
        isinstance(part, Audio) for message in prompt.messages if message.role == "user" for part in message.parts
    )
