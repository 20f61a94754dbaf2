"""Secrets don't show, in whatever way Python shows what holds them."""

from __future__ import annotations

import asyncio
import base64
import copy
import io
import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from polydriver import AI, AIError, AsyncAI, ConfigurationError
from polydriver.config import Redactor, Secret
from polydriver.data.http import Reply, Request, Simulated, TransportConfig
from polydriver.data.sealed import Headers, SealedBytes, SealedText
from polydriver.drivers import driver_class, driver_names
from polydriver.drivers.bedrock.signing import Keys
from polydriver.drivers.bedrock.sources import Container
from polydriver.drivers.vertex.credentials import AuthorizedUser, ServiceAccount
from polydriver.drivers.vertex.tokens import Token
from polydriver.engine.transports.address import Origin, Proxy
from polydriver.engine.transports.simulated import AsyncSimulatedTransport, SimulatedTransport
from polydriver.testing.conformance.base import example_config

SECRET = "hidden-0123456789-abcdef"
WAYS: dict[str, Callable[[Any], Any]] = {
    "repr": repr,
    "rich": pretty_repr,
    "shortened": lambda value: pretty_repr(value, max_string=20),
    "JSON": msgspec.json.encode,
    "built-in types": msgspec.to_builtins,
    "fields": lambda value: msgspec.structs.asdict(value),
    "pickle": lambda value: pickle.dumps(value).decode("latin-1"),
    "vars": vars,
    "copy": copy.copy,
    "deep copy": copy.deepcopy,
}


def shown(value: Any) -> Iterator[str]:
    """All that is seen of a value, with what refuses to be shown left out."""
    for way in WAYS.values():
        try:
            seen = way(value)
        except (TypeError, msgspec.EncodeError, AttributeError):
            continue
        yield seen if isinstance(seen, str) else repr(seen)


HOLDERS: dict[str, Callable[[], Any]] = {
    "request": lambda: Request(method="POST", url=f"https://h/?key={SECRET}", headers={"x-goog-api-key": SECRET}),
    "changed request": lambda: _changed(Request(method="GET", url="https://h/")),
    "reply": lambda: Reply(status=200, headers={"set-cookie": SECRET, "x-auth-token": SECRET}, body=b"{}"),
    "transport settings": lambda: TransportConfig(proxy=f"http://joe:{SECRET}@proxy:3128"),
    "proxy": lambda: Proxy(Origin("http", "proxy", 3128), SealedText(f"Basic {SECRET}")),
    "redactor": lambda: _used(Redactor([SECRET])),
    "secret": lambda: Secret(SECRET),
    "text": lambda: SealedText(SECRET),
    "bytes": lambda: SealedBytes(SECRET.encode()),
    "headers": lambda: Headers({"authorization": SECRET}),
    "keys": lambda: Keys("AKIA", SECRET, SECRET),
    "container": lambda: Container(url="http://h", token=SECRET),
    "token": lambda: Token(SECRET, 1.0),
    "service account": lambda: ServiceAccount(email="a@b", key=SECRET),
    "user": lambda: AuthorizedUser(client_id="c", client_secret=SECRET, refresh_token=SECRET),
}


def _changed(request: Request) -> Request:
    request.headers["authorization"] = f"Bearer {SECRET}"
    request.headers |= {"x-api-key": SECRET}
    request.headers.update(cookie=SECRET)
    request.headers.setdefault("proxy-authorization", SECRET)
    return request


def _used(redactor: Redactor) -> Redactor:
    assert SECRET not in redactor.redact(f"a {SECRET} b")
    return redactor


@pytest.mark.parametrize("name", HOLDERS)
def test_nothing_that_holds_a_secret_shows_it(name: str) -> None:
    value = HOLDERS[name]()
    ways = set(WAYS)
    if name in ("text", "bytes", "headers"):
        ways -= {"copy", "deep copy"}
    for way in ways:
        try:
            seen = WAYS[way](value)
        except (TypeError, msgspec.EncodeError, AttributeError):
            continue
        assert SECRET[:12] not in (seen if isinstance(seen, str) else repr(seen)), way


@pytest.mark.parametrize("name", sorted(driver_names()))
def test_settings_of_every_driver(name: str) -> None:
    kind = driver_class(name)
    config = {**example_config(kind), "http": {"proxy": f"http://joe:{SECRET}@proxy:3128"}}
    config["headers"] = {"x-secret-token": SECRET}
    secret = [setting.name for setting in kind.settings if setting.secret]
    provider = kind({**config, **{key: SECRET for key in config if key in secret}})
    assert provider.config.secrets
    for held in (provider, provider.config, provider.config.http, provider.config.redactor, provider.config.secrets):
        for seen in shown(held):
            assert SECRET not in seen
    with pytest.raises(TypeError):
        msgspec.json.encode(provider.config)


@pytest.mark.parametrize(
    ("name", "client"),
    [("openai", "httpx2"), *((name, None) for name in ("openai", "anthropic", "gemini", "azure", "bedrock", "cohere"))],
)
def test_tracebacks_with_locals(name: str, client: str | None) -> None:
    kind = driver_class(name)
    path = "http://127.0.0.1:9/v1"
    config = {**example_config(kind), "base_url": path, "retry_attempts": 1, "http": {"http_client": client}}
    key = str(config.get("api_key") or "")
    assert key
    settings = {"providers": {name: config}}
    for ask, manager in ((_ask, AI(settings)), (_ask_async, AsyncAI(settings))):
        with pytest.raises(AIError) as caught:
            ask(manager, name)
        frames = caught.value.__traceback__
        assert frames is not None
        made = Traceback.from_exception(type(caught.value), caught.value, frames.tb_next, show_locals=True)
        seen = io.StringIO()
        Console(file=seen, width=300).print(made)
        plain = traceback.TracebackException(type(caught.value), caught.value, frames.tb_next, capture_locals=True)
        assert "request = " in seen.getvalue()
        assert key not in seen.getvalue() + "".join(plain.format())


def _ask(ai: AI, name: str) -> None:
    with ai:
        ai.provider(name).send_message("Hi", model="m")


def _ask_async(ai: AsyncAI, name: str) -> None:
    async def ask() -> None:
        async with ai:
            await ai.provider(name).send_message("Hi", model="m")

    asyncio.run(ask())


def test_what_is_sealed_can_be_sent() -> None:
    text = SealedText(SECRET)
    assert (f"Bearer {text}", "".join([text]), text.encode(), text == SECRET) == (
        f"Bearer {SECRET}",
        SECRET,
        SECRET.encode(),
        True,
    )
    assert base64.b64encode(SealedBytes(b"abc")) == b"YWJj"
    assert pickle.loads(pickle.dumps(text)) == "***"
    assert repr(text[:10]) == repr(SealedBytes(b"abc")[:1]) == "***"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "cohere", "ollama"])
def test_an_error_in_a_success_that_repeats_the_key(name: str, stream: bool) -> None:
    """What reads it has the whole reply in its variables."""
    kind = driver_class(name)

    def simulate(request: Request) -> Simulated:
        echo = {"error": {"message": repr(sorted(request.headers.items())), "type": "strange"}}
        return Simulated(headers={"content-type": "application/json"}, chunks=[msgspec.json.encode(echo)])

    def transport(colour: str, config: TransportConfig) -> Any:
        return (SimulatedTransport if colour == "blocking" else AsyncSimulatedTransport)(simulate)

    settings = {"api_key": SECRET, **example_config(kind), "retry_attempts": 1}
    key = str(settings["api_key"])

    async def ask_async() -> None:
        async with kind(settings, transport=transport, env={}).asynchronous() as provider:
            if not stream:
                await provider.send_message("Hi", model="m")
            async with provider.send_streaming_message("Hi", model="m") as answer:
                await answer.until_done()

    def ask() -> None:
        with kind(settings, transport=transport, env={}) as provider:
            if not stream:
                provider.send_message("Hi", model="m")
            with provider.send_streaming_message("Hi", model="m") as answer:
                answer.until_done()

    for act in (ask, lambda: asyncio.run(ask_async())):
        with pytest.raises(AIError) as caught:
            act()
        assert not isinstance(caught.value, ConfigurationError)
        shown: traceback.TracebackException | None
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        while shown is not None:
            frames = [frame for frame in shown.stack if frame.filename != __file__]
            assert key not in repr([frame.locals for frame in frames])
            shown = shown.__cause__ or shown.__context__


def test_locals_of_a_driver_that_is_not_made() -> None:
    with pytest.raises(ConfigurationError) as caught:
        driver_class("openai")({"api_key": SECRET, "base_url": "nowhere"}, env={})
    plain = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "OpenAIDriver" in "".join(plain.format())
