"""Checks of the requests that a driver builds."""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ...data.http import Request
from ...data.json import decode_json
from ...data.messages import AIMessage, Image, Text
from ...data.prompt import OutputFormat, Prompt, ToolSpec
from ...errors import AIError, UnsupportedFeatureError
from ...typed import convert
from .base import ConformanceBase
from .options import SCHEMA, TOOL

__all__ = ["RequestChecks"]

_ELSEWHERE = "https://elsewhere.invalid/conformance"
_PIXELS = b"\x89PNG\r\n\x1a\n conformance image"


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
        """Building a request twice gives the same, changes nothing, and remembers nothing of another prompt."""
        self.needs_chat()
        tools = self.subject.supports_function_calling()
        given: dict[str, Any] = {"extra": {"conformance_extra": {"inner": [1]}}, "temperature": 0.5, "max_tokens": 64}
        for fields in (given, {}, {"tools": [TOOL]} if tools else {}, {"response_format": OutputFormat(schema=SCHEMA)}):
            try:
                self._check_purity(fields)
            except UnsupportedFeatureError:
                continue

    def _check_purity(self, fields: dict[str, Any]) -> None:
        messages = [AIMessage.system("Be brief"), AIMessage("Hi"), AIMessage.assistant("Hello"), AIMessage("Bye")]
        prompt = self.prompt(messages=messages, **copy.deepcopy(fields))
        before = _without_warnings(prompt)
        first, second = self.subject.build_request(prompt), self.subject.build_request(prompt)
        assert first == second, "build_request gives another request the second time"
        assert first.headers is not second.headers, "two requests share their headers: the engine adds to them"
        assert _without_warnings(prompt) == before, "build_request changes the prompt that it is given"
        for name, value in {"max_tokens": 99, "seed": 7, "top_p": 0.5, "stop": ["conformance"]}.items():
            with contextlib.suppress(AIError):
                self.subject.build_request(self.prompt("Another", model="conformance-model-2", **{name: value}))
        third = self.subject.build_request(prompt)
        assert third == first, "build_request remembers another prompt"

    def test_unknown_models_are_sent(self) -> None:
        """A model that no list knows is sent."""
        request = self._build(model="brand-new-model-2099")
        assert "brand-new-model-2099" in request.url or b"brand-new-model-2099" in (request.body or b""), (
            "the model's id is not in the request"
        )
        try:
            request = self.subject.build_request(self.prompt(model="conformance model?a=1#b"))
        except AIError:
            return  # a name that cannot be in the address of this service
        _check_request(request)
        plain = self._build()
        assert request.url.count("?") == plain.url.count("?"), "a model's name is put into the address without escaping"

    def test_requests_go_to_the_base_url(self) -> None:
        """All requests go to the address in the settings."""
        driver = self.make(base_url=_ELSEWHERE)
        requests: list[Request] = []
        if self.has("build_request"):
            requests.append(driver.build_request(self.prompt()))
        if self.lists_models():
            requests.append(driver.models_request())
        for request in requests:
            assert request.url.startswith(_ELSEWHERE), f"with another base_url, a request goes to {request.url}"

    def test_text_is_sent(self) -> None:
        """The text of a message is sent."""
        body = self._build(text="conformance text").body or b""
        assert b"conformance text" in body, "the message's text is not in the body"

    def test_requests_are_as_documented(self) -> None:
        """The requests of the fixtures, which are those of the documentation, are built as they are there."""
        fixtures = self.fixtures_or_none()
        if fixtures is None or not fixtures.request_examples:
            self.skip("the fixtures have no request_examples")
        for example in fixtures.request_examples:
            prompt = self.prompt(messages=list(example.messages), **_as_fields(example.options))
            request = self.subject.build_request(prompt)
            body = decode_json(request.body or b"")
            assert body == example.body, f"the body is {body}, and not as documented: {example.body}"
            assert request.url.endswith(example.path), (
                f"the address is {request.url}, which does not end with {example.path}"
            )

    def test_extra_is_sent(self) -> None:
        """`extra` goes into the body, `extra_headers` into the headers."""
        request = self._build(extra={"conformance_extra": 0}, extra_headers={"X-Conformance": "1"})
        assert b"conformance_extra" in (request.body or b""), "`extra` is not merged into the body"
        assert request.headers.get("x-conformance") == "1", "`extra_headers` are not added, by lower-case names"
        options: dict[str, Any] = {"temperature": 0.5, "max_tokens": 64}
        try:
            body = decode_json(self.subject.build_request(self.prompt(**options)).body or b"")
        except UnsupportedFeatureError:
            return
        for name, inner in body.items() if isinstance(body, dict) else ():
            if isinstance(inner, dict) and inner:
                merged = decode_json(self._build(**options, extra={name: {"conformance_extra": 0}}).body or b"")
                assert merged.get(name) == {**inner, "conformance_extra": 0}, f"`extra` is not merged into {name!r}"

    def test_tools_are_rendered(self) -> None:
        """Tools are offered with all that they say, with every `tool_choice`."""
        self.needs("function_calling")
        body = self._build(tools=[TOOL]).body or b""
        for wanted in (b"conformance_tool", b"conformance_field", b"A tool for checking"):
            assert wanted in body, f"function calling is claimed, but {wanted.decode()!r} of a tool is not in the body"
        for choice in ("auto", "none", "required", "conformance_tool"):
            with contextlib.suppress(UnsupportedFeatureError):  # what would change the meaning may be refused
                self.subject.build_request(self.prompt(tools=[TOOL], tool_choice=choice))

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
        body = self._build(messages=messages, tools=[TOOL]).body or b""
        for wanted in (b"a value", b"the tool said this"):
            assert wanted in body, f"{wanted.decode()!r} of an earlier tool call is not in the body"

    def test_images_are_rendered(self) -> None:
        """An image is sent when vision is claimed."""
        self.needs("vision")
        image = Image.from_bytes(_PIXELS, "image/png")
        body = self._build(messages=[AIMessage([Text("Look"), image])]).body or b""
        assert image.base64.encode() in body or _PIXELS in body, "vision is claimed, but an image is not in the body"
        wrong = [kind for kind in (b"jpeg", b"gif", b"webp", b"octet-stream") if kind in body]
        assert not wrong, f"a PNG is sent as {wrong[0].decode()}"

    def test_output_format_is_rendered(self) -> None:
        """A schema for the answer is sent when JSON is claimed."""
        self.needs("json")
        prompt = self.prompt(response_format=OutputFormat(name="conformance", schema=SCHEMA, strict=True))
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


def _without_warnings(prompt: Prompt) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(prompt, warnings=[]))


def _as_fields(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as fields of `Prompt`, also where they come from a file."""
    fields = dict(options)
    if "tools" in fields:
        fields["tools"] = [convert(tool, ToolSpec, from_attributes=True) for tool in fields["tools"]]
    if fields.get("response_format") is not None:
        fields["response_format"] = convert(fields["response_format"], OutputFormat, from_attributes=True)
    return fields


def _check_request(request: Request) -> None:
    assert request.url.startswith(("http://", "https://")), f"the URL is not absolute: {request.url.partition('?')[0]}"
    assert "//" not in request.url.partition("://")[2], f"the URL has an empty step: {request.url.partition('?')[0]}"
    assert not re.search(r"[\s#]", request.url), f"the URL has a blank or a '#': {request.url}"
    assert all(name == name.lower() for name in request.headers), (
        f"headers must be lower-case: {', '.join(request.headers)}"
    )
    assert all(isinstance(value, str) for value in request.headers.values()), "a header's value is not text"
    if request.body is not None:
        assert isinstance(request.body, bytes), f"the body is {type(request.body).__name__}, not bytes"
        assert request.headers.get("content-type"), "there is a body, but no content-type"
