"""What OpenAI's Responses API refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .base import RuleBook, SentRequest, child, dicts, duplicates, texts
from .chat_completions import EFFORTS, NAME, is_media_url, sampling_breaches
from .facts import fact
from .openai_schemas import add_strict_rules
from .shapes import breaches, maps, tagged, words

__all__ = ["COMMON", "RULES"]

REFERENCE = "https://platform.openai.com/docs/api-reference/responses/create"
MODELS = "https://platform.openai.com/docs/guides/latest-model and https://platform.openai.com/docs/guides/reasoning"
FIELD = "https://github.com/openai/openai-agents-python, https://github.com/vercel/ai"
ENCRYPTED = "reasoning.encrypted_content"
PREFIXES = {"message": "msg", "function_call": "fc", "reasoning": "rs"}
OUTPUTS = ("function_call_output", "custom_tool_call_output", "computer_call_output", "local_shell_call_output")

_PART = tagged(
    "type",
    {
        "input_text": {"text!": "string", "prompt_cache_breakpoint": "object"},
        "input_image": {
            "image_url": "string",
            "file_id": "string",
            "detail": words("low", "high", "auto", "original"),
            "prompt_cache_breakpoint": "object",
        },
        "input_file": {
            **dict.fromkeys(("file_id", "filename", "file_data", "file_url", "detail"), "string"),
            "prompt_cache_breakpoint": "object",
        },
        "input_audio": "any",
        "output_text": "any",
        "refusal": {"refusal!": "string"},
        "summary_text": "any",
        "reasoning_text": "any",
    },
)
_STATUS = {"status": words("in_progress", "completed", "incomplete"), "id": "string", "caller": "any"}
_ITEM: dict[str, dict[str, Any]] = {
    "message": {
        "role!": words("user", "assistant", "system", "developer"),
        "content!": ("string", [_PART]),
        "phase": "string",
        **_STATUS,
    },
    "function_call": {
        **dict.fromkeys(("call_id!", "name!", "arguments!"), "string"),
        **_STATUS,
        "namespace": "string",
    },
    "function_call_output": {"call_id!": "string", "output!": ("string", [_PART]), **_STATUS},
    "reasoning": {
        "id": "string",
        "summary!": [tagged("type", {"summary_text": {"text!": "string"}})],
        "content": [tagged("type", {"reasoning_text": {"text!": "string"}})],
        "encrypted_content": "string",
        "status": "string",
    },
    "item_reference": {"id!": "string"},
}
_FORMAT = tagged(
    "type",
    {
        "text": {},
        "json_object": {},
        "json_schema": {
            "name!": "string",
            "description": "string",
            "schema!": "object",
            "strict": "boolean",
        },
    },
)
_BODY: dict[str, Any] = {
    "model": "string",
    "input": ("string", ["object"]),
    "metadata": maps("string"),
    "temperature": "number",
    "top_p": "number",
    **dict.fromkeys(("top_logprobs", "max_tool_calls", "max_output_tokens"), "integer"),
    **dict.fromkeys(("user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"), "string"),
    **dict.fromkeys(("previous_response_id", "instructions"), "string"),
    **dict.fromkeys(("background", "parallel_tool_calls", "store", "stream"), "boolean"),
    **dict.fromkeys(("prompt_cache_options", "prompt", "moderation", "stream_options"), "object"),
    "text": {"format": _FORMAT, "verbosity": words("low", "medium", "high")},
    "tools": ["object"],
    "tool_choice": "any",
    "service_tier": words("auto", "default", "flex", "scale", "priority", "fast"),
    "truncation": words("auto", "disabled"),
    "reasoning": {
        "effort": EFFORTS,
        "summary": words("auto", "concise", "detailed"),
        "generate_summary": "any",
        "mode": "any",
        "context": "any",
    },
    "include": [
        words(
            "file_search_call.results",
            "web_search_call.results",
            "web_search_call.action.sources",
            "message.input_image.image_url",
            "computer_call_output.output.image_url",
            "code_interpreter_call.outputs",
            ENCRYPTED,
            "message.output_text.logprobs",
        )
    ],
    "conversation": "any",
    "context_management": "any",
}
_TOOL = {
    "name!": "string",
    "description": "string",
    "parameters": "object",
    "strict": "boolean",
    "type!": "string",
    **dict.fromkeys(("defer_loading", "allowed_callers", "output_schema"), "any"),
}

COMMON = RuleBook()


@COMMON.rule("responses.item-type", "items other than messages need their type, and the type must be known", REFERENCE)
def _items_typed(sent: SentRequest) -> Iterator[str]:
    for position, item in enumerate(_items(sent)):
        kind = item.get("type")
        if kind is None and not ("role" in item and "content" in item):
            yield f"input[{position}].type is missing"
        elif isinstance(kind, str) and kind in _ITEM:
            yield from breaches({"type": "string", **_ITEM[kind]}, item, f"input[{position}]", unknown=False)


@COMMON.rule("responses.result-called", "No tool call found for function call output", FIELD, documented=False)
def _results(sent: SentRequest) -> Iterator[str]:
    if sent.body.get("previous_response_id") or sent.body.get("conversation"):
        return
    called: set[Any] = set()
    for position, item in enumerate(_items(sent)):
        kind = item.get("type")
        if kind in OUTPUTS:
            if item.get("call_id") not in called:
                yield f"input[{position}] {item.get('call_id')!r}"
        else:
            called.add(item.get("call_id"))


@COMMON.rule("responses.call-answered", "No tool output found for function call", FIELD, documented=False)
def _answered(sent: SentRequest) -> Iterator[str]:
    items = _items(sent)
    answered = {item.get("call_id") for item in items if item.get("type") == "function_call_output"}
    for position, item in enumerate(items):
        if item.get("type") == "function_call" and item.get("call_id") not in answered:
            yield f"input[{position}] {item.get('call_id')!r}"


@COMMON.rule("responses.result-once", "two outputs of one call", FIELD, documented=False)
def _result_once(sent: SentRequest) -> Iterator[str]:
    items = _items(sent)
    seen: dict[Any, int] = {}  # a call's id may be taken again by a later call, which has its own output
    for item in items:
        if item.get("type") == "function_call":
            seen[item.get("call_id")] = 0
        elif item.get("type") == "function_call_output":
            seen[item.get("call_id")] = seen.get(item.get("call_id"), 0) + 1
            if seen[item.get("call_id")] == 2:
                yield repr(item.get("call_id"))


RULES = RuleBook(COMMON)


@RULES.rule("responses.body", "the body must follow CreateResponse, unknown fields included", REFERENCE)
def _shape(sent: SentRequest) -> Iterator[str]:
    yield from breaches(_BODY, sent.body)
    for position, tool in enumerate(dicts(sent.body.get("tools"))):
        if not isinstance(tool.get("type"), str):
            yield f"tools[{position}].type is missing"
        elif tool["type"] == "function":
            yield from breaches(_TOOL, tool, f"tools[{position}]")


@RULES.rule("responses.input", "the input must hold something", REFERENCE)
def _input(sent: SentRequest) -> Iterator[str]:
    others = ("previous_response_id", "prompt", "conversation")
    if not sent.body.get("input") and not any(sent.body.get(name) for name in others):
        yield "input"


@RULES.rule(
    "responses.role-content",
    "input_* is for user, system and developer; output_text and refusal for the assistant",
    REFERENCE,
)
def _role_content(sent: SentRequest) -> Iterator[str]:
    for position, item in enumerate(_items(sent)):
        own = ("output_text", "refusal") if item.get("role") == "assistant" else ("input_",)
        for part in dicts(item.get("content")) if item.get("type", "message") == "message" else ():
            if not str(part.get("type")).startswith(own):
                yield f"input[{position}] {part.get('type')}"


@RULES.rule(
    "responses.ranges",
    "temperature 0 to 2, top_p 0 to 1, top_logprobs 0 to 20, max_output_tokens at least 16",
    REFERENCE,
)
def _ranges(sent: SentRequest) -> Iterator[str]:
    ranges = {"temperature": (0, 2), "top_p": (0, 1), "top_logprobs": (0, 20), "max_output_tokens": (16, 10**9)}
    for name, (low, high) in ranges.items():
        value = sent.body.get(name)
        if isinstance(value, int | float) and not low <= value <= high:
            yield name


@RULES.rule(
    "responses.json-word",
    "JSON mode: the word JSON must appear in the input",
    "https://platform.openai.com/docs/guides/structured-outputs#json-mode",
)
def _json_word(sent: SentRequest) -> Iterator[str]:
    if child(sent.body.get("text"), "format", "type") != "json_object":
        return
    # OpenAI looks into the input messages alone: https://community.openai.com/t/1160338
    if not any("json" in text.lower() for text in texts(sent.body.get("input"))):
        yield "text.format"


@RULES.rule("responses.format-name", "the name of a format: a-z, A-Z, 0-9, _ and -, 64 characters at most", REFERENCE)
def _format_name(sent: SentRequest) -> Iterator[str]:
    name = child(sent.body.get("text"), "format", "name")
    if isinstance(name, str) and not NAME.fullmatch(name):
        yield repr(name)


@RULES.rule(
    "responses.function-name", "the name of a function: a-z, A-Z, 0-9, _ and -, 64 characters at most", REFERENCE
)
def _function_name(sent: SentRequest) -> Iterator[str]:
    for where in (_functions(sent), [item for item in _items(sent) if item.get("type") == "function_call"]):
        for named in where:
            if isinstance(name := named.get("name"), str) and not NAME.fullmatch(name):
                yield repr(name)


@RULES.rule(
    "responses.tool-choice",
    "tool_choice names a function that is not in tools, or there are no tools",
    FIELD,
    documented=False,
)
def _choice(sent: SentRequest) -> Iterator[str]:
    choice = sent.body.get("tool_choice")
    names = [tool.get("name") for tool in _functions(sent)]
    if isinstance(choice, Mapping) and choice.get("type") == "function" and choice.get("name") not in names:
        yield f"tool_choice {choice.get('name')!r}"
    elif choice == "required" and not sent.body.get("tools") and not sent.body.get("prompt"):
        yield "tool_choice"


@RULES.rule("responses.tool-names-unique", "two tools of one name", FIELD, documented=False)
def _names_twice(sent: SentRequest) -> Iterator[str]:
    yield from duplicates(tool.get("name") for tool in _functions(sent))


@RULES.rule(
    "responses.sampling",
    "reasoning models take no temperature, top_p, top_logprobs (from gpt-5.1 on: only with effort none)",
    MODELS,
)
def _sampling(sent: SentRequest) -> Iterator[str]:
    effort = child(sent.body.get("reasoning"), "effort")
    yield from sampling_breaches(sent, ("temperature", "top_p", "top_logprobs"), effort)
    if list(sampling_breaches(sent, ("model",), effort)):
        yield from (name for name in sent.body.get("include") or () if str(name).endswith("logprobs"))


@RULES.rule("responses.effort", "each reasoning model takes some values of reasoning effort only", MODELS)
def _effort(sent: SentRequest) -> Iterator[str]:
    known, effort = fact("openai", sent.family, "efforts"), child(sent.body.get("reasoning"), "effort")
    if known is not None and effort is not None and effort not in known.value:
        yield f"reasoning.effort {effort!r}, not {', '.join(known.value)}"


@RULES.rule(
    "responses.no-reasoning",
    "Unsupported parameter: 'reasoning.effort' is not supported with this model",
    "https://platform.openai.com/docs/api-reference/responses/create#responses-create-reasoning",
)
def _no_reasoning(sent: SentRequest) -> Iterator[str]:
    if any(value is not None for value in (sent.body.get("reasoning") or {}).values()) and _reasons(sent) is False:
        yield "reasoning"


@RULES.rule(
    "responses.encrypted",
    "Encrypted content is not supported with this model",
    "https://github.com/pydantic/pydantic-ai/issues/3326",
    documented=False,
)
def _encrypted(sent: SentRequest) -> Iterator[str]:
    if ENCRYPTED in (sent.body.get("include") or ()) and _reasons(sent) is False:
        yield "include"


@RULES.rule("responses.item-ids", "ids of items begin with msg, fc, rs", FIELD, documented=False)
def _ids(sent: SentRequest) -> Iterator[str]:
    for position, item in enumerate(_items(sent)):
        prefix, given = PREFIXES.get(str(item.get("type", "message"))), item.get("id")
        if prefix and isinstance(given, str) and not given.startswith(prefix):
            yield f"input[{position}].id"


@RULES.rule("responses.item-ids-unique", "Duplicate item found with id", FIELD, documented=False)
def _ids_unique(sent: SentRequest) -> Iterator[str]:
    yield from duplicates(item.get("id") for item in _items(sent))


@RULES.rule(
    "responses.reasoning-kept",
    "with store: false a reasoning item needs its encrypted_content",
    FIELD,
    documented=False,
)
def _kept(sent: SentRequest) -> Iterator[str]:
    if sent.body.get("store") is not False:
        return
    for position, item in enumerate(_items(sent)):
        if item.get("type") == "item_reference" or (
            item.get("type") == "reasoning" and not item.get("encrypted_content") and item.get("id")
        ):
            yield f"input[{position}]"


@RULES.rule(
    "responses.image-url", "image_url must be http(s), or a data URL of png, jpeg, gif or webp", FIELD, documented=False
)
def _image(sent: SentRequest) -> Iterator[str]:
    for place, part in _parts(sent):
        if part.get("type") == "input_image" and not part.get("file_id") and not is_media_url(part.get("image_url")):
            yield place


@RULES.rule(
    "responses.file",
    "input_file has file_id, file_url, or filename and file_data as a data URL",
    "https://platform.openai.com/docs/guides/file-inputs",
)
def _file(sent: SentRequest) -> Iterator[str]:
    for place, part in _parts(sent):
        if part.get("type") != "input_file" or part.get("file_id") or part.get("file_url"):
            continue
        if not part.get("filename") or not str(part.get("file_data", "")).startswith("data:"):
            yield place


def _strict_schemas(sent: SentRequest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    wanted = child(sent.body.get("text"), "format")
    if child(wanted, "strict") is True and isinstance(schema := child(wanted, "schema"), Mapping):
        yield "text.format", schema
    for tool in _functions(sent):
        if tool.get("strict") is True:
            yield f"tools {tool.get('name')!r}", tool.get("parameters") or {}


add_strict_rules(RULES, _strict_schemas)


def _items(sent: SentRequest) -> list[Mapping[str, Any]]:
    return dicts(sent.body.get("input"))


def _functions(sent: SentRequest) -> list[Mapping[str, Any]]:
    return [tool for tool in dicts(sent.body.get("tools")) if tool.get("type") == "function"]


def _parts(sent: SentRequest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for position, item in enumerate(_items(sent)):
        for key in ("content", "output"):
            for number, part in enumerate(dicts(item.get(key))):
                yield f"input[{position}].{key}[{number}]", part


def _reasons(sent: SentRequest) -> bool | None:
    known = fact("openai", sent.family, "reasoning")
    return None if known is None else bool(known.value)
