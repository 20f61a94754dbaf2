"""The ends of holds: what is reserved comes back, and what was spent is noted in place of it, once.

Some things are paid for once, though several attempts learn of them: an answer that is made in the background counts
where it was asked for. Where its stream was cut, an estimate counts there until somebody fetches the answer, in
whichever process, and what is told then takes the place of the estimate. Where it was fetched first, under other
budgets perhaps, the true cost moves to where it was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from ..data.cost import Cost
from .budget_rows import REMEMBERED, Claim, Crossing, add, find_row, lock, warn
from .columns import to_pico
from .counting import counts_first, facts_of

__all__ = ["Ending", "settle"]

_TOLD, _ESTIMATE = "budgets", "budgets' estimate"
_SETTLED = -1  # the amount of a hold whose end is noted

_AMOUNT = text("SELECT amount FROM ai_reservations WHERE id = :id")
_TAKE_BACK = text("DELETE FROM ai_reservations WHERE id = :id AND amount >= 0 RETURNING budget_id, amount")
_CLOSE = text("UPDATE ai_reservations SET amount = :amount, expires_at = :until WHERE id = :id")
_NOTE = text(
    "INSERT INTO ai_reservations (id, budget_id, attempt_id, amount, expires_at) "
    "VALUES (:id, :budget, NULL, :amount, :until)"
)


class Ending(NamedTuple):
    """How an attempt ended: `spent` is what each claim of its hold counts with.

    `id` is its own; `cost`, `paid_for` and `estimate_of` are those of its `Outcome`.
    """

    id: str
    claims: Sequence[Claim] = ()
    spent: Sequence[int] = ()
    is_forced: bool = False
    cost: Cost | None = None
    paid_for: str | None = None
    estimate_of: str | None = None


def settle(connection: Connection, end: Ending) -> list[Crossing]:
    """Give back what is reserved, and note what was spent in place of it, for each claim."""
    lock(connection)
    spent = end.spent
    if end.paid_for is not None:
        spent = _tell(connection, end, end.paid_for)
    elif end.estimate_of is not None:
        spent = _estimate(connection, end, end.estimate_of)
    told: list[Crossing] = []
    for claim, amount in zip(end.claims, spent, strict=True):
        if amount and (claim.amount is None or end.is_forced):
            _note(connection, claim, amount)
        elif (held := connection.execute(_TAKE_BACK, {"id": claim.id}).first()) is not None:
            add(connection, held.budget_id, reserved=-held.amount, spent=amount)
        if amount:
            told += warn(connection, claim, find_row(connection, claim))
    return told


def _note(connection: Connection, claim: Claim, amount: int) -> None:
    """Note what was spent though nothing may be reserved: a row stays which tells that this was done."""
    row, held = find_row(connection, claim), connection.execute(_AMOUNT, {"id": claim.id}).scalar()
    if held == _SETTLED:
        return
    values = {"id": claim.id, "amount": _SETTLED, "until": int(time.time() * 1e6) + REMEMBERED}
    if held is None:
        connection.execute(_NOTE, {**values, "budget": row.id})
    else:
        connection.execute(_CLOSE, values)
    add(connection, row.id, reserved=-(held or 0), spent=amount)


def _tell(connection: Connection, end: Ending, name: str) -> Sequence[int]:
    """What the claims count with of something that is paid for once, and whose cost is known now."""
    estimate, cost = facts_of(connection, _ESTIMATE, name), end.cost
    counted = end.spent if estimate is None else [0] * len(end.spent)
    facts = {
        "cost": None if cost is None else to_pico(cost.total),
        "currency": None if cost is None else cost.currency,
        "rows": _rows(connection, end.claims, counted),
    }
    if not counts_first(connection, _TOLD, name, end.id, facts):
        return [0] * len(end.spent)
    for row, amount, currency in () if estimate is None else estimate["rows"]:
        if cost is not None and cost.currency == currency:
            add(connection, row, spent=to_pico(cost.total) - amount)
    return counted


def _estimate(connection: Connection, end: Ending, name: str) -> Sequence[int]:
    """What the claims count with of something whose cost is an estimate, unless it was told already."""
    told = facts_of(connection, _TOLD, name) or {}
    is_known = told.get("cost") is not None
    spent = [
        told["cost"] if is_known and told["currency"] == claim.budget.currency else amount
        for claim, amount in zip(end.claims, end.spent, strict=True)
    ]
    if not counts_first(connection, _ESTIMATE, name, end.id, {"rows": _rows(connection, end.claims, spent)}):
        return [0] * len(spent)
    for row, amount, _ in told.get("rows", ()):
        add(connection, row, spent=-amount)
    return spent


def _rows(connection: Connection, claims: Sequence[Claim], spent: Sequence[int]) -> list[list[Any]]:
    """What is counted where: the id of a budget's row, the amount, and its currency."""
    return [
        [find_row(connection, claim).id, amount, claim.budget.currency]
        for claim, amount in zip(claims, spent, strict=True)
    ]
