"""The database that a command works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ..errors import ConfigurationError
from .session import Session

if TYPE_CHECKING:
    from ..storage import Database

__all__ = ["open_database", "url_option"]

url_option = click.option(
    "--url", metavar="URL", help="The database; by default the one in the settings (storage.url)."
)


@contextmanager
def open_database(session: Session, url: str | None, *, checks: bool = True) -> Iterator[Database]:
    """The database of a URL, or the one in the settings; closed at the end. Its tables are left as they are.

    Raises `ConfigurationError` when none is named and, where it `checks`, when its tables are absent or too old.
    """
    from ..storage import Database
    from ..storage.upgrading import require_current

    url = url or session.ai.settings.storage.url
    if url is None:
        raise ConfigurationError("no database is named", hint="Give --url, or set storage.url (AI_STORAGE_URL).")
    database = Database(url)
    try:
        if checks:
            require_current(database, upgrades=False)
        yield database
    finally:
        database.close()
