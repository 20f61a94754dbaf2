"""Syncing the models of connections into the database, with progress on a terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .output import note, print_json, print_table
from .session import Session
from .terminal import neutralise

if TYPE_CHECKING:
    from ..data.models import SyncReport
    from ..manager.syncing import SyncProgress

__all__ = ["sync_all"]

_HEADINGS = ("connection", "status", "added", "updated", "deactivated", "unchanged", "remark")
_COUNTS = ("added", "updated", "deactivated", "unchanged")


def sync_all(session: Session, names: list[str], *, force: bool, dry_run: bool, as_json: bool) -> int:
    """Sync the named connections, or all that can be used, and print what changed. Returns the status to exit with.

    Raises `ConfigurationError` where no database or no connection is there.
    """
    from ..errors import ConfigurationError

    if session.ai.storage is None:
        raise ConfigurationError(
            "no database is named to keep the models in",
            hint="Set storage.url (AI_STORAGE_URL), for example to sqlite:///ai.db.",
        )
    wanted = [session.provider_name(name) for name in names] or session.connections()
    if not wanted:
        raise ConfigurationError(
            "no connection is configured",
            hint="Set a key such as OPENAI_API_KEY, or write a polydriver.toml; `polydriver providers` lists all keys.",
        )
    with _progress(len(wanted)) as told:
        reports = session.ai.sync_models(wanted, force=force, dry_run=dry_run, on_progress=told)
    if as_json:
        print_json(reports)
    else:
        _show(reports)
    failed = sum(report.status == "error" for report in reports.values())
    return 0 if not failed else 1 if failed == len(reports) else 2


def _show(reports: Mapping[str, SyncReport]) -> None:
    rows: list[tuple[Any, ...]] = []
    for name, report in reports.items():
        counts = (len(getattr(report, kind)) for kind in _COUNTS)
        rows.append((name, _status(report), *counts, report.error or "; ".join(report.warnings) or None))
    print_table(_HEADINGS, rows, right=_COUNTS)
    if any(report.dry_run for report in reports.values()):
        note("a dry run: nothing was kept")


def _status(report: SyncReport) -> str:
    fresh = report.status == "skipped" and not report.warnings
    return {"success": "ok", "skipped": "fresh" if fresh else "skipped", "error": "failed"}[report.status]


@contextmanager
def _progress(total: int) -> Iterator[SyncProgress | None]:
    """A line on stderr that says how far it is, and who is asked right now; nothing where that is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("syncing models"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    lock = threading.Lock()
    asked: list[str] = []
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=total)

        def tell(name: str, report: SyncReport | None) -> None:
            with lock:
                if report is None:
                    asked.append(name)
                else:
                    asked.remove(name)
                    shown.advance(task)
                described = neutralise(", ".join(asked)).replace("[", "\\[")
                shown.update(task, description=described, refresh=True)

        yield tell
