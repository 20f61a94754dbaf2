"""The database that a command works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from .session import Session

if TYPE_CHECKING:
    from ..storage import Database

__all__ = ["open_database"]


@contextmanager
def open_database(session: Session, url: str | None) -> Iterator[Database]:
    """The database of a URL, or the one in the settings; closed at the end. Its tables are left as they are.

    Raises `ConfigurationError` when none is named.
    """
    from ..storage import Database

    url = url or session.ai.settings.storage.url
    if url is None:
        raise ConfigurationError("no database is named", hint="Give --url, or set storage.url (AI_STORAGE_URL).")
    database = Database(url)
    try:
        yield database
    finally:
        database.close()
