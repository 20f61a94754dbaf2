"""The one path of a call: announce it, make attempts until one succeeds or none is left, and end it.

Coroutines that await nothing but a port, so that blocking and async callers share them. Every failure leaves here as an
`AIError`. Cancellation, Ctrl-C and exit pass through, after the call and its attempt were ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from ..colours import drive
from ..data.billing import make_facts
from ..data.digits import keep_digits
from ..data.http import Reply, Request
from ..data.messages import ToolCall
from ..data.prompt import Prompt
from ..data.responses import AIResponse
from ..errors import AIError
from ..operations.files import ResultFile
from ..operations.results import BatchResults, OperationResult
from .admission import admit
from .attempts import FIRST_CONTENT, Attempt, failed
from .billing import paid_items, price_answer, price_operation, take_reported_cost
from .calls import Call
from .collecting import Collected
from .connection import Connection
from .exchange import open_body, send, send_for_lines
from .hedging import make_hedged
from .policies import Outcome
from .policies.retry import retry_delay
from .ports import Port
from .reading import OpenReader, StreamReader
from .routes import Leg, Route
from .targets import Target
from .waiting import Stopped

__all__ = ["Pipeline", "Step"]

T = TypeVar("T")
P = TypeVar("P", bound=Port, covariant=True)


class Step(NamedTuple):
    """What an exchange of an operation of several came to: the next request, the result at the end, or an error.

    `paid`: what is billed for the exchange, to be priced.
    """

    request: Request | ResultFile | None = None
    result: Any = None
    error: AIError | None = None
    paid: OperationResult | None = None


class Pipeline(Generic[P]):
    """What happens to the calls on one connection, over one port."""

    __slots__ = ("connection", "port", "target")

    def __init__(self, connection: Connection, port: P) -> None:
        self.connection = connection
        self.port = port
        self.target = Target(connection, port)

    async def send(self, prompt: Prompt, call: Call) -> AIResponse:
        """One prompt, one whole answer."""
        call.begin(self.port.now(), prompt.model)
        try:
            await call.announce(self.port.emit, prompt)
            response = await self._ask(call, prompt, self._answer)
            if prompt.response_format is not None:
                target = self.target if call.route is None else call.route.leg.target
                target.parse_output(prompt.response_format, response)
            await call.answered(self.port.emit, response, stream=False)
        except BaseException as error:
            await self._end(call, error)
            raise
        return response

    async def open(self, prompt: Prompt, call: Call) -> OpenReader:
        """Open a stream and read until its first content; up to there it is retried like any call."""
        call.begin(self.port.now(), prompt.model)
        try:
            await call.announce(self.port.emit, prompt)
            reader: OpenReader = await self._ask(call, prompt, self._stream)
            return reader
        except BaseException as error:
            await self._end(call, error, stream=True)
            raise

    async def _begin(self, reader: StreamReader) -> None:
        """Bring a stream to its end whose answer has no content at all."""
        try:
            while not reader.started and not reader.ended:
                await reader.advance()
        except BaseException:
            if not reader.over:
                reader.drop()
            raise

    async def perform(self, call: Call, model: str | None, work: Callable[[], Awaitable[T]]) -> T:
        """Any other operation: one call, however many exchanges `work` makes; its result is told where it is paid."""
        call.begin(self.port.now(), model)
        try:
            result = await work()
        except BaseException as error:
            await self._end(call, error)
            raise
        if isinstance(result, OperationResult | AIResponse):
            result.attempts = call.attempts
            units = isinstance(result, OperationResult) and bool(result.units)
            paid = result.cost is not None or result.usage is not None or units
            await call.performed(self.port.emit, result.cost, result.usage, paid=paid)
        else:
            await call.performed(self.port.emit, None, None, paid=False)
        return result

    async def exchange(
        self, call: Call, request: Request, parse: Callable[[Reply], T], target: Target | None = None
    ) -> T:
        """One exchange of an operation, retried like any call; `request` was built for the target."""
        return await self._attempts(call, target or self.target, request, partial(self._result, parse), None)

    async def fetch(
        self, call: Call, file: ResultFile, into: Collected, parse: Callable[[Reply], T], target: Target
    ) -> T:
        """One exchange for a file of results, whose items are collected; retried from the file's beginning."""

        async def download(request: Request, attempt: Attempt) -> T:
            into.begin(file)
            take = partial(into.add, file)
            read = target.failures.reading
            reply = await send_for_lines(attempt, request, lambda line: read(partial(take, line)))
            into.end(file)
            return self._read(parse, reply, attempt)

        request = target.build(lambda: file.request)
        return await self._attempts(call, target, request, download, None)

    async def _end(self, call: Call, error: BaseException, *, stream: bool = False) -> None:
        """End a call that has no answer. Raises what its caller sees in place of `error` where a connection was closed
        for good: who did that is not its caller."""
        closed = call.closed() if isinstance(error, Stopped) else None
        told = error if closed is None else closed.refusal("the call was stopped")
        if isinstance(told, AIError):
            await call.failed(self.port.emit, told)
        elif stream:  # nothing can be awaited: the caller stopped waiting
            drive(call.abandoned(self.port.emit_now, None, "cancelled"))
        else:
            drive(call.failed(self.port.emit_now, told))
        if told is not error:
            raise told from None

    def _ask(self, call: Call, prompt: Prompt, work: Callable[[Request, Attempt], Awaitable[T]]) -> Awaitable[T]:
        """Ask the target, or those of the call's route in turn, until one answers."""
        if call.route is None:
            return self._reach(call, self.target, prompt, work)
        return self.walk(call, partial(self._ask_leg, call, work))

    def _ask_leg(self, call: Call, work: Callable[[Request, Attempt], Awaitable[T]], leg: Leg) -> Awaitable[T]:
        assert leg.prompt is not None
        return self._reach(call, leg.target, leg.prompt, work, leg.request)

    async def walk(self, call: Call, ask: Callable[[Leg], Awaitable[T]]) -> T:
        """Have `ask` ask the targets of the call's route in turn, from its beginning, until one answers."""
        call.route.start()
        self._take_over(call, call.route)
        return await self._walk(call, call.route, ask)

    async def _walk(self, call: Call, route: Route, ask: Callable[[Leg], Awaitable[T]]) -> T:
        """The same from the present target on."""
        while True:
            try:
                return await ask(route.leg)
            except AIError as error:
                told = len(route.passed)
                if not route.after(error):
                    raise
                _forget_frames(error)
                leg = route.leg
                await call.fell_back(self.port.emit, error, leg.name, leg.asked_model, route.passed[told:])
            self._take_over(call, route)

    async def _go_on(self, call: Call, error: AIError, came: AIResponse) -> StreamReader | None:
        """Have the answer of a stream that broke gone on with; `None` where nobody can, or nobody who could answers."""
        broken: Route = call.route
        route = broken.go_on(error, came)
        if route is None:
            return None
        leg = route.leg
        await call.fell_back(self.port.emit, error, leg.name, leg.asked_model, route.passed)
        call.came, call.route, call.response_cache = came, route, False
        self._take_over(call, route)
        try:
            return await self._walk(call, route, partial(self._ask_leg, call, self._stream))
        except AIError as failure:
            error.add_note(f"Nobody could go on from what came: {type(failure).__name__}: {failure.message}")
            return None

    def _reach(
        self,
        call: Call,
        target: Target,
        prompt: Prompt,
        work: Callable[[Request, Attempt], Awaitable[T]],
        request: Request | None = None,
    ) -> Awaitable[T]:
        """Answer from the cache, where one is wanted and has the answer, or ask a target by `request`."""
        wanted = call.response_cache
        if not (target.config.cache.enabled if wanted is None else wanted):
            return self._build_and_send(target, prompt, work, request, call)
        cache = target.connection.cache
        if cache is None:
            from .caching.cache import cache_of

            cache = cache_of(target.connection)
        answer: Awaitable[T] = cache.answer(
            call, target, prompt, partial(self._build_and_send, target, prompt, work, request)
        )
        return answer

    async def _build_and_send(
        self,
        target: Target,
        prompt: Prompt,
        work: Callable[[Request, Attempt], Awaitable[T]],
        request: Request | None,
        call: Call,
    ) -> T:
        built = request or target.build(partial(target.driver.build_request, prompt))
        return await self._attempts(call, target, built, work, prompt)

    def _take_over(self, call: Call, route: Route) -> None:
        leg = route.leg
        leg.target.connection.take_over(call, route.limits, leg.asked_model)

    async def _attempts(
        self,
        call: Call,
        target: Target,
        request: Request,
        work: Callable[[Request, Attempt], Awaitable[T]],
        prompt: Prompt | None,
    ) -> T:
        """Make attempts at one target until one succeeds, is not worth repeating, or time and budget are up."""
        tried, size = 0, 0 if prompt is not None else len(request.body or b"")
        if target.connection.running not in call.running:
            call.visit(target.connection.running)
        while True:
            if call.stop is not None and call.stop.is_set:
                raise Stopped
            tried += 1
            attempt = Attempt(call, target, prompt, size)
            try:
                await admit(attempt)
                if call.first_content_timeout is not None:
                    attempt.expect_content(call.first_content_timeout)
                if call.hedging:
                    attempt, result = await make_hedged(attempt, request, work)
                else:
                    result = await work(request, attempt)
                if isinstance(result, StreamReader):
                    await self._begin(result)
                if attempt.done is not None:
                    await attempt.settle(self.port.emit, attempt.done)
                return result
            except AIError as error:
                await attempt.settle(self.port.emit, failed(error))
                delay = self._delay_after(error, call, target, tried)
                if delay is None:
                    raise
                _forget_frames(error)
                try:
                    await call.retried(self.port.emit, error, tried, delay)
                    await self.port.sleep(delay, call.stop)
                except BaseException:
                    target.connection.budget.give_back(call.retry_cost)
                    raise
            except BaseException as error:
                drive(attempt.settle(self.port.emit_now, Outcome(kind="cancelled", error=error), waits=False))
                raise

    def _delay_after(self, error: AIError, call: Call, target: Target, tried: int) -> float | None:
        """Seconds until the next attempt; `None` when there will be none."""
        if call.ended or not error.retryable or tried >= call.retry_attempts:
            return None
        route: Route | None = call.route
        is_hopeless = error.details.get("phase") == FIRST_CONTENT
        if route is not None and route.has_next() and (is_hopeless or not route.leg.repeats):
            return None
        config, now = target.config, self.port.now()
        delay = retry_delay(error, tried, config.retry_delay, config.max_retry_delay, self.port.random())
        if delay is None or (call.deadline is not None and now + delay >= call.deadline):
            return None
        cost = target.connection.budget.take(error)
        call.retry_cost = cost or 0.0
        return None if cost is None else delay

    async def _answer(self, request: Request, attempt: Attempt) -> AIResponse:
        prompt, target = attempt.prompt, attempt.target
        assert prompt is not None
        reply = await send(attempt, request)
        response = target.failures.reading(partial(target.parse_response, reply, prompt), reply)
        for choice in (response, *response.alternatives):
            if ToolCall in map(type, choice.parts):
                keep_digits(choice.parts, reply.body)
        target.fill(response, prompt, attempt.call, reply.headers, attempt.request_id)
        usage, cost, facts = response.usage, response.cost, response.billing
        attempt.done = done = Outcome(kind="success", delivered=True, usage=usage, cost=cost, billing=facts)
        if facts is not None:
            done.tell_where_kept(attempt.provider)
        return response

    async def _stream(self, request: Request, attempt: Attempt) -> StreamReader:
        """A stream that has content, or the end of an answer without any, which is only noted."""
        body = await open_body(attempt, request)
        reader: StreamReader | None = None
        try:
            reader = StreamReader(attempt, body)
            if attempt.call.route is not None and attempt.call.route.can_go_on:
                reader.go_on = partial(self._go_on, attempt.call)
            reader.held = True
            while not reader.started and not reader.ready:
                await reader.advance()
        except BaseException as error:
            body.close()
            if reader is not None and not isinstance(error, AIError):
                attempt.partial = reader.drop()
            raise
        reader.held = False
        return reader

    async def _result(self, parse: Callable[[Reply], T], request: Request, attempt: Attempt) -> T:
        return self._read(parse, await send(attempt, request), attempt)

    def _read(self, parse: Callable[[Reply], T], reply: Reply, attempt: Attempt) -> T:
        """What a reply says, with what it is billed for."""
        target = attempt.target
        result = target.failures.reading(partial(parse, reply), reply)
        done = Outcome(kind="success", delivered=True)
        paid = result.paid if isinstance(result, Step) else result
        if isinstance(paid, OperationResult | AIResponse):
            take_reported_cost(attempt.provider, reply.headers, paid)
        if isinstance(paid, OperationResult):
            paid.requested_model = attempt.model
            price_operation(target.driver, paid)
            done.usage, done.cost = paid.usage, paid.cost
            done.billing = make_facts(None, target.driver.billing_region, units=paid.units)
        elif isinstance(paid, AIResponse) and paid.billing is not None and paid.billing.kept_as is not None:
            price_answer(target.driver, paid, None)  # any other was paid for by the request that made it
            done.tell(paid, attempt.provider)
            done.was_fetched = True
        if isinstance(paid, BatchResults):
            done.paid_for = f"{attempt.provider} batch {paid.id}"
            done.items = paid_items(paid)
        attempt.done = done
        return result


def _forget_frames(error: BaseException) -> None:
    """Drop the tracebacks of an error that is not raised.

    From Python 3.13 on they keep the frames of the whole call alive, also once those are left: a listener that keeps
    the event of a retry would keep a stream open that its reader dropped.
    """
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
