"""Reports of costs, as plain records: by provider, model, day, user, ... from rollups, and from the ledger where there
are none yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import func, select

from ..errors import ConfigurationError, StorageError
from ..logger import logger
from .columns import from_micros
from .database import Database
from .ledger_rows import conversation_key
from .owners import LONGEST
from .rolling import read_rolled, roll_up
from .sums import MEASURES, from_ledger, from_rollups, summed
from .tables import attempts, rollups
from .windows import day_start, local_date

if TYPE_CHECKING:
    from sqlalchemy import Connection, Subquery

__all__ = ["GROUPS", "CostRow", "read_costs"]

_log = logger()
_DAY = timedelta(days=1)
_CALENDAR = ("day", "month")
_COLUMNS = {
    name: name for name in ("provider", "model", "operation", "project", "key", "user")
} | {"conversation": "conversation_id"}  # fmt: skip

GROUPS = (*_CALENDAR, *_COLUMNS, "tag")
"""What a report can be broken down by."""


class CostRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a report.

    - `group`: the value of each of the `by` of the report: "2026-11-27" for a day, "2026-11" for a month; `None` where
      a call has none.
    - `cost`: exact, in `currency`; a line for each currency. `unpriced`: attempts whose usage is known and whose price
      is not, which are not in `cost`; `estimated`: attempts whose usage was estimated.
    - `attempts`: all that were sent; `calls`: those that were the first of a call; `failed`: those that ended with an
      error. `input_tokens` include `cached_input_tokens` and `cache_write_tokens`, `output_tokens` `reasoning_tokens`.
    """

    group: dict[str, str | None]
    cost: Decimal = Decimal(0)
    currency: str = "USD"
    attempts: int = 0
    calls: int = 0
    failed: int = 0
    unpriced: int = 0
    estimated: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


def read_costs(
    database: Database,
    by: Sequence[str] = ("provider", "model"),
    *,
    since: date | None = None,
    until: date | None = None,
    time_zone: str = "UTC",
    only: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> list[CostRow]:
    """What was spent from the day `since` to the day `until`, both included, by the calendar of a time zone.

    `by` are names of `GROUPS`, none for one line; `only` has values of them that are looked at alone. A call with
    several tags stands in the line of each. Days first, then the dearest come first. Days that are over are summed up
    for good on the way, so that a report does not grow with the ledger, but where it is by conversation.

    Raises `ConfigurationError` for a name that is not in `GROUPS`, and `StorageError` when the database fails.
    """
    only = {name: value[:LONGEST] for name, value in (only or {}).items()}
    for name in (*by, *only):
        if name not in GROUPS or (name in only and name in _CALENDAR):
            raise ConfigurationError(f"a report of costs cannot be by {name!r}: there are {', '.join(GROUPS)}")
    zone = _zone(time_zone)
    now = now or datetime.now(UTC)
    begin = None if since is None else day_start(since, zone)
    end = now + _DAY if until is None else day_start(until + _DAY, zone)
    is_rolled = "conversation" not in by and "conversation" not in only
    if is_rolled:
        try:
            roll_up(database, now, since=begin)
        except StorageError as error:
            _log.debug("days are not summed up: %s", error.message)  # of a database that can only be read
    sums = _Sums(tuple(by), zone, only)
    with database.read() as connection:
        begin = begin or _first(connection) or now
        for part in _parts(connection, begin, end, is_rolled=is_rolled):
            sums.add(connection.execute(summed(part, sums.columns, sums.filters)))
    return sums.rows()


def _first(connection: Connection) -> datetime | None:
    """When the first attempt began that is known of."""
    columns = (attempts.c.started_at, rollups.c.start)
    found = [connection.execute(select(func.min(column))).scalar() for column in columns]
    return min((moment for moment in found if moment is not None), default=None)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ConfigurationError(
            f"{name!r} is not a time zone that this machine knows: use an IANA name such as Europe/Berlin"
        ) from None


def _parts(connection: Connection, begin: datetime, end: datetime, *, is_rolled: bool) -> Iterator[Subquery]:
    """The sources of a span of time: rollups for the days that have them, the ledger for what is between."""
    at = begin
    for first, last in _runs(read_rolled(connection, begin - _DAY, end)) if is_rolled else ():
        first, last = max(first, begin), min(last, end)
        if first >= last:
            continue
        if at < first:
            yield from_ledger(at, first)
        yield from_rollups(first, last)
        at = last
    if at < end:
        yield from_ledger(at, end)


def _runs(days: Iterable[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Days that follow each other, as the spans that they make up."""
    first: datetime | None = None
    last: datetime | None = None
    for day in days:
        if first is not None and last is not None and day != last:
            yield first, last
            first = None
        first, last = first or day, day + _DAY
    if first is not None and last is not None:
        yield first, last


class _Sums:
    """The sums of a report, over its sources."""

    def __init__(self, by: tuple[str, ...], zone: ZoneInfo, only: dict[str, str]) -> None:
        self.by = by
        self.zone = zone
        self.tag = only.pop("tag", None)
        self.filters = {_COLUMNS[name]: value for name, value in only.items()}
        if "conversation_id" in self.filters:
            self.filters["conversation_id"] = conversation_key(self.filters["conversation_id"]) or ""
        columns = [_COLUMNS[name] for name in by if name in _COLUMNS]
        if any(name in _CALENDAR for name in by):
            columns.append("start")
        if "tag" in by or self.tag is not None:
            columns.append("tags")
        self.columns = tuple(dict.fromkeys([*columns, "currency"]))
        self._found: dict[tuple[str | None, ...], dict[str | None, list[Any]]] = {}

    def add(self, rows: Iterable[Any]) -> None:
        """Add the sums of one source."""
        for row in rows:
            values = row._mapping
            for group in self._groups(values):
                by_currency = self._found.setdefault(group, {})
                sums = by_currency.setdefault(values["currency"], [0] * len(MEASURES))
                for place, name in enumerate(MEASURES):
                    sums[place] += values[name]

    def _groups(self, values: Mapping[str, Any]) -> Iterator[tuple[str | None, ...]]:
        """The lines that a row counts in: one, or one for each tag."""
        tags: list[str | None] = [*dict.fromkeys(values["tags"] or ())] if "tags" in values else []
        if self.tag is not None:
            if self.tag not in tags:
                return
            tags = [self.tag]
        moment = local_date(from_micros(values["start"]), self.zone) if "start" in values else None
        for tag in (tags or [None]) if "tag" in self.by else [None]:
            yield tuple(self._value(name, values, tag, moment) for name in self.by)

    @staticmethod
    def _value(name: str, values: Mapping[str, Any], tag: str | None, day: date | None) -> str | None:
        if name == "tag":
            return tag
        if day is not None and name in _CALENDAR:
            return day.isoformat()[: 10 if name == "day" else 7]
        found = values[_COLUMNS[name]]
        return None if found is None else str(found)

    def rows(self) -> list[CostRow]:
        """The lines, in order."""
        lines: list[CostRow] = []
        for group, by_currency in self._found.items():
            free = by_currency.pop(None, None)  # what cost nothing, or has no price, goes with the rest
            if free is not None:
                into = next(iter(by_currency), "USD")
                sums = by_currency.setdefault(into, [0] * len(MEASURES))
                by_currency[into] = [a + b for a, b in zip(sums, free, strict=True)]
            for currency, sums in by_currency.items():
                values = {name: int(value) for name, value in zip(MEASURES[:-1], sums, strict=False)}
                named = dict(zip(self.by, group, strict=True))
                lines.append(CostRow(group=named, cost=Decimal(sums[-1]), currency=str(currency), **values))
        return sorted(lines, key=self._order)

    def _order(self, line: CostRow) -> tuple[Any, ...]:
        days = [line.group[name] or "" for name in self.by if name in _CALENDAR]
        return (*days, line.currency, -line.cost, *(value or "" for value in line.group.values()))
