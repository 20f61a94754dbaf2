"""Reading the generateContent requests that other libraries made as conversations of ours: the inverse of rendering."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from polydriver.data.messages import (
    AIMessage,
    Audio,
    Document,
    Image,
    Part,
    ProviderPart,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from polydriver.data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec
from polydriver.wires.generate_content.names import with_camel_names

__all__ = ["ORIGIN", "read_request"]

ORIGIN = "google"
MEDIA: dict[str, type[Image | Audio | Video | Document]] = {"image": Image, "audio": Audio, "video": Video}
MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none"}


def read_request(body: dict[str, Any], model: str, *, stream: bool = False) -> Prompt:
    """Return the prompt that a request body stands for."""
    body = with_camel_names(body)
    config = body.get("generationConfig") or {}
    thinking = config.get("thinkingConfig") or {}
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    messages = []
    if system := body.get("systemInstruction"):
        messages.append(AIMessage("".join(part["text"] for part in system["parts"]), "system"))
    messages += [_message(content) for content in body["contents"]]
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    wanted = OutputFormat(schema=schema) if config.get("responseMimeType") == "application/json" else None
    return Prompt(
        messages=messages,
        model=model,
        stream=stream,
        temperature=config.get("temperature"),
        top_p=config.get("topP"),
        top_k=config.get("topK"),
        max_tokens=config.get("maxOutputTokens"),
        n=config.get("candidateCount"),
        logprobs=config.get("responseLogprobs"),
        top_logprobs=config.get("logprobs"),
        modalities=config.get("responseModalities"),
        reasoning_budget=thinking.get("thinkingBudget"),
        tools=_tools(body.get("tools") or []),
        tool_choice=(calling.get("allowedFunctionNames") or [MODES.get(calling.get("mode", ""))])[0],
        response_format=wanted,
        options={
            **({"safety_settings": body["safetySettings"]} if "safetySettings" in body else {}),
            **({"cached_content": body["cachedContent"]} if "cachedContent" in body else {}),
        },
    )


def _tools(tools: list[dict[str, Any]]) -> list[ToolSpec | ProviderTool]:
    found: list[ToolSpec | ProviderTool] = []
    for tool in tools:
        for function in tool.get("functionDeclarations", []):
            parameters = function.get("parametersJsonSchema") or function.get("parameters") or {}
            found.append(
                ToolSpec(name=function["name"], description=function.get("description", ""), parameters=parameters)
            )
        if "functionDeclarations" not in tool:
            found.append(ProviderTool(data=tool))
    return found


def _message(content: dict[str, Any]) -> AIMessage:
    parts = [_part(part) for part in content["parts"]]
    if content.get("role") == "model":
        return AIMessage(parts, "assistant")
    return AIMessage(parts, "tool" if any(isinstance(part, ToolResult) for part in parts) else "user")


def _part(part: dict[str, Any]) -> Part:
    own: dict[str, Any] = {
        name: part[name] for name in ("thoughtSignature", "videoMetadata", "mediaResolution") if name in part
    }
    data = {ORIGIN: own} if own else {}
    if call := part.get("functionCall"):
        given = {ORIGIN: {"id": call["id"], **own}} if "id" in call else data
        return ToolCall(call.get("id") or call["name"], call["name"], call.get("args") or {}, None, given)
    if result := part.get("functionResponse"):
        value = result["response"]
        failed = list(value) == ["error"]
        text = value["error"] if failed else msgspec.json.encode(value).decode()
        media = [_part(part) for part in result.get("parts", [])]
        content = [Text(text), *media] if media else text
        return ToolResult(result.get("id") or result["name"], content, result["name"], is_error=failed)
    if blob := part.get("inlineData"):
        return _kind(blob["mimeType"])(data=_bytes(blob["data"]), media_type=blob["mimeType"], provider_data=data)
    if file := part.get("fileData"):
        return _kind(file.get("mimeType", ""))(url=file["fileUri"], media_type=file.get("mimeType"), provider_data=data)
    if "text" in part:
        return Reasoning(part["text"], data) if part.get("thought") else Text(part["text"], provider_data=data)
    return ProviderPart(ORIGIN, next(name for name in part if name != "thoughtSignature"), part)


def _bytes(data: str) -> bytes:
    """The bytes of base64 text; a stand-in where the recording elided some of it."""
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        return b"elided"


def _kind(media_type: str) -> type[Image | Audio | Video | Document]:
    return MEDIA.get(media_type.partition("/")[0], Document)
