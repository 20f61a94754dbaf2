"""Options that several commands share, and the session that they make up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from .completing import complete_provider
from .session import Session

__all__ = ["common_options", "examples", "json_option", "provider_option"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
provider_option = click.option(
    "-p", "--provider", metavar="NAME", shell_complete=complete_provider, help="The connection to use."
)


def examples(*lines: str) -> str:
    """The end of a help text: example command lines, kept as they are."""
    return "\b\n" + "\n".join(["Example:" if len(lines) == 1 else "Examples:", *(f"  {line}" for line in lines)])


def common_options(function: Decorated) -> Decorated:
    """Add `--config` and `--verbose`, which may stand before a command or behind it."""
    config = click.option(
        "--config",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        expose_value=False,
        callback=_set_config,
        help="The settings to use: a TOML file.",
    )
    verbose = click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=_set_verbose, help="Log what happens, on stderr."
    )
    return config(verbose(function))


def _set_config(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    session = ctx.ensure_object(Session)
    if value is not None:
        session.config = value


def _set_verbose(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    session = ctx.ensure_object(Session)
    session.log(verbose=value or session.verbose)
