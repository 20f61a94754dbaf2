"""What compatible services refuse beyond, or instead of, Chat Completions: Mistral, Groq, DeepSeek, xAI; and Azure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from . import chat_completions, responses
from .base import RuleBook, SentRequest, child, dicts, duplicates
from .facts import fact
from .shapes import breaches, words

__all__ = ["AZURE", "AZURE_RESPONSES", "DEEPSEEK", "GROQ", "MISTRAL", "XAI"]

MISTRAL_API = "https://docs.mistral.ai/api"
GROQ_API = "https://console.groq.com/docs/openai"
GROQ_SCHEMAS = "https://console.groq.com/docs/structured-outputs"
XAI_REASONING = "https://docs.x.ai/developers/model-capabilities/text/reasoning"
FIELD = "https://github.com/BerriAI/litellm, https://github.com/langchain-ai/langchain"

MISTRAL = chat_completions.COMMON.without("chat.tool-names-unique", "chat.call-ids-unique", "chat.stream-options")
GROQ = RuleBook(chat_completions.COMMON)
DEEPSEEK = RuleBook(chat_completions.COMMON)
XAI = RuleBook(chat_completions.COMMON)

_MISTRAL_BODY = frozenset(
    {
        "model",
        "messages",
        "temperature",
        "top_p",
        "max_tokens",
        "stream",
        "stop",
        "random_seed",
        "metadata",
        "response_format",
        "tools",
        "tool_choice",
        "presence_penalty",
        "frequency_penalty",
        "n",
        "prediction",
        "parallel_tool_calls",
        "prompt_mode",
        "reasoning_effort",
        "safe_prompt",
        "guardrails",
        "prompt_cache_key",
        "service_tier",
    }
)
_MISTRAL_MESSAGES = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "prefix"},
    "tool": {"role", "content", "tool_call_id", "name"},
}
_CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")


@MISTRAL.rule("mistral.body", "extra inputs are not permitted", MISTRAL_API)
def _mistral_body(sent: SentRequest) -> Iterator[str]:
    yield from (name for name in sent.body if name not in _MISTRAL_BODY)
    for position, message in enumerate(dicts(sent.body.get("messages"))):
        known = _MISTRAL_MESSAGES.get(str(message.get("role")))
        if known is None:
            yield f"messages[{position}].role {message.get('role')!r}"
        else:
            yield from (f"messages[{position}].{name}" for name in message if name not in known)


@MISTRAL.rule("mistral.tool-choice", "tool_choice is auto, none, any, required or a function", MISTRAL_API)
def _mistral_choice(sent: SentRequest) -> Iterator[str]:
    if isinstance(choice := sent.body.get("tool_choice"), str):
        yield from breaches(words("auto", "none", "any", "required"), choice, "tool_choice")


@MISTRAL.rule("mistral.ranges", "temperature from 0 to 1.5, top_p 0 to 1, penalties -2 to 2", MISTRAL_API)
def _mistral_ranges(sent: SentRequest) -> Iterator[str]:
    ranges = {
        "temperature": (0, 1.5),
        "top_p": (0, 1),
        "presence_penalty": (-2, 2),
        "frequency_penalty": (-2, 2),
        "random_seed": (0, 2**63),
    }
    for name, (low, high) in ranges.items():
        value = sent.body.get(name)
        if isinstance(value, int | float) and not low <= value <= high:
            yield name


@MISTRAL.rule(
    "mistral.call-ids",
    "a tool call id must be a-z, A-Z, 0-9, with a length of 9",
    "https://github.com/BibekBhusal0/zen-custom-js/pull/7",
    documented=False,
)
def _mistral_ids(sent: SentRequest) -> Iterator[str]:
    for message in dicts(sent.body.get("messages")):
        for given in [*(call.get("id") for call in dicts(message.get("tool_calls"))), message.get("tool_call_id")]:
            if given is not None and not _CALL_ID.fullmatch(str(given)):
                yield repr(given)


@MISTRAL.rule("mistral.unique", "duplicate tool call ids or tool names", FIELD, documented=False)
def _mistral_unique(sent: SentRequest) -> Iterator[str]:
    for message in dicts(sent.body.get("messages")):
        yield from duplicates(call.get("id") for call in dicts(message.get("tool_calls")))
    yield from duplicates(chat_completions.offered(sent))


@MISTRAL.rule(
    "mistral.prefix",
    "the last message is not of the assistant, or it has prefix; prefix only there",
    FIELD,
    documented=False,
)
def _mistral_prefix(sent: SentRequest) -> Iterator[str]:
    messages = dicts(sent.body.get("messages"))
    for position, message in enumerate(messages):
        last = position == len(messages) - 1
        if message.get("prefix") and (not last or message.get("role") != "assistant"):
            yield f"messages[{position}].prefix"
        if last and message.get("role") == "assistant" and not message.get("prefix"):
            yield f"messages[{position}]"


@MISTRAL.rule(
    "mistral.effort",
    "the model takes no such reasoning_effort",
    "https://docs.mistral.ai/capabilities/reasoning/adjustable",
)
def _mistral_effort(sent: SentRequest) -> Iterator[str]:
    known, effort = fact("mistral", sent.family, "mistral_efforts"), sent.body.get("reasoning_effort")
    if known is not None and effort is not None and effort not in known.value:
        yield f"reasoning_effort {effort!r}"


_GROQ_OWN: dict[str, Any] = {
    **dict.fromkeys(
        (
            "logit_bias",
            "modalities",
            "audio",
            "moderation",
            "prompt_cache_key",
            "prompt_cache_options",
            "prompt_cache_retention",
            "safety_identifier",
            "verbosity",
            "web_search_options",
            "prediction",
        ),
        None,
    ),
    **dict.fromkeys(
        (
            "citation_options",
            "reasoning_format",
            "include_reasoning",
            "search_settings",
            "documents",
            "exclude_domains",
            "include_domains",
            "compound_custom",
            "disable_tool_validation",
            "metadata",
        ),
        "any",
    ),
    "reasoning_effort": words("none", "default", "low", "medium", "high"),
    "service_tier": words("auto", "on_demand", "flex", "performance"),
    "messages!": "any",
    "tools": "any",
}


@GROQ.rule("groq.body", "unknown field; service_tier is auto, on_demand, flex or performance", GROQ_API)
def _groq_body(sent: SentRequest) -> Iterator[str]:
    yield from breaches(chat_completions.shape_of(_GROQ_OWN), sent.body)


@GROQ.rule(
    "groq.refused", "logprobs, top_logprobs, logit_bias and messages[].name result in a 400, and n must be 1", GROQ_API
)
def _groq_refused(sent: SentRequest) -> Iterator[str]:
    yield from (name for name in ("logprobs", "top_logprobs", "logit_bias") if sent.body.get(name))
    if sent.body.get("n") not in (None, 1):
        yield "n"
    messages = dicts(sent.body.get("messages"))
    yield from (
        f"messages[{n}].name"
        for n, message in enumerate(messages)
        if message.get("name") and message.get("role") != "tool"
    )


@GROQ.rule(
    "groq.json-schema", "json_schema is supported by some models only, and not with tools or streaming", GROQ_SCHEMAS
)
def _groq_schema(sent: SentRequest) -> Iterator[str]:
    if child(sent.body.get("response_format"), "type") != "json_schema":
        return
    known = fact("groq", sent.model, "json_schema")
    if known is not None and not known.value:
        yield "response_format"
    if sent.body.get("tools"):
        yield "response_format beside tools"
    if sent.body.get("stream"):
        yield "response_format in a stream"


@GROQ.rule(
    "groq.json-beside-tools",
    "json_object cannot be combined with tool calling",
    "https://github.com/agno-agi/agno/issues/1065",
    documented=False,
)
def _groq_json(sent: SentRequest) -> Iterator[str]:
    if child(sent.body.get("response_format"), "type") == "json_object" and sent.body.get("tools"):
        yield "response_format"


@DEEPSEEK.rule(
    "deepseek.thinking-choice",
    "thinking mode does not support this tool_choice",
    "https://github.com/deepseek-ai/DeepSeek-V3/issues/1376",
    documented=False,
)
def _deepseek_choice(sent: SentRequest) -> Iterator[str]:
    choice = sent.body.get("tool_choice")
    thinks = sent.family == "deepseek-reasoner" or child(sent.body.get("thinking"), "type") == "enabled"
    if thinks and (choice == "required" or isinstance(choice, dict)):
        yield "tool_choice"


@DEEPSEEK.rule(
    "deepseek.prefix", "prefix needs base_url .../beta", "https://api-docs.deepseek.com/guides/chat_prefix_completion"
)
def _deepseek_prefix(sent: SentRequest) -> Iterator[str]:
    if any(message.get("prefix") for message in dicts(sent.body.get("messages"))) and "/beta/" not in sent.path:
        yield "messages"


@DEEPSEEK.rule(
    "deepseek.format",
    "response_format is text or json_object",
    "https://api-docs.deepseek.com/api/create-chat-completion",
)
def _deepseek_format(sent: SentRequest) -> Iterator[str]:
    if (kind := child(sent.body.get("response_format"), "type")) not in (None, "text", "json_object"):
        yield f"response_format {kind!r}"


@XAI.rule("xai.effort", "the model takes no such reasoning effort", XAI_REASONING)
def _xai_effort(sent: SentRequest) -> Iterator[str]:
    known = fact("xai", sent.family, "xai_efforts")
    effort = sent.body.get("reasoning_effort") or child(sent.body.get("reasoning"), "effort")
    if known is not None and effort is not None and effort not in known.value:
        yield repr(effort)


@XAI.rule(
    "xai.names",
    "only messages of role user can have a name",
    "https://github.com/BerriAI/litellm/issues/9720",
    documented=False,
)
def _xai_names(sent: SentRequest) -> Iterator[str]:
    for position, message in enumerate(dicts(sent.body.get("messages"))):
        if message.get("name") and message.get("role") != "user":
            yield f"messages[{position}].name"


@XAI.rule("xai.penalties", "reasoning models take no presence_penalty, frequency_penalty and stop", XAI_REASONING)
def _xai_penalties(sent: SentRequest) -> Iterator[str]:
    known = fact("xai", sent.family, "penalties")
    if known is not None:
        names = ("presence_penalty", "frequency_penalty", *(("stop",) if known.documented else ()))
        yield from (name for name in names if sent.body.get(name) is not None)


AZURE = RuleBook(chat_completions.RULES)
AZURE_RESPONSES = RuleBook(responses.RULES)


@AZURE_RESPONSES.rule(
    "azure.version",
    "the API by date needs api-version in the query, v1 takes none but preview",
    "https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle",
)
@AZURE.rule(
    "azure.version",
    "the API by date needs api-version in the query, v1 takes none but preview",
    "https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle",
)
def _version(sent: SentRequest) -> Iterator[str]:
    path, _, query = sent.path.partition("?")
    given = re.search(r"(?:^|&)api-version=([^&]+)", query)
    if "/openai/v1/" in path:
        if given and given[1] not in ("preview", "latest", "v1"):
            yield f"api-version {given[1]}"
    elif "/deployments/" in path and not given:
        yield "api-version"
