"""What Bedrock's Converse API refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .base import RuleBook, SentRequest, child, dicts, duplicates
from .facts import fact
from .messages import claude_fact
from .shapes import breaches, maps, words

__all__ = ["RULES"]

REFERENCE = "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html"
FEATURES = "https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html"
CACHING = "https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html"
FIELD = "https://github.com/langchain-ai/langchain-aws, https://github.com/strands-agents/sdk-python"

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
CALL_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
DOCUMENT = re.compile(r"(?!.*  )[a-zA-Z0-9 ()\[\]-]{1,200}")
REGION = re.compile(r"^(?:[a-z]{2}(?:-gov)?|apac|global)\.(?=[a-z0-9]+\.)")
MAX_DOCUMENTS = 5
MAX_IMAGES = 20

_SOURCE = {
    "bytes": "string",
    "s3Location": {"uri!": "string", "bucketOwner": "string"},
    "text": "string",
    "content": "any",
}
_CACHE = {"type!": words("default"), "ttl": words("5m", "1h")}
_IMAGE = {"format!": words("png", "jpeg", "gif", "webp"), "source!": _SOURCE}
_DOCUMENT = {
    "format": words("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"),
    "name!": "string",
    "source!": _SOURCE,
    "context": "string",
    "citations": "object",
}
_VIDEO = {"format!": words("mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"), "source!": _SOURCE}
_AUDIO = {"format!": "string", "source!": _SOURCE}
_RESULT = {
    "json": "any",
    "text": "string",
    "image": _IMAGE,
    "document": _DOCUMENT,
    "video": _VIDEO,
    "searchResult": "object",
}
_BLOCK = {
    "text": "string",
    "image": _IMAGE,
    "document": _DOCUMENT,
    "video": _VIDEO,
    "audio": _AUDIO,
    "toolUse": {"toolUseId!": "string", "name!": "string", "input!": "any", "type": "string"},
    "toolResult": {
        "toolUseId!": "string",
        "content!": [_RESULT],
        "status": words("success", "error"),
        "type": "string",
    },
    "cachePoint": _CACHE,
    "reasoningContent": {"reasoningText": {"text!": "string", "signature": "string"}, "redactedContent": "string"},
    **dict.fromkeys(("guardContent", "citationsContent", "searchResult", "toolAddition", "toolRemoval"), "object"),
}
_TOOL = {
    "toolSpec": {"name!": "string", "description": "string", "inputSchema!": {"json!": "object"}, "strict": "boolean"},
    "systemTool": {"name!": "string"},
    "cachePoint": _CACHE,
}
_FORMAT = {
    "type!": words("json_schema"),
    "structure!": {"jsonSchema!": {"schema!": "string", "name": "string", "description": "string"}},
}
_BODY: dict[str, Any] = {
    "modelId": "string",
    "messages": [{"role!": words("user", "assistant", "system"), "content!": [_BLOCK]}],
    "system": [{"text": "string", "guardContent": "object", "cachePoint": _CACHE}],
    "inferenceConfig": {"maxTokens": "integer", "temperature": "number", "topP": "number", "stopSequences": ["string"]},
    "toolConfig": {"tools!": [_TOOL], "toolChoice": {"auto": "object", "any": "object", "tool": {"name!": "string"}}},
    "guardrailConfig": "object",
    "additionalModelRequestFields": "any",
    "promptVariables": "object",
    "additionalModelResponseFieldPaths": ["string"],
    "requestMetadata": maps("string"),
    "performanceConfig": {"latency": words("standard", "optimized")},
    "serviceTier": {"type!": words("priority", "default", "flex", "reserved")},
    "outputConfig": {"textFormat": _FORMAT, "effort": "string"},
}

RULES = RuleBook()


@RULES.rule("converse.body", "the body must follow ConverseRequest", REFERENCE)
def _shape(sent: SentRequest) -> Iterator[str]:
    yield from breaches(_BODY, sent.body)
    for place, block in _all_blocks(sent):
        if len(block) != 1:
            yield f"{place} has {len(block)} members, not 1"


@RULES.rule("converse.ranges", "maxTokens at least 1, temperature and topP from 0 to 1", REFERENCE)
def _ranges(sent: SentRequest) -> Iterator[str]:
    config = sent.body.get("inferenceConfig")
    for name, low, high in (("maxTokens", 1, float("inf")), ("temperature", 0, 1), ("topP", 0, 1)):
        value = child(config, name)
        if isinstance(value, int | float) and not low <= value <= high:
            yield name


@RULES.rule(
    "converse.names",
    "names of tools: ^[a-zA-Z0-9_-]{1,64}$; ids of calls: ^[a-zA-Z0-9_.:-]{1,64}$; a tool's description is not empty",
    REFERENCE,
)
def _names(sent: SentRequest) -> Iterator[str]:
    specs = _specs(sent)
    for use in [use for message in _messages(sent) for use in _of(message, "toolUse")]:
        if not CALL_ID.fullmatch(str(use.get("toolUseId"))):
            yield repr(use.get("toolUseId"))
        specs.append(use)
    for spec in specs:
        if not NAME.fullmatch(str(spec.get("name"))):
            yield repr(spec.get("name"))
        if spec.get("description") == "":
            yield f"the description of {spec.get('name')!r}"


@RULES.rule(
    "converse.document-names",
    "names of documents: letters, digits, single spaces, -, () and [], 200 at most",
    "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html",
)
def _document_names(sent: SentRequest) -> Iterator[str]:
    for place, block in _all_blocks(sent):
        if "document" in block and not DOCUMENT.fullmatch(str(child(block, "document", "name"))):
            yield f"{place} {child(block, 'document', 'name')!r}"


@RULES.rule("converse.document-names-unique", "duplicate document names", FIELD, documented=False)
def _document_twice(sent: SentRequest) -> Iterator[str]:
    yield from duplicates(child(block, "document", "name") for _, block in _all_blocks(sent))


@RULES.rule(
    "converse.counts",
    f"a message has {MAX_IMAGES} images and {MAX_DOCUMENTS} documents at most",
    "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html",
)
def _counts(sent: SentRequest) -> Iterator[str]:
    for position, message in enumerate(_messages(sent)):
        for kind, most in (("image", MAX_IMAGES), ("document", MAX_DOCUMENTS)):
            # The newest Claude models have their own, larger limits: only what is said of all others is judged.
            if len(_of(message, kind)) > most and claude_fact(sent, "prefill") is None:
                yield f"messages[{position}]: {kind}s"


@RULES.rule(
    "converse.document-text",
    "a message with a document needs a text, too",
    "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html",
)
def _document_text(sent: SentRequest) -> Iterator[str]:
    for position, message in enumerate(_messages(sent)):
        if _of(message, "document") and not any("text" in block for block in dicts(message.get("content"))):
            yield f"messages[{position}]"


@RULES.rule("converse.blank-text", "the text field in a ContentBlock is blank", FIELD, documented=False)
def _blank(sent: SentRequest) -> Iterator[str]:
    for place, block in [*_all_blocks(sent), *(("system", block) for block in dicts(sent.body.get("system")))]:
        if isinstance(block.get("text"), str) and not block["text"].strip():
            yield place


@RULES.rule("converse.empty", "the content field of a message is empty", FIELD, documented=False)
def _empty(sent: SentRequest) -> Iterator[str]:
    if not _messages(sent):
        yield "messages"
    yield from (f"messages[{n}]" for n, message in enumerate(_messages(sent)) if not message.get("content"))


@RULES.rule(
    "converse.alternate", "the conversation begins with the user, and the roles alternate", FIELD, documented=False
)
def _alternate(sent: SentRequest) -> Iterator[str]:
    before = "assistant"
    for position, message in enumerate(_messages(sent)):
        if message.get("role") == before:
            yield f"messages[{position}]"
        before = str(message.get("role"))


@RULES.rule(
    "converse.calls-answered",
    "Expected toolResult blocks for the toolUse ids of the turn before",
    FIELD,
    documented=False,
)
def _answered(sent: SentRequest) -> Iterator[str]:
    open_: set[Any] = set()
    for position, message in enumerate(_messages(sent)):
        results = {result.get("toolUseId") for result in _of(message, "toolResult")}
        yield from (f"messages[{position}] {name!r}" for name in sorted(map(str, results ^ open_)))
        open_ = {use.get("toolUseId") for use in _of(message, "toolUse")}


@RULES.rule(
    "converse.unique",
    "two toolResult blocks of one id, duplicate toolUse ids, or duplicate tool names",
    FIELD,
    documented=False,
)
def _unique(sent: SentRequest) -> Iterator[str]:
    for message in _messages(sent):
        yield from duplicates(result.get("toolUseId") for result in _of(message, "toolResult"))
    yield from duplicates(use.get("toolUseId") for message in _messages(sent) for use in _of(message, "toolUse"))
    yield from duplicates(spec.get("name") for spec in _specs(sent))


@RULES.rule(
    "converse.results-apart",
    "Conversation blocks and tool result blocks cannot be provided in the same turn; an empty toolResult is refused",
    "https://github.com/strands-agents/harness-sdk/issues/1223 and https://github.com/strands-agents/harness-sdk/issues/2122",
    documented=False,
)
def _results_apart(sent: SentRequest) -> Iterator[str]:
    for position, message in enumerate(_messages(sent)):
        results = _of(message, "toolResult")
        if results and len(results) < len(dicts(message.get("content"))) and _lacks(sent, "mixed_results"):
            yield f"messages[{position}]"
        if any(not result.get("content") for result in results) and _lacks(sent, "empty_results"):
            yield f"messages[{position}].toolResult"


@RULES.rule("converse.results-first", "results first in a turn with toolResult blocks", FIELD, documented=False)
def _results_first(sent: SentRequest) -> Iterator[str]:
    for position, message in enumerate(_messages(sent)):
        kinds = ["toolResult" in block for block in dicts(message.get("content")) if "cachePoint" not in block]
        if any(kinds) and kinds != sorted(kinds, reverse=True):
            yield f"messages[{position}]"


@RULES.rule(
    "converse.tool-config",
    "toolConfig must be there when the messages have toolUse or toolResult blocks",
    FIELD,
    documented=False,
)
def _tool_config(sent: SentRequest) -> Iterator[str]:
    used = any(_of(message, "toolUse") or _of(message, "toolResult") for message in _messages(sent))
    if used and not dicts(child(sent.body.get("toolConfig"), "tools")):
        yield "toolConfig"
    if child(sent.body.get("toolConfig"), "tools") == []:
        yield "toolConfig.tools"


@RULES.rule("converse.video", "This model doesn't support the video content block", FEATURES)
def _video(sent: SentRequest) -> Iterator[str]:
    if _lacks(sent, "video"):
        yield from (place for place, block in _all_blocks(sent) if "video" in block)


@RULES.rule("converse.s3", "This model doesn't support the s3Uri field", FIELD, documented=False)
def _s3(sent: SentRequest) -> Iterator[str]:
    if _lacks(sent, "s3"):
        yield from (
            place
            for place, block in _all_blocks(sent)
            for media in block.values()
            if child(media, "source", "s3Location")
        )


@RULES.rule("converse.tools", "the model takes no tools", FEATURES)
def _tools(sent: SentRequest) -> Iterator[str]:
    if sent.body.get("toolConfig") and _lacks(sent, "tools"):
        yield "toolConfig"


@RULES.rule("converse.cache", "the model takes no cachePoint here; 4 cache points at most", CACHING)
def _cache(sent: SentRequest) -> Iterator[str]:
    tools = [("toolConfig.tools", tool) for tool in dicts(child(sent.body.get("toolConfig"), "tools"))]
    system = [("system", block) for block in dicts(sent.body.get("system"))]
    points = [place for place, block in [*tools, *system, *_all_blocks(sent)] if "cachePoint" in block]
    if _lacks(sent, "caches"):
        yield from points
    elif "amazon.nova" in sent.model:
        yield from (place for place in points if place == "toolConfig.tools")
    if len(points) > 4:
        yield f"{len(points)} cache points"


@RULES.rule(
    "converse.prefill",
    "the model takes no prefilled answer (the conversation must end with the user)",
    "https://platform.claude.com/docs/en/about-claude/models/migration-guide",
)
def _prefill(sent: SentRequest) -> Iterator[str]:
    known, last = claude_fact(sent, "prefill"), _messages(sent)[-1:]
    if known is not None and not known.value and last and last[0].get("role") == "assistant":
        yield "messages"


@RULES.rule(
    "converse.tool-choice",
    "toolChoice: a tool that is offered; by name only with Claude and Nova, any only with those and Mistral Large",
    "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolChoice.html",
)
def _choice(sent: SentRequest) -> Iterator[str]:
    choice = child(sent.body.get("toolConfig"), "toolChoice")
    name = child(choice, "tool", "name")
    if name is not None and (name not in [spec.get("name") for spec in _specs(sent)] or _lacks(sent, "one_tool")):
        yield f"toolChoice.tool {name!r}"
    if child(choice, "any") is not None and _lacks(sent, "any_tool"):
        yield "toolChoice.any"
    forced = claude_fact(sent, "forced_tools")
    thinks = child(sent.body.get("additionalModelRequestFields"), "thinking", "type") in ("enabled", "adaptive")
    if (name is not None or child(choice, "any") is not None) and (thinks or (forced is not None and not forced.value)):
        yield "toolChoice"


@RULES.rule(
    "converse.error-text",
    "a failed toolResult of Claude needs content, and text alone",
    "https://github.com/anthropics/claude-code/issues",
    documented=False,
)
def _error_text(sent: SentRequest) -> Iterator[str]:
    for position, message in enumerate(_messages(sent)):
        for result in _of(message, "toolResult"):
            wrong = not result.get("content") or any("text" not in block for block in dicts(result.get("content")))
            if "anthropic" in sent.model and result.get("status") == "error" and wrong:
                yield f"messages[{position}]"


@RULES.rule(
    "converse.claude-thinking",
    "the model takes no such thinking, or no sampling beside it",
    "https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting",
)
def _thinking(sent: SentRequest) -> Iterator[str]:
    kind = child(sent.body.get("additionalModelRequestFields"), "thinking", "type")
    config = sent.body.get("inferenceConfig")
    for name in {
        "disabled": ("thinking_off",),
        "enabled": ("budget", "thinks"),
        "adaptive": ("adaptive", "thinks"),
    }.get(str(kind), ()):
        if (known := claude_fact(sent, name)) is not None and known.value is False:
            yield f"thinking: {kind}"
    if kind in ("enabled", "adaptive") and child(config, "temperature") not in (None, 1):
        yield "temperature while thinking"


@RULES.rule(
    "converse.claude-sampling",
    "temperature or topP, not both; no sampling at all with the newest Claude models",
    "https://platform.claude.com/docs/en/about-claude/models/migration-guide",
)
def _sampling(sent: SentRequest) -> Iterator[str]:
    config, never = sent.body.get("inferenceConfig"), claude_fact(sent, "claude_sampling")
    temperature, top_p = child(config, "temperature"), child(config, "topP")
    if claude_fact(sent, "both_samplings") is not None and temperature is not None and top_p is not None:
        yield "temperature and topP"
    if never is not None and (temperature not in (None, 1) or top_p is not None):
        yield "inferenceConfig"


def _lacks(sent: SentRequest, name: str) -> bool:
    known = fact("bedrock", REGION.sub("", sent.family), name)
    return known is not None and known.value is False


def _messages(sent: SentRequest) -> list[Mapping[str, Any]]:
    return dicts(sent.body.get("messages"))


def _of(message: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [block[kind] for block in dicts(message.get("content")) if isinstance(block.get(kind), Mapping)]


def _all_blocks(sent: SentRequest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The blocks of all messages, those inside results included."""
    for position, message in enumerate(_messages(sent)):
        for block in dicts(message.get("content")):
            yield f"messages[{position}]", block
            yield from (
                (f"messages[{position}].toolResult", inner) for inner in dicts(child(block, "toolResult", "content"))
            )


def _specs(sent: SentRequest) -> list[Mapping[str, Any]]:
    tools = dicts(child(sent.body.get("toolConfig"), "tools"))
    return [tool["toolSpec"] for tool in tools if isinstance(tool.get("toolSpec"), Mapping)]
