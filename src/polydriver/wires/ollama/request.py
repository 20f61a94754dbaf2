"""Rendering prompts for Ollama: bodies and options. Messages are in `messages`."""

from __future__ import annotations

from typing import Any

from ...data.json import merge
from ...data.messages import Reasoning, Text
from ...data.prompt import Prompt, ProviderTool, ToolSpec
from ..shared.tools import tool_parameters
from .history import render_content, render_messages
from .options import GENERATE_OPTIONS, RUNTIME_OPTIONS, OllamaSettings

__all__ = ["is_generation", "render_prompt"]

_LEVELS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


def is_generation(prompt: Prompt) -> bool:
    """Whether the prompt goes to `generate`."""
    wanted = prompt.options.get("generate")
    return bool(wanted) if wanted is not None else not GENERATE_OPTIONS.isdisjoint(prompt.options)


def render_prompt(wire: OllamaSettings, prompt: Prompt) -> dict[str, Any]:
    """The body of the request; `prompt.extra` is merged last. Raises `UnsupportedFeatureError` for a conversation that
    `generate` cannot hold."""
    body: dict[str, Any] = {"model": prompt.model, "stream": prompt.stream}
    if is_generation(prompt):
        body.update(_render_generation(wire, prompt))
    else:
        body["messages"] = render_messages(wire, prompt)
        _render_tools(wire, prompt, body)
    if prompt.response_format is not None:
        body["format"] = "json" if prompt.response_format.schema is None else prompt.response_format.schema
    if (think := _render_thinking(wire, prompt)) is not None:
        body["think"] = think
    for option in ("logprobs", "top_logprobs"):
        if (value := getattr(prompt, option)) is not None:
            body[option] = value
    _render_options(wire, prompt, body)
    return merge(body, prompt.extra)


def _render_options(wire: OllamaSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    own = dict(prompt.options)
    own.pop("generate", None)
    runtime: dict[str, Any] = {}
    wire.put_options(runtime, prompt)
    runtime.update({name: own.pop(name) for name in list(own) if name in RUNTIME_OPTIONS})
    runtime.update(own.pop("options", None) or {})
    if runtime:
        body["options"] = runtime
    body.update(own)


def _render_tools(wire: OllamaSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    """Tools can be offered, and left out; there is no way to ask for a call."""
    tools, choice = prompt.tools, prompt.tool_choice
    if not tools or choice == "none":
        return
    if choice not in (None, "auto"):
        prompt.warn(f"{wire.name} cannot be made to call a tool; tool_choice {choice!r} is only a selection.")
        if choice != "required":
            tools = [tool for tool in tools if not isinstance(tool, ToolSpec) or tool.name == choice]
    body["tools"] = [_render_tool(wire, tool) for tool in tools]


def _render_tool(wire: OllamaSettings, tool: ToolSpec | ProviderTool) -> dict[str, Any]:
    if isinstance(tool, ProviderTool):
        return tool.data
    function = {"name": tool.name, "description": tool.description, "parameters": tool_parameters(tool)}
    return {"type": "function", "function": function}


def _render_thinking(wire: OllamaSettings, prompt: Prompt) -> bool | str | None:
    """On or off; gpt-oss alone takes degrees, and other models refuse a request with them. `think=...` is sent as it
    is."""
    if prompt.reasoning_budget is not None:
        if prompt.reasoning_budget == 0:
            return False
        prompt.warn(f"{wire.name} does not support reasoning_budget; it was left out. Use reasoning_effort.")
    effort = prompt.reasoning_effort
    if effort is None:
        return None
    if effort == "none":
        return False
    return _LEVELS.get(effort, effort) if "gpt-oss" in prompt.model else True


def _render_generation(wire: OllamaSettings, prompt: Prompt) -> dict[str, Any]:
    """`system`, `prompt` and `images` of the one user's message that `generate` continues."""
    if prompt.tools:
        raise wire.unsupported("tools with generate; use the chat")
    instructions = [message.text for message in prompt.messages if message.role in ("system", "developer")]
    others = [message for message in prompt.messages if message.role not in ("system", "developer")]
    if len(others) != 1 or others[0].role != "user":
        raise wire.unsupported("conversations with generate, only one message of the user; use the chat")
    parts = [part for part in others[0].parts if not isinstance(part, Reasoning)]
    text, images = render_content(wire, prompt, parts or [Text("")])
    body: dict[str, Any] = {"prompt": text}
    if instructions:
        body["system"] = "\n\n".join(instructions)
    if images:
        body["images"] = images
    return body
