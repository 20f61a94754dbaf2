"""Tools as several wires render them: names, ids, parameters."""

from __future__ import annotations

import re

from ...data.arguments import make_call_id, plain_name
from ...data.prompt import Prompt, ToolSpec

__all__ = ["FAILED_SILENTLY", "NO_OUTPUT", "free_tool_name", "function_tools", "plain_call_id", "tool_parameters"]

FAILED_SILENTLY = "The tool failed without a message."
"""What stands in a failed result without content, which several services refuse."""

NO_OUTPUT = "(no output)"
"""What stands in a result without content where a service refuses an empty one."""

_LONGEST_OWN = 60
_PLAIN_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def function_tools(prompt: Prompt) -> list[ToolSpec]:
    """The tools that the caller runs."""
    return [tool for tool in prompt.tools if isinstance(tool, ToolSpec)]


def tool_parameters(tool: ToolSpec) -> dict[str, object]:
    """The tool's JSON schema; one without parameters is an empty object schema, which every wire accepts."""
    return tool.parameters or {"type": "object", "properties": {}}


def plain_call_id(call_id: str) -> str:
    """A call's id in letters, digits, `_` and `-`, 64 at most: itself, or the same other one each time."""
    return call_id if _PLAIN_ID.fullmatch(call_id) else make_call_id(call_id, 0)


def free_tool_name(prompt: Prompt, name: str) -> str:
    """The name for a tool of a wire's own in the alphabet of tools, with `_` behind it as long as one of the caller's
    tools has it."""
    name = plain_name(name or "output", _LONGEST_OWN)
    taken = {tool.name for tool in prompt.tools if isinstance(tool, ToolSpec)}
    while name in taken:
        name += "_"
    return name
