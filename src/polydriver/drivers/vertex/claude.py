"""Claude on Vertex AI: the Messages wire at Google's address.

https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...config import Config
from ...data.http import Request
from ...data.prompt import Prompt
from ...driver import Driver
from ...wires.generate_content import HandlesGoogleErrors, google_errors
from ...wires.messages import Messages
from ..traits import CalculatesCosts
from .address import VertexAddress
from .authentication import AuthenticatesWithGoogle

__all__ = ["ClaudeOnVertex"]

_VERSION = "vertex-2023-10-16"


class ClaudeOnVertex(VertexAddress, AuthenticatesWithGoogle, Messages, HandlesGoogleErrors, CalculatesCosts, Driver):
    """What `VertexAIDriver` hands prompts for Claude to. It has that driver's settings, and no token of its own."""

    name = "vertexai"
    title = "Vertex AI"
    origin = "anthropic"
    errors = google_errors("VertexAI")

    def __init__(self, config: Config, project: str | None) -> None:
        """Take over a configuration that was read already."""
        self.config = config
        self._project = project

    def project(self) -> str | None:
        """The project whose quota is used."""
        return self._project

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, with those of the driver's options that Claude knows."""
        known = {name: value for name, value in prompt.options.items() if name in Messages.option_names}
        for name in sorted(prompt.options.keys() - known):
            prompt.warn(f"{self.name} takes no {name} with {prompt.model}; it was left out.")
        return super().build_request(msgspec.structs.replace(prompt, options=known))

    def messages_path(self, prompt: Prompt) -> str:
        """The path to post a prompt to: the model is named there, not in the body."""
        method = "streamRawPredict" if prompt.stream else "rawPredict"
        return f"{self.model_path(prompt.model, 'anthropic')}:{method}"

    def arrange_body(self, body: dict[str, Any], prompt: Prompt) -> dict[str, Any]:
        """The body with Vertex's version of the API in place of the model."""
        kept = {name: value for name, value in body.items() if name != "model"}
        return {"anthropic_version": _VERSION, **kept}
