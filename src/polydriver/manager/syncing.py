"""Syncing the models of many connections: each once, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from ..data.models import SyncReport
from ..errors import AIError
from ..logger import logger
from .connections import Connections

__all__ = ["SyncProgress", "Syncing"]

SyncProgress: TypeAlias = "Callable[[str, SyncReport | None], object]"
"""Called with the name of a connection when its sync begins, and with name and report when it is done."""

_log = logger()


class Syncing:
    """One round of syncs: `names` are those to do, one for each list of models."""

    def __init__(
        self, connections: Connections, ai: object, wanted: Sequence[str] | None, on_progress: SyncProgress | None
    ) -> None:
        self._on_progress = on_progress
        self._reports: dict[str, SyncReport] = {}
        self._same: dict[str, str] = {}
        lists: dict[object, str] = {}
        for name in dict.fromkeys(connections.names() if wanted is None else wanted):
            try:
                provider = connections.resolve(name, ai)
                shared: object = getattr(provider._main, "connection", provider)
            except Exception as error:  # noqa: BLE001 - a factory may raise anything
                self._tell(name, None)
                self._same[name] = name
                self._done(name, _failed(name, error))
                continue
            self._same[name] = lists.setdefault(shared, name)
        self.names = list(lists.values())

    def run(self, name: str, sync: Callable[[], SyncReport]) -> SyncReport:
        """Sync one; whatever goes wrong is in its report."""
        self._tell(name, None)
        try:
            report = sync()
        except Exception as error:  # noqa: BLE001 - of one provider; the others go on
            report = _failed(name, error)
        self._done(name, report)
        return report

    async def run_async(self, name: str, sync: Callable[[], Awaitable[SyncReport]]) -> None:
        """The same for a task."""
        self._tell(name, None)
        try:
            report = await sync()
        except Exception as error:  # noqa: BLE001 - of one provider; the others go on
            report = _failed(name, error)
        self._done(name, report)

    def reports(self) -> dict[str, SyncReport]:
        """The report of each name that was asked for, in their order."""
        return {name: self._reports[first] for name, first in self._same.items()}

    def _done(self, name: str, report: SyncReport) -> None:
        self._reports[name] = report
        self._tell(name, report)

    def _tell(self, name: str, report: SyncReport | None) -> None:
        if self._on_progress is not None:
            self._on_progress(name, report)


def _failed(name: str, error: Exception) -> SyncReport:
    if isinstance(error, AIError):
        return SyncReport(status="error", error=str(error))
    _log.error("the models of %s could not be synced", name, exc_info=error)
    return SyncReport(status="error", error=f"{type(error).__name__} (see the log)")
