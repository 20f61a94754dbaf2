"""The click application: finding commands, common options, and what an error looks like."""

from __future__ import annotations

import errno
from importlib import import_module
from typing import Any

import click

from ..version import __version__
from .options import common_options, examples
from .output import drop_output, note, report, safe_streams
from .session import Session
from .terminal import neutralise

__all__ = ["cli"]

_COMMANDS = (
    "ask",
    "chat",
    "batch",
    "models",
    "check",
    "prices",
    "config",
    "providers",
    "serve-mock",
    "demo",
    "new-driver",
    "record-fixtures",
    "cost",
    "budgets",
    "db",
)


class Application(click.Group):
    """The group of all commands. A command's module is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order of the help text."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; `None` when there is none."""
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"{__package__}.commands.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. An `AIError` and a full disk become a message and status 1, Ctrl-C status 130."""
        from ..errors import AIError

        safe_streams()
        try:
            return super().invoke(ctx)
        except AIError as error:
            report(error)
            ctx.exit(1)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            drop_output()
            note(f"error: {error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
            ctx.exit(1)
        except click.ClickException as error:
            raise _visible(error) from None
        except (KeyboardInterrupt, click.Abort):
            note("stopped")
            ctx.exit(130)

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Read the arguments. What a usage error quotes of them is shown, never sent to the terminal."""
        try:
            return super().make_context(*args, **options)
        except click.ClickException as error:
            raise _visible(error) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name. An unknown one is a usage error with the nearest name."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, _COMMANDS, 1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"there is no command {name!r}.{meant}", ctx)
        return super().resolve_command(ctx, args)


def _visible(error: click.ClickException) -> click.ClickException:
    for name in ("message", "option_name", "param_hint", "ui_filename"):
        if isinstance(text := getattr(error, name, None), str):
            setattr(error, name, neutralise(text))
    return error


@click.command(
    cls=Application,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("polydriver ask -m gpt-4o-mini 'Why is the sky blue?'"),
)
@common_options
@click.version_option(__version__, prog_name="polydriver")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """One interface over many AI providers."""
    ctx.call_on_close(ctx.ensure_object(Session).close)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
