"""The Converse wire: one form for all chat models on Amazon Bedrock, streamed in binary frames.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and `API_runtime_ConverseStream`
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ...data.billing import BillingFacts
from ...data.http import Reply, Request
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from .frames import EVENT_STREAM
from .options import ConverseSettings
from .reply import parse_response
from .request import render_prompt
from .stream import ConverseDecoder
from .usage import read_billing

__all__ = ["Converse"]


class Converse(ConverseSettings, kw_only=True, eq=False):
    """Speaks Converse and ConverseStream.

    With the option `cache`, cache points are put behind the last message, the system text and the tools. Cache points
    elsewhere, and other blocks of the API's own, are `ProviderPart(wire.origin, kind, block)`.
    """

    title = "Bedrock Converse"
    decoder_class = ConverseDecoder

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, whole or streamed."""
        method = "converse-stream" if prompt.stream else "converse"
        return self.build_model_post(prompt, method, self.render_prompt(prompt))

    def build_model_post(self, prompt: Prompt, method: str, body: dict[str, Any]) -> Request:
        """A POST request to one of a model's methods. The id, which may be an ARN, is one segment of the path."""
        headers = {"accept": EVENT_STREAM if prompt.stream else "application/json", **prompt.extra_headers}
        path = f"model/{quote(prompt.model, safe='')}/{method}"
        return self.build_post(path, body, stream=prompt.stream, headers=headers)

    def render_prompt(self, prompt: Prompt) -> dict[str, Any]:
        """The body of the request."""
        return render_prompt(self, prompt)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply. Raises a mapped error for an error object inside a 200."""
        return self.parse_message(self.decode(reply), prompt)

    def parse_message(self, payload: dict[str, Any], prompt: Prompt) -> AIResponse:
        """The answer in a decoded reply."""
        response = parse_response(self, payload, prompt)
        response.billing = self.read_billing(response, None)
        return response

    def read_billing(self, response: AIResponse, service_tier: str | None) -> BillingFacts | None:
        """See `Wire.read_billing`."""
        return read_billing(response, service_tier, self.driver.billing_region)
