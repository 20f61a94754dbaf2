"""Pricing attempts afterwards: a new price is a row in `ai_corrections`, and the attempt stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import msgspec
from sqlalchemy import Connection, func, select

from ..contract import DriverHooks
from ..data.billing import BillingFacts
from ..data.cost import Cost
from ..data.responses import AIResponse
from ..data.usage import TokenUsage
from ..engine.billing import price_answer
from ..prices.catalog import find_pricing
from ..prices.pricing import ModelPricing, calculate_cost
from ..typed import convert
from .correcting import correct, is_replaced
from .database import Database
from .tables import attempts, corrections

__all__ = ["PriceTable", "RepriceReport", "reprice"]

_AT_ONCE = 500
_ADVISORY = 0x72657072  # of PostgreSQL's advisory locks: "repr"


class PriceTable(msgspec.Struct, frozen=True, kw_only=True):
    """The prices of one connection: a table of the catalog, and prices that go before it."""

    name: str
    overrides: Mapping[str, Any] = {}


class RepriceReport(msgspec.Struct, kw_only=True):
    """What became of the attempts that were looked at: `priced` got a cost, by which `added` of each currency came in
    all; `changed` got another one; `unknown` still have no price, by "provider/model"."""

    looked_at: int = 0
    priced: int = 0
    changed: int = 0
    added: dict[str, Decimal] = {}
    unknown: dict[str, int] = {}


def reprice(
    database: Database,
    prices: Callable[[str], PriceTable | None],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    provider: str | None = None,
    every: bool = False,
    write: bool = True,
) -> RepriceReport:
    """Price the attempts without a price, by the prices of the day on which they were made.

    `prices` gives the prices of a connection, or `None` where it is not known. With `every` the priced ones are looked
    at again, too, but not those whose cost the provider told. Doing it twice changes nothing. Without `write` it only
    says what would be done. Raises `StorageError`.
    """
    report = RepriceReport(added={}, unknown={})
    after = ""
    known: dict[str, PriceTable | None] = {}
    while True:
        # What others add meanwhile is not added again: the lock is held from before the last costs are read.
        with database.write() if write else database.read() as connection:
            if write and database.kind == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY)))
            rows = connection.execute(_page(after, since, until, provider, every=every)).all()
            for row in rows:
                name = row.provider
                if name not in known:
                    known[name] = prices(name)
                _reprice_one(connection, row, known[name], report, write=write)
        if len(rows) < _AT_ONCE:
            return report
        after = rows[-1].id


def _page(after: str, since: datetime | None, until: datetime | None, provider: str | None, *, every: bool) -> Any:
    """The next attempts, each with its last correction."""
    table, correction = attempts, corrections.alias("correction")
    last = select(func.max(corrections.c.id)).where(corrections.c.attempt_id == table.c.id).scalar_subquery()
    wanted = (
        select(
            table.c.id, table.c.provider, table.c.model, table.c.answered_model, table.c.started_at, table.c.usage,
            table.c.facts, table.c.cost, correction.c.cost.label("corrected"),
            func.coalesce(correction.c.currency, table.c.currency).label("currency"),
        )
        .select_from(table.outerjoin(correction, correction.c.id == last))
        .where(table.c.id > after, table.c.outcome != "refused")
        .where(table.c.usage.is_not(None), table.c.reported_cost.is_(None), ~is_replaced())
        .order_by(table.c.id)
        .limit(_AT_ONCE)
    )  # fmt: skip
    if not every:
        wanted = wanted.where(table.c.price_known.is_(False), correction.c.id.is_(None))
    for condition in (
        None if since is None else table.c.started_at >= since,
        None if until is None else table.c.started_at < until,
        None if provider is None else table.c.provider == provider,
    ):
        if condition is not None:
            wanted = wanted.where(condition)
    return wanted


def _reprice_one(
    connection: Connection, row: Any, prices: PriceTable | None, report: RepriceReport, *, write: bool
) -> None:
    report.looked_at += 1
    before: Decimal | None = row.cost if row.corrected is None else row.corrected
    cost = None if prices is None else _price(row, prices)
    if cost is None:
        if before is None:
            name = f"{row.provider}/{row.model or row.answered_model}"
            report.unknown[name] = report.unknown.get(name, 0) + 1
        return
    if before is not None and cost.total == before and cost.currency == row.currency:
        return
    if before is None:
        report.priced += 1
    else:
        report.changed += 1
    change = cost.total - (before or 0) if before is None or cost.currency == row.currency else cost.total
    report.added[cost.currency] = report.added.get(cost.currency, Decimal(0)) + change
    if write:
        facts = {"source": cost.source, "items": {name: str(amount) for name, amount in cost.items.items()}}
        correct(connection, row.id, row.started_at, "reprice", cost.total, cost.currency, facts)


def _price(row: Any, prices: PriceTable) -> Cost | None:
    """What an attempt cost by these prices, as the engine would have said it then."""
    facts: dict[str, Any] = row.facts or {}
    billing = convert(facts["billing"], BillingFacts, strict=False) if "billing" in facts else None
    usage = convert(row.usage, TokenUsage, strict=False)
    answer = AIResponse(model=row.answered_model, usage=usage, billing=billing)
    seller = cast("DriverHooks", _Seller(prices, row.started_at))
    price_answer(seller, answer, row.model, asked_tier=facts.get("asked_tier"))
    return answer.cost


class _Seller:
    """What `engine.billing` asks of a driver, as of a moment."""

    def __init__(self, prices: PriceTable, moment: datetime) -> None:
        self.name = prices.name
        self._overrides = prices.overrides
        self._moment = moment

    def pricing(self, model: str, variant: str | None = None) -> ModelPricing | None:
        """See `DriverHooks.pricing`."""
        return find_pricing(self.name, model, self._overrides, at=self._moment, variant=variant)

    def calculate_cost(self, usage: TokenUsage, model: str) -> Cost | None:
        """See `DriverHooks.calculate_cost`."""
        pricing = self.pricing(model)
        return None if pricing is None else calculate_cost(usage, pricing, model=model)
