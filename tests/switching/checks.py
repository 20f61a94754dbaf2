"""What must hold for every request, whoever made the history."""

from __future__ import annotations

import itertools
from typing import Any

from polydriver.data.messages import AIMessage
from polydriver.prompting import build_prompt

from .histories import WEATHER
from .wires import Wire, is_allowed, render_with

__all__ = ["check_calls", "check_turns", "render"]


def render(wire: Wire, messages: list[AIMessage], **options: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the body that a conversation becomes, which must be valid, and the warnings."""
    prompt, _ = build_prompt(wire.driver, messages, {"model": wire.model, "tools": [WEATHER], **options})
    body = render_with(wire, prompt)
    return body, prompt.warnings


def check_calls(wire: Wire, body: dict[str, Any]) -> list[str]:
    """Check that each call has an id of its own and one result right behind it, and return the ids in order."""
    waiting: list[str] = []
    called: list[str] = []
    for kind, value in wire.steps(body):
        if kind == "call":
            assert is_allowed(wire, value), value
            assert wire.ids is None or value not in called, f"{value} stands for two calls"
            waiting.append(value)
            called.append(value)
        elif kind == "result":
            assert waiting, f"a result without a call: {value}"
            assert value == waiting.pop(0)
        elif value == "assistant" or not wire.alternates:
            assert not waiting, f"calls without results: {waiting}"
    assert not waiting
    return called


def check_turns(wire: Wire, body: dict[str, Any]) -> None:
    """Check that the user begins and the roles alternate, where the wire demands it."""
    if wire.alternates:
        turns = [value for kind, value in wire.steps(body) if kind == "turn"]
        assert turns[0] == "user"
        assert all(before != after for before, after in itertools.pairwise(turns))
