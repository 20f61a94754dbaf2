"""Rendering prompts as generateContent requests."""

from __future__ import annotations

from typing import Any

from ...contract import RENDERED
from ...data.json import encode_json, merge
from ...data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec
from ...errors import ConfigurationError
from ...schema import Schema, SchemaReferenceError
from .history import render_contents, render_system
from .models import ModelFacts, facts_of
from .names import camel
from .options import CONFIG_OPTIONS, REQUEST_OPTIONS, THINKING_OPTIONS, ContentSettings
from .reasoning import render_thinking
from .schemas import render_json_schema, render_openapi_schema

__all__ = ["render_prompt", "render_tools"]

_TIERS = {"auto": "standard", "default": "standard", **{tier: tier for tier in ("standard", "flex", "priority")}}


def render_prompt(wire: ContentSettings, prompt: Prompt) -> dict[str, Any]:
    """The body of the request; `prompt.extra` is merged last, into the objects that are there already."""
    facts = facts_of(prompt.model)
    body: dict[str, Any] = {"contents": render_contents(wire, prompt, facts)}
    system = render_system(prompt)
    config = _render_config(wire, prompt, facts)
    if prompt.response_format is not None:
        _render_output(wire, prompt, facts, config, system)
    _place_system(wire, prompt, facts, body, system)
    for tool in prompt.tools:
        if isinstance(tool, ToolSpec) and tool.name[:1].isdecimal():
            raise wire.unsupported(f"names of tools that begin with a digit ({tool.name!r}): begin with a letter")
    kinds = {type(tool) for tool in prompt.tools}
    if len(kinds) > 1 and not facts.mixed_tools:
        raise wire.unsupported(f"functions beside Google's own tools with {prompt.model}: offer the one or the other")
    if tools := render_tools(prompt, facts):
        body["tools"] = tools
    if tool_config := _render_tool_config(prompt, facts):
        body["toolConfig"] = tool_config
    if config:
        body["generationConfig"] = config
    _render_request_options(wire, prompt, body)
    return merge(body, prompt.extra)


def _place_system(
    wire: ContentSettings, prompt: Prompt, facts: ModelFacts, body: dict[str, Any], system: list[dict[str, Any]]
) -> None:
    """The system instruction; a model without one, or a prompt with nothing else, gets it as the user's words."""
    if not system:
        return
    contents = body["contents"]
    if facts.system and contents:
        body["systemInstruction"] = {"parts": system}
        return
    prompt.warn(
        f"{wire.name} was given the system message as the user's: it does not support one without another message here."
    )
    if contents and contents[0]["role"] == "user":
        contents[0]["parts"] = system + contents[0]["parts"]
    else:
        contents.insert(0, {"role": "user", "parts": system})


def _render_config(wire: ContentSettings, prompt: Prompt, facts: ModelFacts) -> dict[str, Any]:
    """`generationConfig`, without the form of the answer."""
    config: dict[str, Any] = {}
    wire.put_options(config, prompt)
    if prompt.top_logprobs is not None and prompt.logprobs is None:
        config["responseLogprobs"] = True
    elif prompt.logprobs is False:
        config.pop("logprobs", None)
    if prompt.modalities is not None:
        config["responseModalities"] = [modality.upper() for modality in prompt.modalities]
    if prompt.audio is not None:
        config["speechConfig"] = _render_speech(prompt.audio)
        config.setdefault("responseModalities", ["AUDIO"])
    if thinking := render_thinking(wire, prompt, facts):
        config["thinkingConfig"] = thinking
    for name in CONFIG_OPTIONS & prompt.options.keys():
        config[camel(name)] = prompt.options[name]
    return config


def _render_speech(audio: dict[str, Any]) -> dict[str, Any]:
    """Google's own `speechConfig`, or OpenAI's `{"voice": ...}`."""
    voice = audio.get("voice")
    return {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}} if isinstance(voice, str) else audio


def _render_output(
    wire: ContentSettings, prompt: Prompt, facts: ModelFacts, config: dict[str, Any], system: list[dict[str, Any]]
) -> None:
    """The wanted form of the answer. Models that take none beside tools are told in words."""
    wanted = prompt.response_format
    assert wanted is not None
    is_forced = prompt.tool_choice not in (None, "auto", "none")
    if prompt.tools and (is_forced or not facts.json_with_tools):
        prompt.warn(
            f"{wire.name} does not support a form of the answer beside these tools with this model; "
            "it was asked for in words."
        )
        system.append({"text": _describe_output(wanted)})
        return
    config["responseMimeType"] = "application/json"
    if wanted.schema is None:
        return
    if facts.json_schema:
        config["responseJsonSchema"] = render_json_schema(wanted.schema)
    else:
        config["responseSchema"] = _openapi(wanted.schema)


def _describe_output(wanted: OutputFormat) -> str:
    text = "When you give your final answer, give it as one JSON object and nothing else."
    if wanted.schema is not None:
        text += f" It must follow this JSON schema: {encode_json(wanted.schema).decode()}"
    return text


def render_tools(prompt: Prompt, facts: ModelFacts) -> list[dict[str, Any]]:
    """The `tools` list: all functions in one entry, and Google's own tools as they were given."""
    functions = [_render_function(tool, facts) for tool in prompt.tools if isinstance(tool, ToolSpec)]
    tools: list[dict[str, Any]] = [{"functionDeclarations": functions}] if functions else []
    return tools + [tool.data for tool in prompt.tools if isinstance(tool, ProviderTool)]


def _render_function(tool: ToolSpec, facts: ModelFacts) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "description": tool.description}
    if not tool.parameters.get("properties") and tool.parameters.get("type", "object") == "object":
        return function
    if facts.json_schema:
        function["parametersJsonSchema"] = render_json_schema(tool.parameters)
    else:
        function["parameters"] = _openapi(tool.parameters)
    return function


def _openapi(schema: Schema) -> Schema:
    try:
        return render_openapi_schema(schema)
    except SchemaReferenceError as error:
        raise ConfigurationError(f"the schema cannot be sent: {error}") from error


def _render_tool_config(prompt: Prompt, facts: ModelFacts) -> dict[str, Any]:
    config: dict[str, Any] = {}
    choice = prompt.tool_choice
    has_functions = any(isinstance(tool, ToolSpec) for tool in prompt.tools)
    if choice is not None and has_functions:
        modes = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
        calling: dict[str, Any] = {"mode": modes.get(choice, "ANY")}
        if choice not in modes:
            calling["allowedFunctionNames"] = [choice]
        config["functionCallingConfig"] = calling
    if has_functions and facts.mixed_tools and any(isinstance(tool, ProviderTool) for tool in prompt.tools):
        config["includeServerSideToolInvocations"] = True
    return config


def _render_request_options(wire: ContentSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    for name in sorted(prompt.options.keys() - REQUEST_OPTIONS - CONFIG_OPTIONS - THINKING_OPTIONS):
        prompt.warn(f"{wire.name} does not support {name} with {prompt.model}; it was left out.")
    if prompt.store is not None and wire.rule("store") is RENDERED:
        body["store"] = prompt.store
    if prompt.service_tier is not None and wire.rule("service_tier") is RENDERED:
        if (tier := _TIERS.get(prompt.service_tier)) is not None:
            body["serviceTier"] = tier
        else:
            prompt.warn(f"{wire.name} does not support service_tier {prompt.service_tier!r}; it was left out.")
    for name in REQUEST_OPTIONS & prompt.options.keys():
        value = prompt.options[name]
        if name == "safety_settings" and isinstance(value, dict):
            value = [{"category": category, "threshold": threshold} for category, threshold in value.items()]
        merge(body, {camel(name): value})
