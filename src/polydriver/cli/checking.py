"""Asking connections whether they work, all at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from ..errors import AIError

if TYPE_CHECKING:
    from ..manager import AsyncAI

__all__ = ["Checked", "check_all"]


class Checked(msgspec.Struct, kw_only=True):
    """What the check of one connection found. `latency` is in seconds; `error` is the first problem."""

    connection: str
    driver: str | None = None
    valid: bool = False
    health: str | None = None
    latency: float | None = None
    models: int | None = None
    error_type: str | None = None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the connection can be used."""
        return self.valid and self.health != "unhealthy"


async def check_all(ai: AsyncAI, names: list[str]) -> list[Checked]:
    """Check connections side by side; the findings in their order."""
    async with ai:
        return list(await asyncio.gather(*(_check(ai, name) for name in names)))


async def _check(ai: AsyncAI, name: str) -> Checked:
    """Check one connection; whatever is wrong with it is a finding."""
    checked = Checked(connection=name)
    try:
        provider = ai.provider(name)
        checked.driver = provider.get_name()
        credentials, health = await asyncio.gather(provider.validate_credentials(), provider.get_health())
    except AIError as error:
        checked.error_type, checked.error = type(error).__name__, str(error)
        return checked
    checked.valid, checked.models = credentials.valid, credentials.available_models
    checked.health, checked.latency = health.status, health.latency
    checked.error_type = credentials.error_type
    checked.error = credentials.errors[0] if credentials.errors else health.message
    return checked
