"""A content block of a stream, put together from its deltas."""

from __future__ import annotations

from typing import Any

from ...data.arguments import parse_arguments
from ...data.json import as_str
from ...data.messages import Part
from .options import MessagesSettings
from .reply import parse_block, parse_call

__all__ = ["BLOCK_OF_DELTA", "Block"]

BLOCK_OF_DELTA = {
    "text_delta": "text",
    "citations_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
    "input_json_delta": "tool_use",
    "compaction_delta": "compaction",
}
"""The kind of block that a kind of delta belongs to, and begins where its start is missing."""


class Block:
    """A block on its way: its start as it came, and the pieces of its text or of its input's JSON.

    `is_output`: it is a call of the tool that stands in for structured output, so its input is the answer's text.
    `closed`: its end was seen. `part`: what it made, once that is certain.
    """

    __slots__ = ("citations", "closed", "index", "is_output", "kind", "part", "pieces", "signature", "start")

    def __init__(self, start: dict[str, Any], index: int, output_tool: str | None) -> None:
        self.start = start
        self.index = index
        self.kind: str = as_str(start.get("type")) or "text"
        self.is_output = output_tool is not None and self.kind == "tool_use" and start.get("name") == output_tool
        self.pieces: list[str] = []
        self.citations: list[Any] = []
        self.signature: list[str] = []
        self.closed = False
        self.part: Part | None = None

    def takes(self, delta: Any) -> bool:
        """Whether a delta of this kind can belong to the block. Server tools take their input as `tool_use` does."""
        if delta == "input_json_delta":
            return self.kind not in ("text", "thinking", "redacted_thinking")
        return not isinstance(delta, str) or BLOCK_OF_DELTA.get(delta, self.kind) == self.kind

    def build(self, wire: MessagesSettings, seed: str, *, cut: bool = False) -> Part | None:
        """The part that the block makes, as far as it came. `cut`: the answer ended at a limit within this block."""
        text = "".join(self.pieces)
        whole = {**self.start, "type": self.kind}
        if self.kind == "text":
            whole |= {"text": text, "citations": self.citations}
        elif self.kind == "thinking":
            whole |= {"thinking": text, "signature": "".join(self.signature)}
        elif self.kind == "tool_use" and not self.is_output:
            given = text if text or not self.start.get("input") else self.start["input"]
            arguments, raw = parse_arguments(given, cut=cut) if self.closed else (None, text)
            return parse_call(wire, whole, arguments, raw, seed=seed, index=self.index)
        elif self.is_output and not text and not self.closed:
            return None
        elif text:
            arguments, _ = parse_arguments(text)
            whole["input"] = text if arguments is None or self.is_output else arguments
        output_tool = as_str(self.start.get("name")) if self.is_output else None
        return parse_block(wire, whole, seed=seed, index=self.index, cut=False, output_tool=output_tool)
