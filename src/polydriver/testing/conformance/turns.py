"""Checks of conversations: who said what, what tools gave back, and what the next turn must repeat."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import msgspec

from ...data.http import Request
from ...data.json import decode_json
from ...data.messages import AIMessage, Audio, Document, Image, Part, Reasoning, Text, ToolCall, Video
from ...data.prompt import ToolSpec
from ...errors import AIError, ConfigurationError, UnsupportedFeatureError
from ...prompting import build_prompt
from ...typed import decode
from .base import ConformanceBase

__all__ = ["TurnChecks"]

_TOOLS = [
    ToolSpec(name=name, description=f"The tool {name}", parameters={"type": "object", "properties": {}})
    for name in ("conformance_first", "conformance_second")
]
_MEDIA: list[tuple[Image | Audio | Video | Document, str]] = [
    (Image.from_bytes(b"\x89PNG\r\n\x1a\n conformance image", "image/png"), "conformance image"),
    (Audio.from_bytes(b"RIFF conformance sound", "audio/wav", name="a.wav"), "conformance sound"),
    (Video.from_bytes(b"conformance video", "video/mp4", name="a.mp4"), "conformance video"),
    (Document.from_bytes(b"%PDF-1.4 conformance", "application/pdf", name="a.pdf"), "%PDF-1.4"),
    (Document.from_bytes(b"conformance document", "text/plain", name="a.txt"), "conformance document"),
]


class TurnChecks(ConformanceBase):
    """Whether all turns of a conversation arrive, as what they are."""

    def test_every_turn_is_sent_in_order(self) -> None:
        """Instructions and all turns are sent, the turns in their order."""
        self.needs_chat()
        texts = ["conformance-asked-1", "conformance-said-1", "conformance-asked-2", "conformance-said-2"]
        turns = [AIMessage(text, role) for text, role in zip(texts, ("user", "assistant") * 2, strict=True)]  # type: ignore[arg-type]
        body = self._body([AIMessage.system("conformance-system"), *turns, AIMessage("conformance-last")])
        for text in ("conformance-system", *texts, "conformance-last"):
            assert body.count(text) == 1, f"of the conversation, {text!r} is {body.count(text)} times in the body"
        places = [body.index(text) for text in texts]
        assert all(first < second for first, second in pairwise(places)), "the turns are not in the body in their order"

    def test_every_part_of_a_turn_is_sent(self) -> None:
        """All texts of a message are sent."""
        self.needs_chat()
        parts: list[Part] = [Text("conformance-a"), Text("conformance-b")]
        said = [AIMessage(list(parts), role) for role in ("system", "user", "assistant")]
        body = self._body([*said, AIMessage("Go on")])
        for text in ("conformance-a", "conformance-b"):
            assert body.count(text) == 3, f"a text of a message with several is not in the body: {text!r}"

    def test_roles_stay_distinct(self) -> None:
        """What the user said is sent otherwise than what the model said, and than instructions."""
        self.needs_chat()

        def said(*roles: str) -> str:
            texts = ("conformance-1", "conformance-2", "conformance-3")
            return self._body([AIMessage(text, role) for text, role in zip(texts, roles, strict=True)])  # type: ignore[arg-type]

        plain = said("user", "user", "user")
        for roles in (("user", "assistant", "user"), ("system", "user", "user"), ("developer", "user", "user")):
            assert said(*roles) != plain, f"the roles {', '.join(roles)} are sent as if the user said it all"
        assert said("user", "assistant", "user") != said("system", "user", "user"), "system is sent as assistant"

    def test_instructions_are_sent_wherever_they_stand(self) -> None:
        """Every system message is sent, later ones too."""
        self.needs_chat()
        first, second = AIMessage.system("conformance-system-1"), AIMessage.system("conformance-system-2")
        turns = [AIMessage("Hi"), AIMessage.assistant("Hello"), AIMessage("Go on")]
        for messages in ([first, second, *turns], [first, *turns[:2], second, turns[2]]):
            body = self._body(messages)
            for text in ("conformance-system-1", "conformance-system-2"):
                assert text in body, f"of two system messages, {text!r} is not in the body"

    def test_results_belong_to_their_calls(self) -> None:
        """Each tool result is sent as that of its call: another order of the texts is another request."""
        self.needs("function_calling")
        body = self._results("first result", "second result")
        for wanted in (
            "first result",
            "second result",
            "conformance_first",
            "conformance_second",
            "a first",
            "a second",
        ):
            assert wanted in body, f"{wanted!r} of earlier tool calls is not in the body"
        assert body != self._results("second result", "first result"), "results are not sent as those of their calls"

    def test_failed_results_are_told(self) -> None:
        """`is_error` of a tool result makes a difference, where the service has a word for it."""
        self.needs("function_calling")
        fixtures = self.fixtures_or_none()
        if fixtures is not None and not fixtures.tells_failed_results:
            self.skip("this service is told of failed tools by the text of the result alone")
        assert self._results("no", "yes", failed=True) != self._results("no", "yes"), (
            "is_error of a tool result is lost (`tells_failed_results=False` in the fixtures is for one without it)"
        )

    def test_results_of_any_form_are_sent(self) -> None:
        """Results that are lists of texts, empty, or without the tool's name are sent."""
        self.needs("function_calling")
        call = ToolCall("call_conf_1", "conformance_first", {})
        for content in ([Text("conformance-a"), Text("conformance-b")], "", "plain"):
            messages = [
                AIMessage("Use it"),
                AIMessage.assistant(tool_calls=[call]),
                AIMessage.tool("call_conf_1", content),
                AIMessage("And now?"),
            ]
            body = self._body(messages, tools=_TOOLS)
            for part in content if isinstance(content, list) else [Text(content)]:
                assert part.text in body, f"the text {part.text!r} of a tool result is not in the body"

    def test_an_answer_goes_back_as_it_came(self) -> None:
        """The next turn repeats the answer: its text, its calls with their ids, and what is kept of its reasoning."""
        tried = False
        for name in ("whole_reply", "tool_reply", "reasoning_reply"):
            reply = getattr(self.replies, name)
            if not reply or (name == "tool_reply" and not self.subject.supports_function_calling()):
                continue
            tried = True
            answer = self.parse(reply)
            body = self._next_turn(answer.to_message())
            for part in answer.parts:
                if isinstance(part, Text):
                    assert part.text in body, f"{name}: its text {part.text!r} is not in the request of the next turn"
            for call in answer.tool_calls:
                assert call.name in body, f"{name}: the name of its call is not in the request of the next turn"
                told = call.id not in reply.decode("utf-8", "replace") or body.count(call.id) > 1
                assert told, f"{name}: the id {call.id} does not name call and result in the request of the next turn"
            kept = [*(part.provider_data for part in answer.parts if isinstance(part, Reasoning)), answer.provider_data]
            for value in _texts([data.get(self.subject.wire.origin, {}) for data in kept]):
                assert value in body, (
                    f"{name}: {value!r}, kept of its reasoning, is not in the request of the next turn"
                )
            stored = decode(msgspec.json.encode(answer.to_message()), AIMessage)
            assert self._next_turn(stored) == body, f"{name}: once stored as JSON, the answer is sent otherwise"
        if not tried:
            self.skip("the fixtures have no answers")

    def test_reasoning_of_another_provider_is_not_sent(self) -> None:
        """Signatures of another provider are never sent; its reasoning is no reason to fail, nor an answer's text."""
        self.needs_chat()
        foreign = Reasoning("conformance-thought", provider_data={"another": {"signature": "conformance-signature"}})
        body = self._next_turn(AIMessage([foreign, Text("conformance-said")], "assistant"))
        assert "conformance-signature" not in body, "a signature of another provider is sent"
        assert "conformance-said" in body, "the text of an answer of another provider is not sent"
        self._next_turn(AIMessage([foreign], "assistant"))  # nothing but reasoning: there is nothing to fail at

    def test_media_are_sent_or_refused(self) -> None:
        """Pictures, sound, video and documents that are not read are refused, or their loss is told: they do not
        disappear. That holds for results of tools, too."""
        self.needs_chat()
        for part, shown in _MEDIA:
            turns = [[AIMessage([Text("Look"), part])]]
            if self.subject.supports_function_calling():
                call = ToolCall("call_conf_1", "conformance_first", {})
                told = AIMessage.tool("call_conf_1", [Text("Look"), part], name=call.name)
                turns.append([AIMessage("Use it"), AIMessage.assistant(tool_calls=[call]), told])
            for messages in turns:
                try:
                    given = {"model": self.model, **self.options, "tools": _TOOLS[:1] if len(messages) > 1 else []}
                    prompt, _ = build_prompt(self.subject, messages, given)
                    body = _body_of(self.subject.build_request(prompt))
                except AIError:
                    continue
                found = any(text in body for text in (shown, part.base64, "left out"))
                kind = type(part).__name__.lower()
                assert found or prompt.warnings, f"{kind} input disappears: it is neither sent nor refused nor told of"

    def test_tools_are_sent_or_refused(self) -> None:
        """Tools that a driver does not offer are refused, or their loss is told."""
        self.needs_chat()
        prompt = self.prompt(tools=_TOOLS)
        try:
            body = _body_of(self.subject.build_request(prompt))
        except AIError:
            return
        for tool in _TOOLS:
            assert tool.name in body or prompt.warnings, (
                f"the tool {tool.name} disappears: it is neither sent nor refused"
            )

    def _results(self, first: str, second: str, *, failed: bool = False) -> str:
        calls = [
            ToolCall("call_conf_1", "conformance_first", {"value": "a first"}),
            ToolCall("call_conf_2", "conformance_second", {"value": "a second"}),
        ]
        messages = [
            AIMessage("Use both"),
            AIMessage.assistant(tool_calls=calls),
            AIMessage.tool("call_conf_1", first, name="conformance_first", is_error=failed),
            AIMessage.tool("call_conf_2", second, name="conformance_second"),
        ]
        return self._body(messages, tools=_TOOLS)

    def _next_turn(self, message: AIMessage) -> str:
        results = [AIMessage.tool(call.id, "done", name=call.name) for call in message.tool_calls]
        tools = [ToolSpec(name=call.name, parameters=_TOOLS[0].parameters) for call in message.tool_calls]
        return self._body([AIMessage("Hi"), message, *results, AIMessage("Go on")], tools=tools)

    def _body(self, messages: list[AIMessage], **options: Any) -> str:
        """The body for a conversation, as the engine would have it built, with readable characters."""
        given = {"model": self.model, **self.options, **{name: value for name, value in options.items() if value}}
        try:
            prompt, _ = build_prompt(self.subject, messages, given)
            return _body_of(self.subject.build_request(prompt))
        except (UnsupportedFeatureError, ConfigurationError) as error:
            raise AssertionError(f"a plain conversation is refused: {error}") from error


def _body_of(request: Request) -> str:
    """The body as JSON with the characters as they are, for looking at."""
    try:
        return json.dumps(decode_json(request.body or b""), ensure_ascii=False)
    except ValueError:
        return (request.body or b"").decode("utf-8", "replace")


def _texts(value: Any) -> list[str]:
    """All texts in a value, however deep."""
    if isinstance(value, str):
        return [value] if value else []
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in _texts(item)]
