"""Claude by InvokeModel: the Messages wire at Bedrock's address, with what Converse does not pass on.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ...data.http import Request
from ...data.prompt import Prompt
from ...wires.converse.frames import EVENT_STREAM
from ...wires.messages import Messages
from .stream import ClaudeDecoder

__all__ = ["ClaudeOnBedrock"]

_VERSION = "bedrock-2023-05-31"


class ClaudeOnBedrock(Messages, kw_only=True, eq=False):
    """Claude's own API at Bedrock's address. Signatures are the same on all of Claude's platforms."""

    decoder_class = ClaudeDecoder
    origin_name: str | None = "anthropic"

    def build_message_post(self, path: str, body: dict[str, Any], prompt: Prompt) -> Request:
        """A request with a rendered prompt as its body."""
        request = super().build_message_post(path, body, prompt)
        request.headers["accept"] = EVENT_STREAM if prompt.stream else "application/json"
        return request

    def messages_path(self, prompt: Prompt) -> str:
        """The path to post a prompt to: model and streaming are named there, not in the body."""
        method = "invoke-with-response-stream" if prompt.stream else "invoke"
        return f"model/{quote(prompt.model, safe='')}/{method}"

    def arrange_body(self, body: dict[str, Any], prompt: Prompt) -> dict[str, Any]:
        """The body with Bedrock's version of the API in place of the model, and with the betas."""
        kept = {name: value for name, value in body.items() if name not in ("model", "stream")}
        if betas := self.betas(prompt, body):
            kept["anthropic_beta"] = betas
        return {"anthropic_version": _VERSION, **kept}

    def beta_headers(self, betas: list[str]) -> dict[str, str]:
        """None: betas are in the body."""
        return {}
