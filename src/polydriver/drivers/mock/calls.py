"""What a mock was asked."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["MockCall", "message_text"]


class MockCall(msgspec.Struct, frozen=True, kw_only=True):
    """One request that came, as data.

    - `number`: from 1; each attempt is a request of its own. `provider`: the connection's name. `operation`:
      "chat", "embeddings", "moderations", "images", "speech"; from a `MockServer` others, too.
    - `messages`, `tools`: as they are sent, in the form of Chat Completions; `options`: everything else in
      the body.
    """

    number: int
    provider: str
    operation: str
    model: str
    messages: list[dict[str, Any]] = []
    tools: list[dict[str, Any]] = []
    options: dict[str, Any] = {}
    stream: bool = False

    @property
    def text(self) -> str:
        """The text of the last message that the model is to answer: the user's, or a tool's result."""
        for message in reversed(self.messages):
            if message.get("role") in ("user", "tool"):
                return message_text(message)
        return ""

    @property
    def tool_names(self) -> list[str]:
        """The names of the tools that were offered."""
        return [str(tool.get("function", tool).get("name")) for tool in self.tools]

    def says(self, text: str) -> bool:
        """Whether any message contains this text."""
        return any(text in message_text(message) for message in self.messages)

    def __str__(self) -> str:
        text = self.text if len(self.text) <= 80 else f"{self.text[:77]}..."
        return f"#{self.number} {self.provider}/{self.model}: {text!r}"


def message_text(message: dict[str, Any]) -> str:
    """The text of a message in the form of Chat Completions."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    pieces = content if isinstance(content, list) else []
    return "".join(str(piece.get("text") or "") for piece in pieces if isinstance(piece, dict))
