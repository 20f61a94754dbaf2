"""Limits over many processes and machines, kept in Redis or Valkey (extra `redis`)."""

from __future__ import annotations

from .....config.limits import RateLimitConfig
from ....redis_clients import client_for
from .gate import RedisLimits
from .store import Store

__all__ = ["RedisLimits", "limits_over_redis"]

_LEASE_SECONDS = 30.0
_stores: dict[tuple[str, str, float, str], Store] = {}


def limits_over_redis(name: str, config: RateLimitConfig, uncounted: tuple[str, ...] = ()) -> RedisLimits:
    """The limits of a connection, in the Redis that the settings name. Nothing is sent, and Redis need not be there.

    Raises `ConfigurationError` where redis-py is missing.
    """
    assert config.redis_url is not None
    url = config.redis_url.reveal()
    key = (url, config.redis_prefix, config.redis_timeout, config.redis_failure)
    store = _stores.get(key)
    if store is None:
        store = _stores.setdefault(key, _store(url, config))
    return RedisLimits(name, config, uncounted, store)


def _store(url: str, config: RateLimitConfig) -> Store:
    client, where = client_for(url, "a limit over Redis")
    choice = {
        "local": "each process keeps to the limits alone",
        "open": "there are no limits",
        "closed": "calls are refused",
    }[config.redis_failure]
    return Store(
        client, where, config.redis_prefix, config.redis_timeout, _LEASE_SECONDS, choice,
        is_cluster="+cluster:" in url,
    )  # fmt: skip
