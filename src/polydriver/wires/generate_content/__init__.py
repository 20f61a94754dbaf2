"""The generateContent wire: Gemini's, on Google AI Studio and on Vertex AI.

https://ai.google.dev/api/generate-content, https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from ...data.http import Reply, Request
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from ...drivers.traits import HandlesApiCommunication, HandlesFunctionCalling, HandlesStreaming
from . import parse, render
from .errors import GoogleErrorTable, HandlesGoogleErrors, google_errors
from .stream import GenerateContentDecoder

__all__ = ["GenerateContent", "GoogleErrorTable", "HandlesGoogleErrors", "google_errors"]


class GenerateContent(HandlesApiCommunication, HandlesStreaming, HandlesFunctionCalling):
    """Speaks generateContent. What the two services do differently is said by class attributes and hooks.

    - `request_fields`: options of `Prompt` that the body has fields for, beside the common ones.
    - `finish_numbers`: finish reasons by number, for replies with `enum-encoding=int`; each service has its own.
    """

    decoder_class = GenerateContentDecoder
    option_names = render.REQUEST_OPTIONS | render.CONFIG_OPTIONS | render.THINKING_OPTIONS
    request_fields: ClassVar[frozenset[str]] = frozenset()
    finish_numbers: ClassVar[Mapping[str, str]] = {}

    def model_path(self, model: str) -> str:
        """The resource of a model below the base URL: `models/...`, `tunedModels/...`."""
        return quote(model if "/" in model else f"models/{model}", safe="/@")

    def file_uri(self, file_id: str) -> str:
        """The address of an uploaded file, from its id."""
        return file_id

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, whole or streamed."""
        method = "streamGenerateContent?alt=sse" if prompt.stream else "generateContent"
        path = f"{self.model_path(prompt.model)}:{method}"
        return self.build_post(path, self.render_prompt(prompt), stream=prompt.stream, headers=prompt.extra_headers)

    def render_prompt(self, prompt: Prompt) -> dict[str, Any]:
        """The body of the request."""
        return render.render_prompt(self, prompt)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply. Raises a mapped error for an error object inside a 200."""
        return parse.parse_response(self, self.decode_any(reply), prompt)
