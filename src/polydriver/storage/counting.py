"""What is paid for once, though it can be asked for again: the results of a batch count when they are first fetched."""

from __future__ import annotations

import hashlib
import time

from sqlalchemy import Connection, text

__all__ = ["counts"]

_CLAIM = text(
    "INSERT INTO ai_counted (name, counted_by, counted_at) VALUES (:name, :by, :at) ON CONFLICT (name) DO NOTHING"
)
_WHO = text("SELECT counted_by FROM ai_counted WHERE name = :name")


def counts(connection: Connection, where: str, paid_for: str, by: str) -> bool:
    """Whether `by` (an id) is who counts this in a place, such as the ledger: the first one that asks, and again."""
    name = hashlib.sha256(f"{where} {paid_for}".encode("utf-8", "surrogatepass")).hexdigest()
    connection.execute(_CLAIM, {"name": name, "by": by, "at": int(time.time() * 1e6)})
    return bool(connection.execute(_WHO, {"name": name}).scalar_one() == by)
