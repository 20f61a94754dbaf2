"""Many prompts for many models, rendered by the real drivers: what `test_request_matrix` brings before the judges."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

from polydriver.data.messages import AIMessage, Audio, Document, Image, Reasoning, Text, ToolCall, ToolResult, Video
from polydriver.data.prompt import OutputFormat, Prompt, ToolSpec
from polydriver.driver import Driver
from polydriver.drivers import driver_class
from polydriver.errors import AIError
from polydriver.prices.catalog import models
from polydriver.prompting import fit_prompt
from polydriver.testing.examples import example_config
from polydriver.testing.rules import Violation, judge_request

__all__ = ["MODELS", "cases", "catalog_models", "findings", "made_driver", "prompts"]

MODELS: dict[str, list[str]] = {
    "openai": ["gpt-4o", "gpt-4.1-mini", "gpt-5", "gpt-5-mini", "gpt-5-pro", "gpt-5-chat-latest", "gpt-5.1", "gpt-5.2", "gpt-5.2-pro", "gpt-5.4-mini", "gpt-5.6", "gpt-6-astra", "gpt-6-luna", "gpt-6.1-sol", "o3", "o4-mini", "codex-mini-latest"],
    "openai-chat": ["gpt-4o", "gpt-4.1-mini", "gpt-5", "gpt-5-mini", "gpt-5-chat-latest", "gpt-5.1", "gpt-5.2", "gpt-5.5", "gpt-5.6-terra", "gpt-6-astra", "gpt-6-sol", "o3", "o4-mini", "gpt-3.5-turbo", "chatgpt-4o-latest"],
    "azure": ["gpt-4o", "gpt-5", "o3", "gpt-5.1", "gpt-6.1-sol"],
    "azure-chat": ["gpt-4.1", "gpt-5.6-luna"],
    "anthropic": ["claude-3-haiku-20240307", "claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-4-8", "claude-opus-5", "claude-opus-5-5", "claude-sonnet-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-fable-5", "claude-fable-5-1"],
    "vertexai": ["claude-sonnet-4-5@20250929", "claude-opus-5-5", "gemini-2.5-pro", "gemini-3.8-flash"],
    "bedrock": ["anthropic.claude-haiku-4-5-20251001-v1:0", "us.anthropic.claude-opus-5-5", "eu.anthropic.claude-sonnet-5", "amazon.nova-pro-v1:0", "apac.amazon.nova-micro-v1:0", "amazon.titan-text-express-v1", "meta.llama3-3-70b-instruct-v1:0", "mistral.mistral-large-2407-v1:0", "us.meta.llama4-maverick-17b-instruct-v1:0", "nvidia.nemotron-nano-12b-v2"],
    "gemini": ["gemini-2.0-flash", "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-pro-preview", "gemini-3-flash-preview", "gemini-3.5-flash", "gemini-3.5-flash-lite", "gemini-3.6-flash", "gemini-3.8-flash"],
    "cohere": ["command-a-03-2025", "command-r-08-2024", "command-a-reasoning-08-2025"],
    "ollama": ["llama3.2", "qwen3"],
    "mistral": ["mistral-large-latest", "magistral-medium-latest"],
    "groq": ["llama-3.3-70b-versatile", "openai/gpt-oss-120b", "qwen/qwen3-32b", "deepseek-r1-distill-llama-70b", "some-new-model"],
    "deepseek": ["deepseek-chat", "deepseek-reasoner"],
    "xai": ["grok-3", "grok-3-mini", "grok-4-0709", "grok-4.20", "grok-4.6"],
}  # fmt: skip


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


_NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "value": {"type": "string"}}}
_DEEP: dict[str, Any] = {"type": "string"}
for _ in range(12):
    _DEEP = _object(inner=_DEEP)
SCHEMAS: dict[str, dict[str, Any]] = {
    "plain": _object(city={"type": "string"}, population={"type": "integer"}),
    "optional": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer", "default": 3}}, "required": ["a"]},
    "nothing-required": {"type": "object", "properties": {"a": {"type": "string"}}},
    "nullable": _object(a={"anyOf": [{"type": "string"}, {"type": "null"}]}),
    "list": _object(items={"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 5, "uniqueItems": True}),
    "limits": _object(a={"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^a$"}, n={"type": "number", "minimum": 0, "exclusiveMaximum": 9}),
    "formats": _object(a={"type": "string", "format": "uri"}, b={"type": "string", "format": "date-time"}),
    "map": _object(scores={"type": "object", "additionalProperties": {"type": "number"}}),
    "tuple": _object(pair={"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "minItems": 2, "maxItems": 2}),
    "union": _object(a={"oneOf": [_object(kind={"const": "x"}), _object(kind={"const": "y"})]}),
    "all-of": _object(a={"allOf": [_object(b={"type": "string"})]}),
    "reference": {"$defs": {"A": _object(b={"type": "string"})}, **_object(a={"$ref": "#/$defs/A", "description": "An A"})},
    "recursive": {"$defs": {"Node": _NODE}, **_object(head={"$ref": "#/$defs/Node"})},
    "root-reference": {"$defs": {"Node": _NODE}, "$ref": "#/$defs/Node"},
    "root-union": {"anyOf": [_object(a={"type": "string"}), _object(b={"type": "string"})]},
    "root-array": {"type": "array", "items": {"type": "string"}},
    "deep": _DEEP,
    "wide": _object(**{f"p{n}": {"type": "string"} for n in range(40)}),
    "enum": _object(a={"enum": [f"value-{n}" for n in range(1100)]}),
    "anything": _object(a={}),
    "long-names": _object(**{"n" * 80: {"type": "string"}}),
    "closed": {**_object(a={"type": "string"}), "additionalProperties": False},
}  # fmt: skip

OPTIONS: dict[str, dict[str, Any]] = {
    "temperature-0": {"temperature": 0.0},
    "temperature-and-top-p": {"temperature": 0.7, "top_p": 0.9},
    "temperature-2": {"temperature": 2.0},
    "top-k": {"top_k": 40},
    "top-p-1": {"top_p": 1.0},
    "penalties": {"presence_penalty": 0.5, "frequency_penalty": 0.5},
    "logprobs": {"logprobs": True, "top_logprobs": 3},
    "top-logprobs": {"top_logprobs": 3},
    "logit-bias": {"logit_bias": {"50256": -100}},
    "stop": {"stop": ["END"]},
    "stop-many": {"stop": [f"END{n}" for n in range(8)]},
    "stop-none": {"stop": []},
    "seed": {"seed": 7},
    "seed-huge": {"seed": 2**70},
    "n-many": {"n": 200},
    "user-long": {"user": "u" * 600},
    "seed-negative": {"seed": -7},
    "n": {"n": 2},
    "max-tokens": {"max_tokens": 8},
    "parallel-without-tools": {"parallel_tool_calls": False},
    "user": {"user": "ann"},
    "store": {"store": False},
    "service-tier": {"service_tier": "priority"},
    "json": {"response_format": OutputFormat()},
    "budget": {"reasoning_budget": 2048},
    **{f"effort-{word}": {"reasoning_effort": word} for word in ("none", "minimal", "low", "high", "xhigh", "max")},
}

WEATHER = ToolSpec(name="weather", description="The weather", parameters=SCHEMAS["plain"])
_TIME = ToolSpec(name="now", description="The time")
_CALL, _TWO = ToolCall("call_1", "weather", {"city": "Paris"}), ToolCall("call_2", "weather", {"city": "Rome"})
_PNG = Image.from_bytes(b"\x89PNG\r\n\x1a\n", "image/png")
_WAV = Audio.from_bytes(b"RIFF", "audio/wav")
_PDF = Document.from_bytes(b"%PDF-1.7", "application/pdf", name="report.pdf")
_MP4 = Video.from_bytes(b"\x00\x00\x00\x18ftyp", "video/mp4")
_ASKED = AIMessage("What is the weather?")
_SIGNED = Reasoning("Hm", provider_data={"anthropic": {"signature": "c2ln"}})

HISTORIES: dict[str, list[AIMessage]] = {
    "system": [AIMessage.system("Be brief"), AIMessage("Hi")],
    "late-system": [AIMessage("Hi"), AIMessage.assistant("Hello"), AIMessage.system("Be brief"), AIMessage("Bye")],
    "named": [AIMessage("Hi", name="ann lee")],
    "two-users": [AIMessage("Hi"), AIMessage("Ho")],
    "prefill": [AIMessage("A poem"), AIMessage.assistant("Roses are ")],
    "blank": [AIMessage("Hi"), AIMessage.assistant(""), AIMessage("So?")],
    "blank-part": [AIMessage.user(["", _PNG])],
    "call": [_ASKED, AIMessage.assistant("", [_CALL]), AIMessage.tool("call_1", "sunny"), AIMessage("So?")],
    "call-ends": [_ASKED, AIMessage.assistant("", [_CALL]), AIMessage.tool("call_1", "sunny")],
    "two-calls": [_ASKED, AIMessage.assistant("Well", [_CALL, _TWO]), AIMessage.tool("call_1", "a"), AIMessage.tool("call_2", "b")],
    "unanswered": [_ASKED, AIMessage.assistant("", [_CALL, _TWO]), AIMessage.tool("call_1", "a"), AIMessage("So?")],
    "failed-empty": [_ASKED, AIMessage.assistant("", [_CALL]), AIMessage([ToolResult("call_1", "", is_error=True)], "tool")],
    "empty": [_ASKED, AIMessage.assistant("", [_CALL]), AIMessage([ToolResult("call_1", [])], "tool")],
    "seen": [_ASKED, AIMessage.assistant("", [_CALL]), AIMessage([ToolResult("call_1", [Text("see"), _PNG])], "tool")],
    "failed-seen": [_ASKED, AIMessage.assistant("", [_CALL]), AIMessage([ToolResult("call_1", [Text("see"), _PNG], is_error=True)], "tool")],
    "heard": [_ASKED, AIMessage.assistant("", [_CALL]), AIMessage([ToolResult("call_1", [_WAV])], "tool")],
    "odd-name": [_ASKED, AIMessage.assistant("", [ToolCall("a/b+c", "my.tool:x y", {})]), AIMessage.tool("a/b+c", "x"), AIMessage("So?")],
    "thought": [_ASKED, AIMessage([_SIGNED, Text("Hi")], "assistant"), AIMessage("So?")],
    "thought-call": [_ASKED, AIMessage([_SIGNED, _CALL], "assistant"), AIMessage.tool("call_1", "sunny")],
    "image": [AIMessage.user(["Look", _PNG])],
    "image-url": [AIMessage.user(["Look", Image.from_url("https://a.example/x.png")])],
    "image-tiff": [AIMessage.user(["Look", Image.from_bytes(b"II*\x00", "image/tiff")])],
    "audio": [AIMessage.user(["Hear", _WAV])],
    "document": [AIMessage.user(["Read", _PDF])],
    "document-url": [AIMessage.user(["Read", Document.from_url("https://a.example/x.pdf")])],
    "documents": [AIMessage.user(["Read", _PDF]), AIMessage.assistant("Yes"), AIMessage.user(["Again", _PDF])],
    "documents-korean": [AIMessage.user(["Read", Document.from_bytes(b"%PDF-1.7", "application/pdf", name="\ubcf4\uace0\uc11c.pdf"), Document.from_bytes(b"%PDF-1.7", "application/pdf", name="\uacc4\ud68d.pdf")])],
    "document-alone": [AIMessage.user([_PDF])],
    "csv": [AIMessage.user(["Read", Document.from_bytes(b"a,b", "text/csv", name="t.csv")])],
    "video": [AIMessage.user(["Look", _MP4])],
}  # fmt: skip


_TOGETHER: dict[str, dict[str, Any]] = {
    "sampling while thinking": {"temperature": 0, "top_p": 0.3, "stop": ["x"], "reasoning_effort": "high"},
    "form and forced tool": {
        "tools": [WEATHER],
        "tool_choice": "required",
        "response_format": OutputFormat(schema=SCHEMAS["plain"], strict=True),
    },
    "json": {"response_format": OutputFormat()},
}


@cache
def cases() -> dict[str, dict[str, Any]]:
    """All cases by their names: the fields of the prompt."""
    found: dict[str, dict[str, Any]] = {"hello": {}}
    for name, options in OPTIONS.items():
        found[f"option {name}"] = options
        found[f"option {name} with tools"] = {**options, "tools": [WEATHER]}
    for name, schema in SCHEMAS.items():
        for strict in (None, True, False):
            wanted = OutputFormat(name="answer", schema=schema, strict=strict)
            found[f"schema {name} strict={strict}"] = {"response_format": wanted}
        found[f"schema {name} beside tools"] = {"response_format": wanted, "tools": [WEATHER]}
        if schema.get("type") == "object":
            for strict in (None, True):
                tool = ToolSpec(name="tool", description="A tool", parameters=schema, strict=strict)
                found[f"tool {name} strict={strict}"] = {"tools": [tool]}
    for name in ("my answer!", "n" * 90, ""):
        found[f"form named {name[:9]!r}"] = {"response_format": OutputFormat(name=name, schema=SCHEMAS["plain"])}
    for choice in ("auto", "none", "required", "weather"):
        found[f"tool-choice {choice}"] = {"tools": [WEATHER, _TIME], "tool_choice": choice}
        found[f"tool-choice {choice} thinking"] = {
            "tools": [WEATHER],
            "tool_choice": choice,
            "reasoning_effort": "high",
        }
    found["tool-choice required without tools"] = {"tool_choice": "required"}
    for name, messages in HISTORIES.items():
        found[f"history {name}"] = {"messages": messages}
        found[f"history {name} with tools"] = {"messages": messages, "tools": [WEATHER]}
    found["history thought-call thinking"] = {
        "messages": HISTORIES["thought-call"],
        "tools": [WEATHER],
        "reasoning_effort": "high",
    }
    found["history call thinking"] = {
        "messages": HISTORIES["call-ends"],
        "tools": [WEATHER],
        "reasoning_effort": "high",
    }
    for history in HISTORIES:
        for name, fields in _TOGETHER.items():
            found[f"history {history} {name}"] = {"messages": HISTORIES[history], **fields}
    return found


@cache
def made_driver(name: str) -> Driver:
    """A driver with made-up settings; `-chat` behind its name chooses that API."""
    plain, _, api = name.partition("-")
    made = driver_class(plain)
    config = {**example_config(made), **({"api": api} if api else {})}
    if plain == "azure":
        config["endpoint"] = "https://acme.openai.azure.com"
        config.pop("base_url", None)
    if plain == "bedrock":
        config["region"] = "us-east-1"
    return made(config, env={})


def prompts(model: str) -> Iterator[tuple[str, Prompt]]:
    """Every case as a prompt for a model, whole and, for the plain one, streamed."""
    for name, fields in cases().items():
        yield name, Prompt(model=model, **{"messages": [AIMessage("Say hi")], **fields})
    yield "stream", Prompt(model=model, messages=[AIMessage("Say hi")], stream=True, tools=[WEATHER])


def findings(driver: str, model: str) -> Iterator[tuple[str, Violation]]:
    """What the judges say of all cases that the driver does not itself refuse."""
    made = made_driver(driver)
    for name, prompt in prompts(model):
        try:
            fit_prompt(made, prompt)
            request = made.build_request(prompt)
        except AIError:
            continue
        for found in judge_request(made.name, request, model):
            yield name, found


def catalog_models(driver: str) -> list[str]:
    """The chat models of a driver that the catalog knows."""
    plain = driver.partition("-")[0]
    return [entry.id for entry in models("gemini" if plain == "vertexai" else plain) if entry.type in (None, "chat")]


def main(arguments: list[str]) -> int:
    """Print what breaks a rule, for the models of the matrix; with `--all` for all of the catalog."""
    every = "--all" in arguments
    wanted = [name for name in arguments if not name.startswith("-")] or list(MODELS)
    sent = broken = 0
    for driver in wanted:
        for model in catalog_models(driver) if every else MODELS[driver]:
            sent += len(cases()) + 1
            for case, violation in findings(driver, model):
                broken += 1
                print(f"{driver} | {model} | {case} | {violation}")
    print(f"{sent} prompts, {broken} broken rules")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
