"""What Gemini's generateContent refuses, also on Vertex AI."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .base import RuleBook, SentRequest, child, dicts, duplicates
from .facts import fact
from .schemas import resolve, walk
from .shapes import breaches, words

__all__ = ["RULES"]

REFERENCE = "https://ai.google.dev/api/generate-content"
THINKING = "https://ai.google.dev/gemini-api/docs/thinking"
SIGNATURES = "https://ai.google.dev/gemini-api/docs/thought-signatures"
FIELD = "https://github.com/googleapis/python-genai/issues"
TURNS = "https://github.com/microsoft/vscode/issues/299295"

FUNCTION = re.compile(r"[a-zA-Z_][a-zA-Z0-9_:.-]{0,127}")
DATA = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
)

_UNDERSCORE = re.compile(r"(?<=[a-z])_([a-z])")
_BLOB = {"mimeType": "string", "data": "string", "displayName": "string"}
_PART: dict[str, Any] = {
    "text": "string",
    "inlineData": _BLOB,
    "fileData": {"mimeType": "string", "fileUri": "string", "displayName": "string"},
    "functionCall": {"id": "string", "name": "string", "args": "object"},
    "functionResponse": {
        "id": "string",
        "name!": "string",
        "response": "object",
        "parts": ["object"],
        "scheduling": "string",
        "willContinue": "boolean",
    },
    "thought": "boolean",
    "thoughtSignature": "string",
    **dict.fromkeys(("executableCode", "codeExecutionResult", "toolCall", "toolResponse"), "object"),
    **dict.fromkeys(("mediaResolution", "partMetadata", "videoMetadata"), "object"),
}
_CONTENT = {"role": "string", "parts": [_PART]}
_DECLARATION = {
    "name!": "string",
    "description": "string",
    "behavior": "string",
    **dict.fromkeys(("parameters", "response"), "object"),
    **dict.fromkeys(("parametersJsonSchema", "responseJsonSchema"), "any"),
}
_CONFIG: dict[str, Any] = {
    **dict.fromkeys(("candidateCount", "logprobs", "maxOutputTokens", "seed"), "integer"),
    **dict.fromkeys(("temperature", "topP", "topK", "frequencyPenalty", "presencePenalty"), "number"),
    **dict.fromkeys(
        ("responseLogprobs", "enableAffectiveDialog", "enableEnhancedCivicAnswers", "audioTimestamp"), "boolean"
    ),
    "stopSequences": ["string"],
    "responseModalities": [words("TEXT", "IMAGE", "AUDIO", "VIDEO", "MODALITY_UNSPECIFIED")],
    "responseMimeType": "string",
    "thinkingConfig": {"includeThoughts": "boolean", "thinkingBudget": "integer", "thinkingLevel": "string"},
    **dict.fromkeys(
        (
            "responseSchema",
            "responseJsonSchema",
            "_responseJsonSchema",
            "responseFormat",
            "imageConfig",
            "mediaResolution",
            "speechConfig",
            "translationConfig",
            "routingConfig",
            "modelConfig",
        ),
        "any",
    ),
}
_BODY: dict[str, Any] = {
    "contents!": ([_CONTENT], _CONTENT),
    "systemInstruction": _CONTENT,
    "generationConfig": _CONFIG,
    "tools": ["object"],
    "toolConfig": {
        "functionCallingConfig": {
            "mode": words("AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"),
            "allowedFunctionNames": ["string"],
            "streamFunctionCallArguments": "boolean",
        },
        "includeServerSideToolInvocations": "boolean",
        "retrievalConfig": "object",
    },
    "safetySettings": ["object"],
    "labels": "object",
    "modelArmorConfig": "object",
    **dict.fromkeys(("cachedContent", "model", "serviceTier"), "string"),
    "store": "boolean",
}

_FOREIGN = ("args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "labels")


def _camel(value: Any) -> Any:
    """The body with the names that proto JSON prefers: those with underscores are taken as well."""
    if isinstance(value, list):
        return [_camel(inner) for inner in value]
    if not isinstance(value, Mapping):
        return value
    renamed = {_UNDERSCORE.sub(lambda found: found[1].upper(), name): inner for name, inner in value.items()}
    return {name: inner if name in _FOREIGN else _camel(inner) for name, inner in renamed.items()}


RULES = RuleBook(read=_camel)


@RULES.rule("gemini.body", "the body must follow GenerateContentRequest (unknown names are refused)", REFERENCE)
def _shape(sent: SentRequest) -> Iterator[str]:
    yield from breaches(_BODY, sent.body)
    for declaration in _declarations(sent):
        yield from breaches(_DECLARATION, declaration, "functionDeclarations")


@RULES.rule("gemini.parts", "a part has exactly one kind of data", REFERENCE)
def _kinds(sent: SentRequest) -> Iterator[str]:
    for position, content in enumerate(_contents(sent)):
        for part in dicts(content.get("parts")):
            given = sum(name in part for name in DATA)
            if given > 1 or (given == 0 and "thoughtSignature" not in part):
                yield f"contents[{position}]"


@RULES.rule(
    "gemini.function-names",
    "names of functions: a-z, A-Z, 0-9, _ : . and -, 128 at most; they begin with a letter or _",
    REFERENCE,
)
def _names(sent: SentRequest) -> Iterator[str]:
    used = [
        call.get("name")
        for content in _contents(sent)
        for kind in ("functionCall", "functionResponse")
        for call in _of(content, kind)
    ]
    for name in [*(declaration.get("name") for declaration in _declarations(sent)), *used]:
        if not FUNCTION.fullmatch(str(name)):
            yield repr(name)
    yield from (f"two of {name!r}" for name in duplicates(item.get("name") for item in _declarations(sent)))


@RULES.rule(
    "gemini.two-schemas",
    "parameters and parametersJsonSchema exclude each other, as the two response schemas do; they need responseMimeType application/json",
    REFERENCE,
)
def _two(sent: SentRequest) -> Iterator[str]:
    yield from (
        str(item.get("name")) for item in _declarations(sent) if {"parameters", "parametersJsonSchema"} <= set(item)
    )
    config = _config(sent)
    given = [
        name for name in ("responseSchema", "responseJsonSchema", "_responseJsonSchema") if config.get(name) is not None
    ]
    if len(given) > 1:
        yield "generationConfig"
    if given and config.get("responseMimeType") not in ("application/json", "text/x.enum"):
        yield "responseMimeType"


@RULES.rule(
    "gemini.cycles",
    "JSON schema: cyclic references only in properties that are not required; references lead somewhere",
    REFERENCE,
)
def _cycles(sent: SentRequest) -> Iterator[str]:
    for place, schema, is_json in _schemas(sent):
        if is_json and any("$ref" in node and resolve(schema, node["$ref"]) is None for _, node in walk(schema)):
            yield place
        if is_json and _must_be_endless(schema):
            yield f"{place}: a cycle of required properties"


@RULES.rule("gemini.logprobs", "logprobs (0 to 20) needs responseLogprobs", REFERENCE)
def _logprobs(sent: SentRequest) -> Iterator[str]:
    config = _config(sent)
    given = config.get("logprobs")
    if given is not None and (config.get("responseLogprobs") is not True or not 0 <= given <= 20):
        yield "logprobs"


@RULES.rule(
    "gemini.ranges",
    "5 stop sequences at most, candidateCount 1 to 8, temperature 0 to 2, topP 0 to 1, topK at least 1, maxOutputTokens at least 1",
    REFERENCE,
)
def _ranges(sent: SentRequest) -> Iterator[str]:
    config = _config(sent)
    if len(config.get("stopSequences") or ()) > 5:
        yield "stopSequences"
    ranges = {
        "candidateCount": (1, 8),
        "temperature": (0, 2),
        "topP": (0, 1),
        "topK": (1, 1e9),
        "maxOutputTokens": (1, 1e9),
    }
    for name, (low, high) in ranges.items():
        if isinstance(config.get(name), int | float) and not low <= config[name] <= high:
            yield name
    if isinstance(seed := config.get("seed"), int) and not -(2**31) <= seed < 2**31:
        yield "seed"


@RULES.rule(
    "gemini.contents",
    "roles are user and model, and neither contents nor parts are empty",
    "https://github.com/egoist/chatwise-releases/issues/250",
    documented=False,
)
def _roles(sent: SentRequest) -> Iterator[str]:
    if not _contents(sent):
        yield "contents"
    for position, content in enumerate(_contents(sent)):
        if content.get("role") not in (None, "user", "model", "function") or not content.get("parts"):
            yield f"contents[{position}]"
    system = sent.body.get("systemInstruction")
    if isinstance(system, Mapping) and not system.get("parts"):
        yield "systemInstruction"


@RULES.rule(
    "gemini.blank-text",
    "a text part must not be empty",
    "https://github.com/router-for-me/CLIProxyAPI/issues/1292",
    documented=False,
)
def _blank(sent: SentRequest) -> Iterator[str]:
    for position, content in enumerate(_contents(sent)):
        if any(part.get("text") == "" and not part.get("thoughtSignature") for part in dicts(content.get("parts"))):
            yield f"contents[{position}]"


@RULES.rule(
    "gemini.turns",
    "a function call turn comes right after a user turn or a function response turn, a function response turn right after a function call turn, with a response for each call",
    TURNS,
    documented=False,
)
def _turns(sent: SentRequest) -> Iterator[str]:
    contents = _contents(sent)
    for position, content in enumerate(contents):
        calls, answers = _of(content, "functionCall"), _of(content, "functionResponse")
        before = contents[position - 1] if position else {}
        if calls and (not position or before.get("role") == "model"):
            yield f"contents[{position}]: a call"
        if len(answers) != (asked := len(_of(before, "functionCall"))) and (answers or asked):
            yield f"contents[{position}]: {len(answers)} responses to {asked} calls"


@RULES.rule(
    "gemini.schema",
    "Schema: an ARRAY has items, required names a property that is defined, formats of STRING are enum and date-time",
    FIELD,
    documented=False,
)
def _schema(sent: SentRequest) -> Iterator[str]:
    for place, schema, is_json in _schemas(sent):
        for way, node in walk(schema) if not is_json else ():
            kind = str(node.get("type")).upper()
            if kind == "ARRAY" and "items" not in node:
                yield f"{place}{way}: items"
            yield from (
                f"{place}{way}: required {name!r}"
                for name in node.get("required") or ()
                if name not in (node.get("properties") or {})
            )
            if kind == "STRING" and node.get("format") not in (None, "enum", "date-time"):
                yield f"{place}{way}: format"


@RULES.rule(
    "gemini.forced-json",
    "forced function calling (ANY) with responseMimeType application/json is unsupported",
    "https://github.com/vercel/ai/pull/16540",
    documented=False,
)
def _forced_json(sent: SentRequest) -> Iterator[str]:
    mode = child(sent.body.get("toolConfig"), "functionCallingConfig", "mode")
    if mode == "ANY" and _config(sent).get("responseMimeType") == "application/json":
        yield "toolConfig"


@RULES.rule(
    "gemini.calling-config",
    "functionCallingConfig needs functions, and names such as are declared, with mode ANY or VALIDATED",
    REFERENCE,
)
def _calling(sent: SentRequest) -> Iterator[str]:
    config = child(sent.body.get("toolConfig"), "functionCallingConfig")
    allowed, declared = child(config, "allowedFunctionNames") or [], [item.get("name") for item in _declarations(sent)]
    if allowed and (child(config, "mode") not in ("ANY", "VALIDATED") or set(allowed) - set(declared)):
        yield "allowedFunctionNames"
    if child(config, "mode") == "ANY" and not declared:
        yield "mode"


@RULES.rule(
    "gemini.mixed-tools",
    "functions beside Google's own tools need includeServerSideToolInvocations, and are unsupported with Gemini 2.x",
    "https://ai.google.dev/gemini-api/docs/tool-combination and https://github.com/symfony/ai/issues/803",
)
def _mixed(sent: SentRequest) -> Iterator[str]:
    kinds = {name for tool in dicts(sent.body.get("tools")) for name in tool}
    allowed = child(sent.body.get("toolConfig"), "includeServerSideToolInvocations") is True
    if "functionDeclarations" in kinds and len(kinds) > 1 and (_refuses(sent, "mixed_tools") or not allowed):
        yield f"tools: {', '.join(sorted(kinds))}"


@RULES.rule("gemini.thinking", "the model takes no thinkingConfig, or no such level or budget", THINKING)
def _thinking(sent: SentRequest) -> Iterator[str]:
    config = _config(sent).get("thinkingConfig")
    if not config:
        return
    thinks, levels, budgets = (fact("gemini", sent.family, name) for name in ("gemini_thinks", "levels", "budgets"))
    level, budget = child(config, "thinkingLevel"), child(config, "thinkingBudget")
    if thinks is not None and not thinks.value:
        yield "thinkingConfig"
    if levels is not None and level is not None and str(level).upper() not in levels.value:
        yield f"thinkingLevel {level!r}"
    if budgets is not None and budget not in (None, -1) and not budgets.value[0] <= budget <= budgets.value[1]:
        yield f"thinkingBudget {budget!r}"
    if level is not None and budget is not None:
        yield "thinkingLevel beside thinkingBudget"


@RULES.rule(
    "gemini.prefill",
    "Requests ending with a model turn are not supported",
    "https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/gemini/3-6-flash",
)
def _prefill(sent: SentRequest) -> Iterator[str]:
    last = _contents(sent)[-1:]
    if _refuses(sent, "gemini_prefill") and last and last[0].get("role") == "model":
        yield "contents"


@RULES.rule(
    "gemini.penalties",
    "Penalty is not enabled for this model",
    "https://github.com/google-gemini/cookbook/issues/1290",
    documented=False,
)
def _penalties(sent: SentRequest) -> Iterator[str]:
    if _refuses(sent, "gemini_penalties"):
        yield from (name for name in ("presencePenalty", "frequencyPenalty") if _config(sent).get(name))


@RULES.rule(
    "gemini.sampling",
    "the model takes no temperature, topP, topK (ignored, or refused), and one candidate only",
    "https://ai.google.dev/gemini-api/docs/whats-new-gemini-3.6",
    documented=False,
)
def _sampling(sent: SentRequest) -> Iterator[str]:
    if _refuses(sent, "gemini_sampling"):
        yield from (name for name in ("temperature", "topP", "topK") if _config(sent).get(name) is not None)
    if _refuses(sent, "gemini_candidates") and _config(sent).get("candidateCount") not in (None, 1):
        yield "candidateCount"


@RULES.rule(
    "gemini.signatures",
    "Gemini 3: the first function call of each step of the current turn must carry its thoughtSignature",
    SIGNATURES,
)
def _signatures(sent: SentRequest) -> Iterator[str]:
    if not re.match(r"gemini-[3-9]", sent.family):
        return
    contents = _contents(sent)
    start = max(
        (
            n
            for n, content in enumerate(contents)
            if content.get("role") == "user" and not _of(content, "functionResponse")
        ),
        default=0,
    )
    for position in range(start, len(contents)):
        calls = [part for part in dicts(contents[position].get("parts")) if "functionCall" in part]
        if calls and not calls[0].get("thoughtSignature"):
            yield f"contents[{position}]"


@RULES.rule(
    "gemini.media-results",
    "functionResponse.parts only with Gemini 3 and later",
    "https://ai.google.dev/gemini-api/docs/function-calling#multimodal",
)
def _media_results(sent: SentRequest) -> Iterator[str]:
    known = fact("gemini", sent.family, "media_results")
    if known is not None and not known.value:
        yield from (
            f"contents[{n}]"
            for n, content in enumerate(_contents(sent))
            if any(item.get("parts") for item in _of(content, "functionResponse"))
        )


def _refuses(sent: SentRequest, name: str) -> bool:
    known = fact("gemini", sent.family, name)
    return known is not None and not known.value


def _contents(sent: SentRequest) -> list[Mapping[str, Any]]:
    contents = sent.body.get("contents")
    return dicts([contents] if isinstance(contents, Mapping) else contents)


def _config(sent: SentRequest) -> Mapping[str, Any]:
    found = sent.body.get("generationConfig")
    return found if isinstance(found, Mapping) else {}


def _of(content: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [part[kind] for part in dicts(content.get("parts")) if isinstance(part.get(kind), Mapping)]


def _declarations(sent: SentRequest) -> list[Mapping[str, Any]]:
    tools = dicts(sent.body.get("tools"))
    return [item for tool in tools for item in dicts(tool.get("functionDeclarations"))]


def _schemas(sent: SentRequest) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """The schemas of a request, and whether each is JSON Schema rather than Google's own."""
    found = [
        (f"functions {item.get('name')!r}", item, name)
        for item in _declarations(sent)
        for name in ("parameters", "parametersJsonSchema")
    ]
    found += [("generationConfig", _config(sent), name) for name in ("responseSchema", "responseJsonSchema")]
    for place, holder, name in found:
        if isinstance(schema := holder.get(name), Mapping):
            yield place, schema, name.endswith("JsonSchema")


def _must_be_endless(root: Mapping[str, Any]) -> bool:
    """Whether a value would have to hold itself: a cycle through required properties alone."""
    path: set[int] = set()
    stack: list[tuple[Mapping[str, Any], bool]] = [(root, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            path.discard(id(node))
            continue
        if id(node) in path:
            return True
        path.add(id(node))
        stack.append((node, True))
        named = node.get("properties") or {}
        inner = [named[name] for name in node.get("required") or () if isinstance(named.get(name), Mapping)]
        inner += [target] if (target := resolve(root, node.get("$ref"))) is not None else []
        stack.extend((found, False) for found in inner)
    return False
