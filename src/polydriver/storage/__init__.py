"""What is kept in a database: models and their prices, conversations, calls and attempts with their costs, budgets.

SQLite by default, PostgreSQL where one machine is not enough; the extra `db` has what it needs. Tables have the prefix
`ai_` and a version table of their own, so that they can live in the database of an application.
"""

from __future__ import annotations

from .database import Database
from .ids import new_id
from .storage import Storage

__all__ = ["Database", "Storage", "new_id"]
