"""What Chat Completions refuses: at every service, and at OpenAI and Azure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .base import RuleBook, SentRequest, child, dicts, duplicates, texts
from .facts import fact
from .openai_schemas import add_strict_rules
from .shapes import breaches, maps, tagged, words

__all__ = ["COMMON", "MESSAGES", "RULES", "is_media_url", "offered", "sampling_breaches", "shape_of"]

REFERENCE = "https://platform.openai.com/docs/api-reference/chat/create"
GUIDE = "https://platform.openai.com/docs/guides/structured-outputs#json-mode"
FIELD = (
    "https://github.com/langchain-ai/langchain, https://github.com/vercel/ai, https://github.com/openai/openai-python"
)

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
UNCLEAN = re.compile(r"[\s<|\\/>]")
MEDIA_URL = re.compile(r"https?://|data:image/(png|jpe?g|gif|webp);base64,", re.IGNORECASE)
SAMPLING = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
)
EFFORTS = words("none", "minimal", "low", "medium", "high", "xhigh", "max")

_TEXT = {"text!": "string", "prompt_cache_breakpoint": "object"}
_REFUSAL = {"refusal!": "string"}
_USER_PART = tagged(
    "type",
    {
        "text": _TEXT,
        "image_url": {
            "image_url!": {"url!": "string", "detail": words("auto", "low", "high", "original")},
            "prompt_cache_breakpoint": "object",
        },
        "input_audio": {
            "input_audio!": {"data!": "string", "format!": words("wav", "mp3")},
            "prompt_cache_breakpoint": "object",
        },
        "file": {
            "file!": {"file_id": "string", "filename": "string", "file_data": "string"},
            "prompt_cache_breakpoint": "object",
        },
    },
)
_TEXTS = ("string", [tagged("type", {"text": _TEXT})])
_CALL = tagged(
    "type",
    {
        "function": {"id!": "string", "function!": {"name!": "string", "arguments!": "string"}},
        "custom": {"id!": "string", "custom!": {"name!": "string", "input!": "string"}},
    },
)
MESSAGES: Any = tagged(
    "role",
    {
        "developer": {"content!": _TEXTS, "name": "string"},
        "system": {"content!": _TEXTS, "name": "string"},
        "user": {"content!": ("string", [_USER_PART]), "name": "string"},
        "assistant": {
            "content": ("string", [tagged("type", {"text": _TEXT, "refusal": _REFUSAL})]),
            "refusal": "string",
            "name": "string",
            "audio": {"id!": "string"},
            "tool_calls": [_CALL],
            "function_call": "object",
            "annotations": "any",
        },
        "tool": {"content!": _TEXTS, "tool_call_id!": "string"},
        "function": {"content!": ("string", None), "name!": "string"},
    },
)
_FUNCTION = {"name!": "string", "description": "string", "parameters": "object", "strict": "boolean"}
_TOOL = tagged("type", {"function": {"function!": _FUNCTION}, "custom": {"custom!": "object"}})
_CHOICE = (
    words("none", "auto", "required"),
    tagged(
        "type",
        {
            "function": {"function!": {"name!": "string"}},
            "custom": {"custom!": {"name!": "string"}},
            "allowed_tools": {"allowed_tools!": "object"},
        },
    ),
)
_FORMAT = tagged(
    "type",
    {
        "text": {},
        "json_object": {},
        "json_schema": {
            "json_schema!": {"name!": "string", "description": "string", "schema": "object", "strict": "boolean"}
        },
    },
)
_BODY: dict[str, Any] = {
    "model!": "string",
    "messages!": [MESSAGES],
    "metadata": maps("string"),
    **dict.fromkeys(("temperature", "top_p", "frequency_penalty", "presence_penalty"), "number"),
    **dict.fromkeys(("top_logprobs", "max_completion_tokens", "max_tokens", "n", "seed"), "integer"),
    **dict.fromkeys(("user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"), "string"),
    **dict.fromkeys(("store", "stream", "logprobs", "parallel_tool_calls"), "boolean"),
    **dict.fromkeys(("prompt_cache_options", "web_search_options", "moderation", "prediction"), "object"),
    "service_tier": words("auto", "default", "flex", "scale", "priority", "fast"),
    "modalities": [words("text", "audio")],
    "verbosity": words("low", "medium", "high"),
    "reasoning_effort": EFFORTS,
    "response_format": _FORMAT,
    "audio": {"voice!": "any", "format!": words("wav", "aac", "mp3", "flac", "opus", "pcm16")},
    "stop": ("string", ["string"]),
    "logit_bias": maps("integer"),
    "stream_options": {"include_usage": "boolean", "include_obfuscation": "boolean"},
    "tools": [_TOOL],
    "tool_choice": _CHOICE,
    "function_call": "any",
    "functions": "any",
}

COMMON = RuleBook()


def shape_of(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The body of OpenAI with fields of a compatible service; `None` takes a field away."""
    changed = {**_BODY, **changes}
    return {name: shape for name, shape in changed.items() if shape is not None}


@COMMON.rule("chat.messages-empty", "[] is too short - 'messages'", FIELD, documented=False)
def _no_messages(sent: SentRequest) -> Iterator[str]:
    if not sent.body.get("messages"):
        yield "messages"


@COMMON.rule(
    "chat.tool-choice-without-tools", "tool_choice is only allowed when tools are specified", FIELD, documented=False
)
def _choice_alone(sent: SentRequest) -> Iterator[str]:
    if sent.body.get("tool_choice") is not None and not sent.body.get("tools"):
        yield "tool_choice"


@COMMON.rule("chat.tool-choice-unknown", "tool_choice names a function that is not in tools", FIELD, documented=False)
def _choice_unknown(sent: SentRequest) -> Iterator[str]:
    name = child(sent.body.get("tool_choice"), "function", "name")
    if name is not None and name not in offered(sent):
        yield f"tool_choice {name!r}"


@COMMON.rule("chat.tool-names-unique", "two tools of one name", FIELD, documented=False)
def _names_twice(sent: SentRequest) -> Iterator[str]:
    yield from duplicates(offered(sent))


@COMMON.rule(
    "chat.calls-answered",
    "an assistant message with tool_calls must be followed by tool messages responding to each tool_call_id",
    FIELD,
    documented=False,
)
def _answered(sent: SentRequest) -> Iterator[str]:
    messages = dicts(sent.body.get("messages"))
    for position, message in enumerate(messages):
        wanted = [call.get("id") for call in dicts(message.get("tool_calls"))]
        answers = []
        for later in messages[position + 1 :]:
            if later.get("role") != "tool":
                break
            answers.append(later.get("tool_call_id"))
        yield from (f"messages[{position}] {name!r}" for name in wanted if name not in answers)


@COMMON.rule(
    "chat.results-called",
    "messages with role 'tool' must be a response to a preceding message with 'tool_calls'",
    FIELD,
    documented=False,
)
def _called(sent: SentRequest) -> Iterator[str]:
    open_: set[Any] = set()
    for position, message in enumerate(dicts(sent.body.get("messages"))):
        if message.get("role") != "tool":
            open_ = {call.get("id") for call in dicts(message.get("tool_calls"))}
        elif message.get("tool_call_id") not in open_:
            yield f"messages[{position}] {message.get('tool_call_id')!r}"


@COMMON.rule("chat.results-once", "two tool messages for one tool_call_id", FIELD, documented=False)
def _results_once(sent: SentRequest) -> Iterator[str]:
    seen: list[Any] = []
    for message in [*dicts(sent.body.get("messages")), {}]:
        if message.get("role") == "tool":
            seen.append(message.get("tool_call_id"))
            continue
        yield from duplicates(seen)
        seen = []


@COMMON.rule("chat.call-ids-unique", "two calls of one message with the same id", FIELD, documented=False)
def _call_ids(sent: SentRequest) -> Iterator[str]:
    for message in dicts(sent.body.get("messages")):
        yield from duplicates(call.get("id") for call in dicts(message.get("tool_calls")))


@COMMON.rule("chat.arguments-text", "function.arguments must be text", FIELD, documented=False)
def _arguments(sent: SentRequest) -> Iterator[str]:
    for position, message in enumerate(dicts(sent.body.get("messages"))):
        for call in dicts(message.get("tool_calls")):
            if not isinstance(child(call, "function", "arguments"), str) and call.get("type") != "custom":
                yield f"messages[{position}].tool_calls"


@COMMON.rule("chat.assistant-content", "content of the assistant is required unless tool_calls are given", REFERENCE)
def _assistant(sent: SentRequest) -> Iterator[str]:
    others = ("tool_calls", "function_call", "refusal", "audio", "reasoning_content", "reasoning")
    for position, message in enumerate(dicts(sent.body.get("messages"))):
        empty = message.get("content") is None or message.get("content") == []
        if message.get("role") == "assistant" and empty and not any(message.get(name) for name in others):
            yield f"messages[{position}]"


@COMMON.rule("chat.stream-options", "stream_options only with stream: true", REFERENCE)
def _stream_options(sent: SentRequest) -> Iterator[str]:
    if sent.body.get("stream_options") is not None and sent.body.get("stream") is not True:
        yield "stream_options"


@COMMON.rule("chat.function-name", "the name of a function: a-z, A-Z, 0-9, _ and -, 64 characters at most", REFERENCE)
def _function_names(sent: SentRequest) -> Iterator[str]:
    yield from (repr(name) for name in offered(sent) if not NAME.fullmatch(name))
    for position, message in enumerate(dicts(sent.body.get("messages"))):
        for call in dicts(message.get("tool_calls")):
            name = child(call, "function", "name")
            if isinstance(name, str) and not NAME.fullmatch(name):
                yield f"messages[{position}] {name!r}"


@COMMON.rule(
    "chat.format-name", "the name of a response format: a-z, A-Z, 0-9, _ and -, 64 characters at most", REFERENCE
)
def _format_name(sent: SentRequest) -> Iterator[str]:
    name = child(sent.body.get("response_format"), "json_schema", "name")
    if isinstance(name, str) and not NAME.fullmatch(name):
        yield repr(name)


@COMMON.rule(
    "chat.parallel-without-tools",
    "parallel_tool_calls is only allowed when tools are specified",
    FIELD,
    documented=False,
)
def _parallel(sent: SentRequest) -> Iterator[str]:
    if sent.body.get("parallel_tool_calls") is not None and not sent.body.get("tools"):
        yield "parallel_tool_calls"


RULES = RuleBook(COMMON)


@RULES.rule("chat.body", "the body must follow CreateChatCompletionRequest, unknown fields included", REFERENCE)
def _shape(sent: SentRequest) -> Iterator[str]:
    shape = shape_of({"model": "string", "model!": None, "data_sources": "any"}) if sent.provider == "azure" else _BODY
    yield from breaches(shape, sent.body)


@RULES.rule("chat.tools-empty", "[] is too short - 'tools'", FIELD, documented=False)
def _no_tools(sent: SentRequest) -> Iterator[str]:
    if sent.body.get("tools") == []:
        yield "tools"


@RULES.rule(
    "chat.ranges",
    "temperature 0 to 2, top_p 0 to 1, penalties -2 to 2, top_logprobs 0 to 20, n 1 to 128, seed of 64 bits",
    REFERENCE,
)
def _ranges(sent: SentRequest) -> Iterator[str]:
    ranges = {"temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2)}
    for name, (low, high) in {
        **ranges,
        "top_logprobs": (0, 20),
        "n": (1, 128),
        "seed": (-(2**63), 2**63),
    }.items():
        value = sent.body.get(name)
        if isinstance(value, int | float) and not low <= value <= high:
            yield name


@RULES.rule("chat.stop-count", "1 to 4 stop sequences", REFERENCE)
def _stops(sent: SentRequest) -> Iterator[str]:
    stop = sent.body.get("stop")
    if isinstance(stop, list) and not 1 <= len(stop) <= 4:
        yield "stop"


@RULES.rule("chat.top-logprobs", "top_logprobs needs logprobs: true", REFERENCE)
def _top_logprobs(sent: SentRequest) -> Iterator[str]:
    if sent.body.get("top_logprobs") is not None and sent.body.get("logprobs") is not True:
        yield "top_logprobs"


@RULES.rule("chat.tools-count", "128 tools at most", REFERENCE)
def _tools_count(sent: SentRequest) -> Iterator[str]:
    if len(sent.body.get("tools") or ()) > 128:
        yield "tools"


@RULES.rule(
    "chat.json-word", "JSON mode: the word JSON must appear in the messages, else the API throws an error", GUIDE
)
def _json_word(sent: SentRequest) -> Iterator[str]:
    contents = [message.get("content") for message in dicts(sent.body.get("messages"))]
    wanted = child(sent.body.get("response_format"), "type") == "json_object"
    if wanted and not any("json" in text.lower() for text in texts(contents)):
        yield "response_format"


@RULES.rule("chat.message-name", "messages[].name must not hold white space, <, |, \\, / or >", FIELD, documented=False)
def _message_name(sent: SentRequest) -> Iterator[str]:
    for position, message in enumerate(dicts(sent.body.get("messages"))):
        if isinstance(name := message.get("name"), str) and (not name or UNCLEAN.search(name)):
            yield f"messages[{position}].name"


@RULES.rule(
    "chat.image-url", "image_url must be http(s), or a data URL of png, jpeg, gif or webp", FIELD, documented=False
)
def _image_url(sent: SentRequest) -> Iterator[str]:
    for place, part in _parts(sent):
        if part.get("type") == "image_url" and not is_media_url(child(part, "image_url", "url")):
            yield place


@RULES.rule(
    "chat.file",
    "a file part has file_id, or filename and file_data as a data URL",
    "https://platform.openai.com/docs/guides/pdf-files",
)
def _file(sent: SentRequest) -> Iterator[str]:
    for place, part in _parts(sent):
        if part.get("type") != "file":
            continue
        file = part.get("file")
        data, whole = child(file, "file_data"), child(file, "filename") and child(file, "file_data")
        if not child(file, "file_id") and not whole:
            yield place
        elif data is not None and not str(data).startswith("data:"):
            yield f"{place}.file_data"


@RULES.rule(
    "chat.audio-parameter",
    "modalities with audio need the audio parameter",
    "https://platform.openai.com/docs/guides/audio",
)
def _audio(sent: SentRequest) -> Iterator[str]:
    if "audio" in (sent.body.get("modalities") or ()) and not sent.body.get("audio"):
        yield "audio"


@RULES.rule("chat.hears", "content blocks are expected to be either text or image_url type", FIELD, documented=False)
def _hears(sent: SentRequest) -> Iterator[str]:
    known = fact("openai", sent.family, "hears")
    if known is not None and not known.value:
        yield from (place for place, part in _parts(sent) if part.get("type") == "input_audio")


@RULES.rule(
    "chat.sampling",
    f"reasoning models take no {', '.join(SAMPLING)} (from gpt-5.1 on: only with effort none)",
    "https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning#not-supported and https://platform.openai.com/docs/guides/latest-model",
)
def _sampling(sent: SentRequest) -> Iterator[str]:
    yield from sampling_breaches(sent, SAMPLING, sent.body.get("reasoning_effort"))


@RULES.rule("chat.stop-refused", "stop is not supported with the reasoning models o3 and o4-mini", REFERENCE)
def _stop(sent: SentRequest) -> Iterator[str]:
    yield from _stop_refused(sent, documented=True)


@RULES.rule(
    "chat.stop-refused-gpt-5",
    "'stop' is not supported with this model",
    "https://community.openai.com/t/1110750",
    documented=False,
)
def _stop_reported(sent: SentRequest) -> Iterator[str]:
    yield from _stop_refused(sent, documented=False)


@RULES.rule(
    "chat.max-tokens",
    "reasoning models take max_completion_tokens, not max_tokens",
    "https://platform.openai.com/docs/api-reference/chat/create#chat-create-max_tokens",
)
def _max_tokens(sent: SentRequest) -> Iterator[str]:
    if sent.body.get("max_tokens") is not None and _reasons(sent) is True:
        yield "max_tokens"


@RULES.rule(
    "chat.no-effort",
    "Unrecognized request argument supplied: reasoning_effort",
    "https://github.com/BerriAI/litellm, https://community.openai.com",
    documented=False,
)
def _no_effort(sent: SentRequest) -> Iterator[str]:
    if sent.body.get("reasoning_effort") is not None and _reasons(sent) is False:
        yield "reasoning_effort"


@RULES.rule(
    "chat.effort",
    "the model does not support this reasoning_effort",
    "https://platform.openai.com/docs/guides/reasoning",
)
def _effort(sent: SentRequest) -> Iterator[str]:
    known, effort = fact("openai", sent.family, "efforts"), sent.body.get("reasoning_effort")
    if known is not None and effort is not None and effort not in known.value:
        yield f"reasoning_effort {effort!r}, not {', '.join(known.value)}"


@RULES.rule(
    "chat.tools-while-reasoning",
    "Function tools with reasoning_effort are not supported on Chat Completions: some models call them with effort none only, some on Responses only",
    "https://platform.openai.com/docs/guides/deployment-checklist",
)
def _tools_while_reasoning(sent: SentRequest) -> Iterator[str]:
    known, effort = fact("openai", sent.family, "chat_tools"), sent.body.get("reasoning_effort")
    if known is None or not sent.body.get("tools"):
        return
    allowed = {"never": (), "unreasoned": ("none",), "without effort": ("none", None)}[known.value]
    if effort not in allowed:
        yield f"tools with reasoning_effort {effort!r}"


def _strict_schemas(sent: SentRequest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    wanted = child(sent.body.get("response_format"), "json_schema")
    if child(wanted, "strict") is True and isinstance(schema := child(wanted, "schema"), Mapping):
        yield "response_format", schema
    for position, tool in enumerate(dicts(sent.body.get("tools"))):
        if child(tool, "function", "strict") is True:
            yield f"tools[{position}]", child(tool, "function", "parameters") or {}


add_strict_rules(RULES, _strict_schemas)


def offered(sent: SentRequest) -> list[str]:
    """The names of the functions that a request offers."""
    names = [child(tool, "function", "name") for tool in dicts(sent.body.get("tools"))]
    return [name for name in names if isinstance(name, str)]


def is_media_url(url: Any) -> bool:
    """Whether OpenAI takes this as the URL of a picture."""
    return isinstance(url, str) and MEDIA_URL.match(url) is not None


def sampling_breaches(sent: SentRequest, names: tuple[str, ...], effort: Any) -> Iterator[str]:
    """The options of sampling among these that a reasoning model refuses."""
    known = fact("openai", sent.family, "sampling")
    if known is not None and (known.value == "never" or (effort or "none") != "none"):
        yield from (name for name in names if sent.body.get(name) is not None and sent.body.get(name) is not False)


def _stop_refused(sent: SentRequest, *, documented: bool) -> Iterator[str]:
    known = fact("openai", sent.family, "stop")
    if known is not None and not known.value and known.documented is documented and sent.body.get("stop"):
        yield "stop"


def _reasons(sent: SentRequest) -> bool | None:
    known = fact("openai", sent.family, "reasoning")
    return None if known is None else bool(known.value)


def _parts(sent: SentRequest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for position, message in enumerate(dicts(sent.body.get("messages"))):
        for number, part in enumerate(dicts(message.get("content"))):
            yield f"messages[{position}].content[{number}]", part
