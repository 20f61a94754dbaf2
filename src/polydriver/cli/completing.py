"""Names for the Tab key: of connections and models, for the shell and for chats."""

from __future__ import annotations

from collections.abc import Callable

import click

from .session import Session, default_model

__all__ = ["complete_model", "complete_provider", "model_names", "provider_names", "starting"]


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
    return starting(incomplete, lambda: provider_names(_session(ctx)))


def complete_model(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """For an option that names a model, of the connection that `-p` names or the default one."""
    session = _session(ctx)
    return starting(incomplete, lambda: model_names(session, session.provider_name(ctx.params.get("provider"))))


def _session(ctx: click.Context) -> Session:
    return ctx.find_object(Session) or Session()


def starting(incomplete: str, names: Callable[[], list[str]]) -> list[str]:
    """The names that begin so. Whatever cannot be read of the settings has none."""
    from ..errors import AIError

    try:
        return [name for name in names() if name.startswith(incomplete)]
    except AIError:
        return []
