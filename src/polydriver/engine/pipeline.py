"""The one path of a call: events, attempts, deadline, retry, the exchange itself, cost. Coroutines that await a port
only.

Every failure leaves here as an `AIError`. Cancellation, Ctrl-C and exit pass through untouched.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..data.http import Reply, Request, Timeouts
from ..data.prompt import Prompt
from ..data.responses import AIResponse
from ..errors import AIError, ConfigurationError, InvalidCredentialsError, InvalidResponseError, ProviderError
from ..events import CostCalculated, MessageSent, RequestFailed, RequestRetried, ResponseGenerated
from .call import Call, Operation
from .failures import Failures
from .retry import retry_delay
from .streams import StreamState

if TYPE_CHECKING:
    from ..data.cost import Cost
    from .connection import Connection
    from .ports import Body, Port

__all__ = ["Pipeline"]

T = TypeVar("T")
P = TypeVar("P", bound="Port", covariant=True)
_log = logging.getLogger("polydriver")
_DEARER_OR_CHEAPER = ("flex", "priority", "fast")
_ERROR_BODY_BYTES = 256 * 1024


class Pipeline(Generic[P]):
    """What happens to a call on one connection, over one port."""

    __slots__ = ("bus", "config", "connection", "driver", "failures", "port")

    def __init__(self, connection: Connection, port: P) -> None:
        self.connection = connection
        self.driver = connection.driver
        self.config = connection.config
        self.bus = connection.bus
        self.port = port
        self.failures = Failures(connection, port)

    async def send(self, prompt: Prompt, call: Call) -> AIResponse:
        """One prompt, one whole answer."""
        self._start(call, prompt.model)
        await self._announce(prompt, call)
        try:
            request = self._build(lambda: self.driver.build_request(prompt))
            response = await self._attempts(call, lambda: self._exchange(request, call, prompt))
            await self.conclude(response, prompt, call)
        except AIError as error:
            await self.fail(error, call)
            raise
        return response

    async def open(self, prompt: Prompt, call: Call) -> StreamState:
        """Open a stream and read until its first content; up to there it is retried like any call."""
        self._start(call, prompt.model)
        await self._announce(prompt, call)
        try:
            request = self._build(lambda: self.driver.build_request(prompt))
            return await self._attempts(call, lambda: self._begin(request, call, prompt))
        except AIError as error:
            await self.fail(error, call)
            raise

    async def run(self, operation: Operation[T], call: Call) -> T:
        """Any other operation: embeddings, images, the model list, ..."""
        self._start(call, operation.model)
        try:
            request = self._build(operation.build)
            return await self._attempts(call, lambda: self._perform(request, operation, call))
        except AIError as error:
            await self.fail(error, call)
            raise

    async def _report(self, response: AIResponse, call: Call, *, stream: bool) -> None:
        """Tell the listeners of an answer and its cost."""
        bus = self.bus
        if bus.wants(ResponseGenerated):
            await self.port.emit(bus, ResponseGenerated(response=response, stream=stream, **self._facts(call)))
        if bus.wants(CostCalculated):
            facts = self._facts(call)
            await self.port.emit(bus, CostCalculated(cost=response.cost, usage=response.usage, **facts))

    async def fail(self, error: AIError, call: Call) -> None:
        """Tell the listeners that the call failed."""
        if self.bus.wants(RequestFailed):
            failed = RequestFailed(error=error, attempts=call.attempts, **self._facts(call))
            await self.port.emit(self.bus, failed)

    async def conclude(self, response: AIResponse, prompt: Prompt, call: Call) -> None:
        """Finish an answer and tell the listeners: see `fill`, and the parsed value.

        Raises `InvalidResponseError` when that does not validate; the answer and its cost are told all the same.
        """
        self.fill(response, prompt, call)
        wanted = prompt.response_format
        try:
            if wanted is not None and response.finish_reason in ("stop", "length", "other"):
                self._parse_output(wanted, response)
        finally:
            await self._report(response, call, stream=prompt.stream)

    def fill(self, response: AIResponse, prompt: Prompt, call: Call) -> None:
        """Fill in what only the engine knows: provider, time, cost and warnings."""
        response.provider = self.connection.name
        response.requested_model = prompt.model
        response.response_time = self.port.now() - call.started
        if response.finish_reason == "stop" and response.tool_calls:
            response.finish_reason = "tool_calls"  # the wire's word does not tell; the parts do
        if prompt.warnings:
            response.warnings = [*prompt.warnings, *response.warnings]
        if response.cost is None and response.usage is not None:
            response.cost = self._price(response, prompt)

    def _start(self, call: Call, model: str | None) -> None:
        call.model = model
        call.started = self.port.now()
        if call.deadline is None and call.deadline_seconds is not None:
            call.deadline = call.started + call.deadline_seconds

    async def _announce(self, prompt: Prompt, call: Call) -> None:
        if self.bus.wants(MessageSent):
            facts = self._facts(call)
            sent = MessageSent(messages=prompt.messages, options=prompt.given(), stream=prompt.stream, **facts)
            await self.port.emit(self.bus, sent)

    def _facts(self, call: Call) -> dict[str, Any]:
        return {
            "provider": self.connection.name,
            "model": call.model,
            "request_id": call.id,
            "conversation_id": call.conversation_id,
            "metadata": call.metadata,
        }

    def _build(self, build: Callable[[], Request]) -> Request:
        try:
            request = build()
        except AIError:
            raise
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise ConfigurationError(f"the request cannot be written as JSON: {error}") from error
        request.headers.setdefault("user-agent", self.connection.user_agent)
        for name, value in self.config.headers.items():
            request.headers.setdefault(name.lower(), value)
        return request

    async def _attempts(self, call: Call, attempt: Callable[[], Awaitable[T]]) -> T:
        """Make attempts until one succeeds, is not worth repeating, or time and budget are up."""
        while True:
            call.attempts += 1
            try:
                result = await attempt()
            except AIError as error:
                delay = self._delay_after(error, call)
                if delay is None:
                    raise
                if self.bus.wants(RequestRetried):
                    retried = RequestRetried(attempt=call.attempts, delay=delay, error=error, **self._facts(call))
                    await self.port.emit(self.bus, retried)
                await self.port.sleep(delay)
            else:
                self.connection.budget.succeed()
                return result

    def _delay_after(self, error: AIError, call: Call) -> float | None:
        """Seconds until the next attempt; `None` when there will be none."""
        if not error.retryable or call.attempts >= call.retry_attempts:
            return None
        config = self.config
        delay = retry_delay(error, call.attempts, config.retry_delay, config.max_retry_delay, self.port.random())
        now = self.port.now()
        if delay is None or (call.deadline is not None and now + delay >= call.deadline):
            return None
        return delay if self.connection.budget.take(now) else None

    def _timeouts(self, call: Call) -> Timeouts:
        now = self.port.now()
        expires = now + call.timeout
        if call.deadline is not None:
            if now >= call.deadline:
                raise self.failures.deadline(call)
            expires = min(expires, call.deadline)
        return Timeouts(connect=self.config.connect_timeout, expires=expires, max_bytes=self.config.max_response_bytes)

    async def _authenticated(self, request: Request, timeouts: Timeouts) -> Request:
        """Run the driver's own requests for authentication, if it needs any, and return the request to send."""
        flow = self.driver.authenticate(request, self.port.wall_time())
        if flow is None:
            return request
        reply: Reply | None = None
        lost: AIError | None = None
        while True:
            try:
                wanted = flow.throw(lost) if lost is not None else _step(flow, reply)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            except AIError:
                raise
            except Exception as error:
                problem = f"the credentials could not be made ready: {type(error).__name__}: {error}"
                raise self.failures.of_kind(InvalidCredentialsError, problem) from error
            try:
                reply, lost = await self.port.send(wanted, timeouts), None
            except AIError as error:
                lost = error  # the flow may know another way, or what to say of it

    async def _reply(self, request: Request, call: Call) -> Reply:
        timeouts = self._timeouts(call)
        try:
            request = await self._authenticated(request, timeouts)
            reply = await self.port.send(request, timeouts)
        except AIError as error:
            raise self.failures.of_transport(error, call) from error.__cause__
        if not reply.ok:
            raise self._refused(reply)
        return reply

    def _refused(self, reply: Reply) -> AIError:
        """The error that a reply without success stands for."""
        return self.failures.finish(self.failures.reading(lambda: self.driver.map_error(reply)), reply)

    async def _exchange(self, request: Request, call: Call, prompt: Prompt) -> AIResponse:
        reply = await self._reply(request, call)
        response = self.failures.reading(lambda: self.driver.parse_response(reply, prompt), reply)
        response.request_id = reply.request_id
        return response

    async def _perform(self, request: Request, operation: Operation[T], call: Call) -> T:
        reply = await self._reply(request, call)
        return self.failures.reading(lambda: operation.parse(reply), reply)

    async def _begin(self, request: Request, call: Call, prompt: Prompt) -> StreamState:
        timeouts = self._timeouts(call)
        try:
            request = await self._authenticated(request, timeouts)
            body = await self.port.open(request, timeouts)
        except AIError as error:
            raise self.failures.of_transport(error, call) from error.__cause__
        try:
            body.expires = timeouts.expires
            if not 200 <= body.status < 300:
                reply = Reply(status=body.status, headers=body.headers, body=await self._read_error_body(body))
                raise self._refused(reply)
            state = StreamState(self, body, prompt, call)
            while not state.started and not state.ended:
                await state.advance()
        except BaseException:
            body.close()
            raise
        return state

    async def _read_error_body(self, body: Body) -> bytes:
        """The start of a failed reply's body; a body that breaks or stalls does not hide the status."""
        pieces: list[bytes] = []
        size = 0
        try:
            while size < _ERROR_BODY_BYTES and (data := await self.port.read(body)):
                pieces.append(data)
                size += len(data)
        except ProviderError as error:
            _log.debug("the body of an error reply could not be read: %s", type(error).__name__)
        finally:
            body.close()
        return b"".join(pieces)[:_ERROR_BODY_BYTES]

    def _price(self, response: AIResponse, prompt: Prompt) -> Cost | None:
        """By the requested model first, then by the answered one.

        A price that cannot be worked out is no cost, and no failure.
        """
        requested = prompt.model
        try:
            if prompt.service_tier in _DEARER_OR_CHEAPER:
                return self.driver.calculate_tier_cost(response, requested)
            cost = self.driver.calculate_cost(response.usage, requested)
            if cost is None and response.model and response.model != requested:
                cost = self.driver.calculate_cost(response.usage, response.model)
        except Exception:  # noqa: BLE001 - a paid answer is not lost for its price
            _log.exception("the cost of %s could not be calculated", requested)
            return None
        return cost

    def _parse_output(self, wanted: Any, response: AIResponse) -> None:
        parse = getattr(wanted, "parse", None)
        if parse is None:
            return
        try:
            response.parsed = parse(response.content)
        except InvalidResponseError as error:
            if response.finish_reason == "length":
                error.hint = "The answer was cut off by the token limit: raise `max_tokens`."
            error.partial = response
            raise self.failures.finish(error) from error.__cause__


def _step(flow: Generator[Request, Reply, Request], reply: Reply | None) -> Request:
    """The next request of a flow: its first one, or the one after a reply."""
    return next(flow) if reply is None else flow.send(reply)
