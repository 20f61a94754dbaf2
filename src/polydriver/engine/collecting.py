"""The items of files of results: in memory for who wants all of them, on disk for who takes one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import IO, Any, Self

import msgspec

from ..contract import DriverHooks
from ..data.responses import AIResponse
from ..operations.files import ResultFile
from ..operations.results import BatchItem, BatchResults
from .billing import price_operation
from .targets import Target

__all__ = ["Collected", "Spooled"]


class Collected:
    """All items in memory."""

    def __init__(self) -> None:
        self._items: list[BatchItem] = []
        self._whole = 0

    def begin(self, file: ResultFile) -> None:
        """A file is read from its beginning; what came of it before is dropped."""
        del self._items[self._whole :]

    def add(self, file: ResultFile, line: bytes) -> None:
        """Take a line of it."""
        self._items.append(file.read(line))

    def end(self, file: ResultFile) -> None:
        """It is over."""
        self._whole = len(self._items)

    def finish(self, results: BatchResults) -> None:
        """Put the items into the results of a batch, by their ids' order."""
        if self._items:
            results.items = sorted([*self._items, *results.items], key=lambda one: (len(one.custom_id), one.custom_id))


class Spooled(Collected):
    """Lines in a temporary file, and in memory what they cost. A context manager, which removes the file."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `__exit__`
        self._files: list[tuple[int, Callable[[bytes], BatchItem]]] = []
        self._inline: list[BatchItem] = []
        self._end = 0

    def begin(self, file: ResultFile) -> None:
        """See `Collected.begin`."""
        super().begin(file)
        self._lines.seek(self._end)
        self._lines.truncate()

    def add(self, file: ResultFile, line: bytes) -> None:
        """See `Collected.add`."""
        self._items.append(_slim(file.read(line)))
        self._lines.write(line + b"\n")

    def end(self, file: ResultFile) -> None:
        """See `Collected.end`."""
        self._files.append((len(self._items) - self._whole, file.read))
        super().end(file)
        self._end = self._lines.tell()

    def finish(self, results: BatchResults) -> None:
        """Put what the items cost into the results of a batch, to be billed."""
        self._inline = results.items
        results.items = [*self._items, *results.items]

    def items(self, target: Target, results: BatchResults) -> Iterator[BatchItem]:
        """Each item, in the order of the files."""
        self._items = []
        yield from self._inline
        self._lines.seek(0)
        for count, read in self._files:
            for _ in range(count):
                item = read(self._lines.readline().rstrip(b"\n"))
                _complete(item, target, results)
                yield item

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()


def _slim(item: BatchItem) -> BatchItem:
    """What decides the cost of an item, without its content."""
    answer = item.response
    if answer is None:
        return BatchItem(custom_id=item.custom_id, unsent=item.unsent)
    usage = None if answer.usage is None else msgspec.structs.replace(answer.usage, raw=None)
    slim: AIResponse[Any] = AIResponse(usage=usage, cost=answer.cost, model=answer.model, billing=answer.billing)
    return BatchItem(custom_id=item.custom_id, response=slim)


def _complete(item: BatchItem, target: Target, results: BatchResults) -> None:
    """Fill in what only the engine knows."""
    if item.response is None:
        return
    target.keep_own(item.response)
    driver: DriverHooks = target.driver
    price_operation(driver, BatchResults(items=[item], provider=results.provider))
