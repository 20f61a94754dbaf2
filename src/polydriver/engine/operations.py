"""Operations beyond chat: their exchanges, what they cost, and who is told. Written once for both colours."""

from __future__ import annotations

import logging
from collections.abc import Generator
from functools import partial, reduce
from operator import add
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

from ..data.http import Reply, Request
from ..data.operation_requests import PageRequest
from ..data.operations import BatchResults, OperationResult, Page
from ..data.responses import AIResponse
from ..errors import AIError
from ..events import CostCalculated
from .call import Call, Operation

if TYPE_CHECKING:
    from ..contract import DriverHooks
    from ..data.cost import Cost
    from ..operations.preparing import Work
    from .pipeline import Pipeline

__all__ = ["perform"]

T = TypeVar("T")
Flow: TypeAlias = Generator[Request, Reply | None, Any]

_MAX_PAGES = 1000
_log = logging.getLogger("polydriver")


async def perform(pipeline: Pipeline[Any], work: Work) -> Any:
    """Perform an operation and return its result; the items of all pages for a list."""
    first = pipeline.connection.call(work.limits)
    started = pipeline.port.now()
    if isinstance(work.request, PageRequest):
        return await _collect(pipeline, work, work.request, first)
    flow = getattr(pipeline.driver, work.kind.flow, None)
    if flow is not None:
        result = await _follow(pipeline, work, flow(work.request), first)
    else:
        result = await _exchange(pipeline, work, work.request, first)
    if isinstance(result, AIResponse):
        _fill_answer(pipeline, result, started)
    elif isinstance(result, OperationResult):
        _fill(pipeline, result, work, started)
        if result.cost is not None or result.usage is not None or result.units:
            await _report(pipeline, result, first)
    return result


async def _exchange(pipeline: Pipeline[Any], work: Work, request: Any, call: Call) -> Any:
    """One request, one reply, by the driver's pair of hooks."""
    driver, kind = pipeline.driver, work.kind
    build, parse = getattr(driver, kind.build), getattr(driver, kind.parse)

    def read(reply: Reply) -> Any:
        result = parse(reply, request)
        if isinstance(result, OperationResult | AIResponse) and result.request_id is None:
            result.request_id = reply.request_id
        return result

    return await pipeline.run(Operation(kind.method, lambda: build(request), read, work.model), call)


async def _follow(pipeline: Pipeline[Any], work: Work, flow: Flow, call: Call) -> Any:
    """The exchanges that a driver's generator asks for. Each is retried on its own; the deadline spans them all."""
    reply: Reply | None = None
    while True:
        try:
            request, result = pipeline.failures.reading(partial(_advance, flow, reply), reply)
        except AIError as error:
            await pipeline.fail(error, call)
            raise
        if request is None:
            return result
        if reply is not None:
            call = _continued(call)
        reply = await pipeline.run(Operation(work.kind.method, partial(_same, request), _same, work.model), call)


def _advance(flow: Flow, reply: Reply | None) -> tuple[Request | None, Any]:
    """The next request of a flow; at its end none, and the result."""
    try:
        return flow.send(reply), None
    except StopIteration as end:
        return None, end.value


def _same(value: T) -> T:
    return value


async def _collect(pipeline: Pipeline[Any], work: Work, wanted: PageRequest, call: Call) -> list[Any]:
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
        call = _continued(call)
    return items if wanted.limit is None else items[: wanted.limit]


def _continued(call: Call) -> Call:
    """The call of a further exchange: the same to all who watch, with attempts of its own and the same deadline."""
    return msgspec.structs.replace(call, attempts=0)


def _fill(pipeline: Pipeline[Any], result: OperationResult, work: Work, started: float) -> None:
    """Fill in what only the engine knows."""
    result.provider = pipeline.connection.name
    result.requested_model = work.model
    result.response_time = pipeline.port.now() - started
    if work.request.warnings:
        result.warnings = [*work.request.warnings, *result.warnings]
    if isinstance(result, BatchResults):
        _price_batch(pipeline, result)
    elif result.cost is None and (result.usage is not None or result.units):
        result.cost = _price(pipeline.driver, result)


def _fill_answer(pipeline: Pipeline[Any], answer: AIResponse, started: float) -> None:
    """The same for an answer that the provider kept: it is priced once it is there."""
    answer.provider = pipeline.connection.name
    answer.response_time = pipeline.port.now() - started
    if answer.cost is None and answer.usage is not None and answer.model:
        answer.cost = pipeline.driver.calculate_cost(answer.usage, answer.model)


def _price(driver: DriverHooks, result: OperationResult) -> Cost | None:
    """By the requested model first, then by the answered one.

    A price that cannot be worked out is no cost, and no failure.
    """
    from ..data.usage import TokenUsage
    from ..prices.pricing import calculate_cost

    models = dict.fromkeys(model for model in (result.requested_model, result.model) if model)
    usage = result.usage or TokenUsage(input_tokens=0, output_tokens=0)
    for model in models:
        try:
            if result.units:
                pricing = driver.pricing(model)
                cost = calculate_cost(usage, pricing, model=model, extra=result.units) if pricing is not None else None
            else:
                cost = driver.calculate_cost(usage, model)
        except Exception:  # noqa: BLE001
            _log.exception("the cost of %s could not be calculated", model)
            return None
        if cost is not None:
            return cost
    return None


def _price_batch(pipeline: Pipeline[Any], results: BatchResults) -> None:
    """Each answer by the prices of batches; the sum only when all of them are known."""
    from ..prices.catalog import find_pricing
    from ..prices.pricing import calculate_cost

    driver = pipeline.driver
    answers = [item.response for item in results.items if item.response is not None]
    for response in answers:
        response.provider = results.provider
        if response.cost is None and response.usage is not None and response.model:
            catalog = driver.catalog_name or driver.name
            pricing = find_pricing(catalog, response.model, driver.config.prices, variant="batch")
            response.cost = calculate_cost(response.usage, pricing, model=response.model) if pricing else None
    costs = [response.cost for response in answers if response.cost is not None]
    if costs and len(costs) == len(answers) and len({cost.currency for cost in costs}) == 1:
        results.cost = reduce(add, costs)


async def _report(pipeline: Pipeline[Any], result: OperationResult, call: Call) -> None:
    """Tell the listeners what it cost."""
    bus = pipeline.bus
    if bus.wants(CostCalculated):
        event = CostCalculated(
            cost=result.cost,
            usage=result.usage,
            provider=pipeline.connection.name,
            model=result.requested_model,
            request_id=call.id,
            conversation_id=call.conversation_id,
            metadata=call.metadata,
        )
        await pipeline.port.emit(bus, event)
