"""The stored models: where `sync_models` keeps them, and how they are read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias, TypeVar

import msgspec
from sqlalchemy import Connection, select

from ..data.models import SyncReport
from ..engine.policies import Either
from ..engine.syncing import LastSync, Listing
from ..forking import own_lock
from .database import Database
from .model_rows import read_last_sync, read_periods, save
from .price_periods import Period, read_prices
from .tables import model_changes, model_prices, models

__all__ = ["ModelChange", "ModelRecord", "PriceRecord", "StoredModels"]

T = TypeVar("T")


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A stored model. `facts` are the fields of `AIModel` that have no column; times are in UTC."""

    provider: str
    model: str
    name: str | None
    type: str | None
    context_length: int | None
    max_output_tokens: int | None
    facts: dict[str, Any] | None
    active: bool
    first_seen_at: datetime
    last_seen_at: datetime
    deactivated_at: datetime | None


class PriceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a model costs from `effective_from` up to and without `effective_until` (`None`: no end is known).

    `prices` has `usual`, `variants` (by name: "batch", "flex", ...) and `daily` (other prices `from` a time `until`
    another, in UTC), each with the fields of `ModelPricing`, amounts as text. A start in 1970 is one that nobody knows.
    """

    prices: dict[str, Any]
    currency: str
    source: str
    effective_from: datetime
    effective_until: datetime | None


class ModelChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync found of a model: `kind` is added, updated, deactivated or reactivated; `changes` has each fact
    before and after."""

    model: str
    kind: str
    changes: dict[str, list[Any]] | None
    changed_at: datetime


Models: TypeAlias = list[ModelRecord]
Prices: TypeAlias = list[PriceRecord]
ModelChanges: TypeAlias = list[ModelChange]


class StoredModels:
    """The models of a database: `storage.models`, and the `ModelStore` of connections that have their storage there.

    The methods for reading block; call them in a thread (`asyncio.to_thread`) from a task. They raise `StorageError`.
    """

    _lock: Any

    def __init__(self, database: Database, prepare: Callable[[], None]) -> None:
        """`prepare` is called before anything else: it makes the tables where that could not be done before."""
        self._database = database
        self._prepare = prepare
        own_lock(self)

    async def last_sync(self, connection: str, port: Either) -> LastSync | None:
        """See `ModelStore.last_sync`."""
        return await _do(port, partial(self._read, partial(read_last_sync, name=connection)))

    async def save(self, listing: Listing, port: Either) -> SyncReport:
        """See `ModelStore.save`."""
        return await _do(port, partial(self._save, listing))

    def list(self, provider: str | None = None, *, active: bool | None = True) -> Models:
        """The models of a connection or of all, by name; `active=None` gives those that vanished, too."""
        wanted = select(models).order_by(models.c.provider, models.c.model)
        if provider is not None:
            wanted = wanted.where(models.c.provider == provider)
        if active is not None:
            wanted = wanted.where(models.c.active == active)
        fields = ModelRecord.__struct_fields__
        rows = self._read(lambda connection: connection.execute(wanted).mappings().all())
        return [ModelRecord(**{field: row[field] for field in fields}) for row in rows]

    def prices(self, provider: str, model: str) -> Prices:
        """The prices of a model over time, in the order in which they were found; of several at a time the last one
        applies."""
        return [_record(period) for period in self._periods(provider, model)]

    def price_at(self, provider: str, model: str, moment: datetime | None = None) -> PriceRecord | None:
        """What a model costs at a moment, now by default; `None` where that is unknown."""
        moment = moment or datetime.now(UTC)
        periods = self._periods(provider, model)
        found = next((period for period in reversed(periods) if period.covers(moment)), None)
        return None if found is None else _record(found)

    def changes(self, provider: str, model: str | None = None) -> ModelChanges:
        """What syncs found of the models of a connection, or of one of them, the oldest first."""
        wanted = select(models.c.model, model_changes).join(models, models.c.id == model_changes.c.model_id)
        wanted = wanted.where(models.c.provider == provider).order_by(model_changes.c.id)
        if model is not None:
            wanted = wanted.where(models.c.model == model)
        rows = self._read(lambda connection: connection.execute(wanted).mappings().all())
        return [ModelChange(**{field: row[field] for field in ModelChange.__struct_fields__}) for row in rows]

    def _periods(self, provider: str, model: str) -> Sequence[Period]:
        wanted = select(model_prices).join(models, models.c.id == model_prices.c.model_id)
        wanted = wanted.where(models.c.provider == provider, models.c.model == model).order_by(model_prices.c.id)
        return read_periods(self._read(lambda connection: connection.execute(wanted).all()))

    def _read(self, act: Callable[[Connection], T]) -> T:
        self._prepare()
        with self._database.read() as connection:
            return act(connection)

    def _save(self, listing: Listing) -> SyncReport:
        prices = {model: read_prices(listing.driver, model) for model in listing.models}
        act = partial(save, listing=listing, wanted=prices)
        if listing.dry_run:
            return self._read(act)
        self._prepare()
        with self._lock, self._database.write() as connection:  # one after the other, rather than all at the database
            return act(connection)


def _record(period: Period) -> PriceRecord:
    return PriceRecord(**period.price._asdict(), effective_from=period.start, effective_until=period.until)


async def _do(port: Either, act: Callable[[], T]) -> T:
    return await port.either(act, partial(asyncio.to_thread, act))
