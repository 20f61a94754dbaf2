"""`polydriver db`: the database that conversations and costs are kept in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ..databases import open_database, url_option
from ..dates import Span, date_options
from ..options import common_options, examples
from ..output import say
from ..session import Session

if TYPE_CHECKING:
    from ...storage.deleting import Deletion

__all__ = ["command"]


@click.group(
    "db",
    short_help="Make, check and clean the tables of the database.",
    epilog=examples("polydriver db upgrade", "polydriver db check", "polydriver db vacuum"),
)
@common_options
def command() -> None:
    """Make, check and clean the database of the settings. Only tables whose names begin with ai_ are touched."""


@command.command("upgrade", short_help="Make the tables, or bring them to the newest version.")
@click.option("--timeout", default=60.0, show_default=True, help="Seconds to wait for another process that upgrades.")
@url_option
@common_options
@click.pass_obj
def upgrade_command(session: Session, url: str | None, timeout: float) -> None:
    """Make the tables, or bring them to the newest version. Several processes may do so at once."""
    from ...storage.upgrading import upgrade

    with open_database(session, url, checks=False) as database:
        before, after = upgrade(database, timeout=timeout)
        say(f"{database.address}: version {after}" + (" already" if before == after else f" (before: {before})"))


@command.command("current", short_help="Show the version of the tables.")
@url_option
@common_options
@click.pass_obj
def current_command(session: Session, url: str | None) -> None:
    """Show the version of the tables."""
    from ...storage.upgrading import current_version, newest_version

    with open_database(session, url, checks=False) as database:
        say(f"{database.address}: version {current_version(database)}, the newest is {newest_version()}")


@command.command("check", short_help="Compare the tables with what they should be.")
@url_option
@common_options
@click.pass_obj
def check_command(session: Session, url: str | None) -> None:
    """Compare the tables with what they should be. Ends with status 1 when something differs."""
    from ...storage.upgrading import check

    with open_database(session, url, checks=False) as database:
        differences = check(database)
        for difference in differences:
            say(difference)
        if differences:
            raise SystemExit(1)
        say(f"{database.address}: all tables are as they should be")


@command.command("vacuum", short_help="Delete what is older than the settings keep, and give its room back.")
@url_option
@common_options
@click.pass_obj
def vacuum_command(session: Session, url: str | None) -> None:
    """Delete what is older than storage.keep_conversations and storage.keep_attempts, files that no message has, and
    give the room of deleted rows back to the disk."""
    from ...storage.deleting import vacuum

    with open_database(session, url) as database:
        say(_told(vacuum(database, session.ai.settings.storage)))


@command.command("delete-user", short_help="Delete the conversations of a user, and the name in the ledger.")
@click.argument("user")
@click.option("--yes", is_flag=True, help="Do not ask.")
@url_option
@common_options
@click.pass_obj
def delete_user_command(session: Session, user: str, yes: bool, url: str | None) -> None:
    """Delete the conversations of a user with their files, and the user's name and metadata in the ledger. Usage and
    costs stay, for nobody in particular."""
    from ...storage.deleting import delete_user

    with open_database(session, url) as database:
        if not yes:
            click.confirm(f"Delete all that was said by and to {user!r}?", abort=True, err=True)
        say(_told(delete_user(database, user)))


@command.command("clear-cache", short_help="Delete the answers that are kept to be given again.")
@url_option
@common_options
@click.pass_obj
def clear_cache_command(session: Session, url: str | None) -> None:
    """Delete all answers that connections with cache.store = "database" keep to give them again, and their lists of
    models."""
    from ...storage.answers import delete_answers

    with open_database(session, url) as database:
        say(f"deleted: {delete_answers(database):,} answers of the cache")


@command.command("reseal", short_help="Encrypt with the first key what is not.")
@url_option
@common_options
@click.pass_obj
def reseal_command(session: Session, url: str | None) -> None:
    """Encrypt with the first of storage.encryption_keys what is stored in the clear, or with another key. After that an
    older key can be taken out of the settings."""
    from ...storage.privacy import make_privacy
    from ...storage.resealing import reseal

    with open_database(session, url) as database:
        database.privacy = make_privacy(session.ai.settings.storage)
        done = reseal(database)
        say(f"encrypted: {done.conversations:,} conversations, {done.messages:,} messages, {done.files:,} files")
        if done.answers:
            say(f"deleted, for they are asked for anew: {done.answers:,} answers of the cache")


@command.command(
    "export",
    short_help="Write the attempts into a CSV or Parquet file.",
    epilog=examples("polydriver db export attempts.parquet", "polydriver db export november.csv --month 2026-11"),
)
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--parquet", "form", flag_value="parquet", help="Parquet, into attempts.parquet if no file is named.")
@click.option("--csv", "form", flag_value="csv", help="CSV, into attempts.csv if no file is named.")
@date_options
@url_option
@common_options
@click.pass_obj
def export_command(
    session: Session, /, file: Path | None, form: Literal["parquet", "csv"] | None, url: str | None, **dates: Any
) -> None:
    """Write the attempts of all times, or of some days, into a file, with their costs as they were corrected.

    The end of its name says the form, .csv or .parquet (extra `parquet`), where no option does.
    """
    if file is None and form is None:
        raise click.UsageError("Name a file that ends in .csv or .parquet, or give --parquet or --csv.")
    file = file or Path(f"attempts.{form}")
    from ...storage.exporting import export_attempts

    since, until = Span.of(dates).moments()
    with open_database(session, url) as database:
        count = export_attempts(database, file, since=since, until=until, form=form)
    say(f"{count:,} attempts in {file}")


def _told(done: Deletion) -> str:
    return (
        f"deleted: {done.conversations:,} conversations, {done.messages:,} messages, {done.files:,} files, "
        f"{done.answers:,} answers of the cache, {done.attempts:,} attempts; "
        f"{done.anonymised:,} rows of the ledger are nobody's now"
    )
