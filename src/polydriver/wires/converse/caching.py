"""Prompt caching by one option: where the cache points go.

https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
"""

from __future__ import annotations

from typing import Any

from ...errors import ConfigurationError

__all__ = ["apply_cache"]

_MAX_POINTS = 4


def apply_cache(body: dict[str, Any], cache: object) -> None:
    """Put cache points behind the last message, the system text and the tools, in this order of importance.

    `cache` is `True`, "5m" (five minutes), "1h" or `False`. A request holds four points, those set by hand included;
    ours are left out when they would be too many. Raises `ConfigurationError` for another value.
    """
    if cache is False or cache is None:
        return
    if cache is not True and cache not in ("5m", "1h"):
        raise ConfigurationError(f'cache must be True, False, "5m" or "1h", not {cache!r}')
    point = {"cachePoint": {"type": "default"} if cache is True else {"type": "default", "ttl": cache}}
    contents = [message["content"] for message in body["messages"]]
    system, tools = body.get("system", []), body.get("toolConfig", {}).get("tools", [])
    room = _MAX_POINTS - sum("cachePoint" in block for blocks in (system, tools, *contents) for block in blocks)
    for blocks in (*contents[-1:], system, tools):
        if blocks and room > 0 and "cachePoint" not in blocks[-1]:
            blocks.append(point)
            room -= 1
