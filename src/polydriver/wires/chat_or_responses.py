"""For services that speak both of OpenAI's wires: which of the two a call takes."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import msgspec

from ..config import Setting
from ..data.http import Reply, Request
from ..data.messages import Audio
from ..data.prompt import Prompt, ProviderTool
from ..data.responses import AIChunk, AIResponse
from ..drivers.traits import StreamDecoder
from ..errors import ConfigurationError
from ..prices.catalog import find
from .chat_completions import ChatCompletions
from .responses import RESPONSES_OPTIONS, Responses

__all__ = ["API_SETTING", "ChatOrResponses", "EitherDecoder"]

API_SETTING = Setting(
    "api", default="auto", help='which API is spoken: "chat", "responses", or "auto" (the better one for the model)'
)
"""The connection's choice; drivers that speak both list it in their `settings`."""

_CHAT_OPTIONS = frozenset(
    {
        "moderation",
        "prediction",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "verbosity",
        "web_search_options",
    }
)
_ONLY_CHAT = _CHAT_OPTIONS - RESPONSES_OPTIONS
_ONLY_RESPONSES = RESPONSES_OPTIONS - _CHAT_OPTIONS


class ChatOrResponses(Responses, ChatCompletions):
    """Speaks Chat Completions and the Responses API, each whole and unchanged, and picks one for each prompt.

    The option `api` of the call decides, else the setting `api` of the connection: "chat", "responses" or "auto". With
    "auto", what only one of the two can do decides, else `prefers_responses(model)`. A model that the catalog doesn't
    know goes to Chat Completions, which every service has.
    """

    decoder_class: ClassVar[type[StreamDecoder[Any]]] = StreamDecoder  # each wire's own: see `decoder`
    option_names = RESPONSES_OPTIONS | _CHAT_OPTIONS | {"api"}

    def wire_of(self, prompt: Prompt) -> type[ChatCompletions] | type[Responses]:
        """The wire for a prompt, decided once. Raises `ConfigurationError` for an `api` that does not exist."""
        if prompt.wire is None:
            prompt.wire = self._decide(prompt)
        return Responses if prompt.wire == "responses" else ChatCompletions

    def _decide(self, prompt: Prompt) -> str:
        chosen: str = prompt.options.get("api") or self.config.settings.get("api") or "auto"
        if chosen not in ("auto", "chat", "responses"):
            raise ConfigurationError(f"api must be 'chat', 'responses' or 'auto', not {chosen!r}", provider=self.name)
        if chosen == "auto":
            return "responses" if self._is_for_responses(prompt) else "chat"
        return chosen

    def prefers_responses(self, model: str) -> bool:
        """Whether a model is better served by the Responses API: it reasons there, or is served nowhere else."""
        entry = find(self.catalog_name or self.name, model)
        if entry is None:
            return False
        if entry.endpoints is None:
            return entry.reasoning is True
        if "/v1/responses" not in entry.endpoints:
            return False
        return entry.reasoning is True or "/v1/chat/completions" not in entry.endpoints

    def _is_for_responses(self, prompt: Prompt) -> bool:
        options = prompt.options
        if options and any(name in _ONLY_RESPONSES and value is not None for name, value in options.items()):
            return True
        if prompt.tools:
            given = [tool.data for tool in prompt.tools if isinstance(tool, ProviderTool)]
            if given:
                return not all(_is_of_chat(tool) for tool in given)
        if not self.prefers_responses(prompt.model):
            return False
        chat_alone = (prompt.n or 1) > 1 or prompt.audio is not None or "prediction" in options
        return not (chat_alone or _has_audio(prompt))

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, on the wire that it takes."""
        return self.wire_of(prompt).build_request(self, prompt)

    def render_prompt(self, prompt: Prompt) -> dict[str, Any]:
        """The body of the request, with the options that its wire knows."""
        wire = self.wire_of(prompt)
        if prompt.options:
            foreign = _ONLY_CHAT if wire is Responses else _ONLY_RESPONSES
            for name in prompt.options.keys() & foreign:
                prompt.warn(f"{self.name} takes no {name} on the {wire.__name__} API; it was left out.")
            left_out = {*foreign, "api"}
            options = {name: value for name, value in prompt.options.items() if name not in left_out}
            prompt = msgspec.structs.replace(prompt, options=options)
        return wire.render_prompt(self, prompt)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply, on the wire that the prompt took, or the other one if that is what came."""
        return _answered_wire(reply.body, self.wire_of(prompt)).parse_response(self, reply, prompt)

    def decoder(self, prompt: Prompt) -> StreamDecoder[Any]:
        """A new decoder for one stream, on the wire that the prompt took, or the other one if that is what comes."""
        return EitherDecoder(self, prompt)


class EitherDecoder(StreamDecoder["ChatOrResponses"]):
    """Looks at the start of a stream to see which wire it speaks, and leaves the rest to that wire's own decoder.

    Gateways do convert between the two: an answer is read as what it is, not as what was asked for.
    """

    def __init__(self, driver: ChatOrResponses, prompt: Prompt) -> None:
        super().__init__(driver, prompt)
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
        wire = _answered_wire(data, self.wire.wire_of(self.prompt))
        self._chosen = wire.decoder_class(self.wire, self.prompt)
        self.answer = self._chosen.answer

    def _follow(self, chunks: list[AIChunk]) -> list[AIChunk]:
        inner = self._chosen
        assert inner is not None
        self.events, self.complete, self.closed = inner.events, inner.complete, inner.closed
        self.failure = inner.failure
        return chunks


_ENOUGH = 4096
_START = 2000


def _answered_wire(
    body: bytes, asked: type[ChatCompletions] | type[Responses]
) -> type[ChatCompletions] | type[Responses]:
    """The wire that a reply or the start of a stream speaks; the one that was asked for when that is not plain."""
    start = body[:_START]
    if asked is Responses:
        return ChatCompletions if b'"choices"' in start and b'"response' not in start else Responses
    return Responses if b'"choices"' not in start and _IS_RESPONSE.search(start) else ChatCompletions


_IS_RESPONSE = re.compile(rb'"object"\s*:\s*"response"|"type"\s*:\s*"response\.')


def _is_of_chat(tool: dict[str, Any]) -> bool:
    """Whether a tool is declared in the form of Chat Completions, which nests a declaration under its type."""
    kind = tool.get("type")
    return isinstance(kind, str) and kind in tool


def _has_audio(prompt: Prompt) -> bool:
    return any(
        isinstance(part, Audio) for message in prompt.messages if message.role == "user" for part in message.parts
    )
