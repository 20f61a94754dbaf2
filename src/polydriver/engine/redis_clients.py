"""Clients of Redis or Valkey (extra `redis`), for whatever is kept there: every wait of theirs is bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConfigurationError

__all__ = ["client_for"]


def client_for(url: str, what: str) -> tuple[Callable[[float], Any], str]:
    """What makes a client, given the seconds that it may wait, and how the server is called in the log: without the
    password that the URL may have.

    Raises `ConfigurationError` where redis-py is missing, which `what` needs.
    """
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.cluster import RedisCluster
        from redis.retry import Retry
    except ImportError as error:
        raise ConfigurationError(
            f"{what} needs redis-py", hint="Install it: pip install 'polydriver[redis]'."
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
