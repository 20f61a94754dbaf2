"""What a server sends as the id of a request is shown everywhere: without a key, and without what steers a terminal."""

from __future__ import annotations

import json

import pytest
from tests.faults.callers import CALLERS, KEY, STREAMERS, call
from tests.faults.server import CLOSE, READ, Server, reply

_MESSAGE = {"role": "assistant", "content": "a"}
_WHOLE = json.dumps({"id": "c", "choices": [{"message": _MESSAGE, "finish_reason": "stop"}]}).encode()
_CHUNK = json.dumps({"id": "c", "choices": [{"delta": _MESSAGE, "finish_reason": "stop"}]}).encode()
_EVENTS = b"data: " + _CHUNK + b"\n\ndata: [DONE]\n\n"


@pytest.mark.parametrize("status", [200, 429])
@pytest.mark.parametrize("how", [*CALLERS, *STREAMERS])
def test_request_ids_are_harmless(how: str, status: int) -> None:
    id = f"req_\x1b[31m\x9b{KEY}"
    body = _EVENTS if how in STREAMERS else _WHOLE
    with Server([READ, reply(body, status, {"x-request-id": id}), CLOSE]) as server:
        outcome = call(how, server.url, api="chat", retry_attempts=1)
    found = outcome.response or outcome.error
    assert found is not None
    assert found.request_id is not None
    assert found.request_id.startswith("req_[31m")
    for text in (found.request_id, str(found), repr(found), repr(found.attempts)):
        assert KEY not in text
        assert "\x1b" not in text
        assert "\x9b" not in text
