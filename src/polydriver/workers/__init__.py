"""Work in bulk on engines of others: the work of one item, and how Celery (`celery`) and DBOS (`dbos`) do it."""

from __future__ import annotations

from .work import BulkWork, Item, Outcome, Postponed

__all__ = ["BulkWork", "Item", "Outcome", "Postponed"]
