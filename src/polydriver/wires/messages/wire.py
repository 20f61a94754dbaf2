"""The Messages wire: Anthropic's, at Anthropic itself, on Vertex AI, on Bedrock, and at services that took it over.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from typing import Any

from ...data.billing import BillingFacts
from ...data.http import Reply, Request
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from .betas import find_betas
from .options import MessagesSettings
from .reply import parse_response
from .request import render_prompt
from .stream import MessagesDecoder
from .usage import read_billing

__all__ = ["Messages"]


class Messages(MessagesSettings, kw_only=True, eq=False):
    """Speaks Messages. What platforms do differently is said by `MessagesSettings` and three small hooks.

    - `messages_path(prompt)`: where to post (Vertex and Bedrock name the model there).
    - `arrange_body(body, prompt)`: last changes to the body (they take `model` out and put `anthropic_version` in).
    - `beta_headers(betas)`: how betas are asked for, in headers; a platform that wants them in the body returns none
      and adds `betas(prompt, body)` in `arrange_body`.
    """

    title = "Anthropic Messages"
    decoder_class = MessagesDecoder

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, whole or streamed."""
        return self.build_message_post(self.messages_path(prompt), self.render_prompt(prompt), prompt)

    def build_message_post(self, path: str, body: dict[str, Any], prompt: Prompt) -> Request:
        """A request with a rendered prompt as its body, and the betas that it needs."""
        headers = {**self.beta_headers(self.betas(prompt, body)), **prompt.extra_headers}
        request: Request = self.driver.build_post(
            path, self.arrange_body(body, prompt), stream=prompt.stream, headers=headers
        )
        return request

    def messages_path(self, prompt: Prompt) -> str:
        """The path to post a prompt to."""
        return "v1/messages"

    def arrange_body(self, body: dict[str, Any], prompt: Prompt) -> dict[str, Any]:
        """The body as the platform wants it."""
        return body

    def betas(self, prompt: Prompt, body: dict[str, Any]) -> list[str]:
        """The betas that a body needs, after those of the option `betas`."""
        asked = prompt.options.get("betas") or []
        return find_betas(body, asked.split(",") if isinstance(asked, str) else list(asked))

    def beta_headers(self, betas: list[str]) -> dict[str, str]:
        """The headers that ask for betas."""
        return {"anthropic-beta": ",".join(betas)} if betas else {}

    def render_prompt(self, prompt: Prompt) -> dict[str, Any]:
        """The body of the request."""
        return render_prompt(self, prompt)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply. Raises a mapped error for an error object inside a 200."""
        return self.parse_message(self.driver.decode(reply), prompt)

    def parse_message(self, payload: dict[str, Any], prompt: Prompt) -> AIResponse:
        """The answer in a decoded message."""
        response = parse_response(self, payload, prompt)
        response.billing = self.read_billing(response, None)
        return response

    def read_billing(self, response: AIResponse, service_tier: str | None) -> BillingFacts | None:
        """See `Wire.read_billing`."""
        return read_billing(response, service_tier, self.driver.billing_region)
