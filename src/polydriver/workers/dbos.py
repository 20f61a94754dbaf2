"""Work in bulk on DBOS: a durable workflow for each item, over PostgreSQL or SQLite; with the extra `dbos`.

DBOS keeps what is to be done, what runs and what is done in a database. A worker that is killed is found out by the
others (`presence`), and they continue with what it had begun. https://docs.dbos.dev/python/tutorials/workflow-tutorial
"""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Mapping
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from ..errors import ConfigurationError, ProviderClosedError
from ..logger import logger
from .items import read_id
from .presence import Presence, find_presence
from .work import BulkWork, Item, Outcome, Postponed

if TYPE_CHECKING:
    from dbos import DBOSClient, WorkflowHandle, WorkflowStatus

    from ..manager import AI

__all__ = ["DBOSWork", "sqlite_suffices"]

_log = logger()

_VERSION = "polydriver-1"
"""Of the workflow: workers continue only with workflows of the same version."""

_POLL = 0.2
_WITHOUT_ANSWER = ("ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
_ENDING_SECONDS = 10.0
"""How long a worker waits, after its grace, until what was stopped has ended."""


class DBOSWork:
    """A queue of items in a database, for workers and for those who submit.

    ::

        work = DBOSWork("postgresql://...", "polydriver.toml", provider="openai", model="gpt-4o-mini")

        work.run(concurrency=8)  # in each worker

        with work:
            outcome = work.submit("Why is the sky blue?", job="questions").get_result()
    """

    def __init__(
        self,
        url: str,
        config: Mapping[str, Any] | str | Path | Callable[[], AI] | None = None,
        *,
        provider: str | None = None,
        name: str = "polydriver",
        patience: float = 600.0,
        **options: Any,
    ) -> None:
        """`url`: the database, PostgreSQL or a file of SQLite, which DBOS makes its tables in. `name`: that of the
        queue and of the application. `config`, `provider`, `patience` and `options` are those of `BulkWork`.

        Raises `ConfigurationError` without the extra, for a database in memory, and for a SQLite that is too old.
        """
        _check_extra()
        self.work = BulkWork(config, provider=provider, patience=patience, **options)
        self._url = url
        self._name = name
        self._executor = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        self._presence = find_presence(url, self._executor)
        if url.startswith("sqlite") and not sqlite_suffices():
            raise ConfigurationError(
                f"DBOS needs SQLite 3.42 or newer with Python 3.12 or newer, and this one is {sqlite3.sqlite_version}: "
                "name a database of PostgreSQL"
            )
        self._client: DBOSClient | None = None

    def submit(self, item: Item, *, job: str) -> WorkflowHandle[Outcome]:
        """Have an item answered by a worker; `.get_result()` of what is returned waits for its `Outcome`.

        Submitted again under the same `job`, an item that is answered or on its way is not sent again, and one that
        failed is. Raises `ConfigurationError` for what is not plain data.
        """
        key, client = self.work.key(item, job), self._open()
        workflow_id, number = key, 1
        while known := client.list_workflows(workflow_ids=[workflow_id], load_input=False):
            if _has_failed(known[0]):
                number += 1
                workflow_id = f"{key}.{number}"
                continue
            return client.retrieve_workflow(workflow_id)
        return client.enqueue(
            {
                "workflow_name": self._name,
                "queue_name": self._name,
                "workflow_id": workflow_id,
                "app_version": _VERSION,
                "serialization_type": _portable(),
            },
            item,
            read_id(item),
        )

    def run(self, *, concurrency: int = 8, grace: float = 30.0, look_every: float = 5.0) -> None:
        """Be a worker, until SIGTERM or SIGINT; to be called in the main thread.

        At most `concurrency` items are at work at once; all workers of a queue are given the same. Every `look_every`
        seconds it looks whether another worker is gone, and continues with what that one had begun. At the end what
        is at work has `grace` seconds, and what still runs then is left to the others.
        """
        stop = threading.Event()
        before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._serve(concurrency, grace, look_every, stop)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def close(self) -> None:
        """Leave no connection of those who submit."""
        if self._client is not None:
            self._client.destroy()
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> DBOSClient:
        if self._client is None:
            from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

            DBOS.migrate(self._url)
            self._client = DBOSClient(
                system_database_url=self._url, serializer=DBOSPortableJSONSerializer(), application_name=self._name
            )
        return self._client

    def _serve(self, concurrency: int, grace: float, look_every: float, stop: threading.Event) -> None:
        from dbos import DBOS, DBOSPortableJSONSerializer

        _register(self._name, self.work, stop)
        self._presence.keep()
        DBOS(
            config={
                "name": self._name,
                "system_database_url": self._url,
                "executor_id": self._executor,
                "application_version": _VERSION,
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "WARNING",
            }
        )
        DBOS.listen_queues([self._name])
        DBOS.launch()
        DBOS.register_queue(
            self._name, worker_concurrency=concurrency, polling_interval_sec=_POLL, on_conflict="always_update"
        )
        watch = threading.Thread(target=self._watch, args=(look_every, stop), name="polydriver-watch", daemon=True)
        watch.start()
        while not stop.wait(1.0):  # without an end the wait could not be interrupted on Windows
            pass
        closing = threading.Thread(target=self.work.close, args=(grace,), name="polydriver-drain")
        closing.start()
        DBOS.destroy(workflow_completion_timeout_sec=ceil(grace + _ENDING_SECONDS))
        closing.join()
        watch.join(look_every)
        self._presence.close()

    def _watch(self, look_every: float, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self._presence.keep()
                _continue_for_others(self._name, self._executor, self._presence)
            except Exception:  # noqa: BLE001 - of the database, whichever it is; it is looked again
                if not stop.is_set():
                    _log.warning("workers: cannot look for workers that are gone; trying again soon", exc_info=True)
            stop.wait(look_every)


class _LeaveToOthersError(BaseException):
    """The workflow is left as it is, for another worker; DBOS notes nothing of it."""


def _register(name: str, work: BulkWork, stop: threading.Event) -> None:
    """Make the workflow of an item known to DBOS."""
    from dbos import DBOS

    def send(item: Item, custom_id: str | None, waited: float, tries: int) -> dict[str, Any]:
        try:
            found = work.attempt(item, custom_id=custom_id, waited=waited, tries=tries)
        except ProviderClosedError as error:
            raise _LeaveToOthersError from error
        if isinstance(found, Postponed):
            return {"seconds": found.seconds, "until": time.time() + found.seconds}
        return {"outcome": found}

    @DBOS.workflow(name=name, serialization_type=_portable())
    def answer(item: Item, custom_id: str | None) -> Outcome:
        waited, tries = 0.0, 1
        while True:
            done = DBOS.run_step({"name": "send"}, send, item, custom_id, waited, tries)
            if "outcome" in done:
                outcome: Outcome = done["outcome"]
                return outcome
            if stop.wait(max(0.0, done["until"] - time.time())):
                raise _LeaveToOthersError
            waited, tries = waited + done["seconds"], tries + 1


def _continue_for_others(name: str, executor: str, presence: Presence) -> None:
    """Put what workers that are gone had begun back into the queue."""
    from dbos import DBOS

    def pending(worker: str | None = None) -> list[WorkflowStatus]:
        return DBOS.list_workflows(
            status="PENDING", queue_name=name, executor_id=worker, load_input=False, load_output=False
        )

    for worker in {workflow.executor_id for workflow in pending()} - {executor, None}:
        assert worker is not None
        with presence.gone(worker) as is_gone:
            left = pending(worker) if is_gone else []
            if left:
                _log.warning("workers: %s is gone; %d items of it are continued", worker, len(left))
                DBOS.resume_workflows([workflow.workflow_id for workflow in left], queue_name=name)


def sqlite_suffices() -> bool:
    """Whether the SQLite of this Python knows the milliseconds that DBOS asks it for."""
    return sys.version_info < (3, 12) or sqlite3.sqlite_version_info >= (3, 42)


def _has_failed(workflow: WorkflowStatus) -> bool:
    return workflow.status in _WITHOUT_ANSWER or (workflow.status == "SUCCESS" and "error" in (workflow.output or {}))


def _portable() -> Any:
    from dbos import WorkflowSerializationFormat

    return WorkflowSerializationFormat.PORTABLE


def _check_extra() -> None:
    from importlib.util import find_spec

    if find_spec("dbos") is None:
        raise ConfigurationError("DBOS needs the extra dbos: pip install 'polydriver[dbos]'")
