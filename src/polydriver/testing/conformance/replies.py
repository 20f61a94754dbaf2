"""Checks of how whole replies are read."""

from __future__ import annotations

import asyncio
import typing

from ...data.http import Reply, Simulated
from ...data.json import decode_json, encode_json
from ...data.responses import AIResponse, FinishReason
from ...data.usage import TokenUsage
from ...errors import AIError
from .base import ConformanceBase, digest, only_our_errors
from .mutations import HOSTILE_BODIES, changed_json, json_leaves, mutated_json

__all__ = ["FINISH_REASONS", "ReplyChecks", "check_usage"]

FINISH_REASONS = typing.get_args(FinishReason)
_MUTATIONS = 300


class ReplyChecks(ConformanceBase):
    """Whether whole replies become the answers that they hold."""

    def test_whole_reply_is_read(self) -> None:
        """Text, finish reason and model of a whole answer are read."""
        body = self.needs_fixture("whole_reply")
        response = self.parse(body)
        assert response.content, "the answer has no text"
        assert response.finish_reason in FINISH_REASONS, f"{response.finish_reason!r} is not a finish reason of ours"
        assert response.finish_reason == "stop", f"a whole answer ends with 'stop', not {response.finish_reason!r}"
        assert response.raw_finish_reason, "the provider's own word for the end is missing"
        assert response.model or b'"model' not in body, "the model that answered is missing"
        assert response.raw is not None, "`raw` is missing"
        if isinstance(response.raw, dict):
            assert response.raw == decode_json(body), "`raw` is not the decoded reply: reading it has changed it"

    def test_usage_adds_up(self) -> None:
        """The usage is read into buckets that do not exceed each other."""
        usage = self.parse(self.needs_fixture("whole_reply")).usage
        assert usage is not None, "the usage is missing"
        check_usage(usage)

    def test_tool_reply_is_read(self) -> None:
        """Tool calls are read, each with an id, a name and arguments."""
        self.needs("function_calling")
        response = self.parse(self.needs_fixture("tool_reply"))
        check_calls(response)

    def test_broken_arguments_are_not_run(self) -> None:
        """Arguments that are not a JSON object make a call incomplete; it is never taken for one without arguments."""
        self.needs("function_calling")
        payload, tried = decode_json(self.needs_fixture("tool_reply")), False
        for path, value in json_leaves(payload):
            if not isinstance(value, str) or not value.startswith("{") or not value.endswith("}") or len(value) < 4:
                continue
            tried = True
            body = encode_json(changed_json(payload, path, value[:-2]))
            try:
                calls = self.parse(body).tool_calls
            except AIError:
                continue
            whole = all(call.is_complete for call in calls)
            assert not whole, f"arguments that are cut off ({value[:-2]!r}) are run: {calls}"
        if not tried:
            self.skip("arguments of this service are no text")

    def test_answers_share_nothing(self) -> None:
        """Reading one reply does not change what was read from another."""
        found = []
        for name in ("whole_reply", "tool_reply", "reasoning_reply"):
            if body := getattr(self.replies, name):
                answer = self.parse(body)
                found.append((name, body, answer, digest(answer)))
        if not found:
            self.skip("the fixtures have no answers")
        for name, body, answer, before in [*found, *found]:
            again = self.parse(body)
            assert digest(again) == before, f"{name} is read otherwise after another reply: {digest(again)}"
            assert digest(answer) == before, f"reading {name} again changes the first answer"
            again.warnings.append("conformance")
            again.provider_data["conformance"] = {}
        last = self.parse(found[0][1])
        shared = "conformance" in last.warnings or "conformance" in last.provider_data
        assert not shared, "two answers share their warnings or their provider data"

    def test_answers_reach_callers_of_both_colours(self) -> None:
        """Through the whole pipeline, blocking and async callers get the answer."""
        body = self.needs_fixture("whole_reply")
        driver = self.connected(Simulated(headers={"content-type": "application/json"}, chunks=[body]))
        expected = digest(self.parse(body))
        assert digest(driver.send_message("Hello", model=self.model, **self.options)) == expected

        async def run() -> AIResponse:
            provider = driver.asynchronous()
            try:
                return await provider.send_message("Hello", model=self.model, **self.options)
            finally:
                await provider.aclose()

        assert digest(asyncio.run(run())) == expected

    def test_models_are_read(self) -> None:
        """The model list is read, and a garbled one raises our errors only."""
        if not self.lists_models():
            self.skip(f"{self.driver.name} lists no models")
        body = self.needs_fixture("models_reply")
        reply = Reply(status=200, headers={"content-type": "application/json"}, body=body)
        models = self.subject.parse_models(reply)
        assert models, "no model is read from the model list"
        assert all(model.id for model in models), "a model has no id"
        for changed in mutated_json(decode_json(body), _MUTATIONS):
            sample = encode_json(changed)
            only_our_errors("parse_models", lambda: self._read_models(sample), sample)  # noqa: B023

    def test_hostile_replies_raise_our_errors(self) -> None:
        """Replies that are not answers raise our errors only."""
        self.needs_chat()
        for body in HOSTILE_BODIES:
            only_our_errors("parse_response", lambda: self.parse(body), body)  # noqa: B023

    def test_mutated_replies_raise_our_errors(self) -> None:
        """Answers with any value changed or missing raise our errors only."""
        for name in ("whole_reply", "tool_reply"):
            body = getattr(self.replies, name)
            for changed in mutated_json(decode_json(body), _MUTATIONS) if body else ():
                sample = encode_json(changed)
                only_our_errors("parse_response", lambda: self._read(sample), sample)  # noqa: B023

    def _read(self, body: bytes) -> None:
        """Read an answer, and everything that is read from it later."""
        response = self.parse(body)
        digest(response)
        response.to_message()
        if response.usage is not None:
            self.subject.calculate_cost(response.usage, self.model)

    def _read_models(self, body: bytes) -> None:
        reply = Reply(status=200, body=body)
        self.subject.parse_models(reply)
        self.subject.next_page(reply)


def check_usage(usage: TokenUsage) -> None:
    """The rules of usage: buckets do not exceed the whole, the total is not less than its parts."""
    inputs, outputs = usage.input_tokens, usage.output_tokens
    assert inputs is not None and outputs is not None, f"input or output is missing: {usage}"  # noqa: PT018
    cached, written = usage.cached_input_tokens or 0, usage.cache_write_tokens or 0
    assert cached + written <= inputs, (
        f"the cached input ({cached} read, {written} written) exceeds all input ({inputs})"
    )
    assert (usage.reasoning_tokens or 0) <= outputs, f"reasoning exceeds all output: {usage}"
    assert usage.total_tokens is not None, "the total is missing"
    assert usage.total_tokens >= max(inputs, outputs), f"the total is less than its parts: {usage}"


def check_calls(response: AIResponse) -> None:
    """The rules of tool calls: each has an id of its own, a name, and arguments that are an object."""
    calls = response.tool_calls
    assert calls, "function calling is claimed, but no call is read"
    assert all(call.is_complete and isinstance(call.arguments, dict) for call in calls), (
        f"arguments are not objects: {calls}"
    )
    assert all(call.id and call.name for call in calls), f"a call has no id or name: {calls}"
    assert len({call.id for call in calls}) == len(calls), f"calls share an id: {calls}"
    assert response.finish_reason in ("tool_calls", "stop"), f"the finish reason is {response.finish_reason!r}"
