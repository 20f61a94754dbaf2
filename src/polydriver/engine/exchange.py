"""One HTTP exchange of an attempt: authenticate, send, and tell success from failure."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from copy import copy

from ..data.http import Reply, Request, Timeouts, request_id_in
from ..data.sealed import seal
from ..errors import AIError, InvalidCredentialsError, InvalidResponseError, ProviderError
from ..framing import FramingError, JSONLinesDecoder
from ..logger import logger
from .attempts import Attempt
from .hook_faults import is_own_code
from .ports import Body
from .transports.refused import REFUSED_BODY_BYTES, REFUSED_BODY_SECONDS, is_refused

__all__ = ["open_body", "send", "send_for_lines"]

_log = logger()


async def send(attempt: Attempt, request: Request) -> Reply:
    """The whole reply, which has a 2xx status. Raises the driver's own error otherwise."""
    target = attempt.target
    try:
        if target.authenticates:
            request = await _authenticated(attempt, request)
        reply = await target.port.send(request, _timeouts(attempt))
    except AIError as error:
        attempt.check_stop()
        attempt.redialed = error.details.get("redialed") is True
        raise target.failures.of_transport(attempt.in_time(error), attempt.call) from error.__cause__
    reply.request = copy(request)
    reply.request.headers = {}
    if reply.request_id is not None or target.connection.learner is not None:
        attempt.hear(reply.headers, reply.request_id)
    if reply.redialed:
        _note_redial(attempt)
    if not 200 <= reply.status < 300:
        raise _refused(attempt, reply)
    attempt.first_content = target.port.now()
    return reply


async def open_body(attempt: Attempt, request: Request, max_bytes: int | None = None) -> Body:
    """The body of a streamed reply with a 2xx status. Raises the driver's own error otherwise."""
    target = attempt.target
    try:
        if target.authenticates:
            request = await _authenticated(attempt, request)
        body: Body = await target.port.open(request, _timeouts(attempt, max_bytes))
    except AIError as error:
        attempt.check_stop()
        attempt.redialed = error.details.get("redialed") is True
        raise target.failures.of_transport(attempt.in_time(error), attempt.call) from error.__cause__
    try:
        body.expires = _timeouts(attempt).expires
        attempt.hear(body.headers, request_id_in(body.headers))
        if getattr(body, "redialed", False):
            _note_redial(attempt)
        if is_refused(body.status):
            reply = Reply(status=body.status, headers=body.headers, body=await _read_error_body(attempt, body))
            raise _refused(attempt, reply)
    except BaseException:
        body.close()
        raise
    return body


async def send_for_lines(attempt: Attempt, request: Request, take: Callable[[bytes], object]) -> Reply:
    """The reply without its body, whose lines are handed to `take` as they come: it may be larger than memory.

    A line may have `max_response_bytes`. Raises what `send` raises.
    """
    target, most = attempt.target, attempt.target.config.max_response_bytes
    body = await open_body(attempt, request, sys.maxsize)
    decoder = JSONLinesDecoder(max_event_bytes=most)
    try:
        while data := await _read_more(attempt, body):
            for line in decoder.feed(data):
                take(line)
        for line in decoder.finish():
            take(line)
    except FramingError:
        text = f"a line of the file has more than {most:,} bytes (max_response_bytes)"
        raise target.failures.of_kind(InvalidResponseError, text) from None
    finally:
        body.close()
    attempt.first_content = attempt.first_content or target.port.now()
    sent = Request(method=request.method, url=request.url, body=request.body)
    return Reply(status=body.status, headers=body.headers, request=sent)


async def _read_more(attempt: Attempt, body: Body) -> bytes:
    """The next bytes of a file; the silence begins anew with them."""
    target, call = attempt.target, attempt.call
    try:
        data: bytes = await target.port.read(body, attempt.stop)
    except AIError as error:
        attempt.check_stop()
        raise target.failures.of_transport(attempt.in_time(error), call) from error.__cause__
    now = target.port.now()
    attempt.first_content = attempt.first_content or now
    body.expires = now + call.timeout if call.deadline is None else min(now + call.timeout, call.deadline)
    return data


def _note_redial(attempt: Attempt) -> None:
    attempt.redialed = True
    _log.info("%s had closed the connection; the request went out again on a new one", attempt.provider)


def _timeouts(attempt: Attempt, max_bytes: int | None = None) -> Timeouts:
    target, call = attempt.target, attempt.call
    now = target.port.now()
    deadline = float("inf") if call.deadline is None else call.deadline
    if now >= deadline:
        raise target.failures.deadline(call)
    config, until = target.config, min(deadline, attempt.first_content_due)
    return Timeouts(
        connect=config.connect_timeout,
        expires=min(now + call.timeout, until),
        silence=call.timeout,
        deadline=until,
        max_bytes=config.max_response_bytes if max_bytes is None else max_bytes,
        stop=attempt.stop,
    )


async def _authenticated(attempt: Attempt, request: Request) -> Request:
    """Run the driver's own requests for authentication, if it needs any, and return the request to send, signed."""
    target = attempt.target
    flow = target.driver.authenticate(request, target.port.wall_time())
    if flow is not None:
        if not isinstance(flow, Generator):
            raise target.failures.of_result("authenticate", flow, "a generator, or None (see `sign`)")
        request = await _followed(attempt, flow)
    return _signed(attempt, request)


def _signed(attempt: Attempt, request: Request) -> Request:
    """The request with the driver's signature."""
    target = attempt.target
    try:
        signed = target.driver.sign(request, target.port.wall_time())
    except AIError:
        raise
    except Exception as error:
        raise target.failures.of_hook(error, "sign") from error
    if not isinstance(signed, Request):
        raise target.failures.of_result("sign", signed, "the Request to send")
    return signed


async def _followed(attempt: Attempt, flow: Generator[Request, Reply, Request]) -> Request:
    """Make the requests that a flow asks for, and return the one that it ends with."""
    target = attempt.target
    reply: Reply | None = None
    lost: AIError | None = None
    while True:
        try:
            wanted = flow.throw(lost) if lost is not None else _step(flow, reply)
        except StopIteration as done:
            if not isinstance(done.value, Request):
                raise target.failures.of_result("authenticate", done.value, "the Request to send") from None
            return done.value
        except AIError:
            raise
        except Exception as error:
            if is_own_code(error):
                raise target.failures.of_hook(error, "authenticate") from error
            problem = f"the credentials could not be made ready: {type(error).__name__}: {error}"
            raise target.failures.of_kind(InvalidCredentialsError, problem) from error
        seal(wanted, "body")
        try:
            reply, lost = await target.port.send(wanted, _timeouts(attempt)), None
            seal(reply, "body")  # both hold what is as good as a key
        except AIError as error:
            lost = error  # the flow may know another way, or what to say of it


def _step(flow: Generator[Request, Reply, Request], reply: Reply | None) -> Request:
    """The next request of a flow: its first one, or the one after a reply."""
    return next(flow) if reply is None else flow.send(reply)


def _refused(attempt: Attempt, reply: Reply) -> AIError:
    """The error that a reply without success stands for."""
    failures = attempt.target.failures
    return failures.finish(failures.reading(lambda: attempt.target.driver.map_error(reply)), reply)


async def _read_error_body(attempt: Attempt, body: Body) -> bytes:
    """The start of a failed reply's body; a body that breaks or stalls does not hide the status."""
    pieces: list[bytes] = []
    size = 0
    port = attempt.target.port
    body.expires = min(body.expires, port.now() + REFUSED_BODY_SECONDS)
    try:
        while size < REFUSED_BODY_BYTES and (data := await port.read(body, attempt.stop)):
            pieces.append(data)
            size += len(data)
    except ProviderError as error:
        attempt.check_stop()
        _log.debug("the body of an error reply could not be read: %s", type(error).__name__)
    finally:
        body.close()
    return b"".join(pieces)[:REFUSED_BODY_BYTES]
