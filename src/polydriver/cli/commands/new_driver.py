"""`polydriver new-driver`: a package with a driver of one's own, whose tests pass at once."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import common_options, examples
from ..output import say
from ..scaffold import CHOICES, write_package

__all__ = ["command"]


@click.command(
    "new-driver",
    short_help="Write a package with a driver of your own.",
    epilog=examples(
        "polydriver new-driver acme --base-url https://llm.acme.example/v1",
        "polydriver new-driver acme --wire own --directory acme-driver",
    ),
)
@click.argument("name")
@click.option(
    "--wire",
    type=click.Choice([*CHOICES, "own"]),
    default="chat_completions",
    show_default=True,
    help="The format that the service speaks; own is one that we don't know.",
)
@click.option(
    "--directory",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write it; polydriver-NAME by default.",
)
@click.option("--base-url", metavar="URL", help="The service's address.")
@common_options
@click.pass_context
def command(ctx: click.Context, /, name: str, wire: str, directory: Path | None, base_url: str | None) -> None:
    """Write an installable package: the driver, fixtures, and the conformance suite, which passes as it is.

    A service that speaks OpenAI's Chat Completions needs no package: see `openai_compatible` and `base_url`.
    """
    folder = directory or Path(f"polydriver-{name}")
    try:
        paths = write_package(name, wire, folder, base_url or f"https://api.{name}.example/v1")
    except OSError as error:
        say(f"error: cannot write {folder}: {error.strerror or error}", err=True)
        ctx.exit(1)
    for path in paths:
        say(str(path))
    say(f"\nNext: cd {folder} && python -m pytest")
