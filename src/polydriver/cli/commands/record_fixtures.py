"""`polydriver record-fixtures`: fixtures for the conformance suite, from a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..completing import complete_provider
from ..options import common_options, examples
from ..output import note, say
from ..session import Session, default_model

__all__ = ["command"]


@click.command(
    "record-fixtures",
    short_help="Record fixtures for the tests of a driver, from a real server.",
    epilog=examples(
        "polydriver record-fixtures acme --model acme-1",
        "polydriver record-fixtures acme --model acme-1 --reasoning --embedding-model acme-vectors",
    ),
)
@click.argument("provider", shell_complete=complete_provider)
@click.option("-m", "--model", metavar="ID", help="The model to ask; the connection's default model else.")
@click.option("--embedding-model", metavar="ID", help="Record vectors of this model, too.")
@click.option("--reasoning", is_flag=True, help="Record answers with reasoning, too.")
@click.option(
    "--directory",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("tests/fixtures"),
    show_default=True,
    help="Where to write them. What is there and is not recorded anew stays.",
)
@common_options
@click.pass_obj
@click.pass_context
def command(
    ctx: click.Context,
    session: Session,
    /,
    provider: str,
    model: str | None,
    embedding_model: str | None,
    reasoning: bool,
    directory: Path,
) -> None:
    """Ask a server for an answer, a stream, calls of tools, its models and one that it does not have, and write what it
    sends, byte by byte and without keys, with what the driver reads in it today. Costs a few requests.

    Check `expected.json` by eye: the tests compare with it from then on.
    """
    from ...drivers import driver_class
    from ...errors import ConfigurationError
    from ...testing.capturing import capture_fixtures
    from ...testing.fixture_files import fixture_files, read_fixtures

    name = session.provider_name(provider)
    driver = session.ai.settings.driver(name)
    kind = driver_class(driver)
    model = model or default_model(session.ai.provider(name))
    if not model:
        raise ConfigurationError(f"no model is given for {name}", hint="Name one with --model.")

    def connect(cassette: Any) -> Any:
        session.ai.extend(driver, lambda settings: kind(settings, transport=cassette))
        return session.ai.provider(name)

    known = read_fixtures(directory) if directory.is_dir() else None
    captured = capture_fixtures(connect, model, reasoning=reasoning, embedding_model=embedding_model, known=known)
    directory.mkdir(parents=True, exist_ok=True)
    files = fixture_files(captured.fixtures)
    stems = {Path(file).stem for file in files}
    for old in directory.iterdir():
        if old.stem in stems and old.name not in files:
            old.unlink()  # the same reply with another ending
    for file, data in files.items():
        (directory / file).write_bytes(data)
        say(str(directory / file))
    for what, why in captured.missing.items():
        note(f"not recorded: {what}: {why}")
    say("\nNow check expected.json: it holds what the driver reads today, and the tests compare with it.")
    if not captured.fixtures.expected:
        ctx.exit(1)
