"""Operations beyond chat: their exchanges, and what the engine fills in. Written once for both colours."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial, reduce
from operator import add
from typing import Any, TypeAlias, TypeVar

import msgspec

from ..data.http import Reply, Request
from ..data.responses import AIResponse
from ..errors import AIError
from ..logger import logger
from ..operations.files import ResultFile
from ..operations.requests import EmbeddingRequest, PageRequest
from ..operations.results import BatchResults, OperationResult, Page
from ..operations.work import Work
from .billing import price_answer, price_operation
from .calls import Call
from .collecting import Collected
from .pipeline import Pipeline, Step
from .splitting import join, split

__all__ = ["perform"]

R = TypeVar("R")
T = TypeVar("T")
Flow: TypeAlias = Generator[Request | ResultFile, Reply | None, Any]

_log = logger()
_MAX_PAGES = 1000


async def perform(pipeline: Pipeline[Any], work: Work[R], collected: Collected | None = None) -> R:
    """Perform an operation and return its result; the items of all pages for a list.

    `collected`: where the items of files of results go.
    """
    call = pipeline.connection.call(work.limits)
    call.operation = work.kind.method

    async def run() -> Any:
        if isinstance(work.request, PageRequest):
            return await _collect(pipeline, work, work.request, call)
        flow = getattr(pipeline.target.driver.operation(work.kind), work.kind.flow, None)
        if flow is not None:
            result = await _follow(pipeline, flow(work.request), call, collected or Collected())
        elif isinstance(work.request, EmbeddingRequest):
            result = await _embed(pipeline, work, work.request, call)
        else:
            result = await _exchange(pipeline, work, work.request, call)
        if isinstance(result, AIResponse):
            _fill_answer(pipeline, result, call)
        elif isinstance(result, OperationResult):
            _fill(pipeline, result, work, call)
        return result

    return await pipeline.perform(call, work.model, run)


async def _exchange(pipeline: Pipeline[Any], work: Work[Any], request: Any, call: Call) -> Any:
    """One request, one reply, by the driver's pair of hooks."""
    kind = work.kind
    part = pipeline.target.driver.operation(kind)
    build, parse = getattr(part, kind.build), getattr(part, kind.parse)

    def read(reply: Reply) -> Any:
        try:
            result = parse(reply, request)
        except AIError as error:
            if (used := _used(reply)) is None:
                raise
            return Step(error=error, paid=used)
        if isinstance(result, OperationResult | AIResponse) and result.request_id is None:
            result.request_id = reply.request_id
        return result

    result = await pipeline.exchange(call, lambda: build(request), read)
    if isinstance(result, Step):  # it cannot be read, and is paid for
        assert result.error is not None
        raise result.error
    return result


async def _embed(pipeline: Pipeline[Any], work: Work[Any], request: EmbeddingRequest, call: Call) -> Any:
    """The vectors of all texts, by as many requests, one after the other, as the service needs for them."""
    pieces = split(pipeline.target.driver.operation(work.kind), request)
    if len(pieces) == 1:
        return await _exchange(pipeline, work, request, call)
    result = join([await _exchange(pipeline, work, piece, call) for piece in pieces])
    request.warnings = list(dict.fromkeys(request.warnings))
    return result


async def _follow(pipeline: Pipeline[Any], flow: Flow, call: Call, collected: Collected) -> Any:
    """The exchanges that a driver's generator asks for. Each is retried on its own; the deadline spans them all.

    Each has the cost of what its reply used, where the generator notes that (`Reply.usage`); otherwise the last one has
    that of the result.
    """
    reading = pipeline.target.failures.reading
    paid: list[OperationResult] = []

    def read(reply: Reply) -> Step:
        try:
            request, result = reading(partial(_advance, flow, reply), reply)
        except AIError as error:  # of the generator, which has ended: to send the request again would not help
            return Step(error=error, paid=_used(reply))
        if isinstance(result, BatchResults):
            collected.finish(result)
        used = _used(reply)
        if used is None and not paid and isinstance(result, OperationResult):
            used = result
        return Step(request, result, None, used)

    request, result = reading(partial(_advance, flow, None), None)
    while request is not None:
        if isinstance(request, ResultFile):
            step = await pipeline.fetch(call, request, collected, read)
        else:
            step = await pipeline.exchange(call, partial(_same, request), read)
        if step.error is not None:
            raise step.error
        paid += [step.paid] if step.paid is not None else []
        request, result = step.request, step.result
    costs = [part.cost for part in paid if part.cost is not None]
    known = len(costs) == len(paid) and len({cost.currency for cost in costs}) == 1
    if isinstance(result, OperationResult) and result.cost is None and known:
        result.cost = reduce(add, costs)
    return result


def _used(reply: Reply) -> OperationResult | None:
    return None if reply.usage is None else OperationResult(usage=reply.usage)


def _advance(flow: Flow, reply: Reply | None) -> tuple[Request | ResultFile | None, Any]:
    """The next request of a flow; at its end none, and the result."""
    try:
        return flow.send(reply), None
    except StopIteration as end:
        return None, end.value


def _same(value: T) -> T:
    return value


async def _collect(pipeline: Pipeline[Any], work: Work[Any], wanted: PageRequest, call: Call) -> list[Any]:
    """The items of all pages, or the first `limit` of them. A cursor that comes again ends the list."""
    items: list[Any] = []
    seen: set[str | None] = set()
    request = wanted
    while request.after not in seen and len(seen) < _MAX_PAGES:
        seen.add(request.after)
        page: Page[Any] = await _exchange(pipeline, work, request, call)
        for item in page.items:
            item.provider = pipeline.connection.name
        items += page.items
        if page.next is None or (wanted.limit is not None and len(items) >= wanted.limit):
            break
        left = None if wanted.limit is None else wanted.limit - len(items)
        request = msgspec.structs.replace(wanted, after=page.next, limit=left)
    else:
        _log.warning("%s: a list ends after %d pages, though more were announced", pipeline.connection.name, len(seen))
    return items if wanted.limit is None else items[: wanted.limit]


def _fill(pipeline: Pipeline[Any], result: OperationResult, work: Work[Any], call: Call) -> None:
    """Fill in what only the engine knows, and the cost where several exchanges made the result."""
    if isinstance(result, BatchResults):
        for item in result.items:
            if item.response is not None:
                pipeline.target.keep_own(item.response)
    result.provider = pipeline.connection.name
    result.requested_model = work.model
    result.response_time = pipeline.port.now() - call.started
    if work.request.warnings:
        result.warnings = [*work.request.warnings, *result.warnings]
    price_operation(pipeline.target.driver, result)


def _fill_answer(pipeline: Pipeline[Any], answer: AIResponse, call: Call) -> None:
    """The same for an answer that the provider kept: it is priced once it is there."""
    pipeline.target.keep_own(answer)
    answer.provider = pipeline.connection.name
    answer.response_time = pipeline.port.now() - call.started
    price_answer(pipeline.target.driver, answer, None)
