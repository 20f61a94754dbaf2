"""The scenarios of each wire: its events, whole replies and errors, as the provider really writes them."""

from __future__ import annotations

from .anthropic import AnthropicWire
from .base import Event, Refusal, StreamError, Wire
from .bedrock import BedrockWire
from .chat import ChatWire
from .cohere import CohereWire
from .gemini import GeminiArrayWire, GeminiWire
from .ollama import OllamaWire
from .responses import ResponsesWire

__all__ = ["WIRES", "Event", "Refusal", "StreamError", "Wire"]

WIRES: tuple[Wire, ...] = (
    ChatWire(),
    AnthropicWire(),
    GeminiWire(),
    GeminiArrayWire(),
    ResponsesWire(),
    OllamaWire(),
    CohereWire(),
    BedrockWire(),
)
