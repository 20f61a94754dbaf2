"""The generateContent wire: Gemini's, on Google AI Studio and on Vertex AI.

https://ai.google.dev/api/generate-content, https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
"""

from __future__ import annotations

from typing import Any

from ...data.billing import BillingFacts
from ...data.http import Reply, Request
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from .options import ContentSettings
from .reply import parse_response
from .request import render_prompt
from .stream import GenerateContentDecoder
from .usage import read_billing

__all__ = ["GenerateContent"]


class GenerateContent(ContentSettings, kw_only=True, eq=False):
    """Speaks generateContent. See `ContentSettings` for what can be set, and its methods for what services override."""

    title = "Gemini generateContent"
    decoder_class = GenerateContentDecoder

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, whole or streamed."""
        method = "streamGenerateContent?alt=sse" if prompt.stream else "generateContent"
        path = f"{self.model_path(prompt.model)}:{method}"
        return self.build_post(path, self.render_prompt(prompt), stream=prompt.stream, headers=prompt.extra_headers)

    def render_prompt(self, prompt: Prompt) -> dict[str, Any]:
        """The body of the request."""
        return render_prompt(self, prompt)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply. Raises a mapped error for an error object inside a 200."""
        response = parse_response(self, self.decode_any(reply), prompt)
        response.billing = self.read_billing(response, None)
        return response

    def read_billing(self, response: AIResponse, service_tier: str | None) -> BillingFacts | None:
        """See `Wire.read_billing`."""
        return read_billing(response, service_tier, self.driver.billing_region)
