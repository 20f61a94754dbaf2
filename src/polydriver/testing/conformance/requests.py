"""Checks of the requests that a driver builds."""

from __future__ import annotations

from typing import Any

import msgspec

from ...data.http import Request
from ...data.json import decode_json
from ...data.messages import AIMessage, Image, Text
from ...data.prompt import OPTIONS, OutputFormat, Prompt, ToolSpec
from ...errors import AIError, UnsupportedFeatureError
from ...prompting import build_prompt
from ..rules import judge_request
from .base import ConformanceBase

__all__ = ["RequestChecks", "option_values"]

_SCHEMA = {
    "type": "object",
    "properties": {"conformance_field": {"type": "string"}},
    "required": ["conformance_field"],
    "additionalProperties": False,
}
_TOOL = ToolSpec(name="conformance_tool", description="A tool for checking", parameters=_SCHEMA)
# Two values for each type of option; the first is false in Python but means something, where there is such a value.
_BY_TYPE: dict[str, tuple[Any, Any]] = {
    "float": (0.0, 0.5),
    "int": (0, 7),
    "bool": (False, True),
    "str": ("conformance", "conformance-2"),
    "list[str]": (["conformance"], ["conformance", "conformance-2"]),
    "dict[str, float]": ({"7": 0.0}, {"7": 5.0}),
    "dict[str, Any]": ({"voice": "alloy", "format": "wav"}, {"voice": "echo", "format": "wav"}),
}
# Options whose values are words of their own, or that need a certain value to mean anything.
_BY_NAME: dict[str, tuple[Any, Any]] = {
    "max_tokens": (64, 128),
    "n": (2, 3),
    "reasoning_budget": (2048, 4096),
    "reasoning_effort": ("low", "high"),
    "response_format": (OutputFormat(), OutputFormat(name="conformance", schema=_SCHEMA)),
    "service_tier": ("flex", "priority"),
    "modalities": (["text"], ["text", "audio"]),
    "tool_choice": ("required", "conformance_tool"),
    "tools": ([_TOOL], [_TOOL]),
}
# An API that lists what an answer is to include has no other way to say `False`.
_FALSE_MEANS_ABSENT = ("logprobs",)
_WITH_TOOLS = ("tool_choice", "parallel_tool_calls")
_PIXELS = b"\x89PNG\r\n\x1a\n conformance image"


def option_values() -> dict[str, tuple[Any, Any]]:
    """Two values for every option of `Prompt`, by its name or else by its type."""
    types = {name: str(kind).removesuffix(" | None") for name, kind in Prompt.__annotations__.items()}
    return {name: _BY_NAME.get(name) or _BY_TYPE[types[name]] for name in OPTIONS}


class RequestChecks(ConformanceBase):
    """Whether a prompt becomes the request that it should."""

    def test_request_is_well_formed(self) -> None:
        """URL, headers, body and method are as the engine needs them."""
        for stream in {False, self.subject.supports_streaming()}:
            request = self._build(stream=stream)
            _check_request(request)
            assert request.method == "POST", f"a prompt is posted, not sent by {request.method}"
            assert request.stream == stream, "Request.stream does not say what the prompt says"
            assert isinstance(decode_json(request.body or b""), dict), "the body is not a JSON object"

    def test_streams_are_asked_for(self) -> None:
        """A stream is asked for otherwise than a whole answer."""
        self.needs("streaming")
        whole, stream = self._build(), self._build(stream=True)
        assert (whole.url, whole.body) != (stream.url, stream.body), (
            "the request for a stream is the same as for a whole answer"
        )

    def test_building_is_pure(self) -> None:
        """Building a request twice gives the same, and changes nothing."""
        self.needs_chat()
        messages = [
            AIMessage.system("Be brief"),
            AIMessage("Hi"),
            AIMessage.assistant("Hello"),
            AIMessage("Bye"),
        ]
        prompt = self.prompt(messages=messages)
        before = msgspec.json.encode(messages)
        first, second = self.subject.build_request(prompt), self.subject.build_request(prompt)
        assert first == second, "build_request gives another request the second time"
        assert first.headers is not second.headers, "two requests share their headers: the engine adds to them"
        assert msgspec.json.encode(prompt.messages) == before, "build_request changes the messages of the prompt"

    def test_unknown_models_are_sent(self) -> None:
        """A model that no list knows is sent."""
        request = self._build(model="brand-new-model-2099")
        assert "brand-new-model-2099" in request.url or b"brand-new-model-2099" in (request.body or b""), (
            "the model's id is not in the request"
        )

    def test_text_is_sent(self) -> None:
        """The text of a message is sent."""
        body = self._build(text="conformance text").body or b""
        assert b"conformance text" in body, "the message's text is not in the body"

    def test_every_option_is_sent_warned_of_or_refused(self) -> None:
        """No option of `Prompt` disappears, and 0 and `False` are not taken for absent."""
        for name, (first, second) in option_values().items():
            if name in (*_WITH_TOOLS, "tools") and not self.subject.supports_function_calling():
                continue
            effects = self._effect(name, first), self._effect(name, second)
            if name not in _FALSE_MEANS_ABSENT:
                assert effects != ("dropped", "sent"), f"{name}={first!r} is taken for absent"
            assert effects != ("dropped", "dropped"), f"{name} is dropped without a warning"

    def _effect(self, name: str, value: Any) -> str:
        """What becomes of an option: sent, warned (of), refused or dropped."""
        self.needs_chat()
        base: dict[str, Any] = {"tools": [_TOOL]} if name in _WITH_TOOLS else {}
        plain, given = self.prompt(**base), self.prompt(**{**base, name: value})
        try:
            before, after = self.subject.build_request(plain), self.subject.build_request(given)
        except AIError:
            return "refused"
        if before.body != after.body:
            return "sent"
        return "warned" if set(given.warnings) - set(plain.warnings) else "dropped"

    def test_requests_break_no_rule(self) -> None:
        """No request, with any option, is one that the provider is known to refuse (`polydriver.testing.rules`)."""
        for name, values in option_values().items():
            for value in values:
                base: dict[str, Any] = {"tools": [_TOOL]} if name in _WITH_TOOLS else {}
                given = {"model": self.model, **self.options, **base, name: value}
                try:
                    prompt, _ = build_prompt(self.subject, "Hello", given)
                    request = self.subject.build_request(prompt)
                except AIError:
                    continue
                broken = judge_request(self.subject.name, request, prompt.model)
                assert not broken, f"{name}={value!r}: " + "; ".join(map(str, broken))

    def test_extra_is_sent(self) -> None:
        """`extra` goes into the body, `extra_headers` into the headers."""
        request = self._build(extra={"conformance_extra": 0}, extra_headers={"X-Conformance": "1"})
        assert b"conformance_extra" in (request.body or b""), "`extra` is not merged into the body"
        assert request.headers.get("x-conformance") == "1", "`extra_headers` are not added, by lower-case names"

    def test_tools_are_rendered(self) -> None:
        """Tools are offered with all that they say, with every `tool_choice`."""
        self.needs("function_calling")
        body = self._build(tools=[_TOOL]).body or b""
        for wanted in (b"conformance_tool", b"conformance_field", b"A tool for checking"):
            assert wanted in body, f"function calling is claimed, but {wanted.decode()!r} of a tool is not in the body"
        for choice in ("auto", "none", "required", "conformance_tool"):
            self._build(tools=[_TOOL], tool_choice=choice)

    def test_tool_turns_are_rendered(self) -> None:
        """Earlier calls and their results are sent."""
        self.needs("function_calling")
        from ...data.messages import ToolCall

        messages = [
            AIMessage("What?"),
            AIMessage.assistant(
                tool_calls=[ToolCall("call_conf_1", "conformance_tool", {"conformance_field": "a value"})]
            ),
            AIMessage.tool("call_conf_1", "the tool said this", name="conformance_tool"),
        ]
        body = self._build(messages=messages, tools=[_TOOL]).body or b""
        for wanted in (b"a value", b"the tool said this"):
            assert wanted in body, f"{wanted.decode()!r} of an earlier tool call is not in the body"

    def test_images_are_rendered(self) -> None:
        """An image is sent when vision is claimed."""
        self.needs("vision")
        image = Image.from_bytes(_PIXELS, "image/png")
        body = self._build(messages=[AIMessage([Text("Look"), image])]).body or b""
        assert image.base64.encode() in body or _PIXELS in body, "vision is claimed, but an image is not in the body"

    def test_output_format_is_rendered(self) -> None:
        """A schema for the answer is sent when JSON is claimed."""
        self.needs("json")
        prompt = self.prompt(response_format=OutputFormat(name="conformance", schema=_SCHEMA, strict=True))
        try:
            body = self.subject.build_request(prompt).body or b""
        except UnsupportedFeatureError:
            self.skip("this driver does not support schemas")
        assert b"conformance_field" in body or prompt.warnings, "a schema is asked for, but it is not in the body"

    def test_models_request_is_well_formed(self) -> None:
        """The request for the model list is as the engine needs it."""
        if not self.lists_models():
            self.skip(f"{self.driver.name} lists no models")
        _check_request(self.subject.models_request())

    def _build(self, text: str = "Hello", **fields: Any) -> Request:
        self.needs_chat()
        try:
            return self.subject.build_request(self.prompt(text, **fields))
        except AIError as error:
            raise AssertionError(
                f"a plain prompt ({', '.join(fields) or 'one message'}) is refused: {error}"
            ) from error


def _check_request(request: Request) -> None:
    assert request.url.startswith(("http://", "https://")), f"the URL is not absolute: {request.url.partition('?')[0]}"
    assert "//" not in request.url.partition("://")[2], f"the URL has an empty step: {request.url.partition('?')[0]}"
    assert all(name == name.lower() for name in request.headers), (
        f"headers must be lower-case: {', '.join(request.headers)}"
    )
    assert all(isinstance(value, str) for value in request.headers.values()), "a header's value is not text"
    if request.body is not None:
        assert isinstance(request.body, bytes), f"the body is {type(request.body).__name__}, not bytes"
        assert request.headers.get("content-type"), "there is a body, but no content-type"
