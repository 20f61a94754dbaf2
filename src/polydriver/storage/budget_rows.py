"""The rows of budgets: one for each budget, subject and window, and one for each amount that is held for an attempt.

Amounts are whole millionths of a millionth, times are microseconds since the epoch. Whoever changes these rows has them
for itself until the end of the transaction (SQLite has one writer; PostgreSQL an advisory lock), so that what is spent
and reserved never exceeds the limit, over any number of processes. All of it can be done twice with one effect, since a
commit may have worked although its connection was lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from ..config.budgets import BudgetConfig
from ..engine.attempts import Attempt
from ..errors import BudgetExceededError
from .columns import from_micros, from_pico, pack_text, to_micros, to_pico
from .ids import new_id
from .windows import Window

__all__ = [
    "BUDGETS", "REMEMBERED", "Claim", "Crossing", "Hold", "add", "extend", "find_row", "free_expired", "lock", "renew",
    "reserve", "warn",
]  # fmt: skip

BUDGETS = "~budgets"
"""The `Work.key` of all that changes these rows: after all else."""

LEASE = 60_000_000
REMEMBERED = 7 * 86_400_000_000
"""How long the empty row of a hold stays, in microseconds, so that an end which comes late or twice is noted once."""
_ADVISORY = 0x62756467  # of PostgreSQL's advisory locks: "budg"

_LOCK = text(f"SELECT pg_advisory_xact_lock({_ADVISORY})")
_FIND = text(
    "SELECT id, spent, reserved, warned FROM ai_budgets "
    "WHERE name = :name AND subject = :subject AND window_start = :start"
)
_MAKE = text(
    "INSERT INTO ai_budgets (id, name, scope, subject, period, window_start, window_end, spent, reserved, warned) "
    "VALUES (:id, :name, :scope, :subject, :period, :start, :end, 0, 0, 0)"
)
_IS_HELD = text("SELECT 1 FROM ai_reservations WHERE id = :id")
_HOLD = text(
    "INSERT INTO ai_reservations (id, budget_id, attempt_id, amount, expires_at) "
    "VALUES (:id, :budget, NULL, :amount, :expires)"
)
_AMOUNT = text("SELECT amount FROM ai_reservations WHERE id = :id")
_HOLD_MORE = text("UPDATE ai_reservations SET amount = :amount WHERE id = :id")
_ADD = text("UPDATE ai_budgets SET reserved = reserved + :reserved, spent = spent + :spent WHERE id = :id")
_WARN = text("UPDATE ai_budgets SET warned = :warned WHERE id = :id")
_EXPIRED = "SELECT id, budget_id, amount FROM ai_reservations WHERE expires_at < :now AND amount > 0"
_EXPIRED_ANYWHERE = text(_EXPIRED)
_EXPIRED_HERE = text(_EXPIRED + " AND budget_id = :budget")
_EMPTY = text("UPDATE ai_reservations SET amount = 0, expires_at = :until WHERE id = :id")
_FORGET = text("DELETE FROM ai_reservations WHERE expires_at < :now AND amount <= 0")
_RENEW = text("UPDATE ai_reservations SET expires_at = :expires WHERE id = :id AND amount > 0")


class Claim:
    """What an attempt takes of one budget.

    `amount` is what is reserved before it, `None` where nothing is and the attempt passes; `id` is that of the row.
    """

    __slots__ = ("amount", "budget", "id", "subject", "window")

    def __init__(self, budget: BudgetConfig, subject: str, window: Window, amount: int | None) -> None:
        self.id = new_id()
        self.budget = budget
        self.subject = subject
        self.window = window
        self.amount = amount


class Hold:
    """What an attempt takes of all budgets that it falls under.

    `forced`: it goes ahead whatever the rows say, since the database did not answer in time.
    """

    __slots__ = ("attempt", "claims", "forced", "is_settled")

    def __init__(self, attempt: Attempt, claims: Sequence[Claim]) -> None:
        self.attempt = attempt
        self.claims = claims
        self.forced = False
        self.is_settled = False

    @property
    def reserved(self) -> list[Claim]:
        """The claims for which something is reserved."""
        return [claim for claim in self.claims if claim.amount is not None]


class Crossing(NamedTuple):
    """A part of a budget's limit that was reached, and was not told yet."""

    claim: Claim
    threshold: float
    spent: Decimal


class _Row(NamedTuple):
    id: str
    spent: int
    reserved: int
    warned: int


def reserve(connection: Connection, hold: Hold, now: int) -> list[Crossing]:
    """Reserve all that a hold claims, or nothing. Raises `BudgetExceededError`."""
    lock(connection)
    told: list[Crossing] = []
    for claim in hold.reserved:
        row = find_row(connection, claim)
        if connection.execute(_IS_HELD, {"id": claim.id}).first() is None:
            assert claim.amount is not None
            if not hold.forced:
                row = _with_room(connection, claim, row, now)
            held = {"id": claim.id, "budget": row.id, "amount": claim.amount, "expires": now + LEASE}
            connection.execute(_HOLD, held)
            add(connection, row.id, reserved=claim.amount)
        told += warn(connection, claim, row)
    return told


def extend(connection: Connection, hold: Hold, amounts: Sequence[int], now: int) -> None:
    """Hold more for a stream that is under way: so much in all for each claim. Raises `BudgetExceededError`."""
    lock(connection)
    for claim, amount in zip(hold.claims, amounts, strict=True):
        held = connection.execute(_AMOUNT, {"id": claim.id}).scalar()
        if not held or amount <= held:
            continue
        more = Claim(claim.budget, claim.subject, claim.window, amount - held)
        row = _with_room(connection, more, find_row(connection, claim), now, of_stream=True)
        connection.execute(_HOLD_MORE, {"id": claim.id, "amount": amount})
        add(connection, row.id, reserved=amount - held)


def free_expired(connection: Connection, now: int) -> None:
    """Give back what is held for attempts whose process has died. Their rows stay for a while, empty, so that an end
    that comes late after all is noted once."""
    lock(connection)
    _free(connection, connection.execute(_EXPIRED_ANYWHERE, {"now": now}).all(), now)
    connection.execute(_FORGET, {"now": now})


def renew(connection: Connection, ids: Sequence[str], now: int) -> None:
    """Keep the holds of a living process."""
    lock(connection)
    connection.execute(_RENEW, [{"id": id, "expires": now + LEASE} for id in ids])


def lock(connection: Connection) -> None:
    """Have the rows of budgets for oneself until the end of the transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK)


def add(connection: Connection, id: str, *, reserved: int = 0, spent: int = 0) -> None:
    """Change what is reserved and spent of the row of a budget."""
    connection.execute(_ADD, {"id": id, "reserved": reserved, "spent": spent})


def find_row(connection: Connection, claim: Claim) -> _Row:
    """The row of a claim's budget, subject and window, which is made where there is none."""
    budget, window = claim.budget, claim.window
    place = {"name": pack_text(budget.name), "subject": pack_text(claim.subject), "start": to_micros(window.start)}
    found = connection.execute(_FIND, place).first()
    if found is not None:
        return _Row(*found)
    end = None if window.end is None else to_micros(window.end)
    made = _Row(new_id(), 0, 0, 0)
    connection.execute(_MAKE, {**place, "id": made.id, "scope": budget.scope, "period": budget.period, "end": end})
    return made


def _with_room(connection: Connection, claim: Claim, row: _Row, now: int, *, of_stream: bool = False) -> _Row:
    """The row, with room for the claim, if need be after what dead processes held has come back."""
    if _fits(claim, row):
        return row
    expired = connection.execute(_EXPIRED_HERE, {"now": now, "budget": row.id}).all()
    if expired:
        _free(connection, expired, now)
        row = find_row(connection, claim)
    if not _fits(claim, row):
        raise _exceeded(claim, row, now, of_stream=of_stream)
    return row


def _fits(claim: Claim, row: _Row) -> bool:
    left = to_pico(claim.budget.limit) - row.spent - row.reserved
    return left >= claim.amount if claim.amount else left > 0


def _free(connection: Connection, expired: Sequence[Any], now: int) -> None:
    for held in expired:
        connection.execute(_EMPTY, {"id": held.id, "until": now + REMEMBERED})
        add(connection, held.budget_id, reserved=-held.amount)


def warn(connection: Connection, claim: Claim, row: _Row) -> list[Crossing]:
    """The parts of the limit that are reached and were not told: by nobody, and never again in this window.

    A limit that was raised is told of anew.
    """
    limit = to_pico(claim.budget.limit)
    parts = {round(part * 1000): part for part in claim.budget.warn_at}
    reached = [mark for mark in parts if row.spent and row.spent * 1000 >= limit * mark]
    highest = max(reached, default=0)
    if highest != row.warned:
        connection.execute(_WARN, {"id": row.id, "warned": highest})
    return [Crossing(claim, parts[mark], from_pico(row.spent)) for mark in reached if mark > row.warned]


def _exceeded(claim: Claim, row: _Row, now: int, *, of_stream: bool) -> BudgetExceededError:
    budget, end = claim.budget, claim.window.end
    spent, reserved, estimate = (from_pico(amount) for amount in (row.spent, row.reserved, claim.amount or 0))
    whose = f" for {budget.scope} {claim.subject!r}" if claim.subject else ""
    money = f"{_plain(spent)} spent" + (f" and {_plain(reserved)} held for calls under way" if reserved else "")
    details = {
        "budget": budget.name, "scope": budget.scope, "subject": claim.subject, "limit": _plain(budget.limit),
        "spent": _plain(spent), "reserved": _plain(reserved), "estimate": _plain(estimate),
        "currency": budget.currency, "window_end": _told(end),
    }  # fmt: skip
    what = (
        f"more of this stream, {_plain(estimate)}; it was stopped"
        if of_stream
        else f"this call, about {_plain(estimate)}; nothing was sent"
    )
    span = "in all" if budget.period == "total" else f"a {budget.period}"
    return BudgetExceededError(
        f"the budget {budget.name!r}{whose} has {_plain(budget.limit)} {budget.currency} {span}, with {money}: too "
        f"little for {what}",
        retry_after=None if end is None else max(0.0, (end - from_micros(now)).total_seconds()),
        details=details,
    )


def _plain(amount: Decimal) -> str:
    """Without an exponent, and without zeros at the end."""
    shown = f"{amount:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _told(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
