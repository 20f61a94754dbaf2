"""Rendering prompts as Messages requests.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from typing import Any

from ...data.history import CONTINUATION
from ...data.json import as_dict, merge
from ...data.messages import ToolResult
from ...data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec
from ..shared.formats import ask_in_words
from ..shared.tools import free_tool_name
from .caching import apply_cache
from .history import render_history
from .options import OWN_OPTIONS, MessagesSettings
from .reasoning import render_sampling, render_thinking
from .schemas import StrictBudget, close_arguments, describe_tool, has_plain_names, object_schema, render_schema

__all__ = ["DEFAULT_MAX_TOKENS", "find_output_tool", "render_prompt", "render_tool"]

DEFAULT_MAX_TOKENS = 4096
"""Sent as `max_tokens`, which the API requires, for a model of unknown limit: every model can write that much."""

_LONGEST_USER = 512
_NEUTRAL = {"n": 1, "logprobs": False, "store": False, "modalities": ["text"]}
_ANSWER_BLOCKS = ("text", "thinking", "redacted_thinking")
_TIERS = {"auto": "auto", "standard_only": "standard_only", "default": "standard_only", "standard": "standard_only"}


def render_prompt(wire: MessagesSettings, prompt: Prompt) -> dict[str, Any]:
    """The body of the request; `prompt.extra` is merged last."""
    prompt = _fit_output(wire, prompt)
    system, messages = render_history(wire, prompt)
    body: dict[str, Any] = {"model": prompt.model, "max_tokens": _max_tokens(wire, prompt)}
    if system:
        body["system"] = system
    body["messages"] = messages
    _end_with_user(wire, prompt, messages)
    _render_tools(wire, prompt, body)
    _render_output(wire, prompt, body)
    render_thinking(wire, prompt, body)
    render_sampling(wire, prompt, body)
    _render_options(wire, prompt, body)
    if prompt.options:
        apply_cache(body, prompt.options.get("cache"))
    _simplify(body)
    if prompt.stream:
        body["stream"] = True
    return merge(body, prompt.extra) if prompt.extra else body


def _end_with_user(wire: MessagesSettings, prompt: Prompt, messages: list[dict[str, Any]]) -> None:
    """Ask to go on behind the start of an answer, where the model takes none. A turn that paused is not such a
    start."""
    if wire.generation(prompt.model).prefill or not messages or messages[-1]["role"] != "assistant":
        return
    if any(block["type"] not in _ANSWER_BLOCKS for block in messages[-1]["content"]):
        return
    prompt.warn(f"{prompt.model} does not take the start of its answer; it was asked to continue instead.")
    messages.append({"role": "user", "content": [{"type": "text", "text": CONTINUATION}]})


def _max_tokens(wire: MessagesSettings, prompt: Prompt) -> int:
    if prompt.max_tokens is not None:
        return prompt.max_tokens
    return wire.output_limit(prompt.model) or DEFAULT_MAX_TOKENS


def _simplify(body: dict[str, Any]) -> None:
    """Write content that is one plain text as a string, and system text likewise."""
    for message in body["messages"]:
        message["content"] = _plain(message["content"])
    if "system" in body:
        body["system"] = _plain(body["system"])


def _plain(blocks: list[dict[str, Any]]) -> Any:
    return blocks[0]["text"] if len(blocks) == 1 and blocks[0].keys() == {"type", "text"} else blocks


def _render_tools(wire: MessagesSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    if not prompt.tools:
        return
    budget = StrictBudget()
    if prompt.response_format is not None and (form := _native_schema(wire, prompt, prompt.response_format)):
        budget.take(form, is_tool=False)
    body["tools"] = [render_tool(wire, prompt, tool, budget) for tool in prompt.tools]
    words = {"auto": "auto", "required": "any", "none": "none"}
    wanted = prompt.tool_choice
    choice: dict[str, Any] | None = None
    if wanted not in (None, "auto", "none") and not wire.generation(prompt.model).forced_tools:
        prompt.warn(f"{prompt.model} cannot be made to call a tool; tool_choice {wanted!r} was left out.")
        if wanted != "required":
            body["tools"] = [tool for tool in body["tools"] if tool.get("name") == wanted] or body["tools"]
    elif wanted is not None:
        choice = {"type": words[wanted]} if wanted in words else {"type": "tool", "name": wanted}
    if prompt.parallel_tool_calls is not None and wanted != "none":
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": not prompt.parallel_tool_calls}
    if choice is not None:
        body["tool_choice"] = choice


def render_tool(
    wire: MessagesSettings, prompt: Prompt, tool: ToolSpec | ProviderTool, budget: StrictBudget
) -> dict[str, Any]:
    """One entry of `tools`. A strict tool whose schema the API cannot promise to keep to is offered as a plain one."""
    if isinstance(tool, ProviderTool):
        return tool.data
    rendered: dict[str, Any] = {"name": tool.name}
    if tool.description:
        rendered["description"] = tool.description
    if not has_plain_names(tool.parameters):
        raise wire.unsupported(f"names of properties beyond letters, digits, _ . - and 64 of them (tool {tool.name!r})")
    arguments = object_schema({"type": "object", **tool.parameters})
    if arguments is None:
        rendered["description"], arguments = describe_tool(tool.description, tool.parameters)
    schema = {"properties": {}, **arguments}
    if tool.strict:
        closed = close_arguments(schema)
        is_sayable = closed is not None and wire.generation(prompt.model).structured
        if closed is None or not is_sayable or not budget.take(closed, is_tool=True):
            prompt.warn(
                f"{wire.name} cannot keep exactly to the schema of {tool.name!r}; it is offered without strict."
            )
        else:
            schema = closed
            rendered["strict"] = True
    rendered["input_schema"] = schema
    return rendered


def _render_output(wire: MessagesSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    """Ask for JSON: by `output_config.format` where model and schema allow it, else by a tool that must be called."""
    wanted = prompt.response_format
    if wanted is None:
        return
    if (schema := _native_schema(wire, prompt, wanted)) is not None:
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        return
    tool: dict[str, Any] = {"name": find_output_tool(wire, prompt)}
    tool["description"] = wanted.description or "Gives the final answer. Call it once, when everything else is done."
    tool["input_schema"] = object_schema(wanted.schema or {"type": "object"})
    body["tools"] = [*body.get("tools", []), tool]
    if prompt.tools and prompt.tool_choice is None:
        body["tool_choice"] = {"type": "any"}
    elif prompt.tool_choice in (None, "none"):
        body["tool_choice"] = {"type": "tool", "name": tool["name"]}


def _fit_output(wire: MessagesSettings, prompt: Prompt) -> Prompt:
    """The prompt itself, or one that asks for JSON in words, where neither a schema nor a forced tool does it."""
    wanted = prompt.response_format
    if wanted is None or _native_schema(wire, prompt, wanted) is not None or _fits_tool(wire, prompt, wanted):
        return prompt
    return ask_in_words(prompt, wanted)


def _fits_tool(wire: MessagesSettings, prompt: Prompt, wanted: OutputFormat) -> bool:
    if not wire.generation(prompt.model).forced_tools:
        return False
    return wanted.schema is None or object_schema(wanted.schema) is not None


def _native_schema(wire: MessagesSettings, prompt: Prompt, wanted: OutputFormat) -> dict[str, Any] | None:
    if wanted.schema is None or wanted.strict is False or not wire.native_output:
        return None
    return render_schema(wanted.schema) if wire.generation(prompt.model).structured else None


def find_output_tool(wire: MessagesSettings, prompt: Prompt) -> str | None:
    """The name of the tool that stands in for structured output; `None` when there is no need for one."""
    wanted = prompt.response_format
    if wanted is None or _native_schema(wire, prompt, wanted) is not None:
        return None
    if not _fits_tool(wire, prompt, wanted):
        return None
    return free_tool_name(prompt, wanted.name)


def _render_options(wire: MessagesSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    if prompt.stop is not None:
        stops = [stop for stop in prompt.stop if stop.strip()]
        if len(stops) < len(prompt.stop):
            prompt.warn(f"{wire.name} does not support stop sequences of white space; they were left out.")
        body["stop_sequences"] = stops
    if prompt.user is not None and len(prompt.user) <= _LONGEST_USER:
        body["metadata"] = {"user_id": prompt.user}
    elif prompt.user is not None:
        prompt.warn(f"{wire.name} takes a user of {_LONGEST_USER} characters at most; it was left out.")
    if prompt.service_tier is not None:
        if tier := _TIERS.get(prompt.service_tier):
            body["service_tier"] = tier
        else:
            prompt.warn(f"{wire.name} does not support service_tier {prompt.service_tier!r}; it was left out.")
    wire.put_options(body, prompt)
    for name, neutral in _NEUTRAL.items():
        if getattr(prompt, name) not in (None, neutral):
            prompt.warn(f"{wire.name} does not support {name}; it was left out.")
    for name, value in prompt.options.items():
        if name not in OWN_OPTIONS:
            both = isinstance(value, dict) and isinstance(body.get(name), dict)
            body[name] = {**body[name], **value} if both else value
    if "container" not in body and (container := _open_container(wire, prompt)):
        body["container"] = container


def _open_container(wire: MessagesSettings, prompt: Prompt) -> str | None:
    """The container of the turn that this prompt continues (after tool results or a pause), which is named again."""
    for message in reversed(prompt.messages):
        if message.role == "assistant":
            container = as_dict(message.provider_data.get(wire.origin)).get("container")
            return container if isinstance(container, str) else None
        if not any(isinstance(part, ToolResult) for part in message.parts):
            return None
    return None
