"""The typed dicts of options say what the sending methods take: every option of every driver, and no other."""

from __future__ import annotations

import inspect
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from polydriver import AI, AIError, ConfigurationError, UnknownOptionError
from polydriver.data.prompt import Prompt, ToolSpec
from polydriver.drivers import driver_class, driver_names
from polydriver.operations import kinds
from polydriver.operations.kinds import OperationKind
from polydriver.operations.requests import BatchRequest
from polydriver.prompting import CALL_LIMITS, CHAT_LIMITS, PROMPT_OPTIONS, WORK_LIMITS
from polydriver.provider import operation_options, options
from polydriver.provider.operations import Operations
from polydriver.testing import MockDriver
from polydriver.tools import ToolLike

SETTINGS: dict[str, dict[str, Any]] = {
    "azure": {"endpoint": "https://example.openai.azure.com"},
    "bedrock": {"region": "us-east-1"},
    "bedrock_mantle": {"region": "us-east-1"},
    "cloudflare": {"account_id": "account"},
    "databricks": {"host": "example.cloud.databricks.com"},
    "openai": {"base_url": "http://localhost:1/v1"},
    "snowflake": {"account": "account"},
}

LOCAL = {
    "ToolLike": ToolLike,
    "ToolSpec": ToolSpec,
    "ReasoningEffort": str,
    "AIError": AIError,
    "FallbackTargets": Any,
}


def hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, localns=LOCAL)


def test_the_options_of_all_providers_are_typed() -> None:
    assert set(hints(options.CallOptions)) == PROMPT_OPTIONS | CALL_LIMITS | CHAT_LIMITS | {"model"}


def test_the_options_of_drivers_are_typed() -> None:
    own: set[str] = set()
    for name in driver_names():
        own |= driver_class(name)({"api_key": "key-of-a-test", **SETTINGS.get(name, {})}).option_names
    assert set(hints(options.DriverOptions)) == own - PROMPT_OPTIONS - CALL_LIMITS - CHAT_LIMITS


def operations() -> list[OperationKind[Any]]:
    return [kind for kind in vars(kinds).values() if isinstance(kind, OperationKind)]


@pytest.mark.parametrize("kind", operations(), ids=lambda kind: kind.method)
def test_the_options_of_operations_are_typed(kind: OperationKind[Any]) -> None:
    signature = inspect.signature(getattr(Operations, kind.method))
    typed = str(signature.parameters["options"].annotation).removeprefix("Unpack[").removesuffix("]")
    found = set(hints(getattr(operation_options, typed, None) or getattr(options, typed)))
    own: set[str] = set()
    for name in driver_names():
        driver = driver_class(name)({"api_key": "key-of-a-test", **SETTINGS.get(name, {})})
        own |= driver.operation_option_names(kind)
    if kind.request in (Prompt, BatchRequest):
        own |= set(hints(options.AllOptions))
    else:
        own |= {
            name
            for name in kind.request.__struct_fields__
            if name not in ("id", "data", "model", "options", "warnings")
        }
    parameters = [name for name, given in signature.parameters.items() if given.kind is not given.VAR_KEYWORD]
    limits = CALL_LIMITS | (WORK_LIMITS if kind.is_stateless else set())
    assert found == (own | limits).difference(parameters)


def test_plain_values_have_the_types_of_prompts() -> None:
    typed = hints(options.CallOptions)
    for name, kind in get_type_hints(Prompt).items():
        if kind in (float | None, int | None, bool | None, str | None):
            assert set(get_args(kind)) <= set(get_args(typed[name])), name


@pytest.mark.parametrize("sending", ["send_message", "send_messages", "send_streaming_message"])
def test_types_change_nothing_at_run_time(sending: str) -> None:
    driver = MockDriver()
    with pytest.raises(UnknownOptionError, match="temperature"):
        getattr(driver, sending)("Hi", temprature=0)
    with pytest.raises(ConfigurationError, match="temperature"):
        getattr(driver, sending)("Hi", temperature="hot")


def test_a_default_form_holds_until_a_call_takes_it_back() -> None:
    ai = AI.fake(['{"a": 1}', "no JSON", '{"a": 2}'], options={"response_format": {"type": "json_object"}})
    provider = ai.provider()
    assert provider.send_message("Hi").parsed == {"a": 1}
    assert provider.send_message("Hi", response_format=None).parsed is None
    chat = ai.conversation()
    assert chat.send("Hi").parsed == {"a": 2}


def test_responses_are_structs_that_are_stored_and_read_as_before() -> None:
    response = AI.fake(["Hi"]).provider().send_message("Hello")
    stored = msgspec.json.encode(response)
    assert msgspec.json.decode(stored, type=type(response)).content == "Hi"
