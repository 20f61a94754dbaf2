"""Syncing models: what a provider lists now against what is known of it, and what may be believed of a list.

A model that vanished is kept, inactive. Lists can be wrong, so:

- an empty list changes nothing, and is an error, where active models are known;
- a list that ends early (a page comes again, or there are more pages than are read) adds and updates only;
- where more than half of the active models are missing, and more than five, they stay active the first time, and the
  report names them (`kept`); those that the next sync misses as well are deactivated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal, Protocol

import msgspec

from ..contract import DriverHooks
from ..data.models import AIModel, SyncReport
from ..errors import AIError, UnsupportedFeatureError
from ..events import ModelsSynced
from ..prices import catalog
from .connection import Connection
from .models import enrich, fetch_models
from .pipeline import Pipeline
from .policies import Either

__all__ = ["KnownModel", "LastSync", "Listing", "ModelStore", "compare", "describe", "sync_models"]

_FEW = 5
_LONGEST_ID = 400
_SKEW = timedelta(minutes=5)
_MOST_TOKENS = 2**53


class LastSync(msgspec.Struct, frozen=True, kw_only=True):
    """When the models of a connection were last synced, by which driver, and which are active since."""

    at: datetime
    driver: str
    active: list[str]

    def is_fresh(self, now: datetime, driver: str, seconds: float) -> bool:
        """Whether it is younger than that, and of the same driver. A time that lies ahead is not believed."""
        age = now - self.at
        return driver == self.driver and -_SKEW <= age < timedelta(seconds=seconds)

    def overtakes(self, moment: datetime, now: datetime) -> bool:
        """Whether it is of a list that was asked for after `moment`."""
        return moment < self.at <= now + _SKEW


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """The models that a provider lists now, by id.

    `moment`: when the list was asked for; `is_complete`: whether it is known to be whole; `source`: whether the
    provider's own list or, where it has none, the price table.
    """

    connection: str
    driver: DriverHooks
    models: Mapping[str, AIModel]
    moment: datetime
    source: Literal["provider", "catalog"] = "provider"
    is_complete: bool = True
    dry_run: bool = False
    warnings: list[str] = []


class KnownModel(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model from earlier syncs; `facts` as `describe` gives them."""

    facts: dict[str, Any]
    active: bool
    seen_at: datetime


class ModelStore(Protocol):
    """Where the models of connections are kept from one sync to the next. Awaits nothing but the port."""

    async def last_sync(self, connection: str, port: Either) -> LastSync | None:
        """The last sync of a connection, if there was one. Raises `StorageError`."""

    async def save(self, listing: Listing, port: Either) -> SyncReport:
        """Compare a list with what is known, and keep it unless it is a dry run. Raises `StorageError`."""


class Remembered:
    """The `ModelStore` of a connection without a database: it forgets when the process ends."""

    def __init__(self, connection: Connection) -> None:
        self._cache = connection.models

    async def last_sync(self, connection: str, port: Either) -> LastSync | None:
        """See `ModelStore.last_sync`."""
        known, last = self._cache.synced, self._cache.synced_at
        if known is None or last is None:
            return None
        return LastSync(at=last[0], driver=last[1], active=sorted(id for id, model in known.items() if model.active))

    async def save(self, listing: Listing, port: Either) -> SyncReport:
        """See `ModelStore.save`."""
        known: dict[str, KnownModel] = dict(self._cache.synced or {})
        last = self._cache.synced_at
        report = compare(listing, known, last[0] if last is not None else None)
        if listing.dry_run or report.status != "success":
            return report
        for id, model in listing.models.items():
            known[id] = KnownModel(facts=describe(model), active=True, seen_at=listing.moment)
        for id in report.deactivated:
            known[id] = msgspec.structs.replace(known[id], active=False)
        self._cache.synced = known
        if listing.is_complete:
            self._cache.synced_at = (listing.moment, listing.driver.name)
        return report


async def sync_models(pipeline: Pipeline[Any], *, force: bool = False, dry_run: bool = False) -> SyncReport:
    """List the models anew and compare with the last sync; skipped while that is fresh, unless forced.

    Never raises an `AIError`.
    """
    connection, port = pipeline.connection, pipeline.port
    store: ModelStore = connection.model_store or Remembered(connection)
    driver = pipeline.target.driver
    moment = datetime.fromtimestamp(port.wall_time(), UTC)
    try:
        last = await store.last_sync(connection.name, port)
        if not force and last is not None and last.is_fresh(moment, driver.name, pipeline.target.config.sync_ttl):
            return SyncReport(status="skipped", unchanged=last.active, synced_at=last.at, dry_run=dry_run)
        found = await _list(pipeline, moment)
        if not found.models and found.source == "catalog":
            why = f"{connection.name} does not list its models, and the price table knows none of them"
            return SyncReport(status="skipped", warnings=[why], source="catalog", dry_run=dry_run)
        report = await store.save(msgspec.structs.replace(found, dry_run=dry_run), port)
    except AIError as error:
        return SyncReport(status="error", error=str(error), synced_at=moment, dry_run=dry_run)
    if report.status == "success" and not dry_run and connection.bus.wants(ModelsSynced):
        await port.emit(connection.bus, ModelsSynced(provider=connection.name, report=report))
    return report


async def _list(pipeline: Pipeline[Any], moment: datetime) -> Listing:
    """The models that the provider lists, or the price table where the provider's driver lists none."""
    driver = pipeline.target.driver
    of = partial(Listing, connection=pipeline.connection.name, driver=driver, moment=moment)
    try:
        driver.models_request()
    except UnsupportedFeatureError:
        entries = catalog.models(driver.catalog_name or driver.name)
        known = (enrich(AIModel(id=entry.id), driver) for entry in entries)
        return of(models={model.id: model for model in known}, source="catalog")
    found = await fetch_models(pipeline)
    models = {model.id: model for model in found.models if len(model.id) <= _LONGEST_ID}
    left_out = len(found.models) - len(models)
    warnings = [f"{left_out} models are left out: their ids have over {_LONGEST_ID} characters"] if left_out else []
    return of(models=models, is_complete=found.is_complete, warnings=warnings)


def compare(
    listing: Listing, known: Mapping[str, KnownModel], last: datetime | None, repriced: Collection[str] = ()
) -> SyncReport:
    """What a list changes in what is `known` since the sync at `last`; `repriced` are ids that have other prices."""
    listed = listing.models
    active = {id for id, model in known.items() if model.active}
    if not listed and active:
        return SyncReport(
            status="error", synced_at=listing.moment, kept=sorted(active), dry_run=listing.dry_run,
            error=f"{listing.connection} listed no models at all, though {len(active)} are known: nothing was changed",
        )  # fmt: skip
    warnings = list(listing.warnings)
    absent = active - listed.keys()
    kept: set[str] = set()
    if absent and not listing.is_complete:
        kept = absent
        warnings.append(f"the list ends early: {len(kept)} models that are not in it stay active")
    elif len(absent) > _FEW and len(absent) * 2 > len(active):
        kept = {id for id in absent if last is None or known[id].seen_at >= last}
        if kept:
            warnings.append(
                f"{len(absent)} of {len(active)} models are not in the list: {len(kept)} stay active until the next "
                "sync misses them as well"
            )
    both = listed.keys() & known.keys()
    updated = {id for id in both if id in repriced or not known[id].active or known[id].facts != describe(listed[id])}
    return SyncReport(
        status="success",
        added=sorted(listed.keys() - known.keys()),
        updated=sorted(updated),
        deactivated=sorted(absent - kept),
        unchanged=sorted(both - updated),
        kept=sorted(kept),
        warnings=warnings,
        source=listing.source,
        synced_at=listing.moment,
        dry_run=listing.dry_run,
    )


def describe(model: AIModel) -> dict[str, Any]:
    """What is kept of a model and compared: all that is known of it but the provider's own record, as plain data."""
    facts = {
        name: value
        for name in model.__struct_fields__
        if name not in ("id", "provider", "raw") and (value := getattr(model, name)) is not None
    }
    for name in ("context_length", "max_output_tokens"):
        if not 0 <= facts.get(name, 0) <= _MOST_TOKENS:
            del facts[name]
    plain = msgspec.to_builtins(facts)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}
