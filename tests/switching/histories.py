"""A conversation with everything in it that breaks when the provider is changed, built from a wire's own replies."""

from __future__ import annotations

from polydriver.data.messages import AIMessage, Document, Image, Part, Text, ToolCall, ToolResult
from polydriver.data.prompt import ToolSpec

from .wires import Wire

__all__ = ["DOCUMENT", "IMAGE", "WEATHER", "answer_calls", "first_turn", "full_history"]

IMAGE = Image.from_bytes(
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89",
    "image/png",
)
DOCUMENT = Document.from_bytes(b"%PDF-1.4\n%%EOF\n", "application/pdf", name="report.pdf")
WEATHER = ToolSpec(
    name="weather",
    description="The weather in a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


def answer_calls(message: AIMessage) -> list[AIMessage]:
    """Return results of all calls in a message: the first is text, the second an error, further ones have an image."""
    results = []
    for place, call in enumerate(message.tool_calls):
        content: str | list[Part | str] = "rain" if place < 2 else ["rain", IMAGE]
        results.append(AIMessage.tool(call.id, content, name=call.name, is_error=place == 1))
    return results


def first_turn(wire: Wire) -> list[AIMessage]:
    """Return a question with an image, two parallel calls, their results and the answer."""
    calls = wire.message("calls")
    return [
        AIMessage.system("Be brief."),
        AIMessage.user([Text("What of the weather there?"), IMAGE]),
        calls,
        *answer_calls(calls),
        wire.message("answer"),
    ]


def full_history(wire: Wire) -> list[AIMessage]:
    """Return what `first_turn` has, behind an assistant's greeting, and all that can be wrong with a history."""
    own = [AIMessage.user("Search."), wire.message("own")] if "own" in wire.replies else []
    shown = ToolCall("functions.add:0", "add", {"a": 1})
    return [
        AIMessage.assistant("Hello, I speak first."),
        *first_turn(wire),
        *own,
        AIMessage.system("From now on, be long."),
        AIMessage.user("First of two."),
        AIMessage.user(""),
        AIMessage.user([Text("Second of two."), Text("")]),
        wire.message("refusal"),
        AIMessage.user("Cut this."),
        wire.message("cut"),
        AIMessage.user("And an orphan."),
        AIMessage.assistant("", [ToolCall("orphan|fc_1" + "x" * 90, "odd.name:x", {})]),
        AIMessage.tool("never-called", "stray", name="lookup"),
        AIMessage.assistant("", [shown]),
        AIMessage([ToolResult(shown.id, [Text("see"), IMAGE])], "tool"),
        AIMessage.assistant("Seen.", [shown]),  # some services begin to count anew in each turn
        AIMessage.tool(shown.id, "2"),
        AIMessage.assistant(""),
        AIMessage.user("And now?"),
    ]
