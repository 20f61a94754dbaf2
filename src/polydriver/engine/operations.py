"""Operations beyond chat: their exchanges, and what the engine fills in. Written once for both colours.

An operation goes to one target, or along the route of its call as a chat does (`engine.routes`): what it takes is made
and built anew for each target.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
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
from ..operations.results import BatchResults, EmbeddingResponse, OperationResult, Page
from ..operations.work import Work
from .billing import price_answer, price_operation
from .calls import Call
from .collecting import Collected
from .fitness import find_shortness
from .pipeline import Pipeline, Step
from .routes import Leg
from .splitting import join, split
from .targets import Target

__all__ = ["WorkLeg", "perform"]

T = TypeVar("T")
Flow: TypeAlias = Generator[Request | ResultFile, Reply | None, Any]

_log = logger()
_MAX_PAGES = 1000


class WorkLeg(Leg):
    """One target of an operation, with the work for it: `make` makes that anew, from what the caller gave.

    `build` begins the work, so that a target that cannot do it is found before anything is sent: `request` is its first
    request; or `flow` the driver's generator, `begun` what that asks for first, `result` what it returned where it asks
    for nothing.
    """

    __slots__ = ("begun", "flow", "result", "work")

    def __init__(
        self, target: Target, model: str | None, make: Callable[[], Work[Any]], work: Work[Any] | None = None
    ) -> None:
        super().__init__(target, model, make)
        self.work = work
        self.flow: Flow | None = None
        self.begun: Request | ResultFile | None = None
        self.result: Any = None

    @property
    def asked_model(self) -> str | None:
        """See `Leg.asked_model`."""
        return self.model if self.work is None else self.work.model

    @property
    def part(self) -> Any:
        """What has the hooks: the part of the driver, or the driver."""
        assert self.work is not None
        return self.target.driver.operation(self.work.kind)

    def prepare(self) -> None:
        """See `Leg.prepare`."""
        self.work = self.make()

    def build(self) -> None:
        """Begin the work."""
        work = self.work
        assert work is not None
        flow = getattr(self.part, work.kind.flow, None)
        if flow is None:
            request = work.request
            self.request = self.build_for(self.pieces(request)[0] if isinstance(request, EmbeddingRequest) else request)
            return
        self.flow = flow(work.request)
        self.begun, self.result = self.target.failures.reading(partial(_advance, self.flow, None), None)

    def build_for(self, request: Any) -> Request:
        """The request for what a pair of hooks takes."""
        assert self.work is not None
        build = getattr(self.part, self.work.kind.build)
        return self.target.build(lambda: build(request))

    def pieces(self, request: EmbeddingRequest) -> list[EmbeddingRequest]:
        """What is embedded, in as many requests as the service needs for it."""
        return split(self.part, request)

    def find_misfit(self, *, exceeded: int | None, prefill: bool, is_first: bool) -> str | None:
        """See `Leg.find_misfit`: where the model must read more than another one, whether it does."""
        model = self.asked_model
        return None if model is None else find_shortness(self.target.connection, model, exceeded)


class _Vectors:
    """The vectors of the texts that are done: another target goes on behind them where its model is the same."""

    def __init__(self) -> None:
        self.results: list[EmbeddingResponse] = []
        self.texts = 0
        self._made_by: object = None

    def left(self, leg: WorkLeg, request: EmbeddingRequest) -> EmbeddingRequest | None:
        """What is still to be embedded; of another model, which gives other vectors, all of it."""
        made_by = (type(leg.target.driver), request.model, request.dimensions)
        if made_by != self._made_by:
            self.results, self.texts, self._made_by = [], 0, made_by
        return msgspec.structs.replace(request, input=request.input[self.texts :]) if self.texts else None


async def perform(pipeline: Pipeline[Any], leg: WorkLeg, call: Call, collected: Collected | None = None) -> Any:
    """Perform an operation and return its result; the items of all pages for a list.

    It is that of `leg`; where the call has a route, that of the target which does it. `collected`: where the items of
    files of results go.
    """
    assert leg.work is not None
    call.operation = leg.work.kind.method
    ask = partial(_perform_at, pipeline, call, _Vectors(), collected or Collected())

    async def begin() -> Any:
        if call.route is not None:
            return await pipeline.walk(call, ask)
        leg.build()
        return await ask(leg)

    return await pipeline.perform(call, leg.work.model, begin)


async def _perform_at(pipeline: Pipeline[Any], call: Call, vectors: _Vectors, collected: Collected, leg: Any) -> Any:
    """Perform an operation at one target, where it has begun."""
    request = leg.work.request
    if isinstance(request, PageRequest):
        return await _collect(pipeline, leg, request, call)
    if leg.flow is not None:
        result = await _follow(pipeline, leg, call, collected)
    elif isinstance(request, EmbeddingRequest):
        result = await _embed(pipeline, leg, request, call, vectors)
    else:
        result = await _exchange(pipeline, leg, request, call, leg.request)
    if isinstance(result, AIResponse):
        _fill_answer(leg.target, result, call)
    elif isinstance(result, OperationResult):
        _fill(leg, result, call)
    return result


async def _exchange(
    pipeline: Pipeline[Any], leg: WorkLeg, asked: Any, call: Call, request: Request | None = None
) -> Any:
    """One request, one reply, by the driver's pair of hooks; `request` is the one that was built already."""
    assert leg.work is not None
    parse = getattr(leg.part, leg.work.kind.parse)

    def read(reply: Reply) -> Any:
        try:
            result = parse(reply, asked)
        except AIError as error:
            if (used := _used(reply)) is None:
                raise
            return Step(error=error, paid=used)
        if isinstance(result, OperationResult | AIResponse) and result.request_id is None:
            result.request_id = reply.request_id
        return result

    result = await pipeline.exchange(call, request or leg.build_for(asked), read, leg.target)
    if isinstance(result, Step):  # it cannot be read, and is paid for
        assert result.error is not None
        raise result.error
    return result


async def _embed(
    pipeline: Pipeline[Any], leg: WorkLeg, request: EmbeddingRequest, call: Call, vectors: _Vectors
) -> Any:
    """The vectors of all texts, by as many requests, one after the other, as the service needs for them."""
    left = vectors.left(leg, request)
    built = leg.request if left is None else None
    for piece in leg.pieces(left or request):
        result = await _exchange(pipeline, leg, piece, call, built)
        built = None
        vectors.results.append(result)
        vectors.texts += len(piece.input)
    request.warnings = list(dict.fromkeys(request.warnings))
    return vectors.results[0] if len(vectors.results) == 1 else join(vectors.results)


async def _follow(pipeline: Pipeline[Any], leg: WorkLeg, call: Call, collected: Collected) -> Any:
    """The exchanges that a driver's generator asks for. Each is retried on its own; the deadline spans them all.

    Each has the cost of what its reply used, where the generator notes that (`Reply.usage`); otherwise the last one has
    that of the result.
    """
    flow, target = leg.flow, leg.target
    assert flow is not None
    paid: list[OperationResult] = []

    def read(reply: Reply) -> Step:
        try:
            request, result = target.failures.reading(partial(_advance, flow, reply), reply)
        except AIError as error:  # of the generator, which has ended: to send the request again would not help
            return Step(error=error, paid=_used(reply))
        if isinstance(result, BatchResults):
            collected.finish(result)
        used = _used(reply)
        if used is None and not paid and isinstance(result, OperationResult):
            used = result
        return Step(request, result, None, used)

    request, result = leg.begun, leg.result
    while request is not None:
        if isinstance(request, ResultFile):
            step = await pipeline.fetch(call, request, collected, read, target)
        else:
            step = await pipeline.exchange(call, target.build(partial(_same, request)), read, target)
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


async def _collect(pipeline: Pipeline[Any], leg: WorkLeg, wanted: PageRequest, call: Call) -> list[Any]:
    """The items of all pages, or the first `limit` of them. A cursor that comes again ends the list."""
    items: list[Any] = []
    seen: set[str | None] = set()
    request, built, name = wanted, leg.request, leg.name
    while request.after not in seen and len(seen) < _MAX_PAGES:
        seen.add(request.after)
        page: Page[Any] = await _exchange(pipeline, leg, request, call, built)
        built = None
        for item in page.items:
            item.provider = name
        items += page.items
        if page.next is None or (wanted.limit is not None and len(items) >= wanted.limit):
            break
        left = None if wanted.limit is None else wanted.limit - len(items)
        request = msgspec.structs.replace(wanted, after=page.next, limit=left)
    else:
        _log.warning("%s: a list ends after %d pages, though more were announced", name, len(seen))
    return items if wanted.limit is None else items[: wanted.limit]


def _fill(leg: WorkLeg, result: OperationResult, call: Call) -> None:
    """Fill in what only the engine knows, and the cost where several exchanges made the result."""
    target, work = leg.target, leg.work
    assert work is not None
    if isinstance(result, BatchResults):
        for item in result.items:
            if item.response is not None:
                target.keep_own(item.response)
    result.provider = target.connection.name
    result.requested_model = work.model
    result.response_time = target.port.now() - call.started
    told = [*([] if call.route is None else call.route.warnings), *work.request.warnings]
    if told:
        result.warnings = [*told, *result.warnings]
    price_operation(target.driver, result)


def _fill_answer(target: Target, answer: AIResponse, call: Call) -> None:
    """The same for an answer that the provider kept: it is priced once it is there."""
    target.keep_own(answer)
    answer.provider = target.connection.name
    answer.response_time = target.port.now() - call.started
    price_answer(target.driver, answer, None)
