"""The rows of models: one for each that a connection ever listed, with its prices over time and what changed of it.

A sync is one transaction, for which the row of its connection is locked: of several processes that sync at once each
sees what the one before has written, and a list that was asked for before that of another sync is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from ..data.models import SyncReport
from ..engine.syncing import KnownModel, LastSync, Listing, compare, describe
from .ids import new_id
from .price_periods import Changes, Period, Price, Wanted, merge
from .tables import model_changes, model_prices, models, providers

__all__ = ["read_last_sync", "read_periods", "save"]

_COLUMNS = ("name", "type", "context_length", "max_output_tokens")
_AT_ONCE = 500


def read_last_sync(connection: Connection, name: str) -> LastSync | None:
    """The last sync of a connection, if there was one."""
    row = connection.execute(select(providers.c.synced_at, providers.c.driver).where(providers.c.name == name)).first()
    if row is None or row.synced_at is None:
        return None
    active = select(models.c.model).where(models.c.provider == name, models.c.active)
    return LastSync(at=row.synced_at, driver=row.driver, active=sorted(connection.execute(active).scalars()))


def save(connection: Connection, listing: Listing, wanted: Mapping[str, Wanted]) -> SyncReport:
    """Compare a list, whose prices are `wanted`, with what is stored, and store it unless it is a dry run."""
    name, moment = listing.connection, listing.moment
    if not listing.dry_run:
        _lock(connection, listing)
    last = read_last_sync(connection, name)
    if last is not None and last.overtakes(moment, datetime.now(UTC)):
        why = "another sync listed the models later and has finished: this list was left out"
        return SyncReport(
            status="skipped", unchanged=last.active, synced_at=last.at, warnings=[why], dry_run=listing.dry_run
        )
    ids, known = _read_known(connection, name)
    prices = _merge_prices(connection, listing, ids, wanted)
    repriced = {model for model, changes in prices.items() if any(changes)}
    report = compare(listing, known, None if last is None else last.at, repriced)
    if listing.dry_run or report.status != "success":
        return report
    ids |= {model: new_id() for model in report.added}
    _write_models(connection, listing, report, known, ids)
    _write_prices(connection, prices, ids)
    if listing.is_complete:
        connection.execute(
            update(providers).where(providers.c.name == name).values(synced_at=moment, driver=listing.driver.name)
        )
    return report


def read_periods(rows: Iterable[Any]) -> list[Period]:
    """The periods of rows of `ai_model_prices`, in their order."""
    return [
        Period(Price(row.prices, row.currency, row.source or ""), row.effective_from, row.effective_until, row.id)
        for row in rows
    ]


def _lock(connection: Connection, listing: Listing) -> None:
    """Have the connection's row to oneself until the end of the transaction; SQLite has one writer anyway."""
    kind = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    values = {"id": new_id(), "name": listing.connection, "driver": listing.driver.name}
    connection.execute(kind(providers).values(**values, created_at=datetime.now(UTC)).on_conflict_do_nothing())
    connection.execute(select(providers.c.id).where(providers.c.name == listing.connection).with_for_update())


def _read_known(connection: Connection, name: str) -> tuple[dict[str, str], dict[str, KnownModel]]:
    """The ids of the rows of a connection's models, and what is known of each, by the provider's id."""
    ids: dict[str, str] = {}
    known: dict[str, KnownModel] = {}
    for row in connection.execute(select(models).where(models.c.provider == name)).mappings():
        facts = {column: row[column] for column in _COLUMNS if row[column] is not None}
        ids[row["model"]] = row["id"]
        known[row["model"]] = KnownModel(
            facts={**facts, **(row["facts"] or {})}, active=row["active"], seen_at=row["last_seen_at"]
        )
    return ids, known


def _merge_prices(
    connection: Connection, listing: Listing, ids: Mapping[str, str], wanted: Mapping[str, Wanted]
) -> dict[str, Changes]:
    """What is to be added to the prices of each listed model."""
    stored: dict[str, list[Any]] = {}
    rows = select(model_prices).join(models, models.c.id == model_prices.c.model_id)
    for row in connection.execute(rows.where(models.c.provider == listing.connection).order_by(model_prices.c.id)):
        stored.setdefault(row.model_id, []).append(row)
    return {
        model: merge(read_periods(stored.get(ids.get(model, ""), ())), wanted[model], listing.moment)
        for model in listing.models
    }


def _write_models(
    connection: Connection, listing: Listing, report: SyncReport, known: Mapping[str, KnownModel], ids: dict[str, str]
) -> None:
    moment = listing.moment
    facts = {model: describe(found) for model, found in listing.models.items()}
    changed = [model for model in report.updated if not known[model].active or facts[model] != known[model].facts]
    _insert(
        connection,
        models,
        [
            {"id": ids[model], "provider": listing.connection, "model": model, **_values(facts[model])}
            | {"active": True, "first_seen_at": moment, "last_seen_at": moment}
            for model in report.added
        ],
    )
    if changed:
        new = [{"b_id": ids[model], **_values(facts[model])} for model in changed]
        names: dict[str, Any] = {name: bindparam(name) for name in (*_COLUMNS, "facts")}
        statement = update(models).where(models.c.id == bindparam("b_id"))
        connection.execute(statement.values(**names, active=True, deactivated_at=None), new)
    _update(connection, [ids[model] for model in listing.models], last_seen_at=moment)
    _update(connection, [ids[model] for model in report.deactivated], active=False, deactivated_at=moment)
    events = [
        *((model, "added", None) for model in report.added),
        *((model, *_change(known[model], facts[model])) for model in changed),
        *((model, "deactivated", None) for model in report.deactivated),
    ]
    _insert(
        connection,
        model_changes,
        [
            {"id": new_id(), "model_id": ids[model], "kind": kind, "changes": changes, "changed_at": moment}
            for model, kind, changes in events
        ],
    )


def _change(known: KnownModel, facts: Mapping[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """What became of a model: each fact that changed, before and after."""
    before = known.facts
    names = sorted({*before, *facts})
    changes = {name: [before.get(name), facts.get(name)] for name in names if before.get(name) != facts.get(name)}
    return ("updated" if known.active else "reactivated"), changes or None


def _values(facts: Mapping[str, Any]) -> dict[str, Any]:
    others = {name: value for name, value in facts.items() if name not in _COLUMNS}
    return {**{column: facts.get(column) for column in _COLUMNS}, "facts": others or None}


def _write_prices(connection: Connection, prices: Mapping[str, Changes], ids: Mapping[str, str]) -> None:
    ends = [{"b_id": id, "end": until} for changes in prices.values() for id, until in changes.ends.items()]
    if ends:
        statement = update(model_prices).where(model_prices.c.id == bindparam("b_id"))
        connection.execute(statement.values(effective_until=bindparam("end")), ends)
    rows = [
        {"id": new_id(), "model_id": ids[model], **period.price._asdict()}
        | {"effective_from": period.start, "effective_until": period.until}
        for model, changes in prices.items()
        for period in changes.new
    ]
    _insert(connection, model_prices, rows)


def _insert(connection: Connection, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    for some in _pieces(rows):
        connection.execute(insert(table), some)


def _update(connection: Connection, ids: Sequence[str], **values: Any) -> None:
    for some in _pieces(ids):
        connection.execute(update(models).where(models.c.id.in_(some)).values(**values))


def _pieces(items: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _AT_ONCE):
        yield list(items[start : start + _AT_ONCE])
