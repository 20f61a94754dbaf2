"""Prompt caching by one option: where the cache points go.

https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
"""

from __future__ import annotations

from typing import Any

from ...data.prompt import Prompt
from ...errors import ConfigurationError
from .options import ConverseSettings

__all__ = ["apply_cache"]

_MAX_POINTS = 4


def apply_cache(wire: ConverseSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    """Put cache points behind the last message, the system text and the tools, in this order of importance.

    The option `cache` is `True`, "5m" (five minutes), "1h" or `False`. A request holds four points, those set by hand
    included; ours are left out when they would be too many, and where the model takes none. Raises `ConfigurationError`
    for another value.
    """
    cache = prompt.options.get("cache")
    if cache is False or cache is None:
        return
    if cache is not True and cache not in ("5m", "1h"):
        raise ConfigurationError(f'cache must be True, False, "5m" or "1h", not {cache!r}')
    cached = wire.family(prompt.model).cached
    if not cached:
        prompt.warn(f"{prompt.model} caches no prompts; cache was left out.")
        return
    point = {"cachePoint": {"type": "default"} if cache is True else {"type": "default", "ttl": cache}}
    parts: dict[str, list[dict[str, Any]]] = {
        "messages": body["messages"][-1]["content"] if body["messages"] else [],
        "system": body.get("system", []),
        "tools": body.get("toolConfig", {}).get("tools", []),
    }
    contents = [message["content"] for message in body["messages"]]
    blocks_of_all = (parts["system"], parts["tools"], *contents)
    room = _MAX_POINTS - sum("cachePoint" in block for blocks in blocks_of_all for block in blocks)
    for name, blocks in parts.items():
        if name in cached and blocks and room > 0 and "cachePoint" not in blocks[-1]:
            blocks.append(point)
            room -= 1
