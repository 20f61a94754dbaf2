"""The settings of the cache: what is answered without asking again, for how long, and where that is kept."""

from __future__ import annotations

from typing import Literal

import msgspec

from .secrets import Secret

__all__ = ["OWNERS", "CacheConfig"]

OWNERS = ("tenant", "project", "key", "user")
"""The names in the `metadata` of a call that tell whom it is for."""


class CacheConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection keeps of the answers that it got, to give them again to equal prompts.

    - `enabled`: whether answers are kept. A call may say otherwise with `response_cache`.
    - `ttl`: for how long an answer is given again, in seconds.
    - `store`: where it is kept: "memory" (of this process), "database" (that of the table `storage`) or "redis".
      Lists of models, and credentials that were found valid, are kept there too.
    - `max_bytes`: of all that is kept in memory, or in the database; what was not used for longest goes first.
      `max_entry_bytes`: of one answer, packed; larger ones are not kept.
    - `tool_calls`: whether answers that call tools are kept.
    - `tenant`: the names in the `metadata` of calls that keep them apart: answers are never given to another one.
    - `share`: a name under which connections with different keys have their answers in common. Without one, only those
      with the same credentials do.
    - `credentials_ttl`: for how long, in seconds, credentials that were found valid are not checked again; 0 has them
      checked each time.
    - `timeout`: for how many seconds a call waits for the database or Redis at most, before it asks the provider.
    - `redis_url`: as in `rate_limiting`; `redis_prefix`: what the keys there begin with.
    """

    enabled: bool = False
    ttl: float = 3600.0
    store: Literal["memory", "database", "redis"] = "memory"
    max_bytes: int = 64 * 1024 * 1024
    max_entry_bytes: int = 1024 * 1024
    tool_calls: bool = False
    tenant: tuple[str, ...] = OWNERS
    share: str | None = None
    credentials_ttl: float = 0.0
    timeout: float = 0.5
    redis_url: Secret | None = None
    redis_prefix: str = "polydriver"
