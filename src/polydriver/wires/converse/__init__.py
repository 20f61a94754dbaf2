"""The Converse wire: one form for all chat models on Amazon Bedrock, streamed in binary frames.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and `API_runtime_ConverseStream`
"""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote

from ...data.http import Reply, Request
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from ...drivers.traits import HandlesApiCommunication, HandlesFunctionCalling, HandlesStreaming, StreamDecoder
from ..messages.generations import Generation, find_generation
from . import parse, render
from .families import Family, find_family
from .stream import ConverseDecoder

__all__ = ["CONVERSE_OPTIONS", "EVENT_STREAM", "Converse"]

CONVERSE_OPTIONS = render.OPTION_NAMES
"""Options beyond those of `Prompt`: fields of the API by its names, and `cache` (`True`, "5m" or "1h")."""

EVENT_STREAM = "application/vnd.amazon.eventstream"
"""The media type of streamed answers."""


class Converse(HandlesApiCommunication, HandlesStreaming, HandlesFunctionCalling):
    """Speaks Converse and ConverseStream.

    With the option `cache`, cache points are put behind the last message, the system text and the tools. Cache points
    elsewhere, and other blocks of the API's own, are `ProviderPart(wire.origin, kind, block)`.
    """

    decoder_class: ClassVar[type[StreamDecoder[Any]]] = ConverseDecoder
    option_names = CONVERSE_OPTIONS

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, whole or streamed."""
        method = "converse-stream" if prompt.stream else "converse"
        return self.build_model_post(prompt, method, self.render_prompt(prompt))

    def build_model_post(self, prompt: Prompt, method: str, body: dict[str, Any]) -> Request:
        """A POST request to one of a model's methods. The id, which may be an ARN, is one segment of the path."""
        headers = {"accept": EVENT_STREAM if prompt.stream else "application/json", **prompt.extra_headers}
        path = f"model/{quote(prompt.model, safe='')}/{method}"
        return self.build_post(path, body, stream=prompt.stream, headers=headers)

    def family(self, model: str) -> Family:
        """What the models of this one's maker take, as far as they differ."""
        return find_family(model)

    def generation(self, model: str) -> Generation:
        """What a Claude model takes, as far as generations differ in it."""
        return find_generation(model)

    def output_limit(self, model: str) -> int | None:
        """How many tokens the model can write at most, where the catalog knows it."""
        from ...prices.catalog import find

        entry = find(self.catalog_name or self.name, model)
        return entry.max_output_tokens if entry is not None else None

    def render_prompt(self, prompt: Prompt) -> dict[str, Any]:
        """The body of the request."""
        return render.render_prompt(self, prompt)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply. Raises a mapped error for an error object inside a 200."""
        return self.parse_message(self.decode(reply), prompt)

    def parse_message(self, payload: dict[str, Any], prompt: Prompt) -> AIResponse:
        """The answer in a decoded reply."""
        return parse.parse_response(self, payload, prompt)
