"""`polydriver demo`: what this package does, shown in a few seconds."""

from __future__ import annotations

import click

from ..options import common_options, examples
from ..output import say

__all__ = ["command"]


@click.command(
    "demo", short_help="See the OpenAI driver at work, without key or network.", epilog=examples("polydriver demo")
)
@common_options
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show the OpenAI driver over real HTTP against a server on loopback: no key, no network.

    Everything that is shown is checked; exits with 1 when something is not as shown.
    """
    from ..demo.narrator import DemoError
    from ..demo.run import run_demo

    try:
        run_demo()
    except DemoError as error:
        say(f"demo failed: {error}", err=True, fg="red")
        ctx.exit(1)
