"""What models take of a request: the options that one refuses, and the words of effort that it knows.

A table of what makers document, by patterns over ids, completed by what the catalog says of a model. What neither
knows is `None` or empty, and the request is sent as it is. Sources, read in November 2026:

- OpenAI: https://platform.openai.com/docs/guides/latest-model, `/guides/reasoning`, `/guides/deployment-checklist`,
  https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning#not-supported; `stop` with gpt-5:
  https://community.openai.com/t/1110750
- xAI: https://docs.x.ai/developers/model-capabilities/text/reasoning, https://docs.x.ai/developers/grok-4-7
- Groq: https://console.groq.com/docs/reasoning; Cohere: https://docs.cohere.com/docs/reasoning
- Mistral: https://docs.mistral.ai/capabilities/reasoning (Magistral always thinks, and has no such option) and
  https://github.com/pydantic/pydantic-ai/issues/5285
- Gemini: https://ai.google.dev/gemini-api/docs/whats-new-gemini-3.6 and
  https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/gemini/3-6-flash; penalties:
  https://github.com/google-gemini/cookbook/issues/1290
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import msgspec

from .catalog import ModelEntry, find
from .model_ids import without_region

__all__ = ["ModelRules", "find_rules"]


class ModelRules(msgspec.Struct, frozen=True, kw_only=True):
    """What one model takes of a request.

    - `refused`: options of `Prompt` that are answered with an error.
    - `refused_while_reasoning`: those too, unless the effort is "none".
    - `efforts`: the words of `reasoning_effort` that it knows; none at all for a model that does not reason; `None`
      when that is unknown.
    - `max_output`: how many tokens it writes at most, at services that refuse a `max_tokens` above.
    - `unread`: kinds of media ("image", "audio", "video") that it is known not to read.
    - `writes_text`: whether it is known to answer in text alone, at services that refuse to be asked for more.
    - `chat_tools`: whether it calls functions on OpenAI's Chat Completions, too: "always", "unreasoned" (with the
      effort "none" only), "never".
    """

    refused: frozenset[str] = frozenset()
    refused_while_reasoning: frozenset[str] = frozenset()
    efforts: tuple[str, ...] | None = None
    unread: frozenset[str] = frozenset()
    max_output: int | None = None
    writes_text: bool = False
    chat_tools: Literal["always", "unreasoned", "never"] = "always"


_SAMPLING = frozenset(
    {"temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias"}
)
_PENALTIES = frozenset({"presence_penalty", "frequency_penalty"})
_USUAL = ("low", "medium", "high")
_LARGE = (*_USUAL, "xhigh", "max")


def _always(*efforts: str, refused: frozenset[str] = _SAMPLING | {"stop"}) -> ModelRules:
    return ModelRules(refused=refused, efforts=efforts)


def _switchable(*efforts: str, chat_tools: Literal["always", "unreasoned"] = "always") -> ModelRules:
    return ModelRules(
        refused=frozenset({"stop"}), refused_while_reasoning=_SAMPLING, efforts=efforts, chat_tools=chat_tools
    )


# The first pattern that matches the start of an id decides. After it may come a date or nothing.
_OPENAI: tuple[tuple[str, ModelRules], ...] = (
    (r"gpt-5-chat", ModelRules(efforts=())),
    (r"gpt-5(\.\d+)?-chat|gpt-chat", _always("medium")),
    (r"gpt-(5-search-api|4o(-mini)?-search-preview)", ModelRules(refused=_SAMPLING | {"n", "stop"}, efforts=())),
    (r"gpt-5-pro", _always("high")),
    (r"gpt-5-codex", _always(*_USUAL)),
    (r"gpt-5(-mini|-nano)?(?![.\w]|-[a-z])", _always("minimal", *_USUAL)),
    (r"gpt-5\.1-codex-max", _always(*_USUAL, "xhigh")),
    (r"gpt-5\.1-codex", _always(*_USUAL)),
    (r"gpt-5\.\d+-codex", _always(*_USUAL, "xhigh")),
    (r"gpt-5\.\d+-pro", _always("medium", "high", "xhigh")),
    (r"gpt-5\.1(?!\d)", _switchable("none", *_USUAL)),
    (r"gpt-5\.[23](?!\d|-[a-z])", _switchable("none", *_USUAL, "xhigh")),
    (r"gpt-5\.[45](-mini|-nano)?(?!\d|-[a-z])", _switchable("none", *_USUAL, "xhigh", chat_tools="unreasoned")),
    (r"gpt-5\.6|gpt-6-(sol|luna)", _switchable("none", *_LARGE, chat_tools="unreasoned")),
    (r"gpt-6(\.\d+)?-(astra|sol|terra)(?!-[a-z])", msgspec.structs.replace(_always(*_LARGE), chat_tools="never")),
    (r"o\d(-mini)?-deep-research", _always("medium")),
    (r"o1-(mini|preview)", _always()),
    (r"o1", _always(*_USUAL, refused=_SAMPLING)),
    (r"o[34]", _always(*_USUAL)),
    (r"codex-mini", _always(*_USUAL)),
    (r"gpt-(3\.5|35|4)|chatgpt-4", ModelRules(efforts=())),
)
_XAI: tuple[tuple[str, ModelRules], ...] = (
    (r"grok-3-mini", _always("low", "high", refused=_PENALTIES | {"stop"})),
    (r"grok-4\.20.{0,60}multi-agent", _always(*_USUAL, "xhigh", refused=_PENALTIES | {"stop"})),
    (r"grok-4\.20.{0,60}non-reasoning", ModelRules(refused=_PENALTIES, efforts=())),
    (r"grok-4\.20", _always(refused=_PENALTIES | {"stop"})),
    (r"grok-4\.3", _always("none", *_USUAL, refused=_PENALTIES | {"stop"})),
    (r"grok-4\.5", _always(*_USUAL, refused=_PENALTIES | {"stop"})),
    (r"grok-4\.[67]", _always(*_USUAL, "xhigh", refused=_PENALTIES | {"stop"})),
    (r"grok-4\.\d", ModelRules(refused=_PENALTIES | {"stop"})),
    (r"grok-(2|3)|grok-.{0,60}non-reasoning", ModelRules(efforts=())),
    (r"grok-(4|code)", _always(refused=_PENALTIES | {"stop"})),
    (r"grok-build", ModelRules(refused=_PENALTIES | {"stop"})),
)
_GROQ: tuple[tuple[str, ModelRules], ...] = (
    (r"openai/gpt-oss", ModelRules(efforts=_USUAL)),
    (r"qwen/qwen3", ModelRules(efforts=("none", "default"))),
)
_DEEPSEEK: tuple[tuple[str, ModelRules], ...] = ((r"deepseek-reasoner", ModelRules(efforts=("high", "max"))),)
_MISTRAL: tuple[tuple[str, ModelRules], ...] = (
    (r"magistral", ModelRules(efforts=())),
    (r"mistral-(medium-3-5|small-(latest|2603))", ModelRules(efforts=("none", "high"))),
)
_TEMPERATURE = frozenset({"temperature", "top_p", "top_k"})
_GEMINI: tuple[tuple[str, ModelRules], ...] = (
    (r"gemini-(3\.5-flash-lite|3\.[6-9]|[4-9])", ModelRules(refused=_TEMPERATURE | _PENALTIES | {"n"})),
    (r"gemini-3", ModelRules(refused=_PENALTIES | {"n"})),
    (r"gemini-2\.5", ModelRules(refused=_PENALTIES)),
)
_TABLES = {
    provider: tuple((re.compile(pattern), rules) for pattern, rules in table)
    for provider, table in {
        "openai": _OPENAI, "azure": _OPENAI, "azure_openai": _OPENAI, "xai": _XAI, "groq": _GROQ,
        "gemini": _GEMINI, "vertexai": _GEMINI, "deepseek": _DEEPSEEK, "mistral": _MISTRAL,
    }.items()
}  # fmt: skip
_WITHOUT_VIDEO = re.compile(r"(mistral|meta|cohere|ai21|openai|deepseek|writer|qwen)\.")
_WITHOUT_AUDIO = re.compile(r"(gpt-[3-6]|chatgpt|codex|o[134])(?!.*(audio|realtime))")
# Services of which every model that does not reason refuses to be told how much it shall.
_REFUSE_EFFORT = frozenset({*_TABLES, "cohere"} - {"deepseek"})
# The words that a service has at all, of which a model that is not known may have some.
_EFFORTS = {"groq": ("none", "default", *_USUAL)}
_REFUSE_LENGTH = frozenset({"openai", "azure", "azure_openai", "anthropic", "bedrock", "gemini", "vertexai"})
_REFUSE_MODALITIES = frozenset({"openai", "azure", "azure_openai", "gemini", "vertexai"})
# Services on which a model that reasons takes no sampling options, as far as nothing else is known of it.
_REFUSE_SAMPLING = frozenset({"openai", "azure", "azure_openai"})


@lru_cache(maxsize=1024)
def find_rules(provider: str, model: str) -> ModelRules:
    """The rules of a model at a provider, by the names that `prices.find` takes."""
    entry = find(provider, model)
    rules = _find_options(provider, model, entry)
    unread = _find_unread(provider, model.lower(), entry)
    limit = entry.max_output_tokens if entry is not None and provider in _REFUSE_LENGTH else None
    mute = entry is not None and entry.output_modalities == ("text",) and provider in _REFUSE_MODALITIES
    if not (unread or limit or mute):
        return rules
    return msgspec.structs.replace(rules, unread=unread, max_output=limit, writes_text=mute)


def _find_unread(provider: str, name: str, entry: ModelEntry | None) -> frozenset[str]:
    """Sound and video are asked of the catalog; pictures are unread only by what is known to read nothing but text."""
    if provider in _REFUSE_SAMPLING and _WITHOUT_AUDIO.match(name):
        return frozenset({"audio", "video"})
    read = entry.input_modalities if entry is not None else None
    if read is None and provider == "bedrock" and (plain := without_region(name)) != name:
        return _find_unread(provider, plain, find(provider, plain))
    if read is None:
        if "claude" in name:
            return frozenset({"audio", "video"})
        return frozenset({"video"}) if provider == "bedrock" and _WITHOUT_VIDEO.search(name) else frozenset()
    return frozenset({"audio", "video"}.difference(read)) | ({"image"} if read == ("text",) else set())


def _find_options(provider: str, model: str, entry: ModelEntry | None) -> ModelRules:
    name = model.lower().removeprefix("ft:").rpartition("models/")[2]
    known = entry is not None and entry.reasoning is False and provider in _REFUSE_EFFORT
    efforts = () if known else _EFFORTS.get(provider)
    for pattern, rules in _TABLES.get(provider, ()):
        if pattern.match(name):
            return rules if rules.efforts is not None else msgspec.structs.replace(rules, efforts=efforts)
    if entry is None:
        return ModelRules(efforts=efforts)
    if entry.reasoning and provider in _REFUSE_SAMPLING and not entry.temperature:
        return ModelRules(refused=frozenset({"stop"}), refused_while_reasoning=_SAMPLING, efforts=efforts)
    refused = frozenset({"temperature", "top_p", "top_k"}) if entry.temperature is False else frozenset()
    return ModelRules(refused=refused, efforts=efforts)
