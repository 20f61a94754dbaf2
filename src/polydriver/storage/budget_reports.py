"""How budgets stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select

from ..config.budgets import BudgetConfig
from .database import Database
from .tables import budgets as table
from .windows import window_of

__all__ = ["BudgetReport", "read_budget_reports"]


class BudgetReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a budget stands: money in `currency`, times in UTC. `left` may be below zero: what was sent is counted."""

    name: str
    scope: str
    subject: str
    period: str
    window_start: datetime
    window_end: datetime | None
    limit: Decimal
    spent: Decimal
    reserved: Decimal
    left: Decimal
    currency: str


def read_budget_reports(database: Database, budgets: Sequence[BudgetConfig]) -> list[BudgetReport]:
    """How each budget stands in its present window, in the order of the settings.

    Where each subject has a budget of its own, those that spent or hold something are listed.
    """
    moment = datetime.now(UTC)
    found: list[BudgetReport] = []
    with database.read() as connection:
        for budget in budgets:
            window = window_of(budget.period, ZoneInfo(budget.time_zone), moment)
            rows = connection.execute(
                select(table.c.subject, table.c.spent, table.c.reserved)
                .where(table.c.name == budget.name, table.c.window_start == window.start)
                .order_by(table.c.subject)
            ).all()
            by_subject = {row.subject: (row.spent, row.reserved) for row in rows}
            if budget.scope == "all" or budget.subject is not None:
                subject = budget.subject or ""
                by_subject = {subject: by_subject.get(subject, (Decimal(0), Decimal(0)))}
            found += [
                BudgetReport(
                    name=budget.name, scope=budget.scope, subject=subject, period=budget.period,
                    window_start=window.start, window_end=window.end, limit=budget.limit, spent=spent,
                    reserved=reserved, left=budget.limit - spent - reserved, currency=budget.currency,
                )
                for subject, (spent, reserved) in by_subject.items()
            ]  # fmt: skip
    return found
