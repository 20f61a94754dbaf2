"""The settings of the cache: what is answered without asking again, for how long, and where that is kept."""

from __future__ import annotations

import msgspec

__all__ = ["OWNERS", "CacheConfig"]

OWNERS = ("tenant", "project", "key", "user")
"""The names in the `metadata` of a call that tell whom it is for."""


class CacheConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection keeps of the answers that it got, to give them again to equal prompts.

    - `enabled`: whether answers are kept. A call may say otherwise with `response_cache`.
    - `ttl`: for how long an answer is given again, in seconds.
    - `max_bytes`: of all that is kept, in the memory of this process; what was not used for longest goes first.
      `max_entry_bytes`: of one answer, packed; larger ones are not kept.
    - `tool_calls`: whether answers that call tools are kept.
    - `tenant`: the names in the `metadata` of calls that keep them apart: answers are never given to another one.
    - `share`: a name under which connections with different keys have their answers in common. Without one, only those
      with the same credentials do.
    """

    enabled: bool = False
    ttl: float = 3600.0
    max_bytes: int = 64 * 1024 * 1024
    max_entry_bytes: int = 1024 * 1024
    tool_calls: bool = False
    tenant: tuple[str, ...] = OWNERS
    share: str | None = None
