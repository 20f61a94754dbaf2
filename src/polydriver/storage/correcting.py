"""Corrections: rows in `ai_corrections` that say what an attempt costs after all. The attempt stays as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, exists, insert, select

from .ids import new_id
from .rolling import day_of, forget_day
from .sums import FETCHED
from .tables import attempts, corrections

__all__ = ["correct", "is_replaced", "replace_estimate"]


def correct(
    connection: Connection,
    attempt_id: str,
    started_at: datetime,
    reason: str,
    cost: Decimal,
    currency: str,
    facts: dict[str, Any],
) -> None:
    """Write a correction of an attempt, and have the day on which it began summed up anew."""
    connection.execute(
        insert(corrections).values(
            id=new_id(),
            attempt_id=attempt_id,
            reason=reason,
            cost=cost,
            currency=currency[:8],
            facts=facts,
            created_at=datetime.now(UTC),
        )
    )
    forget_day(connection, day_of(started_at))


def replace_estimate(connection: Connection, attempt_id: str) -> None:
    """Have the cost of an attempt count nothing: it was an estimate, and what was fetched later has told the true one.

    Doing it twice changes nothing.
    """
    row = connection.execute(
        select(attempts.c.started_at, attempts.c.currency).where(attempts.c.id == attempt_id, ~is_replaced())
    ).one_or_none()
    if row is not None:
        facts = {"source": "told to the attempt that fetched the answer"}
        correct(connection, attempt_id, row.started_at, FETCHED, Decimal(0), row.currency or "USD", facts)


def is_replaced() -> Any:
    """Whether the cost of an attempt was an estimate that counts no more."""
    return exists().where(corrections.c.attempt_id == attempts.c.id, corrections.c.reason == FETCHED)
