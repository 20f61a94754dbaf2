"""Rollups: sums of days that are over, so that a report does not grow with the ledger.

A day (of UTC) is rolled up once it has been over for a day and none of its attempts is under way. Its mark in
`ai_rolled_days` says that its sums are right: what changes an attempt of it later takes the mark away.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select

from .columns import from_micros
from .database import Database
from .ids import new_id
from .sums import DIMENSIONS, MEASURES, from_ledger, summed
from .tables import attempts, rolled_days, rollups

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["RIPE", "day_of", "forget_day", "read_rolled", "roll_up"]

RIPE = timedelta(days=1)
"""How long a day must be over."""

_DAY = timedelta(days=1)
_AT_ONCE = 1000
_ADVISORY = 0x726F6C6C  # of PostgreSQL's advisory locks: "roll"


def day_of(moment: datetime) -> datetime:
    """The beginning of the day of UTC that a moment is in."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def roll_up(database: Database, now: datetime | None = None, *, since: datetime | None = None) -> int:
    """Sum up the days that are ripe, from the one of `since` on; returns how many days there were.

    A day with attempts is a transaction of its own. Any number of processes may do so at once. Raises `StorageError`.
    """
    now = now or datetime.now(UTC)
    with database.read() as connection:
        first = connection.execute(select(func.min(attempts.c.started_at))).scalar()
        if first is None:
            return 0
        day = day_of(first if since is None else max(first, since))
        done = set(read_rolled(connection, day, now))
    count = 0
    end = day_of(now - RIPE)
    while day < end:
        if day in done:
            day += _DAY
            continue
        with database.write() as connection:
            _lock(connection)
            following = connection.execute(
                select(func.min(attempts.c.started_at)).where(attempts.c.started_at >= day)
            ).scalar()
            busy = end if following is None else min(end, day_of(following))
            empty = [day + number * _DAY for number in range((busy - day) // _DAY)]
            count += _mark(connection, empty, now)
            day = busy
            if day < end and day not in done:
                count += _roll(connection, day, now)
        day += _DAY
    return count


def read_rolled(connection: Connection, since: datetime, until: datetime) -> list[datetime]:
    """The days that are rolled up, in order."""
    table = rolled_days
    wanted = select(table.c.day).where(table.c.day >= since, table.c.day < until).order_by(table.c.day)
    return list(connection.execute(wanted).scalars())


def forget_day(connection: Connection, day: datetime) -> None:
    """Note that the sums of a day are no longer right: they are made anew before the next report.

    The sums of a day whose rows were deleted are final.
    """
    connection.execute(delete(rolled_days).where(rolled_days.c.day == day, rolled_days.c.final.is_(None)))


def _roll(connection: Connection, day: datetime, now: datetime) -> bool:
    """Sum up one day; false where another process has, or where attempts of it are under way."""
    end = day + _DAY
    table = attempts
    of_day = (table.c.started_at >= day, table.c.started_at < end)
    if read_rolled(connection, day, end):
        return False
    if connection.execute(select(table.c.id).where(*of_day, table.c.outcome.is_(None)).limit(1)).first() is not None:
        return False
    rows = connection.execute(summed(from_ledger(day, end), ("start", *DIMENSIONS), {})).all()
    connection.execute(delete(rollups).where(rollups.c.start >= day, rollups.c.start < end))
    made = [_values(row) for row in rows]
    for place in range(0, len(made), _AT_ONCE):
        connection.execute(insert(rollups), made[place : place + _AT_ONCE])
    _mark(connection, [day], now)
    return True


def _mark(connection: Connection, days: Sequence[datetime], now: datetime) -> int:
    """Note that days are summed up, and return how many were not; the empty ones among them have no sums."""
    known = set(read_rolled(connection, days[0], days[-1] + _DAY)) if days else set()
    rows = [{"day": day, "rolled_at": now} for day in days if day not in known]
    if rows:
        connection.execute(insert(rolled_days), rows)
    return len(rows)


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY)))


def _values(row: Row[Any]) -> dict[str, Any]:
    values = dict(row._mapping)
    values |= {name: int(values[name]) for name in MEASURES if name != "cost"}
    return {**values, "id": new_id(), "start": from_micros(values["start"])}
