"""Sums over the ledger: from its rows, or from their rollups, by the same measures.

The cost of an attempt is that of its last correction, else its own; the tokens of an estimate do not count where what
was fetched later told the true ones. Attempts that were refused before anything was sent
are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, Subquery, case, false, func, literal_column, or_, select

from .tables import attempts, corrections, rollups

__all__ = ["DIMENSIONS", "FETCHED", "MEASURES", "SPAN", "from_ledger", "from_rollups", "summed"]

DIMENSIONS = ("provider", "model", "operation", "project", "key", "user", "tags", "currency")
"""What rows are told apart by, in rollups as well."""

MEASURES = (
    "attempts", "calls", "failed", "unpriced", "estimated", "input_tokens", "cached_input_tokens", "cache_write_tokens",
    "output_tokens", "reasoning_tokens", "cost",
)  # fmt: skip
"""What is summed up. `attempts` are those that were sent, not hits of the cache or answers of a batch; `calls` counts
what was the first of a call, `unpriced` attempts whose usage is known and whose price is not."""

FETCHED = "fetched"
"""The reason of a correction where an estimate does not count any more: the true cost and usage were told later."""

SPAN = 900
"""The seconds of one rollup: days of every time zone begin at a whole quarter of an hour."""

_TOKENS = MEASURES[5:10]


def from_ledger(since: datetime, until: datetime) -> Subquery:
    """The attempts that began in a span of time, each with its measures."""
    table, correction = attempts, corrections.alias("correction")
    last = select(func.max(corrections.c.id)).where(corrections.c.attempt_id == table.c.id).scalar_subquery()
    micros, nothing = SPAN * 1_000_000, literal_column("0", BigInteger)
    is_replaced = correction.c.reason == FETCHED
    is_unpriced = (table.c.price_known.is_(False)) & (correction.c.id.is_(None))
    return (
        select(
            literal_column(f"ai_attempts.started_at - ai_attempts.started_at % {micros}", BigInteger).label("start"),
            *(table.c[name] for name in DIMENSIONS if name != "currency"),
            table.c.conversation_id,
            func.coalesce(correction.c.currency, table.c.currency).label("currency"),
            _count(table.c.kind == "attempt").label("attempts"),
            _count(table.c.number == 1).label("calls"),
            _count(table.c.outcome.in_(("failure", "interrupted"))).label("failed"),
            _count(is_unpriced).label("unpriced"),
            _count(table.c.estimated.is_(True) & ~func.coalesce(is_replaced, false())).label("estimated"),
            *(
                case((is_replaced, nothing), else_=func.coalesce(table.c[name], nothing)).label(name)
                for name in _TOKENS
            ),
            func.coalesce(correction.c.cost, table.c.cost, nothing).label("cost"),
        )
        .select_from(table.outerjoin(correction, correction.c.id == last))
        .where(table.c.started_at >= since, table.c.started_at < until)
        .where(or_(table.c.outcome.is_(None), table.c.outcome != "refused"))
        .subquery("part")
    )


def from_rollups(since: datetime, until: datetime) -> Subquery:
    """The rollups of a span of time, which begins and ends with whole ones."""
    table = rollups
    return (
        select(
            literal_column("ai_rollups.start", BigInteger).label("start"),
            *(table.c[name] for name in (*DIMENSIONS, *MEASURES)),
        )
        .where(table.c.start >= since, table.c.start < until)
        .subquery("part")
    )


def summed(part: Subquery, dimensions: Sequence[str], only: Mapping[str, str]) -> Select[Any]:
    """The sums of all measures for each value of the dimensions, of the rows with certain values alone."""
    wanted = select(
        *(part.c[name] for name in dimensions), *(func.sum(part.c[name]).label(name) for name in MEASURES)
    ).group_by(*(part.c[name] for name in dimensions))
    for name, value in only.items():
        wanted = wanted.where(part.c[name] == value)
    return wanted


def _count(condition: Any) -> Any:
    return case((condition, literal_column("1", BigInteger)), else_=literal_column("0", BigInteger))
