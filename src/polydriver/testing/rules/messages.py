"""What Anthropic's Messages API refuses, also on Vertex AI and in Bedrock's InvokeModel."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .base import RuleBook, SentRequest, child, dicts, duplicates
from .facts import Fact, fact
from .messages_schemas import STRUCTURED
from .schemas import walk

__all__ = ["RULES", "claude_fact", "effort_of"]

DOCS = "https://platform.claude.com/docs/en/"
REFERENCE = f"{DOCS}api/messages"
TOOLS = f"{DOCS}agents-and-tools/tool-use/handle-tool-calls"
CACHING = f"{DOCS}build-with-claude/prompt-caching"
THINKING = f"{DOCS}build-with-claude/extended-thinking"
MIGRATION = f"{DOCS}about-claude/models/migration-guide"
FIELD = "https://github.com/anthropics/claude-code/issues"

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")
PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
EFFORTS = ("low", "medium", "high", "xhigh", "max")
MAX_BREAKPOINTS = 4
BODY = frozenset(
    {
        "model",
        "messages",
        "max_tokens",
        "system",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "stream",
        "metadata",
        "thinking",
        "tools",
        "tool_choice",
        "service_tier",
        "container",
        "mcp_servers",
        "context_management",
        "output_config",
        "output_format",
        "cache_control",
        "inference_geo",
        "anthropic_version",
        "anthropic_beta",
        "betas",
        "fallbacks",
        "speed",
        "diagnostics",
        "effort",
        "user_profile_id",
    }
)
MEDIA = ("image/jpeg", "image/png", "image/gif", "image/webp")

RULES = RuleBook(STRUCTURED)


def claude_fact(sent: SentRequest, name: str) -> Fact | None:
    """What is known of a Claude, whatever service has it."""
    found = re.search(r"claude-[a-z0-9.-]{1,80}?(?=[@:]|-\d{8}|-v\d|-latest|$)", sent.model)
    return fact("anthropic", found[0], name) if found else None


def effort_of(body: Mapping[str, Any]) -> Any:
    """The effort that a body asks for."""
    return child(body.get("output_config"), "effort")


@RULES.rule("messages.version", "the header anthropic-version is required", f"{DOCS}api/versioning")
def _version(sent: SentRequest) -> Iterator[str]:
    if sent.path.endswith("/messages") and "anthropic-version" not in sent.headers:
        yield "headers"


@RULES.rule("messages.body", "unknown fields are refused: extra inputs are not permitted", REFERENCE)
def _body(sent: SentRequest) -> Iterator[str]:
    yield from (name for name in sent.body if name not in BODY)


@RULES.rule("messages.required", "messages and max_tokens, at least 1, are required", REFERENCE)
def _required(sent: SentRequest) -> Iterator[str]:
    if not sent.body.get("messages"):
        yield "messages"
    limit = sent.body.get("max_tokens")
    if not isinstance(limit, int) or limit < 1:
        yield "max_tokens"


@RULES.rule("messages.ranges", "temperature and top_p are from 0 to 1, top_k at least 0", REFERENCE)
def _ranges(sent: SentRequest) -> Iterator[str]:
    for name, high in (("temperature", 1), ("top_p", 1), ("top_k", float("inf"))):
        value = sent.body.get(name)
        if isinstance(value, int | float) and not 0 <= value <= high:
            yield name


@RULES.rule(
    "messages.max-tokens", "max_tokens is above what the model can write", f"{DOCS}about-claude/models/overview"
)
def _limit(sent: SentRequest) -> Iterator[str]:
    known, wanted = claude_fact(sent, "max_output"), sent.body.get("max_tokens")
    if known is not None and isinstance(wanted, int) and wanted > known.value and "anthropic-beta" not in sent.headers:
        yield f"max_tokens {wanted}, at most {known.value}"


@RULES.rule("messages.trailing-space", "the final assistant content cannot end with white space", REFERENCE)
def _trailing(sent: SentRequest) -> Iterator[str]:
    if (last := _messages(sent)[-1:]) and last[0].get("role") == "assistant":
        texts = [block.get("text") for block in _blocks(last[0])[-1:]]
        if texts and isinstance(texts[0], str) and texts[0] != texts[0].rstrip():
            yield "messages"


@RULES.rule("messages.prefill", "Claude 4.6 and later take no prefilled answer", MIGRATION)
def _prefill(sent: SentRequest) -> Iterator[str]:
    known = claude_fact(sent, "prefill")
    last = _messages(sent)[-1:]
    if known is not None and not known.value and last and last[0].get("role") == "assistant":
        yield "messages"


@RULES.rule("messages.calls-answered", "each tool_use must have its tool_result in the next message", TOOLS)
def _answered(sent: SentRequest) -> Iterator[str]:
    messages = _messages(sent)
    for position, message in enumerate(messages[:-1]):
        results = [block.get("tool_use_id") for block in _of(messages[position + 1], "tool_result")]
        for call in _of(message, "tool_use"):
            if call.get("id") not in results:
                yield f"messages[{position}] {call.get('id')!r}"


@RULES.rule("messages.results-called", "each tool_result must have its tool_use in the message before", TOOLS)
def _called(sent: SentRequest) -> Iterator[str]:
    before: list[Any] = []
    for position, message in enumerate(_messages(sent)):
        for result in _of(message, "tool_result"):
            if result.get("tool_use_id") not in before:
                yield f"messages[{position}] {result.get('tool_use_id')!r}"
        before = [call.get("id") for call in _of(message, "tool_use")]


@RULES.rule("messages.results-once", "each tool_use must have a single result", FIELD, documented=False)
def _once(sent: SentRequest) -> Iterator[str]:
    for message in _messages(sent):
        yield from duplicates(result.get("tool_use_id") for result in _of(message, "tool_result"))
    yield from duplicates(call.get("id") for message in _messages(sent) for call in _of(message, "tool_use"))


@RULES.rule("messages.user", "metadata.user_id has 512 characters at most", REFERENCE)
def _user(sent: SentRequest) -> Iterator[str]:
    if len(str(child(sent.body.get("metadata"), "user_id") or "")) > 512:
        yield "metadata.user_id"


@RULES.rule("messages.call-id", "ids of calls match ^[a-zA-Z0-9_-]+$", REFERENCE)
def _ids(sent: SentRequest) -> Iterator[str]:
    for message in _messages(sent):
        for call in _of(message, "tool_use"):
            if not CALL_ID.fullmatch(str(call.get("id"))):
                yield repr(call.get("id"))


@RULES.rule("messages.blank-text", "text content blocks must contain non-whitespace text", FIELD, documented=False)
def _blank(sent: SentRequest) -> Iterator[str]:
    system = sent.body.get("system")
    places = [("system", dicts(system))]
    for position, message in enumerate(_messages(sent)):
        if message.get("content") in ("", []) and position < len(_messages(sent)) - 1:
            yield f"messages[{position}]"
        places.append((f"messages[{position}]", _blocks(message)))
        places += [(f"messages[{position}]", dicts(result.get("content"))) for result in _of(message, "tool_result")]
    for place, blocks in places:
        if any(block.get("type") == "text" and not str(block.get("text")).strip() for block in blocks):
            yield place


@RULES.rule("messages.error-text", "when is_error is true all content must be text", FIELD, documented=False)
def _errors(sent: SentRequest) -> Iterator[str]:
    for position, message in enumerate(_messages(sent)):
        for result in _of(message, "tool_result"):
            if result.get("is_error") and any(block.get("type") != "text" for block in dicts(result.get("content"))):
                yield f"messages[{position}]"
            if result.get("is_error") and not result.get("content"):
                yield f"messages[{position}]: content cannot be empty if is_error is true"


@RULES.rule(
    "messages.roles",
    "the roles are user and assistant, and system with newer models",
    f"{DOCS}models/opus-5/migration-guide",
)
def _roles(sent: SentRequest) -> Iterator[str]:
    for position, message in enumerate(_messages(sent)):
        if message.get("role") not in ("user", "assistant", "system"):
            yield f"messages[{position}] {message.get('role')!r}"
        elif message.get("role") == "system" and claude_fact(sent, "claude_efforts") is not None:
            yield f"messages[{position}]"


@RULES.rule(
    "messages.media",
    "an image is JPEG, PNG, GIF or WebP; a document is PDF or plain text",
    f"{DOCS}build-with-claude/vision",
)
def _media(sent: SentRequest) -> Iterator[str]:
    for position, message in enumerate(_messages(sent)):
        inner = [block for result in _of(message, "tool_result") for block in dicts(result.get("content"))]
        for block in [*_blocks(message), *inner]:
            kind = child(block, "source", "media_type")
            if (block.get("type") == "image" and kind is not None and kind not in MEDIA) or (
                block.get("type") == "document" and kind not in (None, "application/pdf", "text/plain")
            ):
                yield f"messages[{position}] {kind}"


@RULES.rule(
    "messages.choice-without-tools", "tool_choice may only be specified while providing tools", FIELD, documented=False
)
def _choice_alone(sent: SentRequest) -> Iterator[str]:
    if sent.body.get("tool_choice") is not None and not sent.body.get("tools"):
        yield "tool_choice"


@RULES.rule("messages.choice-unknown", "tool_choice names a tool that is not in tools", FIELD, documented=False)
def _choice(sent: SentRequest) -> Iterator[str]:
    choice = sent.body.get("tool_choice")
    if child(choice, "type") == "tool" and child(choice, "name") not in [tool.get("name") for tool in _tools(sent)]:
        yield f"tool_choice {child(choice, 'name')!r}"


@RULES.rule("messages.tool-names", "tools: tool names must be unique, and match ^[a-zA-Z0-9_-]{1,128}$", REFERENCE)
def _tool_names(sent: SentRequest) -> Iterator[str]:
    yield from duplicates(tool.get("name") for tool in _tools(sent))
    calls = [call for message in _messages(sent) for call in _of(message, "tool_use")]
    for named in [*_tools(sent), *calls]:
        if "name" in named and not TOOL_NAME.fullmatch(str(named["name"])):
            yield repr(named["name"])


@RULES.rule(
    "messages.input-schema",
    "input_schema is an object without oneOf, allOf, or anyOf at the top level",
    FIELD,
    documented=False,
)
def _input_schema(sent: SentRequest) -> Iterator[str]:
    for name, schema in _schemas_of_tools(sent):
        if schema.get("type") != "object" or {"oneOf", "allOf", "anyOf"} & set(schema):
            yield f"tools {name!r}"


@RULES.rule(
    "messages.property-names",
    "property keys of input_schema must match ^[a-zA-Z0-9_.-]{1,64}$",
    "https://github.com/ComposioHQ/composio/issues/3500",
    documented=False,
)
def _properties(sent: SentRequest) -> Iterator[str]:
    for tool, schema in _schemas_of_tools(sent):
        for _, node in walk(schema):
            yield from (
                f"tools {tool!r}: {name[:80]!r}"
                for name in node.get("properties") or {}
                if not PROPERTY.fullmatch(name)
            )


@RULES.rule(
    "messages.breakpoints",
    f"{MAX_BREAKPOINTS} cache breakpoints at most; thinking blocks cannot be cached directly; 1h breakpoints come before those of 5m",
    CACHING,
)
def _caching(sent: SentRequest) -> Iterator[str]:
    blocks = [*_tools(sent), *dicts(sent.body.get("system"))]
    for message in _messages(sent):
        blocks += _blocks(message)
    marked = [block for block in blocks if block.get("cache_control")]
    if len(marked) + bool(sent.body.get("cache_control")) > MAX_BREAKPOINTS:
        yield f"{len(marked)} breakpoints"
    if any(block.get("type") in ("thinking", "redacted_thinking") for block in marked):
        yield "a breakpoint on a thinking block"
    ttls = [child(block, "cache_control", "ttl") or "5m" for block in marked]
    if "1h" in ttls[ttls.index("5m") :] if "5m" in ttls else False:
        yield "a breakpoint of 1h after one of 5m"


@RULES.rule("messages.forced-while-thinking", "thinking takes no tool_choice any or tool", THINKING)
def _forced(sent: SentRequest) -> Iterator[str]:
    if _thinks(sent) and child(sent.body.get("tool_choice"), "type") in ("any", "tool"):
        yield "tool_choice"


@RULES.rule("messages.forced-tools", "forced tool use returns an error", f"{DOCS}models/opus-5-5/whats-new-opus-5-5")
def _never_forced(sent: SentRequest) -> Iterator[str]:
    known = claude_fact(sent, "forced_tools")
    if known is not None and not known.value and child(sent.body.get("tool_choice"), "type") in ("any", "tool"):
        yield "tool_choice"


@RULES.rule(
    "messages.thinking", "the model takes no such thinking", f"{DOCS}build-with-claude/thinking-troubleshooting"
)
def _thinking(sent: SentRequest) -> Iterator[str]:
    kind = child(sent.body.get("thinking"), "type")
    effort = effort_of(sent.body)
    needs = {"disabled": ("thinking_off",), "enabled": ("budget", "thinks"), "adaptive": ("adaptive", "thinks")}
    for name in needs.get(str(kind), ()):
        if (known := claude_fact(sent, name)) is not None and known.value is False:
            yield f"thinking: {kind}"
    if kind == "disabled" and effort in ("xhigh", "max"):
        yield f"thinking: disabled with effort {effort}"


@RULES.rule("messages.thinking-budget", "a budget is at least 1024 and below max_tokens", THINKING)
def _budget(sent: SentRequest) -> Iterator[str]:
    budget, limit = child(sent.body.get("thinking"), "budget_tokens"), sent.body.get("max_tokens")
    if isinstance(budget, int) and (
        budget < 1024 or (isinstance(limit, int) and budget >= limit and not sent.headers.get("anthropic-beta"))
    ):
        yield f"budget_tokens {budget}, max_tokens {limit}"


@RULES.rule("messages.thinking-sampling", "thinking takes no temperature, no top_k, and top_p from 0.95 to 1", THINKING)
def _thinking_sampling(sent: SentRequest) -> Iterator[str]:
    if not _thinks(sent):
        return
    if sent.body.get("temperature") not in (None, 1):
        yield "temperature"
    if sent.body.get("top_k") is not None:
        yield "top_k"
    if isinstance(top_p := sent.body.get("top_p"), int | float) and top_p < 0.95:
        yield "top_p"


@RULES.rule(
    "messages.thinking-first",
    "while thinking, an assistant turn with tool_use that is continued must begin with a thinking block",
    THINKING,
)
def _thinking_first(sent: SentRequest) -> Iterator[str]:
    if child(sent.body.get("thinking"), "type") != "enabled":
        return
    messages = _messages(sent)
    for position in range(len(messages) - 1, 0, -1):
        if not _of(messages[position], "tool_result"):
            return
        first = _blocks(messages[position - 1])[:1]
        if first and first[0].get("type") not in ("thinking", "redacted_thinking"):
            yield f"messages[{position - 1}]"
        return


@RULES.rule("messages.signatures", "thinking blocks go back unmodified, with their signature", THINKING)
def _signatures(sent: SentRequest) -> Iterator[str]:
    for position, message in enumerate(_messages(sent)):
        if any(not block.get("signature") for block in _of(message, "thinking")):
            yield f"messages[{position}]"


@RULES.rule(
    "messages.sampling",
    "temperature or top_p, not both; no sampling at all with the newest models",
    f"{MIGRATION} (and litellm#15097)",
)
def _sampling(sent: SentRequest) -> Iterator[str]:
    both, never = claude_fact(sent, "both_samplings"), claude_fact(sent, "claude_sampling")
    if both is not None and sent.body.get("temperature") is not None and sent.body.get("top_p") is not None:
        yield "temperature and top_p"
    if never is not None:
        if sent.body.get("temperature") not in (None, 1):
            yield "temperature"
        yield from (name for name in ("top_p", "top_k") if sent.body.get(name) is not None)


@RULES.rule("messages.effort", "the model takes no such effort", f"{DOCS}build-with-claude/effort")
def _effort(sent: SentRequest) -> Iterator[str]:
    known, effort = claude_fact(sent, "claude_efforts"), effort_of(sent.body)
    taken = EFFORTS if known is None else known.value
    if effort is not None and effort not in taken:
        yield f"effort {effort!r}"


def _messages(sent: SentRequest) -> list[Mapping[str, Any]]:
    return dicts(sent.body.get("messages"))


def _blocks(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) and content else dicts(content)


def _of(message: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [block for block in dicts(message.get("content")) if block.get("type") == kind]


def _tools(sent: SentRequest) -> list[Mapping[str, Any]]:
    return dicts(sent.body.get("tools"))


def _schemas_of_tools(sent: SentRequest) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    for tool in _tools(sent):
        if isinstance(schema := tool.get("input_schema"), Mapping):
            yield tool.get("name"), schema


def _thinks(sent: SentRequest) -> bool:
    return child(sent.body.get("thinking"), "type") in ("enabled", "adaptive")
