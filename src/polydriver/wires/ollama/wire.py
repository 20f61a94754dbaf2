"""Ollama's own API. https://docs.ollama.com/api"""

from __future__ import annotations

from typing import Any

from ...data.http import Reply, Request
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from .options import OllamaSettings
from .reply import parse_response
from .request import is_generation, render_prompt
from .stream import OllamaDecoder

__all__ = ["OllamaChat"]


class OllamaChat(OllamaSettings, kw_only=True, eq=False):
    """Speaks Ollama's chat, and its older `generate`, which continues one text.

    `generate=True` or an option that only `generate` has (`suffix`, `template`, `raw`, `context`) chooses the latter.
    Options of the model runtime (`num_ctx`, `min_p`, ...) are given like any other and put where Ollama wants them.
    """

    title = "Ollama"
    decoder_class = OllamaDecoder

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, whole or streamed."""
        path = self.generate_path if is_generation(prompt) else self.path
        headers = {"accept": "application/x-ndjson" if prompt.stream else "application/json", **prompt.extra_headers}
        return self.build_post(path, self.render_prompt(prompt), stream=prompt.stream, headers=headers)

    def render_prompt(self, prompt: Prompt) -> dict[str, Any]:
        """The body of the request."""
        return render_prompt(self, prompt)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply. Raises a mapped error for an error inside a 200."""
        response = parse_response(self, self.decode(reply))
        response.billing = self.read_billing(response, None)
        return response
