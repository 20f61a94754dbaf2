"""Attempts whose end is not known: their process was killed, or lost its database for good.

They become `unknown`, with the estimate that was made when they began; should their end be written after all, it
replaces that.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import bindparam, select, update

from .database import Database
from .tables import attempts

__all__ = ["sweep"]

_AT_ONCE = 500


def sweep(database: Database, now: float | None = None) -> int:
    """Mark the attempts whose lease had run out at `now` (seconds since the epoch); returns how many there were.

    Any number of processes may do so at once.
    """
    moment = int((time.time() if now is None else now) * 1e6)
    table = attempts
    wanted = (
        select(table.c.id, table.c.estimate)
        .where(table.c.outcome.is_(None), table.c.expires_at < _raw(moment))
        .order_by(table.c.id)
        .limit(_AT_ONCE)
    )
    found = 0
    while True:
        with database.read() as connection:
            rows = connection.execute(wanted).all()
        if not rows:
            return found
        with database.write() as connection:
            for id, estimate in rows:
                found += _mark(connection, id, estimate or {}, moment)


def _mark(connection: Any, id: str, estimate: dict[str, Any], moment: int) -> int:
    table = attempts
    cost = estimate.get("cost")
    values = {
        "outcome": "unknown",
        "ended_at": _raw(moment),
        "may_be_billed": True,
        "estimated": True,
        "input_tokens": estimate.get("input_tokens"),
        "output_tokens": estimate.get("output_tokens"),
        "cost": None if cost is None else _raw(cost),
        "currency": estimate.get("currency"),
        "price_known": cost is not None,
    }
    marked = connection.execute(update(table).where(table.c.id == id, table.c.outcome.is_(None)).values(**values))
    return int(marked.rowcount)


def _raw(value: int) -> Any:
    """A whole number for a column of `Time` or `Money`, as it is stored."""
    from sqlalchemy import BigInteger

    return bindparam(None, value, type_=BigInteger, unique=True)
