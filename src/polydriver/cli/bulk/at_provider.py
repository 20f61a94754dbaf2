"""The run of a batch by the provider's own batches: at a lower price, within a day.

Which batches were made of which lines stands in a file beside the output, until all lines have an outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...data.batches import BatchProgress
from ...errors import AIError
from ...operations.results import BatchItem
from ...provider.batch_entries import BatchEntry, digest_of
from ...provider.batch_records import BatchRecord
from ...provider.batch_runs import BatchRun
from ...workers.outcomes import as_object, describe_error
from ..hints import explain
from .journal import Journal
from .lines import read_lines, read_request
from .running import add_system, run_in_loop

if TYPE_CHECKING:
    from ...manager import AsyncAI

__all__ = ["ProviderRun", "record_path"]


def record_path(output: Path) -> Path:
    """The file that says which batches were made for an output."""
    return output.with_name(f"{output.name}.batches")


class ProviderRun:
    """One run over the lines of a source that have no outcome; it has the same methods as `Run`."""

    def __init__(
        self, source: Path, journal: Journal, options: dict[str, Any], *, system: str | None, poll_interval: float
    ) -> None:
        self.fatal: AIError | None = None
        self.progress = BatchProgress()
        self._source = source
        self._journal = journal
        self._options = options
        self._system = system
        self._poll_interval = poll_interval
        self._digests: dict[str, str] = {}

    def work(self, ai: AsyncAI, provider: str, on_progress: Callable[[BatchProgress], object]) -> None:
        """Run until every line has an outcome. When stopped, the batches stay with the provider, and the next run
        continues with them."""

        def tell(progress: BatchProgress) -> None:
            self.progress = progress
            on_progress(progress)

        async def send() -> None:
            entries = self._entries()
            if len(self._journal.done) == len(self._digests):
                return
            path = record_path(self._journal.path)
            service = ai.provider(provider)
            with BatchRecord(path, service.get_name(), digest_of(entries)) as record:
                run = _KeptRun(
                    self._journal, self._digests, service, entries, record,
                    poll_interval=self._poll_interval, on_progress=tell,
                )  # fmt: skip
                await run.work()
                self.progress = run.progress()
            path.unlink(missing_ok=True)

        try:
            run_in_loop(ai, send)
        except AIError as error:
            self.fatal = error

    def _entries(self) -> list[BatchEntry]:
        """What the lines ask for; a line that cannot be sent has its outcome already."""
        entries = []
        for line in read_lines(self._source):
            self._digests[line.custom_id] = line.digest
            try:
                request = read_request(line.data)
            except ValueError as error:
                if line.custom_id not in self._journal.done:
                    self._journal.add(line.custom_id, line.digest, {"error": describe_error(error, explain)})
                continue
            messages = add_system(request.messages, self._system)
            entries.append(BatchEntry(line.custom_id, messages, {**self._options, **request.options}))
        return entries


class _KeptRun(BatchRun):
    """A run that keeps each outcome in a journal."""

    def __init__(self, journal: Journal, digests: dict[str, str], *arguments: Any, **how: Any) -> None:
        super().__init__(*arguments, **how)
        self._journal = journal
        self._digests = digests

    @property
    def done(self) -> set[str]:
        """The ids with an outcome, those of earlier runs among them."""
        return set(self._journal.done)

    def keep(self, items: list[BatchItem]) -> bool:
        """Write outcomes, those that are not there yet."""
        for item in items:
            if item.custom_id in self._journal.done:
                continue
            values: dict[str, Any] = {}
            if item.error is not None:
                values = {"error": describe_error(item.error, explain)}
            elif item.response is not None:
                values = as_object(item.response, parsed=item.response.parsed is not None)
            self._journal.add(item.custom_id, self._digests[item.custom_id], values)
            self.items[item.custom_id] = item
        return True
