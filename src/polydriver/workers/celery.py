"""Work in bulk on Celery: a task for each item, on any number of machines; with the extra `celery`.

An item is acknowledged when its outcome is stored, so that a worker that is killed loses nothing: another one has the
item, and one whose answer is stored already is not sent again. https://docs.celeryq.dev/en/stable/userguide/tasks.html
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import ConfigurationError, ProviderClosedError
from .items import read_id
from .work import BulkWork, Item, Outcome, Postponed

if TYPE_CHECKING:
    from celery import Celery

    from ..manager import AI

__all__ = ["CeleryWork", "Submitted"]

_VISIBILITY = 3600
"""Seconds after which a broker like Redis hands a message out again; Celery's own default."""


class Submitted(Protocol):
    """What is used of Celery's `AsyncResult`: https://docs.celeryq.dev/en/stable/reference/celery.result.html"""

    id: str

    @property
    def state(self) -> str:
        """PENDING, RETRY, SUCCESS, ..."""

    def get(self, timeout: float | None = None) -> Outcome:
        """Wait for the outcome, for so many seconds at most."""

    def ready(self) -> bool:
        """Whether there is an outcome."""

    def revoke(self) -> None:
        """Have workers drop the item, unless it is at work."""

    def forget(self) -> None:
        """Drop what the result backend keeps of it."""


class CeleryWork:
    """A task of an app that answers items; made in a module that workers and those who submit import.

    ::

        app = Celery("bulk", broker="redis://...", backend="redis://...")
        work = CeleryWork(app, "polydriver.toml", provider="openai", model="gpt-4o-mini")

        outcome = work.submit("Why is the sky blue?", job="questions").get()

    `task` is Celery's task. Pools: prefork, threads, solo.
    """

    def __init__(
        self,
        app: Celery,
        config: Mapping[str, Any] | str | Path | Callable[[], AI] | None = None,
        *,
        provider: str | None = None,
        name: str = "polydriver.answer",
        patience: float = 600.0,
        grace: float = 30.0,
        **options: Any,
    ) -> None:
        """Register the task `name`. `config`, `provider`, `patience` and `options` are those of `BulkWork`.

        `grace`: seconds that calls have to end when a worker shuts down; what still runs then goes to another worker.
        Raises `ConfigurationError` for an app without a result backend.
        """
        if app.conf.result_backend is None:
            raise ConfigurationError(
                "the outcomes of work in bulk are kept by Celery's result backend, and the app has none",
                hint="Name one: Celery(..., backend='redis://...').",
            )
        self.work = BulkWork(config, provider=provider, patience=patience, **options)
        self.task: Any = app.task(
            self._run, name=name, acks_late=True, reject_on_worker_lost=True, ignore_result=False,
            serializer="json", max_retries=None,
        )  # fmt: skip
        visibility = (app.conf.broker_transport_options or {}).get("visibility_timeout", _VISIBILITY)
        self._longest_pause = visibility / 2
        _Drain(self.work, grace).connect()

    def submit(self, item: Item, *, job: str, **how: Any) -> Submitted:
        """Have an item answered by a worker; `.get()` of what is returned waits for its `Outcome`.

        Submitted again under the same `job`, an item that is answered is not sent again, and one that failed is. `how`
        is what `apply_async` takes: queue, priority, expires, ... Raises `ConfigurationError` for what is not plain
        data.
        """
        found: Submitted = self.task.apply_async((item, read_id(item)), task_id=self.work.key(item, job), **how)
        return found

    def outcomes(self, items: Iterable[Item], *, job: str, quiet: float = 600.0, **how: Any) -> Iterator[Outcome]:
        """Submit all items, and wait for their outcomes, in their order.

        An item whose turn it is and that has none after `quiet` seconds is submitted again: Redis as a broker forgets a
        message that it hands out at the moment when its worker is killed.
        """
        from celery.exceptions import TimeoutError as NoOutcomeError

        waiting = deque((item, self.submit(item, job=job, **how)) for item in items)
        while waiting:
            item, submitted = waiting.popleft()
            while True:
                try:
                    outcome = submitted.get(timeout=quiet)
                except NoOutcomeError:
                    submitted = self.submit(item, job=job, **how)
                else:
                    break
            yield outcome

    def _run(self, item: Item, custom_id: str | None = None, waited: float = 0.0) -> Outcome:
        task = self.task
        known = _answered(task)
        if known is not None:
            return known
        try:
            found = self.work.attempt(item, custom_id=custom_id, waited=waited, tries=task.request.retries + 1)
        except ProviderClosedError as error:
            from celery.exceptions import Reject

            raise Reject(str(error), requeue=True) from error
        if isinstance(found, Postponed):
            seconds = min(found.seconds, self._longest_pause)
            raise task.retry(args=(item, custom_id), kwargs={"waited": waited + seconds}, countdown=seconds)
        return found


def _answered(task: Any) -> Outcome | None:
    """The answer that an earlier run of the same item has stored."""
    if task.request.called_directly or task.request.is_eager:
        return None
    meta = task.backend.get_task_meta(task.request.id, cache=False)
    outcome: Outcome | None = meta["result"] if meta["status"] == "SUCCESS" else None
    return None if outcome is None or "error" in outcome else outcome


class _Drain:
    """Closes the work of a worker that shuts down, in whichever processes it is done.

    The signal comes to the main process alone. The children of a prefork pool see the end of a pipe that it holds
    open.
    """

    def __init__(self, work: BulkWork, grace: float) -> None:
        self._work = work
        self._grace = grace
        self._main: int | None = None
        self._reader = self._writer = -1

    def connect(self) -> None:
        """Have Celery tell of the beginning and the end of workers and their children."""
        from celery import signals

        signals.worker_init.connect(self._begin, weak=False)
        signals.worker_process_init.connect(self._begin_child, weak=False)
        signals.worker_shutting_down.connect(self._shut_down, weak=False)
        signals.worker_process_shutdown.connect(self._end, weak=False)
        signals.worker_shutdown.connect(self._end, weak=False)

    def _begin(self, **told: Any) -> None:
        self._main = os.getpid()
        self._reader, self._writer = os.pipe()

    def _begin_child(self, **told: Any) -> None:
        if self._main is not None and os.getpid() != self._main:
            if self._writer >= 0:  # a child that is made while the worker shuts down finds it closed
                os.close(self._writer)
            self._close_in_thread(self._close_at_end_of_pipe)

    def _close_at_end_of_pipe(self) -> None:
        with suppress(OSError):
            os.read(self._reader, 1)
        self._work.close(self._grace)

    def _shut_down(self, how: str = "Warm", **told: Any) -> None:
        """In a signal handler of the main process."""
        if self._writer >= 0:
            os.close(self._writer)
            self._writer = -1
        grace = self._grace if how == "Warm" else 0.0
        self._close_in_thread(lambda: self._work.close(grace))

    def _end(self, **told: Any) -> None:
        """All tasks have ended, here or in this child: leave no connection, and nothing that is not written."""
        self._work.close(0.0)

    def _close_in_thread(self, act: Callable[[], None]) -> None:
        threading.Thread(target=act, name="polydriver-drain", daemon=True).start()
