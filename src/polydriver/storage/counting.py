"""What is paid for once, though it can be asked for again: the results of a batch count when they are first fetched."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from sqlalchemy import Connection, text

from .columns import pack_json, unpack_json

__all__ = ["counted_by", "counts", "counts_first", "facts_of"]

_CLAIM = text(
    "INSERT INTO ai_counted (name, counted_by, counted_at, facts) VALUES (:name, :by, :at, :facts) "
    "ON CONFLICT (name) DO NOTHING"
)
_COUNTED_BY = text("SELECT counted_by FROM ai_counted WHERE name = :name")
_FACTS = text("SELECT facts FROM ai_counted WHERE name = :name")


def counts(connection: Connection, where: str, paid_for: str, by: str) -> bool:
    """Whether `by` (an id) is who counts this in a place, such as the ledger: the first one that asks, and again."""
    counts_first(connection, where, paid_for, by)
    return counted_by(connection, where, paid_for) == by


def counts_first(
    connection: Connection, where: str, paid_for: str, by: str, facts: dict[str, Any] | None = None
) -> bool:
    """The same, but false as well when it was noted before that `by` counts it; `facts` are kept with the note."""
    values = {"name": _name(where, paid_for), "by": by, "at": int(time.time() * 1e6), "facts": pack_json(facts or {})}
    return bool(connection.execute(_CLAIM, values).rowcount)


def facts_of(connection: Connection, where: str, paid_for: str) -> dict[str, Any] | None:
    """The facts that are kept of what is counted in a place; `None` where nobody counts it yet."""
    found = connection.execute(_FACTS, {"name": _name(where, paid_for)}).one_or_none()
    if found is None:
        return None
    facts: dict[str, Any] = unpack_json(found.facts) if found.facts else {}
    return facts


def counted_by(connection: Connection, where: str, paid_for: str) -> str | None:
    """Who counts this in a place; `None` where nobody does yet."""
    found: str | None = connection.execute(_COUNTED_BY, {"name": _name(where, paid_for)}).scalar_one_or_none()
    return found


def _name(where: str, paid_for: str) -> str:
    return hashlib.sha256(f"{where} {paid_for}".encode("utf-8", "surrogatepass")).hexdigest()
