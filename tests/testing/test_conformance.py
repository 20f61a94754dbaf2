"""The judge itself: each fault that it is there to find, put into a driver that is otherwise right."""

from __future__ import annotations

import dataclasses
import json
import pickle
import unittest
from typing import Any, ClassVar

import pytest

from polydriver.config import Setting
from polydriver.contract import Refused
from polydriver.data.http import Reply, Request
from polydriver.data.models import Capabilities
from polydriver.data.prompt import Prompt
from polydriver.data.responses import AIResponse
from polydriver.data.usage import TokenUsage
from polydriver.drivers.compatible import CompatibleDriver
from polydriver.drivers.rows.common import CompatibleChat
from polydriver.errors import ProviderError, ServerError
from polydriver.testing import DriverConformance, WireFixtures, fixtures_for, register_fixtures
from polydriver.testing.conformance import check_driver
from polydriver.wires.chat_completions.stream import ChatCompletionsDecoder


class Sound(CompatibleDriver):
    """A driver without a fault."""

    name = "sound"
    base_url = "https://sound.invalid/v1"
    key_variables = ("SOUND_API_KEY",)


class TestSound(DriverConformance):
    driver = Sound


def test_a_sound_driver_passes() -> None:
    report = check_driver(Sound)
    report.raise_if_any()
    assert len(report.passed) > 35
    assert "fixtures" in " ".join(report.skipped.values())


class Hasty(ChatCompletionsDecoder):
    """Takes any end for a good one."""

    def finish(self) -> list[Any]:
        chunks = super().finish()
        self.complete = True
        return chunks


class Unsplit(ChatCompletionsDecoder):
    """Takes each read for whole events."""

    def feed(self, data: bytes) -> list[Any]:
        return super().feed(data if data.endswith(b"\n") else data + b"\n\n")


class Repeating(ChatCompletionsDecoder):
    """Gives all the text so far in each chunk."""

    def feed(self, data: bytes) -> list[Any]:
        chunks = super().feed(data)
        for chunk in chunks:
            if chunk.content:
                chunk.content = self.build().content + chunk.content
        return chunks


@dataclasses.dataclass
class Fault:
    check: str
    attributes: dict[str, Any]

    def __str__(self) -> str:
        return self.check


def _drop_falsy(self: Any, prompt: Prompt) -> dict[str, Any]:
    return {name: value for name, value in CompatibleChat.render_prompt(self, prompt).items() if value}


def _refuse_unknown_models(self: Any, prompt: Prompt) -> Request:
    if prompt.model not in ("conformance-model-1",):
        raise ServerError("unknown model")
    return CompatibleChat.build_request(self, prompt)


def _grow(self: Any, prompt: Prompt) -> Request:
    prompt.messages.append(prompt.messages[0])
    return CompatibleChat.build_request(self, prompt)


def _without(*names: str) -> Any:
    def render(self: Any, prompt: Prompt) -> dict[str, Any]:
        body = CompatibleChat.render_prompt(self, prompt)
        for name in names:
            body.pop(name, None)
        return body

    return render


def _key_in_url(self: Any, path: str, **query: Any) -> str:
    return f"{self.config.base_url}/{path}?key={self.config.api_key.reveal()}"


def _trusting(self: Any, reply: Reply, prompt: Prompt) -> AIResponse:
    payload = json.loads(reply.body)
    return AIResponse.from_text(payload["choices"][0]["message"]["content"], usage=TokenUsage(1, 1))


def _greedy_usage(self: Any, reply: Reply, prompt: Prompt) -> AIResponse:
    response = CompatibleChat.parse_response(self, reply, prompt)
    response.usage = TokenUsage(input_tokens=5, output_tokens=1, cached_input_tokens=9)
    return response


WIRE_ATTRIBUTES = ("decoder_class", "render_prompt", "build_request", "parse_response")
FAULTS = [
    Fault("test_a_cut_stream_is_never_a_success", {"decoder_class": Hasty}),
    Fault("test_every_split_gives_the_same", {"decoder_class": Unsplit}),
    Fault("test_stream_is_read", {"decoder_class": Repeating}),
    Fault("test_every_option_is_sent_warned_of_or_refused", {"render_prompt": _drop_falsy}),
    Fault("test_unknown_models_are_sent", {"build_request": _refuse_unknown_models}),
    Fault("test_building_is_pure", {"build_request": _grow}),
    Fault("test_tools_are_rendered", {"render_prompt": _without("tools")}),
    Fault("test_output_format_is_rendered", {"render_prompt": _without("response_format")}),
    Fault("test_streams_are_asked_for", {"render_prompt": _without("stream", "stream_options")}),
    Fault("test_key_is_not_in_requests_but_headers", {"url": _key_in_url}),
    Fault("test_mutated_replies_raise_our_errors", {"parse_response": _trusting}),
    Fault("test_hostile_replies_raise_our_errors", {"parse_response": _trusting}),
    Fault("test_tool_reply_is_read", {"parse_response": _trusting}),
    Fault("test_usage_adds_up", {"parse_response": _greedy_usage}),
    Fault("test_statuses_are_mapped", {"map_error": lambda self, reply: ServerError("it failed", provider="x")}),
    Fault("test_errors_are_complete", {"map_error": lambda self, reply: ProviderError("it failed")}),
    Fault("test_hooks_are_whole_or_absent", {"build_embeddings": lambda self, request: None}),
    Fault("test_claims_agree_with_hooks", {"get_capabilities": lambda self: Capabilities(embeddings=True)}),
    Fault("test_methods_keep_their_signatures", {"send_message": lambda self, text: None}),
    Fault(
        "test_config_is_masked",
        {"get_config": lambda self: {"name": "x", "key": self.config.api_key.reveal()}},
    ),
    Fault("test_key_is_not_shown", {"__repr__": lambda self: f"<{self.config.api_key.reveal()}>"}),
    Fault("test_modules_do_no_io", {"__module__": "asyncio.events"}),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_each_fault_is_found(fault: Fault) -> None:
    of_wire = {name: value for name, value in fault.attributes.items() if name in WIRE_ATTRIBUTES}
    of_driver = {name: value for name, value in fault.attributes.items() if name not in of_wire}
    wire = type("FaultyWire", (CompatibleChat,), of_wire)() if of_wire else CompatibleChat()
    faulty = type("Faulty", (Sound,), {"__doc__": "Has a fault.", "wire": wire, **of_driver})
    suite = type("Suite", (DriverConformance,), {"driver": faulty})()
    with pytest.raises(AssertionError):
        getattr(suite, fault.check)()


def test_what_is_not_claimed_is_not_asked_for() -> None:
    attributes = {"capabilities": Capabilities(streaming=True), "name": "plain", "__doc__": "Plain."}
    plain = type("Plain", (Sound,), attributes)
    report = check_driver(plain)
    report.raise_if_any()
    assert "vision" in report.skipped["test_images_are_rendered"]
    assert "function_calling" in report.skipped["test_tools_are_rendered"]


class Needy(Sound):
    """A driver with settings that it cannot do without."""

    name = "needy"
    base_url = "https://{resource}.invalid/v1"
    settings: ClassVar[Any] = (
        Setting("resource", required=True),
        Setting("number", kind="int", required=True),
        Setting("token", secret=True, required=True),
    )


def test_required_settings_are_made_up() -> None:
    suite = type("Suite", (DriverConformance,), {"driver": Needy})()
    assert suite.subject.config.base_url == "https://example.invalid/v1"
    suite.test_errors_do_not_echo_the_key()


def test_fixtures_can_be_registered_and_given() -> None:
    class Own(ChatCompletionsDecoder):
        pass

    assert fixtures_for(Own) is fixtures_for(ChatCompletionsDecoder)
    mine = WireFixtures(whole_reply=b"{}")
    register_fixtures(Own, mine)
    assert fixtures_for(Own) is mine
    assert fixtures_for(int) is None
    suite = type("Suite", (DriverConformance,), {"driver": Sound, "fixtures": mine})()
    with pytest.raises(unittest.SkipTest, match="no stream_reply"):
        suite.test_stream_is_read()


def test_failures_are_reported_together() -> None:
    faulty = type("Faulty", (Sound,), {"__doc__": None, "get_config": lambda self: {}})
    report = check_driver(faulty)
    with pytest.raises(AssertionError, match=r"(?s)test_config_is_masked.*test_is_named"):
        report.raise_if_any()
    assert pickle.loads(pickle.dumps(report.failed)) == report.failed


def test_what_would_change_the_meaning_may_be_refused() -> None:
    rules = {
        name: Refused("it is not offered here") for name in ("tool_choice", "seed", "stop", "n", "response_format")
    }
    careful = type(
        "Careful", (Sound,), {"__doc__": "Refuses.", "name": "careful", "wire": CompatibleChat(options=rules)}
    )
    check_driver(careful).raise_if_any()
