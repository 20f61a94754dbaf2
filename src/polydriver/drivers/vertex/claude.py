"""Claude on Vertex AI: the Messages wire at Google's address.

https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...data.http import Request
from ...data.prompt import Prompt
from ...wires.messages import Messages

__all__ = ["ClaudeOnVertex"]

_VERSION = "vertex-2023-10-16"


class ClaudeOnVertex(Messages, kw_only=True, eq=False):
    """Claude at Google's address. Signatures are the same on all of Claude's platforms."""

    origin_name: str | None = "anthropic"

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, with those of the driver's options that Claude knows."""
        known = {name: value for name, value in prompt.options.items() if name in self.option_names}
        for name in sorted(prompt.options.keys() - known):
            prompt.warn(f"{self.name} does not support {name} with {prompt.model}; it was left out.")
        return super().build_request(msgspec.structs.replace(prompt, options=known))

    def messages_path(self, prompt: Prompt) -> str:
        """The path to post a prompt to: the model is named there, not in the body."""
        method = "streamRawPredict" if prompt.stream else "rawPredict"
        return f"{self.driver.model_path(prompt.model, 'anthropic')}:{method}"

    def arrange_body(self, body: dict[str, Any], prompt: Prompt) -> dict[str, Any]:
        """The body with Vertex's version of the API in place of the model."""
        kept = {name: value for name, value in body.items() if name != "model"}
        return {"anthropic_version": _VERSION, **kept}
