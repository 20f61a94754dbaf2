"""Rendering messages and their parts as content blocks.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...data.arguments import plain_name
from ...data.history import CONTINUATION, OPENING, tell_tools
from ...data.messages import (
    AIMessage,
    Audio,
    Media,
    Part,
    ProviderPart,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from ...data.prompt import Prompt
from ..shared.tools import FAILED_SILENTLY, NO_OUTPUT, plain_call_id
from .media import MAX_NAME, render_media
from .options import ConverseSettings

__all__ = ["Block", "render_history"]

Block = dict[str, Any]

RESULTS_READ = "(The results are read.)"
"""What the assistant says between results and the user's words, where both may not stand in one turn."""

_SYSTEM_ROLES = ("system", "developer")


def render_history(wire: ConverseSettings, prompt: Prompt) -> tuple[list[Block], list[dict[str, Any]]]:
    """The blocks of `system`, and the messages; turns of one role are merged, since the roles must alternate.

    System messages join those at the start wherever they stand; to models without tools, calls and results are text.
    """
    system: list[Block] = []
    messages: list[dict[str, Any]] = []
    takes_tools = wire.family(prompt.model).tools
    for given in prompt.messages:
        message = given if takes_tools else tell_tools(given)
        if message.name:
            prompt.warn(f"{wire.name} does not support names of speakers; they were left out.")
        if message.role in _SYSTEM_ROLES:
            system += [block for part in message.parts if (block := _render_part(wire, prompt, part, "system"))]
            continue
        for role, block in _render_message(wire, prompt, message):
            if not messages or messages[-1]["role"] != role:
                messages.append({"role": role, "content": []})
            messages[-1]["content"].append(block)
    _finish(messages)
    if not wire.family(prompt.model).mixes_results:
        messages = list(_with_results_apart(messages))
    if not wire.family(prompt.model).prefill and messages and messages[-1]["role"] == "assistant":
        prompt.warn(f"{prompt.model} does not take the start of its answer; it was asked to continue instead.")
        messages.append({"role": "user", "content": [{"text": CONTINUATION}]})
    _tell_documents_apart(messages)
    _check_counts(wire, prompt, messages)
    return system, messages


def _check_counts(wire: ConverseSettings, prompt: Prompt, messages: list[dict[str, Any]]) -> None:
    """Raise `UnsupportedFeatureError` for more images or documents in a message than the API takes."""
    counts = wire.family(prompt.model).counts
    for message in messages if counts is not None else ():
        for kind, most in zip(("image", "document"), counts or (), strict=True):
            if sum(kind in block for block in message["content"]) > most:
                raise wire.unsupported(f"more than {most} {kind}s in a message with the model {prompt.model}")


def _tell_documents_apart(messages: list[dict[str, Any]]) -> None:
    """Number the documents that have the name of one before them: a name may stand once in a request."""
    taken: set[str] = set()
    for document in _documents(block for message in messages for block in message["content"]):
        name, number = document["name"], 1
        while document["name"] in taken:
            number += 1
            document["name"] = f"{name[: MAX_NAME - 5]} {number}"
        taken.add(document["name"])


def _documents(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        if "document" in block:
            yield block["document"]
        elif "toolResult" in block:
            yield from _documents(block["toolResult"]["content"])


def _finish(messages: list[dict[str, Any]]) -> None:
    """What the API asks for: the user first, results first, text beside documents, no white space at the end of a
    prefilled answer."""
    if messages and messages[0]["role"] == "assistant":
        messages.insert(0, {"role": "user", "content": [{"text": OPENING}]})
    for message in messages:
        blocks = message["content"]
        if message["role"] == "user":
            blocks.sort(key=lambda block: "toolResult" not in block)
            if any("document" in block for block in blocks) and not any("text" in block for block in blocks):
                blocks.append({"text": next(block["document"]["name"] for block in blocks if "document" in block)})
    if messages and messages[-1]["role"] == "assistant" and "text" in (last := messages[-1]["content"][-1]):
        last["text"] = last["text"].rstrip()


def _with_results_apart(messages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The messages with a word of the assistant's between results and what the user says behind them."""
    for message in messages:
        results = [block for block in message["content"] if "toolResult" in block]
        if not results or len(results) == len(message["content"]):
            yield message
            continue
        yield {"role": "user", "content": results}
        yield {"role": "assistant", "content": [{"text": RESULTS_READ}]}
        yield {"role": "user", "content": message["content"][len(results) :]}


def _render_message(wire: ConverseSettings, prompt: Prompt, message: AIMessage) -> Iterator[tuple[str, Block]]:
    role = "assistant" if message.role == "assistant" else "user"
    for part in message.parts:
        if isinstance(part, ToolResult):
            yield from (("user", block) for block in _render_result(wire, prompt, part))
        elif isinstance(part, ToolCall):
            yield "assistant", _render_call(part)
        elif block := _render_part(wire, prompt, part, role):
            yield role, block


def _render_part(wire: ConverseSettings, prompt: Prompt, part: Part, role: str) -> Block | None:
    """The block for a part, or `None` when there is nothing to send."""
    if isinstance(part, Text):
        return _render_text(wire, part)
    if isinstance(part, Refusal):
        return _plain_text(part.text)
    if isinstance(part, Reasoning):
        return _render_reasoning(wire, part)
    if isinstance(part, ProviderPart):
        if part.provider == wire.origin:
            return part.data
        prompt.warn(f"a {part.kind} of {part.provider} means nothing to {wire.name}; it was left out.")
        return None
    if isinstance(part, Media) and role == "user":
        return render_media(wire, prompt, part)
    if isinstance(part, Audio) and part.transcript:
        return _plain_text(part.transcript)
    prompt.warn(f"{wire.name} does not support {type(part).__name__} in a message of the role {role}; it was left out.")
    return None


def _plain_text(text: str) -> Block | None:
    """Text that is not blank; the API refuses blank blocks."""
    return {"text": text} if text.strip() else None


def _render_text(wire: ConverseSettings, part: Text) -> Block | None:
    if part.citations and wire.origin in part.provider_data:
        return {"citationsContent": {"content": [{"text": part.text}], "citations": part.citations}}
    return _plain_text(part.text)


def _render_reasoning(wire: ConverseSettings, part: Reasoning) -> Block | None:
    """Reasoning with its signature or in its encrypted form. Models want no other back, and none of other providers."""
    own = part.provider_data.get(wire.origin, {})
    if redacted := own.get("redactedContent"):
        return {"reasoningContent": {"redactedContent": redacted}}
    if signature := own.get("signature"):
        return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": signature}}}
    return None


def _render_call(call: ToolCall) -> Block:
    arguments = call.arguments if call.arguments is not None else {}
    return {"toolUse": {"toolUseId": plain_call_id(call.id), "name": plain_name(call.name), "input": arguments}}


def _render_result(wire: ConverseSettings, prompt: Prompt, result: ToolResult) -> Iterator[Block]:
    """The result, and behind it the media of a failed call: Claude takes only text in results that are errors."""
    behind: list[Block] = []
    if isinstance(result.content, str):
        content = [{"text": result.content}] if result.content.strip() else []
    else:
        content = [block for part in result.content if (block := _render_inner(wire, prompt, part))]
    if result.is_error:
        behind = [block for block in content if "text" not in block]
        content = [block for block in content if "text" in block]
    if not content:
        content.append({"text": FAILED_SILENTLY if result.is_error else NO_OUTPUT})
    rendered: Block = {"toolUseId": plain_call_id(result.tool_call_id), "content": content}
    if result.is_error:
        rendered["status"] = "error"
    yield {"toolResult": rendered}
    yield from behind


def _render_inner(wire: ConverseSettings, prompt: Prompt, part: Part) -> Block | None:
    """A part of a result, which holds no sound."""
    if isinstance(part, Audio):
        prompt.warn(f"{wire.name} does not support sound in results of tools; a note took its place.")
        return _plain_text(part.transcript or "[audio left out]")
    return _render_part(wire, prompt, part, "user")
