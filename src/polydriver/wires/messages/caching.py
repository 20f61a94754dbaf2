"""Prompt caching by one option: where the breakpoints go.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from __future__ import annotations

from typing import Any

from ...errors import ConfigurationError

__all__ = ["apply_cache"]

_MAX_BREAKPOINTS = 4
_UNMARKABLE = frozenset({"thinking", "redacted_thinking", "fallback"})


Blocks = list[dict[str, Any]]


def apply_cache(body: dict[str, Any], cache: object) -> None:
    """Put breakpoints at the end of the messages, the system text and the tools, in this order of importance.

    `body` has lists of blocks everywhere, no plain strings. `cache` is `True` or "5m" (five minutes), "1h", or `False`.
    The API takes four breakpoints, those set on parts by hand included; ours are left out when they would be too many.
    Raises `ConfigurationError` for another value.
    """
    if cache is False or cache is None:
        return
    if cache is not True and cache not in ("5m", "1h"):
        raise ConfigurationError(f'cache must be True, False, "5m" or "1h", not {cache!r}')
    control = {"type": "ephemeral"} if cache is True else {"type": "ephemeral", "ttl": cache}
    tools, system = body.get("tools", []), body.get("system", [])
    contents: list[Blocks] = [message["content"] for message in body["messages"]]
    room = _MAX_BREAKPOINTS - sum("cache_control" in block for blocks in (tools, system, *contents) for block in blocks)
    for blocks in (*contents[-1:], system, tools):
        markable = [place for place, block in enumerate(blocks) if block.get("type") not in _UNMARKABLE]
        at = markable[-1] if markable else None
        if at is not None and room > 0 and "cache_control" not in blocks[at]:
            blocks[at] = {**blocks[at], "cache_control": control}
            room -= 1
