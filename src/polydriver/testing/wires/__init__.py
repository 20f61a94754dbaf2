"""The fixtures that come with polydriver: small answers in the form of each wire, by the full name of a
decoder or driver."""

from __future__ import annotations

from collections.abc import Mapping

from ..fixtures import WireFixtures
from . import chat_completions, cohere, converse, generate_content, messages, ollama, responses

__all__ = ["FIXTURES"]

_WIRES = "polydriver.wires"

FIXTURES: Mapping[str, WireFixtures] = {
    f"{_WIRES}.chat_completions.stream.ChatCompletionsDecoder": chat_completions.FIXTURES,
    f"{_WIRES}.chat_or_responses.EitherDecoder": chat_completions.FIXTURES,
    f"{_WIRES}.cohere.stream.CohereDecoder": cohere.FIXTURES,
    f"{_WIRES}.converse.stream.ConverseDecoder": converse.FIXTURES,
    f"{_WIRES}.generate_content.stream.GenerateContentDecoder": generate_content.FIXTURES,
    f"{_WIRES}.messages.stream.MessagesDecoder": messages.FIXTURES,
    f"{_WIRES}.ollama.stream.OllamaDecoder": ollama.FIXTURES,
    f"{_WIRES}.responses.stream.ResponsesDecoder": responses.FIXTURES,
}
