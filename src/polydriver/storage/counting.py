"""What is paid for once, though it can be asked for again: the results of a batch count when they are first fetched."""

from __future__ import annotations

import hashlib
import time

from sqlalchemy import Connection, text

__all__ = ["counted_by", "counts"]

_CLAIM = text(
    "INSERT INTO ai_counted (name, counted_by, counted_at) VALUES (:name, :by, :at) ON CONFLICT (name) DO NOTHING"
)
_WHO = text("SELECT counted_by FROM ai_counted WHERE name = :name")


def counts(connection: Connection, where: str, paid_for: str, by: str) -> bool:
    """Whether `by` (an id) is who counts this in a place, such as the ledger: the first one that asks, and again."""
    name = _name(where, paid_for)
    connection.execute(_CLAIM, {"name": name, "by": by, "at": int(time.time() * 1e6)})
    return bool(connection.execute(_WHO, {"name": name}).scalar_one() == by)


def counted_by(connection: Connection, where: str, paid_for: str) -> str | None:
    """Who counts this in a place; `None` where nobody does yet."""
    found: str | None = connection.execute(_WHO, {"name": _name(where, paid_for)}).scalar_one_or_none()
    return found


def _name(where: str, paid_for: str) -> str:
    return hashlib.sha256(f"{where} {paid_for}".encode("utf-8", "surrogatepass")).hexdigest()
