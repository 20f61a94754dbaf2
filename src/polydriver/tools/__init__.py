"""Tools ("function calling"): what they are, what a model is told of them, and how their calls are run."""

from __future__ import annotations

from .definition import Tool, ToolLike, make_tools, tool
from .rendering import render_failure, render_result
from .rounds import Approve, OnToolEvent
from .running import run_calls, run_calls_sync, run_tool, run_tool_sync
from .signature import ToolArgumentsError

__all__ = [
    "Approve",
    "OnToolEvent",
    "Tool",
    "ToolArgumentsError",
    "ToolLike",
    "make_tools",
    "render_failure",
    "render_result",
    "run_calls",
    "run_calls_sync",
    "run_tool",
    "run_tool_sync",
    "tool",
]
