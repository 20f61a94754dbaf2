"""Cohere's Chat API, version 2. https://docs.cohere.com/reference/chat"""

from __future__ import annotations

from typing import Any

from ...data.http import Reply, Request
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from .options import CohereSettings
from .reply import parse_response
from .request import render_prompt
from .stream import CohereDecoder

__all__ = ["CohereChat"]


class CohereChat(CohereSettings, kw_only=True, eq=False):
    """Speaks Cohere's chat.

    What is Cohere's own: the model's plan ahead of tool calls is a `ProviderPart` of kind "tool_plan", which goes back
    with the calls; text documents become the request's `documents`, which answers cite in `Text.citations`.
    """

    title = "Cohere v2"
    decoder_class = CohereDecoder

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, whole or streamed."""
        body = self.render_prompt(prompt)
        return self.build_post(self.path, body, stream=prompt.stream, headers=prompt.extra_headers)

    def render_prompt(self, prompt: Prompt) -> dict[str, Any]:
        """The body of the request."""
        return render_prompt(self, prompt)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply. Raises a mapped error for one that failed in spite of its status."""
        response = parse_response(self, self.decode(reply))
        response.billing = self.read_billing(response, None)
        return response
