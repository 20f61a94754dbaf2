"""`polydriver db`: the tables of the database that conversations and costs are kept in."""

from __future__ import annotations

import click

from ..databases import open_database, url_option
from ..options import common_options, examples
from ..output import say
from ..session import Session

__all__ = ["command"]


@click.command(
    "db",
    short_help="Make or check the tables of the database.",
    epilog=examples("polydriver db upgrade", "polydriver db check", "polydriver db current --url sqlite:///ai.db"),
)
@click.argument("action", type=click.Choice(["upgrade", "current", "check"]))
@url_option
@click.option("--timeout", default=60.0, show_default=True, help="Seconds to wait for another process that upgrades.")
@common_options
@click.pass_obj
def command(session: Session, action: str, url: str | None, timeout: float) -> None:
    """Bring the tables to the newest version (upgrade), show their version (current), or compare them (check).

    Only tables whose names begin with ai_ are touched. `check` ends with status 1 when something differs.
    """
    from ...storage.upgrading import check, current_version, newest_version, upgrade

    with open_database(session, url, checks=False) as database:
        if action == "upgrade":
            before, after = upgrade(database, timeout=timeout)
            say(f"{database.address}: version {after}" + (" already" if before == after else f" (before: {before})"))
        elif action == "current":
            say(f"{database.address}: version {current_version(database)}, the newest is {newest_version()}")
        else:
            differences = check(database)
            for difference in differences:
                say(difference)
            if differences:
                raise SystemExit(1)
            say(f"{database.address}: all tables are as they should be")
