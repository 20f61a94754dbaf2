"""Names for the Tab key: of connections and models, in the shell and in a chat."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from .session import Session, default_model

if TYPE_CHECKING:
    from .chatting.state import Chat

__all__ = ["complete_line", "complete_model", "complete_provider", "model_names", "provider_names"]

_PATHS = ("attach", "load", "save")


def provider_names(session: Session) -> list[str]:
    """All names that a connection can be called by: what is configured, and drivers."""
    from ..drivers import driver_names

    return sorted({*session.ai.provider_names(), *driver_names()})


def model_names(session: Session, provider: str) -> list[str]:
    """The models that the catalog knows of a connection's provider, and its default. Nothing is asked."""
    from ..prices.catalog import models

    service = session.ai.provider(provider)
    driver = service.driver
    known = {entry.id for entry in models(driver.catalog_name or driver.name)}
    return sorted({*known, *filter(None, [default_model(service)])})


def complete_provider(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """For an argument that names a connection. Whatever goes wrong, there is nothing to complete."""
    return _starting(incomplete, lambda: provider_names(_session(ctx)))


def complete_model(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """For an option that names a model, of the connection that `-p` names or the default one."""
    session = _session(ctx)
    return _starting(incomplete, lambda: model_names(session, session.provider_name(ctx.params.get("provider"))))


def complete_line(chat: Chat, begun: str) -> list[str]:
    """What the last word of a chat's line may be, as whole words."""
    from .chatting.slash import COMMANDS

    command, space, rest = begun.partition(" ")
    if not command.startswith("/"):
        return []
    if not space:
        takes = {name: usage for name, (usage, _, _) in COMMANDS.items()} | {"exit": ""}
        return _starting(command, lambda: [f"/{name} " if usage else f"/{name}" for name, usage in takes.items()])
    if command == "/provider":
        return _starting(rest, lambda: provider_names(chat.session))
    if command == "/model":
        return _starting(rest, lambda: model_names(chat.session, chat.provider))
    if command[1:] in _PATHS:
        word = rest.rpartition(" ")[2]
        found = glob.glob(glob.escape(os.path.expanduser(word)) + "*")
        return sorted(path + os.sep if os.path.isdir(path) else path for path in found)
    return []


def _session(ctx: click.Context) -> Session:
    return ctx.find_object(Session) or Session()


def _starting(incomplete: str, names: Callable[[], list[str]]) -> list[str]:
    from ..errors import AIError

    try:
        return [name for name in names() if name.startswith(incomplete)]
    except AIError:
        return []
