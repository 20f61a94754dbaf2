"""Limits over many processes and machines, kept in Redis or Valkey (extra `redis`)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from .....config.limits import RateLimitConfig
from .....errors import ConfigurationError
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
    client, where = _client_for(url)
    choice = {
        "local": "each process keeps to the limits alone",
        "open": "there are no limits",
        "closed": "calls are refused",
    }[config.redis_failure]
    return Store(
        client, where, config.redis_prefix, config.redis_timeout, _LEASE_SECONDS, choice,
        one_by_one="+cluster:" in url,
    )  # fmt: skip


def _client_for(url: str) -> tuple[Any, str]:
    """What makes a client, and how it is called in the log: without the password that the URL may have."""
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.cluster import RedisCluster
        from redis.retry import Retry
    except ImportError as error:
        raise ConfigurationError(
            "limits over Redis need redis-py", hint="Install it: pip install 'polydriver[redis]'."
        ) from error
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    where = parts.path if scheme == "unix" else f"{parts.hostname or 'localhost'}:{parts.port or 6379}"
    address = url.replace(f"{scheme}+cluster:", f"{scheme}:", 1)

    def connect(patience: float) -> Any:
        # Half for the connection and half for the answer, no second try: a call waits no longer for Redis.
        options: dict[str, Any] = {
            "socket_connect_timeout": patience / 2,
            "socket_timeout": patience / 2,
            "protocol": 2,
            "retry": Retry(NoBackoff(), 0),
            "driver_info": None,  # else each connection begins with two more round trips
        }
        if kind == "cluster":
            return RedisCluster.from_url(address, **options)
        return redis.Redis.from_url(address, **options)

    return connect, where
