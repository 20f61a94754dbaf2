"""Lists of models, and credentials that were found valid, in the store of the cache: other processes need not ask."""

from __future__ import annotations

from typing import Any

import msgspec

from ...data.models import AIModel, CredentialReport
from ...typed import prepare
from ..connection import Connection
from ..ports import Port
from .cache import cache_of
from .keys import digest

__all__ = ["find_models", "find_valid_credentials", "keep_models", "keep_valid_credentials"]


class _Kept(msgspec.Struct, array_like=True):
    """What was found out, and when (seconds since the epoch)."""

    kept_at: float
    models: list[AIModel] | None = None
    report: CredentialReport | None = None


prepare(_Kept)
_decoder = msgspec.msgpack.Decoder(_Kept)


async def find_models(connection: Connection, port: Port) -> tuple[list[AIModel], float] | None:
    """The models that were listed, by whichever process, and how many seconds ago that was."""
    if connection.config.cache.store == "memory":  # the connection has them itself
        return None
    kept = await _find(connection, "models", port)
    return None if kept is None or kept.models is None else (kept.models, _age(kept, port))


async def keep_models(connection: Connection, models: list[AIModel], port: Port) -> None:
    """Keep a whole list of models for `models_ttl` seconds."""
    if connection.config.cache.store != "memory" and connection.config.models_ttl > 0:
        await _keep(connection, "models", _Kept(port.wall_time(), models=models), connection.config.models_ttl, port)


async def find_valid_credentials(connection: Connection, port: Port) -> CredentialReport | None:
    """The report of a check that found the same credentials valid less than `cache.credentials_ttl` seconds ago."""
    if not connection.config.cache.credentials_ttl:
        return None
    kept = await _find(connection, "credentials", port)
    if kept is None or kept.report is None or _age(kept, port) >= connection.config.cache.credentials_ttl:
        return None
    return msgspec.structs.replace(kept.report, cached=True)


async def keep_valid_credentials(connection: Connection, report: CredentialReport, port: Port) -> None:
    """Keep the report of a check, where it found the credentials valid."""
    ttl = connection.config.cache.credentials_ttl
    if ttl and report.valid:
        await _keep(connection, "credentials", _Kept(port.wall_time(), report=report), ttl, port)


def _age(kept: _Kept, port: Port) -> float:
    return max(0.0, port.wall_time() - kept.kept_at)


def _key(connection: Connection, what: str) -> str:
    config = msgspec.structs.replace(connection.config.cache, share=None)  # each account has its own
    return str(digest(connection.driver, config, what).hexdigest())


async def _find(connection: Connection, what: str, port: Port) -> _Kept | None:
    data = await cache_of(connection).store.get(_key(connection, what), port)
    try:
        return None if data is None else _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


async def _keep(connection: Connection, what: str, kept: _Kept, ttl: float, port: Port) -> Any:
    try:
        data = msgspec.msgpack.encode(kept)
    except (TypeError, ValueError, OverflowError, RecursionError):  # of a driver that tells more than plain data
        return
    await cache_of(connection).store.put(_key(connection, what), data, ttl, None, port)
