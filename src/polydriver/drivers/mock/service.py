"""The mock's server side: from a request in OpenAI's form to an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from ...data.http import Request, Simulated
from ...data.json import as_dict, decode_json, encode_json
from ...data.messages import ToolCall
from ...data.responses import AIResponse
from ...errors import AIError, ConfigurationError
from .answers import CHAT
from .calls import MockCall
from .failures import FAILURES, Failure, make_failure
from .forms import CREATED, Delivery, ReplyForm, json_reply
from .operations import ANSWERS
from .replies import Answer
from .samples import sample
from .script import Script

__all__ = ["MockService"]

_PREFIX = "mock-error-"
_HEADER = "x-mock-script"
_OPERATIONS = {
    "/chat/completions": "chat",
    "/embeddings": "embeddings",
    "/moderations": "moderations",
    "/images/generations": "images",
    "/audio/speech": "speech",
}


class MockService:
    """Answers chat and the model list by a script, and the other operations by rule or with a scripted failure.

    `models` are the ids of the models that it lists. What it has by itself is OpenAI's; a server that speaks other
    wires reads their requests and calls `chat` and `operate` with the form of each.
    """

    def __init__(self, script: Script, provider: str, delivery: Delivery, models: list[str]) -> None:
        self.models = models
        self._script = script
        self._provider = provider
        self._delivery = delivery

    def answer(self, request: Request) -> Simulated | AIError:
        """The answer to a request; an error that no provider sends is given back as it is."""
        path = unquote(urlsplit(request.url).path).rstrip("/")
        if request.method == "GET":
            return self._answer_models(path)
        operation = next((name for suffix, name in _OPERATIONS.items() if path.endswith(suffix)), None)
        if operation is None:
            return CHAT.refuse(404, f"the mock has nothing at {path or '/'}")
        try:
            body = decode_json(request.body or b"")
        except ValueError as error:
            return CHAT.refuse(400, f"the body is {error}")
        if not isinstance(body, dict) or not isinstance(body.get("model"), str):
            return CHAT.refuse(400, "the body must be a JSON object with a model")
        if operation == "chat":
            return self.chat(CHAT, request, body)
        return self.operate(CHAT, request, operation, body, ANSWERS[operation])

    def chat(self, form: ReplyForm, request: Request, body: dict[str, Any]) -> Simulated | AIError:
        """The answer to a prompt, on the wire of `form`."""
        call = self._script.record(provider=self._provider, operation="chat", **form.read_call(body))
        try:
            failure = _failure_from_outside(request, call)
            if failure is None and not call.messages:
                return form.refuse(400, "there must be at least one message")
            reply = failure or self._script.reply_to(call) or _default(call)
        except ConfigurationError as error:
            return form.refuse(400, error.message)
        if isinstance(reply, Answer):
            return form.render_answer(reply, call, self._delivery)
        return reply if isinstance(reply, AIError) else form.render_failure(reply, call, self._delivery)

    def operate(
        self,
        form: ReplyForm,
        request: Request,
        operation: str,
        body: dict[str, Any],
        answer: Callable[[MockCall, dict[str, Any]], Simulated],
    ) -> Simulated | AIError:
        """What `answer` gives, unless the script or the caller wants a failure; the call is noted."""
        call = self._script.record(provider=self._provider, operation=operation, **CHAT.read_call(body))
        try:
            reply = _failure_from_outside(request, call) or self._script.failure_for(call)
        except ConfigurationError as error:
            return form.refuse(400, error.message)
        if reply is None:
            return answer(call, body)
        return reply if isinstance(reply, AIError) else form.render_failure(reply, call, self._delivery)

    def scripted_text(self, call: MockCall) -> str | None:
        """The text that the script has for a call that is not chat, such as a transcript; `None` without one."""
        reply = self._script.reply_to(call)
        return reply.response.content if isinstance(reply, Answer) else None

    def _answer_models(self, path: str) -> Simulated:
        records = [{"id": name, "object": "model", "created": CREATED, "owned_by": "mock"} for name in self.models]
        if path.endswith("/models"):
            return json_reply({"object": "list", "data": records}, 0)
        wanted = path.rpartition("/models/")[2]
        found = next((record for record in records if record["id"] == wanted), None)
        return json_reply(found, 0) if found else CHAT.refuse(404, f"the mock has nothing at {path or '/'}")


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
    """A call of the tool that must be called; else a value of the form that is asked for; else an echo."""
    if wanted_tool := _forced_tool(call):
        made = ToolCall("", str(wanted_tool.get("name")), as_dict(sample(wanted_tool.get("parameters"))))
        return Answer(response=AIResponse(parts=[made], finish_reason="tool_calls"))
    wanted = as_dict(call.options.get("response_format"))
    if wanted.get("type") == "json_schema":
        return _as_json(sample(as_dict(wanted.get("json_schema")).get("schema")))
    if wanted.get("type") == "json_object":
        return _as_json({"echo": call.text})
    return Answer(response=AIResponse.from_text(call.text))


def _forced_tool(call: MockCall) -> dict[str, Any] | None:
    """The function that the caller wants to be called: the one that it names, or the first if any will do."""
    choice = call.options.get("tool_choice")
    named = as_dict(as_dict(choice).get("function")).get("name")
    functions = [as_dict(tool.get("function")) for tool in call.tools]
    if choice != "required" and named is None:
        return None
    return next((function for function in functions if named is None or function.get("name") == named), None)


def _as_json(value: Any) -> Answer:
    return Answer(response=AIResponse.from_text(encode_json(value).decode()))
