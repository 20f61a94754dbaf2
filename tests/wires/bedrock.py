"""What the tests of Bedrock share: binary frames, botocore's description of the API, a reader of requests."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Generator
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zlib import crc32

from polydriver.data.http import Reply, Request
from polydriver.data.messages import (
    AIMessage,
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

__all__ = ["chunk", "epoch", "event", "exception", "frame", "read_request", "run", "validate_body"]

ORIGIN = "bedrock"


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """Return one message of an AWS event stream."""
    named = b""
    for name, value in headers.items():
        named += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
    prelude = struct.pack("!II", 16 + len(named) + len(payload), len(named))
    prelude += struct.pack("!I", crc32(prelude))
    whole = prelude + named + payload
    return whole + struct.pack("!I", crc32(whole))


def epoch(stamp: str) -> float:
    """The seconds since the epoch of a moment as AWS writes it."""
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def event(kind: str, **payload: Any) -> bytes:
    """Return an event, with the padding that Bedrock adds."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps({**payload, "p": "abcdef"}).encode())


def chunk(payload: Any) -> bytes:
    """Return an event of InvokeModelWithResponseStream."""
    return event("chunk", bytes=base64.b64encode(json.dumps(payload).encode()).decode())


def exception(kind: str, message: str) -> bytes:
    """Return an exception in a stream."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": message}).encode())


@cache
def _service() -> Any:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))


def validate_body(operation: str, body: dict[str, Any]) -> None:
    """Raise `AssertionError` when a body is not what botocore's description of the operation asks for."""
    from botocore.validate import ParamValidator

    report = ParamValidator().validate({"modelId": "a", **body}, _service().operation_model(operation).input_shape)
    assert not report.has_errors(), report.generate_report()


def read_request(body: dict[str, Any], model: str) -> Prompt:
    """Return the prompt that a request body stands for: the inverse of rendering."""
    messages = []
    if system := body.get("system"):
        messages.append(AIMessage([_part(block) for block in system], "system"))
    for message in body["messages"]:
        messages.append(AIMessage([_part(block) for block in message["content"]], message["role"]))
    config, tools = body.get("inferenceConfig") or {}, body.get("toolConfig") or {}
    choice = tools.get("toolChoice") or {}
    fields = body.get("additionalModelRequestFields") or {}
    wanted = (body.get("outputConfig") or {}).get("textFormat", {}).get("structure", {}).get("jsonSchema")
    return Prompt(
        messages=messages,
        model=model,
        max_tokens=config.get("maxTokens"),
        temperature=config.get("temperature"),
        top_p=config.get("topP"),
        stop=config.get("stopSequences"),
        top_k=fields.get("top_k"),
        reasoning_budget=fields.get("thinking", {}).get("budget_tokens"),
        tools=[_tool(tool) for tool in tools.get("tools", [])],
        tool_choice="auto"
        if "auto" in choice
        else "required"
        if "any" in choice
        else choice.get("tool", {}).get("name"),
        response_format=OutputFormat(name=wanted["name"], schema=json.loads(wanted["schema"])) if wanted else None,
    )


def _tool(tool: dict[str, Any]) -> ToolSpec | ProviderTool:
    if "toolSpec" not in tool:
        return ProviderTool(data=tool)
    spec = tool["toolSpec"]
    return ToolSpec(name=spec["name"], description=spec.get("description", ""), parameters=spec["inputSchema"]["json"])


def _part(block: dict[str, Any]) -> Part:
    if "text" in block:
        return Text(block["text"])
    if call := block.get("toolUse"):
        return ToolCall(call["toolUseId"], call["name"], call["input"])
    if result := block.get("toolResult"):
        content = [_part(inner) for inner in result["content"]]
        return ToolResult(result["toolUseId"], content, is_error=result.get("status") == "error")
    if reasoning := block.get("reasoningContent"):
        shown = reasoning["reasoningText"]
        return Reasoning(shown["text"], {ORIGIN: {"signature": shown["signature"]}})
    kinds: dict[str, type[Image | Video | Document]] = {"image": Image, "video": Video, "document": Document}
    for kind, made in kinds.items():
        if media := block.get(kind):
            source = media["source"]
            if "s3Location" in source:
                return made(url=source["s3Location"]["uri"])
            name = media.get("name")
            return made(data=_decoded(source["bytes"]), media_type=_media_type(kind, media["format"]), name=name)
    kind = next(iter(block))
    return ProviderPart(ORIGIN, kind, block)


def _decoded(text: str) -> bytes:
    """The recordings have placeholders in place of large files, which are not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return text.encode()


def _media_type(kind: str, name: str) -> str:
    return {"txt": "text/plain", "pdf": "application/pdf"}.get(name, f"{kind}/{name}")


def run(flow: Generator[Request, Reply, Any], *replies: Reply) -> tuple[Any, list[Request]]:
    """Answer a flow's requests in order; return its value and the requests."""
    asked = []
    try:
        asked.append(next(flow))
        for answer in replies:
            asked.append(flow.send(answer))
    except StopIteration as done:
        return done.value, asked
    raise AssertionError(f"more requests than answers: {asked}")
