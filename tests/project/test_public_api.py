"""The public interface: its names, its fourteen methods in two colours, and values that can be shown and kept."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from types import ModuleType
from typing import Any

import msgspec
import pytest

import polydriver
from polydriver import (
    AI,
    AIChunk,
    AIError,
    AIMessage,
    AIResponse,
    AsyncAI,
    AsyncConversation,
    AsyncProvider,
    AsyncStream,
    Capabilities,
    Conversation,
    Cost,
    Driver,
    Image,
    OpenAIDriver,
    Provider,
    ProviderError,
    RateLimitError,
    Secret,
    Stream,
    StreamInterruptedError,
    Text,
    TokenUsage,
    ToolCall,
    errors,
)
from polydriver.contract import DriverHooks
from polydriver.drivers import driver_class, driver_names
from polydriver.engine.connection import Connection
from polydriver.engine.streams import BaseStream
from polydriver.errors import error_branch

KEY = "sk-0123456789abcdefSECRET"

MODULES = [
    "polydriver",
    "polydriver.config",
    "polydriver.conversation",
    "polydriver.data.http",
    "polydriver.data.messages",
    "polydriver.data.models",
    "polydriver.operations.requests",
    "polydriver.operations.results",
    "polydriver.prices.pricing",
    "polydriver.data.prompt",
    "polydriver.data.responses",
    "polydriver.data.usage",
    "polydriver.driver",
    "polydriver.drivers",
    "polydriver.drivers.compatible",
    "polydriver.drivers.mock",
    "polydriver.drivers.openai",
    "polydriver.drivers.traits",
    "polydriver.wires.operations",
    "polydriver.errors",
    "polydriver.events",
    "polydriver.operations",
    "polydriver.provider",
    "polydriver.testing",
    "polydriver.tools",
]

HEAVY = ("aiohttp", "asyncio", "botocore", "click", "http.client", "httpx2", "mcp", "pydantic", "ssl", "urllib3")

# The fourteen methods of the interface, and whether a method waits.
FOURTEEN = {
    "send_message": True,
    "send_messages": True,
    "send_streaming_message": True,
    "send_streaming_messages": True,
    "get_available_models": True,
    "sync_models": True,
    "validate_credentials": True,
    "calculate_cost": False,
    "get_capabilities": False,
    "get_config": False,
    "get_name": False,
    "supports_streaming": False,
    "supports_function_calling": False,
    "supports_vision": False,
}
COMPANIONS = ("stream_message", "send_batch", "stream_batch", "get_health", "get_model")
STREAMING = ("send_streaming_message", "send_streaming_messages", "stream_batch")  # what they return waits, not they
UNSHOWN = {"bus", "connection", "driver"}  # what the engine needs of a provider
ONE_COLOUR = {"close", "aclose", "asynchronous", "report_to", "driver"}  # the async `driver` is set by `__init__`


class TestNames:
    @pytest.mark.parametrize("name", MODULES)
    def test_all_is_exact(self, name: str) -> None:
        module = import_module(name)
        listed = module.__all__
        assert len(set(listed)) == len(listed)
        for public in listed:
            assert hasattr(module, public), public
        own = {
            key
            for key, value in vars(module).items()
            if getattr(value, "__module__", None) == name and is_callable_thing(value) and not key.startswith("_")
        }
        assert own - set(listed) == set()

    @pytest.mark.parametrize("name", MODULES)
    def test_everything_is_documented(self, name: str) -> None:
        module = import_module(name)
        assert module.__doc__
        bare = [f"{name}.{public}" for public in module.__all__ if is_bare(getattr(module, public))]
        assert bare == []

    def test_every_method_is_documented(self) -> None:
        faces = (AI, AsyncAI, Provider, AsyncProvider, Driver, Conversation, AsyncConversation, Stream, AsyncStream)
        bare = [
            f"{face.__name__}.{name}"
            for face in faces
            for name, member in public_members(face).items()
            if callable(member) and not inspect.getdoc(member)
        ]
        assert bare == []

    def test_a_star_import_gives_them_all(self) -> None:
        found: dict[str, Any] = {}
        exec("from polydriver import *", found)
        assert found.keys() - {"__builtins__"} == set(polydriver.__all__)

    @pytest.mark.parametrize(
        "use",
        [
            "import polydriver.testing",
            "import polydriver.events, polydriver.errors, polydriver.config, polydriver.conversation",
            "polydriver.AI({'providers': {'openai': {'api_key': 'k' * 20}}}, env={}).conversation('openai')",
            "polydriver.AI({}, env={'OPENAI_API_KEY': 'sk-' + 'k' * 20}).provider('openai').get_capabilities()",
        ],
    )
    def test_what_does_not_call_loads_nothing_heavy(self, use: str) -> None:
        code = f"import sys, polydriver; {use}; print([name for name in {HEAVY} if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"


class Wrapped(Provider):
    """A provider that is not a driver: around another one."""

    def __init__(self, inner: Driver) -> None:
        self.inner = inner

    @property
    def driver(self) -> Driver:
        return self.inner

    @property
    def connection(self) -> Connection:
        return self.inner.connection

    def calculate_cost(self, usage: TokenUsage | None, model: str) -> Cost | None:
        return self.inner.calculate_cost(usage, model)

    def get_capabilities(self) -> Capabilities:
        return self.inner.get_capabilities()

    def get_config(self) -> dict[str, Any]:
        return self.inner.get_config()

    def get_name(self) -> str:
        return "wrapped"


class TestColours:
    @pytest.mark.parametrize("name", [*FOURTEEN, *COMPANIONS])
    def test_the_methods_are_there_in_both(self, name: str) -> None:
        blocking, twin = getattr(Provider, name), getattr(AsyncProvider, name)
        assert parameters(blocking) == parameters(twin)
        assert not inspect.iscoroutinefunction(blocking)
        waits = FOURTEEN.get(name, True) and name not in STREAMING
        assert inspect.iscoroutinefunction(twin) == waits

    @pytest.mark.parametrize(
        ("blocking", "twin"),
        [(AI, AsyncAI), (Provider, AsyncProvider), (Conversation, AsyncConversation), (Stream, AsyncStream)],
        ids=["AI", "Provider", "Conversation", "Stream"],
    )
    def test_the_faces_have_the_same_members(self, blocking: type, twin: type) -> None:
        ours, theirs = public_members(blocking), public_members(twin)
        assert ours.keys() - ONE_COLOUR == theirs.keys() - ONE_COLOUR
        for name in ours.keys() - ONE_COLOUR:
            if inspect.isfunction(ours[name]):
                assert parameters(ours[name]) == parameters(theirs[name]), name

    @pytest.mark.parametrize("name", driver_names())
    def test_no_driver_waits_in_a_way_of_its_own(self, name: str) -> None:
        try:
            kind = driver_class(name)
        except ModuleNotFoundError as error:
            pytest.skip(f"{name} needs the package {error.name}")
        waiting = [method for method, waits in FOURTEEN.items() if waits] + list(COMPANIONS)
        assert [method for method in waiting if getattr(kind, method) is not getattr(Provider, method)] == []

    @pytest.mark.parametrize("name", driver_names())
    def test_a_provider_shows_what_users_call(self, name: str) -> None:
        try:
            kind = driver_class(name)
        except ModuleNotFoundError as error:
            pytest.skip(f"{name} needs the package {error.name}")
        blocking = object.__new__(kind)
        shown = {public for public in dir(blocking) if not public.startswith("_")}
        assert len(shown) < 90
        assert {public for public in public_members(Provider) if public not in UNSHOWN} <= shown
        hooks = {hook for hook in vars(DriverHooks) if not hook.startswith("_")} - set(dir(Provider))
        assert shown & hooks <= {"config", "title"}
        assert len([public for public in dir(AsyncProvider(blocking)) if not public.startswith("_")]) < 90

    def test_a_provider_needs_no_driver_class(self) -> None:
        heard: list[str] = []
        ai = AI.fake(["Hello", "Hello again"])
        inner = ai.provider("openai").driver
        wrapped = Wrapped(inner)
        wrapped.on("*", lambda event: heard.append(event.name))
        assert wrapped.name == "wrapped"
        assert wrapped.send_message("Hi").content == "Hello"
        assert heard == ["MessageSent", "AttemptFinished", "ResponseGenerated", "CostCalculated"]
        manager = AI({}, env={})
        manager.extend("mine", lambda config: wrapped)
        assert manager.provider("mine") is wrapped
        assert isinstance(manager.asynchronous().provider("mine"), AsyncProvider)


def every_error() -> list[type[AIError]]:
    common = [value for name in errors.__all__ if isinstance(value := getattr(errors, name), type)]
    return common + [kind for prefix in ("OpenAI", "Groq", "SomeoneElse") for kind in error_branch(prefix).values()]


class TestValues:
    @pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
    def test_errors_are_pickled_and_copied(self, kind: type[AIError]) -> None:
        error = kind(
            "it failed",
            provider="p",
            status=429,
            code="c",
            type="t",
            request_id="r",
            retry_after=1.5,
            details={"a": [1]},
            partial=AIResponse.from_text("so far"),
        )
        for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
            assert type(other) is kind
            assert str(other) == str(error)
            assert vars(other) == vars(error)

    @pytest.mark.parametrize("name", driver_names())
    def test_errors_of_every_driver_are_pickled(self, name: str) -> None:
        try:
            table = getattr(driver_class(name), "errors")  # noqa: B009 - not every driver needs a table
        except ModuleNotFoundError as error:
            pytest.skip(f"{name} needs the package {error.name}")
        branch = error_branch(table.branch)
        assert {kind for kind in branch if not issubclass(branch[kind], kind)} == set()
        restored = pickle.loads(pickle.dumps(branch[RateLimitError]("slow down", retry_after=2)))
        assert isinstance(restored, branch[ProviderError])
        assert isinstance(restored, branch[RateLimitError])
        assert (restored.retry_after, restored.retryable) == (2, True)

    @pytest.mark.parametrize(
        "value",
        [
            AIMessage.user(["Look:", Image(data=b"\0", media_type="image/png")]),
            AIMessage.tool("1", [Text("a")]),
            AIResponse(parts=[Text("a"), ToolCall("1", "f", {"x": [1]})], cost=Cost(Decimal("0.1")), raw={"a": 1}),
            AIChunk(content="a", usage=TokenUsage(input_tokens=1, raw={"prompt_tokens": 1})),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_values_are_pickled_copied_and_shown(self, value: msgspec.Struct) -> None:
        for other in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
            assert other == value
            assert repr(other) == repr(value)
        assert repr(value).startswith(f"{type(value).__name__}(")

    def test_an_interrupted_stream_keeps_what_came(self) -> None:
        error = StreamInterruptedError("cut", partial=AIResponse.from_text("so far"))
        restored = pickle.loads(pickle.dumps(error))
        assert restored.partial.content == "so far"


class TestSecrets:
    @pytest.fixture
    def ai(self) -> AI:
        return AI({"default": "openai", "providers": {"openai": {"api_key": KEY, "headers": {"x-token": KEY}}}}, env={})

    def holders(self, ai: AI) -> dict[str, Any]:
        driver = ai.provider()
        return {
            "secret": Secret(KEY),
            "config": driver.driver.config,
            "driver": driver,
            "async provider": driver.asynchronous(),
            "connection": driver.connection,
            "manager": ai,
            "async manager": ai.asynchronous(),
            "settings": ai.settings,
            "conversation": ai.conversation(),
            "stream": driver.send_streaming_message("Hi", model="m"),
            "async stream": driver.asynchronous().send_streaming_message("Hi", model="m"),
        }

    def test_nothing_shows_one(self, ai: AI) -> None:
        for name, holder in self.holders(ai).items():
            assert KEY not in f"{holder!r} {holder!s} {holder}", name
        assert KEY not in repr(ai.provider().get_config())

    def test_no_pickle_holds_one(self, ai: AI) -> None:
        kept = {}
        for name, holder in self.holders(ai).items():
            try:
                kept[name] = pickle.dumps(holder)
            except TypeError:
                continue
        assert kept.keys() == {"secret", "config"}
        assert [name for name, pickled in kept.items() if KEY.encode() in pickled] == []

    @pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_a_driver_says_what_to_do_instead(self, duplicate: Callable[[object], object]) -> None:
        driver = OpenAIDriver({"api_key": KEY}, env={})
        with pytest.raises(TypeError, match=r"OpenAIDriver objects cannot be pickled or copied.*make another"):
            duplicate(driver)

    def test_settings_say_what_to_do_instead(self, ai: AI) -> None:
        with pytest.raises(TypeError, match="Load them in each process"):
            pickle.dumps(ai.settings)

    def test_a_stream_without_a_beginning_ends_in_silence(self) -> None:
        BaseStream.__new__(BaseStream).__del__()


def is_callable_thing(value: object) -> bool:
    return inspect.isclass(value) or inspect.isfunction(value)


def is_bare(value: object) -> bool:
    """Whether a class or function has no docstring of its own."""
    if isinstance(value, ModuleType):
        return not value.__doc__
    return is_callable_thing(value) and not vars(value).get("__doc__", getattr(value, "__doc__", None))


def public_members(kind: type) -> dict[str, Any]:
    return {name: inspect.getattr_static(kind, name) for name in dir(kind) if not name.startswith("_")}


def parameters(function: Callable[..., object]) -> list[tuple[str, Any, Any]]:
    signature = inspect.signature(function)
    return [(parameter.name, parameter.kind, parameter.default) for parameter in signature.parameters.values()]
