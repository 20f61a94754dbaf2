"""`run_batch`: prompts as batches at the provider, from beginning to end, written once for both colours.

Prompts are split to what one batch may hold, and what a batch never came to is sent again, alone. What is on its way is
kept in a `BatchRecord`, so that nothing is made twice by a process that takes over from one that was killed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from math import inf
from operator import add
from os import PathLike
from pathlib import Path
from typing import Any

from ..data.batches import BatchProgress
from ..data.prompt import Prompt
from ..data.responses import AIResponse
from ..engine.waiting import current_stop
from ..errors import AIError, ConfigurationError, InvalidRequestError, error_branch
from ..operations.kinds import CREATE_BATCH, GET_BATCH, GET_BATCH_RESULTS, LIST_BATCHES
from ..operations.requests import RUN_LABEL
from ..operations.results import Batch, BatchItem, BatchResults
from ..prompting import CALL_LIMITS, build_prompt
from .batch_entries import BatchEntry, digest_of, written
from .batch_marks import has_mark, mark_ids, may_be_of, plain_id
from .batch_records import BatchPart, BatchRecord

__all__ = ["BatchRun", "run_batch"]

_OVERHEAD = 200
_QUEUE_FULL_CODES = ("token_limit_exceeded",)
"""Codes of batches that failed since too much was waiting already: https://platform.openai.com/docs/guides/batch"""
_MOST_FAILURES = 20
"""How many times in a row a request for the state of a batch may fail."""


class BatchRun:
    """One `run_batch`. `items` are the outcomes so far, by id."""

    def __init__(
        self,
        provider: Any,
        entries: Sequence[BatchEntry],
        record: BatchRecord,
        *,
        labels: Mapping[str, str] | None = None,
        poll_interval: float = 30.0,
        rounds: int = 3,
        on_progress: Callable[[BatchProgress], object] | None = None,
    ) -> None:
        """`rounds`: how many times a prompt is sent at most."""
        self.items: dict[str, BatchItem] = {}
        self._provider = provider
        self._entries = {entry.custom_id: entry for entry in entries}
        self._record = record
        self._labels = labels
        self._poll_interval = poll_interval
        self._rounds = rounds
        self._on_progress = on_progress
        self._counts: dict[int, Batch] = {}
        self._failures = 0

    @property
    def done(self) -> set[str]:
        """The ids that have an outcome, or need none."""
        return set(self.items)

    async def work(self) -> None:
        """Run until every prompt has an outcome. An error that ends it early names the batches that are under way."""
        try:
            await self._work()
        except BaseException as error:
            ids = [part.id for part in self._record.open_parts if part.id is not None]
            if ids:
                error.add_note(f"batches that are on their way: {', '.join(ids)}")
            raise

    def keep(self, items: list[BatchItem]) -> bool:
        """Keep outcomes; returns whether they are kept for good, so that they need not be read again."""
        self.items.update((item.custom_id, item) for item in items)
        return False

    async def _work(self) -> None:
        port = self._provider._pipeline.port
        for part in [part for part in self._record.open_parts if part.id is None]:
            await self._find_or_make(part)
        while True:
            await self._submit()
            for part in self._record.open_parts:
                await self._look(part)
            if self._on_progress is not None:
                await port.finish(self._on_progress(self.progress()))
            if self._missing():
                continue
            if not self._record.open_parts:
                return
            await port.sleep(self._poll_interval, current_stop.get())

    def progress(self) -> BatchProgress:
        """How far it is: what is kept, and what the provider counts of the rest."""
        kept = Counter("failed" if item.error is not None else "answered" for item in self.items.values())
        costs: dict[str, Decimal] = {}
        tokens = [0, 0]
        unpriced = 0
        for item in self.items.values():
            if (answer := _answer_of(item)) is not None:
                usage, cost = answer.usage, answer.cost
                tokens[0] += (usage.input_tokens or 0) if usage else 0
                tokens[1] += (usage.output_tokens or 0) if usage else 0
                unpriced += cost is None
                if cost is not None:
                    costs[cost.currency] = costs.get(cost.currency, Decimal(0)) + cost.total
        open_parts = self._record.open_parts
        counted = [self._counts[part.number].counts for part in open_parts if part.number in self._counts]
        answered, failed = sum(count.completed or 0 for count in counted), sum(count.failed or 0 for count in counted)
        sent = sum(len(part.custom_ids) for part in open_parts)
        return BatchProgress(
            total=len(self._entries),
            begun=len(self.items) + sent,
            answered=kept["answered"] + answered,
            failed=kept["failed"] + failed,
            running=max(0, sent - answered - failed),
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            costs=costs,
            unpriced=unpriced,
        )

    def _missing(self) -> list[BatchEntry]:
        """The prompts without an outcome that are not on their way."""
        settled = self.done | {custom_id for part in self._record.open_parts for custom_id in part.custom_ids}
        return [entry for custom_id, entry in self._entries.items() if custom_id not in settled]

    async def _submit(self) -> None:
        """Make batches of what is missing."""
        for entries in self._split(self._missing()):
            part = self._record.begin([entry.custom_id for entry in entries])
            await self._make(part)

    def _split(self, entries: list[BatchEntry]) -> Iterator[list[BatchEntry]]:
        """Groups of prompts with the same options, none larger than a batch may be. What cannot be sent is an
        outcome."""
        operation = self._provider.driver.operation(CREATE_BATCH)
        most = getattr(operation, "max_prompts", None) or len(entries)
        most_bytes = getattr(operation, "max_bytes", None) or inf
        groups: dict[str, list[BatchEntry]] = {}
        filled: Counter[str] = Counter()
        for entry in entries:
            try:
                size = self._measure(operation, entry, most_bytes)
            except AIError as error:
                self.keep([BatchItem(custom_id=entry.custom_id, error=error)])
                continue
            key = written(entry.options)
            if len(groups.get(key, ())) >= most or filled[key] + size > most_bytes:
                yield groups.pop(key)
                filled[key] = 0
            groups.setdefault(key, []).append(entry)
            filled[key] += size
        yield from groups.values()

    def _measure(self, operation: Any, entry: BatchEntry, most: float) -> int:
        """The bytes of a prompt in a batch. Raises an `AIError` for one that cannot be sent."""
        prompt = self._build(entry)
        measure = getattr(operation, "measure", None)
        size = _OVERHEAD + len(entry.custom_id) + (measure(prompt) if measure is not None else 0)
        kind = error_branch(self._provider.driver.error_prefix)[InvalidRequestError]
        if size > most:
            raise kind(f"the prompt has {size:,} bytes, and a batch {most:,.0f} at most")
        longest = getattr(operation, "max_id", None) if self._keeps_labels or not self._record.is_kept else None
        if longest is not None and len(entry.custom_id) > longest:
            raise kind(f"the prompt's id has {len(entry.custom_id)} characters, and {longest} are the most here")
        return size

    def _build(self, entry: BatchEntry) -> Prompt:
        own = self._provider.driver.operation_option_names(CREATE_BATCH)
        shared = {name: value for name, value in entry.options.items() if name not in own}
        prompt, _ = build_prompt(self._provider.driver, entry.messages, shared)
        return prompt

    async def _make(self, part: BatchPart) -> None:
        entries = [self._entries[custom_id] for custom_id in part.custom_ids]
        labels, ids = dict(self._labels or {}), part.custom_ids
        if self._keeps_labels:
            labels[RUN_LABEL] = part.label
        elif self._record.is_kept:
            ids = mark_ids(part)
        fields = {
            "prompts": [entry.messages for entry in entries],
            "custom_ids": ids,
            "labels": labels or None,
        }
        batch: Batch = await self._provider._perform(CREATE_BATCH, dict(entries[0].options), fields)
        self._record.made(part, batch.id or "")

    @property
    def _keeps_labels(self) -> bool:
        return bool(getattr(self._provider.driver.operation(CREATE_BATCH), "keeps_labels", False))

    async def _find_or_make(self, part: BatchPart) -> None:
        """A batch that another process was about to make: that one, if it was made, else a new one."""
        batch_id = await self._find(part)
        if batch_id is None:
            await self._make(part)
        else:
            self._record.made(part, batch_id)

    async def _find(self, part: BatchPart) -> str | None:
        """The id of the batch that was made of a part, if one was.

        It is looked for twice: the provider may still be at work on the request of a process that was just killed. And
        as long as there are batches of which it is not known yet.
        """
        others = {other.id for other in self._record.parts}
        looks, unknown = 0, False
        while looks < 2 or unknown:
            if looks:
                await self._provider._pipeline.port.sleep(self._poll_interval, current_stop.get())
            looks, unknown = looks + 1, False
            batches: list[Batch] = await self._provider._perform(LIST_BATCHES, self._limits(part), {"limit": 500})
            for batch in batches:
                if batch.id in others:
                    continue
                is_it = await self._is_of(part, batch)
                if is_it:
                    return batch.id
                if is_it is None:
                    unknown = True
                else:
                    others.add(batch.id)
        return None

    async def _is_of(self, part: BatchPart, batch: Batch) -> bool | None:
        """Whether a batch was made of a part: by its label, else by the ids in its results, once there are any; `None`
        before."""
        if self._keeps_labels:
            return batch.metadata.get(RUN_LABEL) == part.label
        if not may_be_of(part, batch):
            return False
        if not batch.done:
            return None
        try:
            results: BatchResults = await self._provider._perform(
                GET_BATCH_RESULTS, self._limits(part), {"id": batch.id}
            )
        except InvalidRequestError:
            return False
        return any(has_mark(part, item.custom_id) for item in results.items)

    async def _look(self, part: BatchPart) -> None:
        """Ask how a batch stands, and take its results when it is done. A failure that passes is looked over."""
        limits, wanted = self._limits(part), {"id": part.id}
        try:
            batch: Batch = await self._provider._perform(GET_BATCH, limits, wanted)
            self._counts[part.number] = batch
            if batch.done:
                await self._take(part, batch)
            self._failures = 0
        except AIError as error:
            self._failures += 1
            if not error.retryable or self._failures > _MOST_FAILURES:
                raise

    async def _take(self, part: BatchPart, batch: Batch) -> None:
        found: dict[str, BatchItem] = {}
        failure: AIError | None = None
        try:
            results: BatchResults = await self._provider._perform(
                GET_BATCH_RESULTS, self._limits(part), {"id": part.id}
            )
            found = {plain_id(part, item.custom_id): item for item in results.items}
        except InvalidRequestError as error:
            if batch.status != "failed":
                raise
            failure = error
        sent = Counter(custom_id for other in self._record.parts for custom_id in other.custom_ids)
        settled: list[BatchItem] = []
        for custom_id in part.custom_ids:
            item = found.get(custom_id) or self._absent(custom_id, batch, failure)
            item.custom_id = custom_id
            if sent[custom_id] >= self._rounds or not _is_sent_again(item, batch):
                settled.append(self._parsed(item))
        self._record.take(part, keep=self.keep(settled))

    def _parsed(self, item: BatchItem) -> BatchItem:
        """The item with the value of a structured answer, or with the error that it is not one."""
        options, driver = self._entries[item.custom_id].options, self._provider.driver
        if item.response is None or not (
            options.get("response_format") or driver.config.options.get("response_format")
        ):
            return item
        try:
            prompt = self._build(self._entries[item.custom_id])
            self._provider._pipeline.target.parse_output(prompt.response_format, item.response)
        except AIError as error:
            return BatchItem(custom_id=item.custom_id, error=error)
        return item

    def _absent(self, custom_id: str, batch: Batch, failure: AIError | None) -> BatchItem:
        """The outcome of a prompt that the results do not name."""
        if failure is not None:
            return BatchItem(custom_id=custom_id, error=failure, unsent=failure.code in _QUEUE_FULL_CODES)
        kind = error_branch(self._provider.driver.error_prefix)[InvalidRequestError]
        told = {"cancelled": "was cancelled before", "expired": "expired before"}.get(batch.status, "has no outcome of")
        error = kind(f"the batch {batch.id} {told} this prompt", provider=self._provider.get_name())
        return BatchItem(custom_id=custom_id, error=error, unsent=True)

    def _limits(self, part: BatchPart) -> dict[str, Any]:
        """The options of the prompts that hold for any call."""
        options = self._entries[part.custom_ids[0]].options
        return {name: value for name, value in options.items() if name in CALL_LIMITS or name == "extra_headers"}


def _answer_of(item: BatchItem) -> AIResponse | None:
    """The answer that is paid for: also one that is not the value that was asked for."""
    return item.response if item.error is None else item.error.partial


def _is_sent_again(item: BatchItem, batch: Batch) -> bool:
    """Whether a prompt without an answer may have one next time. What was cancelled is not sent again."""
    if item.error is None or batch.status == "cancelled":
        return False
    return item.unsent or item.error.retryable


async def run_batch(
    provider: Any, entries: Sequence[BatchEntry], state: str | PathLike[str] | None, **how: Any
) -> BatchResults:
    """The results of all prompts, in their order; `how` is what `BatchRun` takes."""
    for name, least in (("poll_interval", 0), ("rounds", 1)):
        value = how[name]
        if not isinstance(value, int | float) or isinstance(value, bool) or value < least:
            raise ConfigurationError(f"{name} must be a number of at least {least}, not {value!r}")
    if provider.driver.operation(CREATE_BATCH) is None:
        raise provider.driver.unsupported(CREATE_BATCH.title)
    path = None if state is None else Path(state)
    with BatchRecord(path, provider.get_name(), digest_of(entries)) as record:
        run = BatchRun(provider, entries, record, **how)
        await run.work()
        ids = [part.id for part in record.parts if part.id]
    items = [run.items[entry.custom_id] for entry in entries]
    results = BatchResults(id=", ".join(ids), items=items)
    results.provider = provider.get_name()
    costs = [answer.cost for item in items if (answer := _answer_of(item)) is not None]
    known = [cost for cost in costs if cost is not None]
    if known and len(known) == len(costs) and len({cost.currency for cost in known}) == 1:
        results.cost = reduce(add, known)
    return results
