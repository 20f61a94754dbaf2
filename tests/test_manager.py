"""Connections by name: what they are made of, drivers of other packages, `extend`, and many threads at once."""

from __future__ import annotations

import functools
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from polydriver import AI, AsyncAI, ConfigurationError, Driver, MessageSent, MockDriver, drivers, openai_compatible
from polydriver.drivers import driver_class, driver_names

KEY = "sk-abcdefghijklmnopqrstuvwxyz123456"
ACME = openai_compatible("acme", "https://llm.acme.example/v1")
SETTINGS = {"providers": {"acme": {"api_key": KEY, "timeout": 7}}}


class Echo(MockDriver):
    """A driver that answers by itself."""

    name = "echo"


def answer(ai: AI, name: str) -> str:
    return ai.provider(name).send_message("Hello?", model="any").content


class TestConnections:
    def test_a_connection_is_made_once(self) -> None:
        ai = AI({"providers": {"openai": {"api_key": KEY}}}, env={})
        assert ai.provider("openai") is ai.provider("openai")
        assert ai.provider() is ai.provider("openai")

    def test_two_connections_of_one_driver_are_apart(self) -> None:
        accounts = {"one": {"driver": "openai", "api_key": KEY}, "two": {"driver": "openai", "api_key": KEY + "2"}}
        ai = AI({"default": "two", "providers": accounts}, env={})
        one, two = ai.provider("one"), ai.provider()
        assert type(one) is type(two)
        assert one is not two
        assert (one.config.name, two.config.name) == ("one", "two")
        assert ai.provider_names() == ["one", "two"]

    def test_an_unknown_name_is_told_with_those_that_exist(self) -> None:
        ai = AI({"providers": {"mine": {"driver": "openai", "api_key": KEY}}}, env={})
        with pytest.raises(ConfigurationError, match=r"'opnai'.*Known: .*mine.*openai"):
            ai.provider("opnai")

    def test_an_unknown_driver_is_told(self) -> None:
        ai = AI({"providers": {"mine": {"driver": "opena"}}}, env={})
        with pytest.raises(ConfigurationError, match="Did you mean 'openai'"):
            ai.provider("mine")

    def test_without_a_default_the_names_are_told(self) -> None:
        ai = AI({"providers": {"b": {"driver": "mock"}, "a": {"driver": "mock"}}}, env={})
        with pytest.raises(ConfigurationError, match="Configured: a, b"):
            ai.provider()

    def test_settings_come_from_the_environment(self) -> None:
        ai = AI({}, env={"OPENAI_API_KEY": KEY, "AI_DEFAULT_PROVIDER": "openai"})
        key = ai.provider().config.api_key
        assert key is not None
        assert key.reveal() == KEY

    async def test_both_faces_share_what_they_make(self) -> None:
        ai = AI({"default": "mock", "providers": {"mock": {}}}, env={})
        both = ai.asynchronous()
        assert both.provider("mock").driver is ai.provider("mock")
        assert both.provider() is both.provider("mock")
        await both.aclose()

    def test_it_closes_what_it_made(self) -> None:
        closed: list[str] = []

        class Closing(Echo):
            def close(self) -> None:
                closed.append(self.config.name)

        with AI({}, env={}) as ai:
            ai.extend("one", Closing)
            ai.extend("two", Closing)
            ai.provider("one")
        assert closed == ["one"]


class TestExtend:
    def test_a_class(self) -> None:
        ai = AI(SETTINGS, env={})
        ai.extend("acme", ACME)
        provider = ai.provider("acme")
        assert isinstance(provider, ACME)
        assert provider.config.timeout == 7

    def test_a_factory_of_the_settings(self) -> None:
        given: list[Any] = []

        def factory(config: dict[str, Any]) -> Driver:
            given.append(config)
            return ACME(config, env={})

        ai = AI(SETTINGS, env={})
        ai.extend("acme", factory)
        assert isinstance(ai.provider("acme"), ACME)
        assert given == [{"api_key": KEY, "timeout": 7}]

    def test_a_factory_of_the_manager_and_the_settings(self) -> None:
        ai = AI({"providers": {"acme": {"api_key": KEY}, "mock": {"replies": ["from the mock"]}}}, env={})
        ai.extend("acme", lambda manager, config: manager.provider("mock"))
        assert ai.provider("acme") is ai.provider("mock")

    @pytest.mark.parametrize("kind", ["partial", "object", "method"])
    def test_other_callables(self, kind: str) -> None:
        class Factory:
            def __call__(self, config: dict[str, Any]) -> Driver:
                return Echo(config, default="made")

            def make(self, ai: AI, config: dict[str, Any]) -> Driver:
                return self(config)

        def make(default: str, config: dict[str, Any]) -> Driver:
            return Echo(config, default=default)

        factories = {"partial": functools.partial(make, "made"), "object": Factory(), "method": Factory().make}
        ai = AI({}, env={})
        ai.extend("echo", factories[kind])
        assert answer(ai, "echo") == "made"

    def test_a_name_without_settings(self) -> None:
        ai = AI({}, env={})
        ai.extend("echo", Echo)
        assert answer(ai, "echo") == "Hello?"
        assert ai.provider_names() == ["echo"]
        assert ai.provider() is ai.provider("echo")
        assert ai.conversation().message("Anyone?").model("any").send().content == "Anyone?"

    def test_a_driver_that_connections_name(self) -> None:
        ai = AI({"providers": {"mine": {"driver": "echo", "chunk_size": 3}}}, env={})
        ai.extend("echo", Echo)
        assert answer(ai, "mine") == "Hello?"
        assert ai.provider("mine").config.name == "mine"

    def test_a_later_one_replaces_an_earlier_one(self) -> None:
        closed: list[str] = []

        class First(Echo):
            def close(self) -> None:
                closed.append("first")

        ai = AI({"providers": {"mine": {"driver": "echo"}}}, env={})
        ai.extend("echo", First)
        assert isinstance(ai.provider("mine"), First)
        ai.extend("echo", lambda config: Echo(config, default="second"))
        assert closed == ["first"]
        assert answer(ai, "mine") == "second"

    def test_one_of_ours_can_be_replaced(self) -> None:
        ai = AI({"providers": {"openai": {}}}, env={})
        ai.extend("openai", lambda config: Echo(config, default="not OpenAI"))
        assert answer(ai, "openai") == "not OpenAI"

    async def test_async_callers_get_the_replacement(self) -> None:
        async with AsyncAI({}, env={}) as ai:
            ai.extend("echo", lambda config: Echo(config, default="first"))
            first = ai.provider("echo")
            ai.extend("echo", lambda config: Echo(config, default="second"))
            assert ai.provider("echo") is not first
            assert (await ai.provider("echo").send_message("Hello?", model="any")).content == "second"

    def test_events_reach_the_manager(self) -> None:
        ai = AI({}, env={})
        ai.extend("echo", lambda config: Echo(config))
        seen: list[MessageSent] = []
        ai.on(MessageSent, seen.append)
        answer(ai, "echo")
        assert [event.provider for event in seen] == ["echo"]

    def test_what_is_no_driver_is_told(self) -> None:
        ai = AI({}, env={})
        with pytest.raises(ConfigurationError, match="takes a driver class or a factory, not str"):
            ai.extend("acme", "acme:Driver")  # type: ignore[arg-type]
        ai.extend("acme", lambda config: object())  # type: ignore[arg-type,return-value]
        with pytest.raises(ConfigurationError, match="made a object, which is not a Provider"):
            ai.provider("acme")
        with pytest.raises(ConfigurationError, match="takes a driver class or a factory, not int"):
            ai.extend("acme", int)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="the name of a driver as text"):
            ai.extend(5, ACME)  # type: ignore[arg-type]

    @pytest.mark.parametrize("factory", [lambda: None, lambda ai, config, more: None])
    def test_a_factory_that_takes_something_else_is_told(self, factory: Any) -> None:
        ai = AI({}, env={})
        ai.extend("acme", factory)
        with pytest.raises(ConfigurationError, match=r"must take \(config\) or \(ai, config\)"):
            ai.provider("acme")

    def test_a_provider_is_named_by_text(self) -> None:
        name: Any = 5
        with pytest.raises(ConfigurationError, match="takes the name of a connection, not 5"):
            AI({}, env={}).provider(name)
        with pytest.raises(ConfigurationError, match="takes the name of a connection, not 5"):
            AsyncAI({}, env={}).provider(name)

    def test_a_failing_factory_is_tried_again(self) -> None:
        attempts: list[int] = []

        def factory(config: dict[str, Any]) -> Driver:
            attempts.append(1)
            if len(attempts) == 1:
                raise ConfigurationError("not yet")
            return Echo(config)

        ai = AI({}, env={})
        ai.extend("echo", factory)
        with pytest.raises(ConfigurationError, match="not yet"):
            ai.provider("echo")
        assert answer(ai, "echo") == "Hello?"


class TestEntryPoints:
    @pytest.fixture
    def installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A package of somebody else, installed: a driver, two under names of ours, and a broken one."""
        (tmp_path / "their_driver.py").write_text(
            "from polydriver import MockDriver\n\n\n"
            "class TheirDriver(MockDriver):\n"
            '    """Somebody else\'s."""\n\n'
            '    name = "theirs"\n'
        )
        metadata = tmp_path / "their_driver-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: their-driver\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(
            "[polydriver.drivers]\n"
            "theirs = their_driver:TheirDriver\n"
            "groq = their_driver:TheirDriver\n"
            "openai = their_driver:TheirDriver\n"
            "broken = their_driver:Missing\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setattr(drivers, "_found", None)

    @pytest.mark.usefixtures("installed")
    def test_a_driver_is_found_by_name(self) -> None:
        assert "theirs" in driver_names()
        ai = AI({"providers": {"mine": {"driver": "theirs"}}}, env={})
        assert type(ai.provider("mine")).__name__ == "TheirDriver"
        assert answer(ai, "mine") == "Hello?"

    @pytest.mark.usefixtures("installed")
    def test_it_needs_no_settings(self) -> None:
        assert answer(AI({}, env={}), "theirs") == "Hello?"

    @pytest.mark.usefixtures("installed")
    def test_it_takes_the_place_of_none_of_ours(self) -> None:
        assert driver_class("groq").__name__ == "GroqDriver"
        assert driver_class("openai").__name__ == "OpenAIDriver"

    @pytest.mark.usefixtures("installed")
    def test_extend_goes_before_it(self) -> None:
        ai = AI({}, env={})
        ai.extend("theirs", lambda config: Echo(config, default="extended"))
        assert answer(ai, "theirs") == "extended"

    @pytest.mark.usefixtures("installed")
    def test_a_broken_one_is_told(self) -> None:
        with pytest.raises(ConfigurationError, match="'broken' of their_driver:Missing cannot be loaded"):
            driver_class("broken")
        assert answer(AI({}, env={}), "theirs") == "Hello?"


class TestThreads:
    def test_many_threads_make_a_connection_once(self) -> None:
        made: list[Driver] = []
        everybody = threading.Barrier(16)
        slow = threading.Event()

        def factory(config: dict[str, Any]) -> Driver:
            slow.wait(0.02)
            made.append(Echo(config))
            return made[-1]

        ai = AI({}, env={})
        ai.extend("echo", factory)

        def resolve(number: int) -> Driver:
            everybody.wait()
            return ai.provider("echo")

        with ThreadPoolExecutor(16) as pool:
            resolved = list(pool.map(resolve, range(16)))
        assert len(made) == 1
        assert {id(provider) for provider in resolved} == {id(made[0])}

    def test_many_names_at_once_are_kept_apart(self) -> None:
        names = [f"echo-{number}" for number in range(16)]
        ai = AI({"providers": {name: {"driver": "echo", "default": name} for name in names}}, env={})
        ai.extend("echo", Echo)
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda name: answer(ai, name), names * 4))
        assert answers == names * 4

    def test_replacing_while_others_call_is_safe(self) -> None:
        ai = AI({}, env={})
        ai.extend("echo", lambda config: Echo(config, default="one"))
        stop = threading.Event()

        def replace() -> None:
            while not stop.is_set():
                for text in ("one", "two"):
                    ai.extend("echo", lambda config, text=text: Echo(config, default=text))

        thread = threading.Thread(target=replace)
        thread.start()
        try:
            answers = {answer(ai, "echo") for _ in range(50)}
        finally:
            stop.set()
            thread.join()
        assert answers <= {"one", "two"}


def test_a_pickled_config_holds_no_key() -> None:
    driver = AI({"providers": {"openai": {"api_key": KEY}}}, env={}).provider("openai")
    assert KEY.encode() not in pickle.dumps(driver.config)
    assert pickle.loads(pickle.dumps(driver.config)).name == "openai"
