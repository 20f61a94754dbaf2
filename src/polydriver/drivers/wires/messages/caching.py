"""Prompt caching by one option: where the breakpoints go.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from __future__ import annotations

from typing import Any

from ....errors import ConfigurationError

__all__ = ["apply_cache"]

_MAX_BREAKPOINTS = 4
_UNMARKABLE = frozenset({"thinking", "redacted_thinking", "fallback"})


def apply_cache(body: dict[str, Any], cache: object) -> None:
    """Put breakpoints at the end of the messages, the system text and the tools, in this order of importance.

    `cache` is `True` or "5m" (five minutes), "1h", or `False`. The API takes four breakpoints, those set on parts by hand
    included; ours are left out when they would be too many. Raises `ConfigurationError` for another value.
    """
    if cache is False or cache is None:
        return
    if cache is not True and cache not in ("5m", "1h"):
        raise ConfigurationError(f'cache must be True, False, "5m" or "1h", not {cache!r}')
    control = {"type": "ephemeral"} if cache is True else {"type": "ephemeral", "ttl": cache}
    tools, system = body.get("tools") or [], body.get("system")
    if isinstance(system, str):
        system = body["system"] = [{"type": "text", "text": system}]
    contents = [message["content"] for message in body["messages"]]
    for message, content in zip(body["messages"], contents, strict=True):
        if isinstance(content, str) and message is body["messages"][-1]:
            message["content"] = [{"type": "text", "text": content}]
    groups = [tools, system or [], *(message["content"] for message in body["messages"] if isinstance(message["content"], list))]
    room = _MAX_BREAKPOINTS - sum("cache_control" in block for group in groups for block in group)
    for group in (groups[-1] if len(groups) > 2 else [], groups[1], groups[0]):
        at = next((place for place in reversed(range(len(group))) if group[place].get("type") not in _UNMARKABLE), None)
        if at is not None and room > 0 and "cache_control" not in group[at]:
            group[at] = {**group[at], "cache_control": control}
            room -= 1
