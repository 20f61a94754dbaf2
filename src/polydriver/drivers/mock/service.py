"""The mock's server side: from a request in OpenAI's form to an answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from ...data.http import Request, Simulated
from ...data.json import as_dict, as_list, decode_json, encode_json
from ...data.responses import AIResponse
from ...errors import AIError, ConfigurationError
from .answers import Delivery, json_reply, render_answer, render_failure
from .calls import MockCall
from .failures import FAILURES, Failure, make_failure
from .operations import ANSWERS
from .replies import Answer
from .samples import sample
from .script import Script

__all__ = ["MockService"]

_PREFIX = "mock-error-"
_HEADER = "x-mock-script"
_CREATED = 1_767_225_600
_OPERATIONS = {
    "/chat/completions": "chat",
    "/embeddings": "embeddings",
    "/moderations": "moderations",
    "/images/generations": "images",
    "/audio/speech": "speech",
}


class MockService:
    """Answers chat and the model list by a script, and the other operations by rule or with a scripted failure."""

    def __init__(self, script: Script, provider: str, delivery: Delivery, models: list[str]) -> None:
        self._script = script
        self._provider = provider
        self._delivery = delivery
        self._models = models

    def answer(self, request: Request) -> Simulated | AIError:
        """The answer to a request; an error that no provider sends is given back as it is."""
        path = unquote(urlsplit(request.url).path).rstrip("/")
        if request.method == "GET":
            return self._answer_models(path)
        operation = next((name for suffix, name in _OPERATIONS.items() if path.endswith(suffix)), None)
        if operation is None:
            return _refuse(404, f"the mock has nothing at {path or '/'}")
        try:
            body = decode_json(request.body or b"")
        except ValueError as error:
            return _refuse(400, f"the body is {error}")
        if not isinstance(body, dict) or not isinstance(body.get("model"), str):
            return _refuse(400, "the body must be a JSON object with a model")
        call = self._record(operation, body)
        try:
            return self._answer_call(call, body, _failure_from_outside(request, call))
        except ConfigurationError as error:
            return _refuse(400, error.message)

    def _record(self, operation: str, body: dict[str, Any]) -> MockCall:
        rest = {key: value for key, value in body.items() if key not in ("model", "messages", "tools", "stream")}
        return self._script.record(
            provider=self._provider,
            operation=operation,
            model=body["model"],
            messages=[message for message in as_list(body.get("messages")) if isinstance(message, dict)],
            tools=[tool for tool in as_list(body.get("tools")) if isinstance(tool, dict)],
            options=rest,
            stream=body.get("stream") is True,
        )

    def _answer_call(self, call: MockCall, body: dict[str, Any], failure: Failure | None) -> Simulated | AIError:
        if call.operation != "chat":
            reply: Answer | Failure | AIError | None = failure or self._script.failure_for(call)
        elif failure is None and not call.messages:
            return _refuse(400, "messages must be a list with at least one message")
        else:
            reply = failure or self._script.reply_to(call) or _default(call)
        if isinstance(reply, AIError):
            return reply
        if isinstance(reply, Failure):
            return render_failure(reply, call, self._delivery)
        if isinstance(reply, Answer):
            return render_answer(reply, call, self._delivery)
        return ANSWERS[call.operation](call, body)

    def _answer_models(self, path: str) -> Simulated:
        records = [{"id": name, "object": "model", "created": _CREATED, "owned_by": "mock"} for name in self._models]
        if path.endswith("/models"):
            return json_reply({"object": "list", "data": records}, 0)
        wanted = path.rpartition("/models/")[2]
        found = next((record for record in records if record["id"] == wanted), None)
        return json_reply(found, 0) if found else _refuse(404, f"the mock has nothing at {path or '/'}")


def _failure_from_outside(request: Request, call: MockCall) -> Failure | None:
    """The failure that the caller itself asks for, by the model's name or a header."""
    script = request.headers.get(_HEADER)
    if script:
        kind, *details = (piece.strip() for piece in script.split(";"))
        pairs = [detail.partition("=") for detail in details if detail]
        fields: dict[str, Any] = {name.strip(): _number(value.strip()) for name, _, value in pairs}
        return make_failure(kind, **fields)
    if call.model.startswith(_PREFIX):
        word = call.model.removeprefix(_PREFIX)
        return make_failure(word if word in FAILURES or word.isdigit() else word.replace("-", "_"))
    return None


def _number(text: str) -> int | float | str:
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        return text


def _default(call: MockCall) -> Answer:
    """An echo; a value of the form that is asked for."""
    wanted = as_dict(call.options.get("response_format"))
    if wanted.get("type") == "json_schema":
        return _as_json(sample(as_dict(wanted.get("json_schema")).get("schema")))
    if wanted.get("type") == "json_object":
        return _as_json({"echo": call.text})
    return Answer(response=AIResponse.from_text(call.text))


def _as_json(value: Any) -> Answer:
    return Answer(response=AIResponse.from_text(encode_json(value).decode()))


def _refuse(status: int, message: str) -> Simulated:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return json_reply({"error": error}, 0, status=status)
