"""Vertex AI: addresses, tokens, and which wire a model is spoken to on."""

from __future__ import annotations

import base64
import json
import pickle
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.hooks import hook
from tests.wires.replay import records, reply_of

from polydriver.data.http import Reply, Request
from polydriver.data.messages import AIMessage, Reasoning, Text
from polydriver.data.prompt import Prompt
from polydriver.drivers import driver_class
from polydriver.drivers.vertex import VertexAIDriver
from polydriver.engine.splitting import join, split
from polydriver.errors import AIError, ConfigurationError, InvalidCredentialsError, ServerError, UnsupportedFeatureError
from polydriver.operations.kinds import EMBED
from polydriver.operations.requests import EmbeddingRequest

ANSWER = {"candidates": [{"content": {"parts": [{"text": "Hello"}]}, "finishReason": "STOP"}], "modelVersion": "g"}
USER = {
    "type": "authorized_user",
    "client_id": "c",
    "client_secret": "s3cret-s3cret",
    "refresh_token": "r3fresh-r3fresh",
}


@pytest.fixture(scope="module")
def private_key() -> str:
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa", reason="needs the extra vertex")
    pytest.importorskip("google.auth", reason="needs the extra vertex")
    from cryptography.hazmat.primitives import serialization as form

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    return str(pem.decode())


@pytest.fixture(autouse=True)
def no_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the person's own login of gcloud out of the tests."""
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "no-gcloud"))
    for name in ("GCLOUD_PROJECT", "GCE_METADATA_HOST"):
        monkeypatch.delenv(name, raising=False)


def make(**settings: Any) -> VertexAIDriver:
    return VertexAIDriver({"project": "p1", "access_token": "token-1234567890", **settings})


def prompt(model: str = "gemini-2.5-flash", **options: Any) -> Prompt:
    return Prompt(messages=[AIMessage("Hi")], model=model, **options)


def service_account(key: str, token_uri: str = "https://oauth2.googleapis.com/token") -> dict[str, Any]:
    return {
        "type": "service_account",
        "project_id": "p-of-account",
        "private_key_id": "k1",
        "private_key": key,
        "client_email": "robot@p1.iam.gserviceaccount.com",
        "token_uri": token_uri,
    }


def authenticate(
    driver: VertexAIDriver, replies: list[dict[str, Any]], now: float = 1000.0
) -> tuple[Request, list[Request]]:
    """Return the request as it would be sent, and what was sent before it."""
    flow = driver.authenticate(Request(method="POST", url="https://x.example"), now)
    assert flow is not None
    sent: list[Request] = []
    try:
        sent.append(next(flow))
        for payload in replies:
            sent.append(flow.send(Reply(status=payload.pop("status", 200), body=json.dumps(payload).encode())))
    except StopIteration as done:
        return done.value, sent
    raise AssertionError("the flow did not end")


class TestAddresses:
    @pytest.mark.parametrize(
        ("location", "host"),
        [
            ("us-central1", "https://us-central1-aiplatform.googleapis.com"),
            ("global", "https://aiplatform.googleapis.com"),
            ("eu", "https://aiplatform.eu.rep.googleapis.com"),
        ],
    )
    def test_hosts(self, location: str, host: str) -> None:
        request = make(location=location).build_request(prompt())
        home = f"{host}/v1/projects/p1/locations/{location}/publishers/google/models"
        assert request.url == f"{home}/gemini-2.5-flash:generateContent"
        assert request.headers["authorization"] == "Bearer token-1234567890"
        streamed = make(location=location).build_request(prompt(stream=True))
        assert streamed.url == f"{home}/gemini-2.5-flash:streamGenerateContent?alt=sse"

    @pytest.mark.parametrize(
        ("model", "path"),
        [
            ("models/gemini-9", "projects/p1/locations/global/publishers/google/models/gemini-9"),
            ("google/gemini-9", "projects/p1/locations/global/publishers/google/models/gemini-9"),
            ("publishers/meta/models/x", "projects/p1/locations/global/publishers/meta/models/x"),
            ("endpoints/12", "projects/p1/locations/global/endpoints/12"),
            ("projects/a/locations/b/endpoints/12", "projects/a/locations/b/endpoints/12"),
        ],
    )
    def test_models(self, model: str, path: str) -> None:
        assert make().build_request(prompt(model)).url == f"https://aiplatform.googleapis.com/v1/{path}:generateContent"

    def test_express_mode_needs_a_key_only(self) -> None:
        driver = VertexAIDriver({"api_key": "express-key-123"})
        request = driver.build_request(prompt())
        assert (
            request.url
            == "https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-2.5-flash:generateContent"
        )
        assert request.headers["x-goog-api-key"] == "express-key-123"
        assert driver.authenticate(request, 0.0) is None

    def test_settings_from_the_environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p2")
        monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "asia-east1")
        monkeypatch.setenv("VERTEXAI_ACCESS_TOKEN", "token-1234567890")
        url = VertexAIDriver().build_request(prompt()).url
        assert "asia-east1-aiplatform" in url
        assert "/projects/p2/locations/asia-east1/" in url
        assert driver_class("vertexai") is VertexAIDriver

    def test_without_a_project(self) -> None:
        with pytest.raises(ConfigurationError, match="GOOGLE_CLOUD_PROJECT"):
            VertexAIDriver({"access_token": "token-1234567890"})


class TestTokens:
    def test_a_service_account_signs_and_its_token_is_kept(self, private_key: str) -> None:
        driver = VertexAIDriver({"credentials": service_account(private_key)})
        assert "/projects/p-of-account/" in driver.build_request(prompt()).url
        request, sent = authenticate(driver, [{"access_token": "t1", "expires_in": 3600}])
        assert request.headers["authorization"] == "Bearer t1"
        assert sent[0].url == "https://oauth2.googleapis.com/token"
        form = parse_qs((sent[0].body or b"").decode())
        head, claim, _ = form["assertion"][0].split(".")
        decoded = json.loads(base64.urlsafe_b64decode(claim + "=="))
        assert decoded == {
            "iss": "robot@p1.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": "https://oauth2.googleapis.com/token",
            "iat": 1000,
            "exp": 4600,
        }
        assert json.loads(base64.urlsafe_b64decode(head + "=="))["kid"] == "k1"
        assert authenticate(driver, [], now=4000.0)[0].headers["authorization"] == "Bearer t1"
        renewed, sent = authenticate(driver, [{"access_token": "t2", "expires_in": 3600}], now=4500.0)
        assert renewed.headers["authorization"] == "Bearer t2"
        assert len(sent) == 1

    def test_a_person(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "adc.json"
        path.write_text(json.dumps({**USER, "quota_project_id": "p3"}))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        driver = VertexAIDriver()
        assert driver.project() == "p3"
        request, sent = authenticate(driver, [{"access_token": "t", "expires_in": 10}])
        form = parse_qs((sent[0].body or b"").decode())
        assert form["grant_type"] == ["refresh_token"]
        assert form["refresh_token"] == ["r3fresh-r3fresh"]
        assert request.headers["authorization"] == "Bearer t"

    def test_the_login_of_gcloud(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "application_default_credentials.json").write_text(json.dumps(USER))
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
        request, _ = authenticate(VertexAIDriver({"project": "p"}), [{"access_token": "t"}])
        assert request.headers["authorization"] == "Bearer t"

    def test_the_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:1")
        _, sent = authenticate(VertexAIDriver({"project": "p"}), [{"access_token": "t", "expires_in": 9}])
        assert sent[0].url.startswith("http://127.0.0.1:1/computeMetadata/v1/instance/service-accounts/default/token")
        assert sent[0].headers == {"metadata-flavor": "Google"}

    def test_impersonation(self) -> None:
        url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/x:generateAccessToken"
        record = {
            "type": "impersonated_service_account",
            "source_credentials": USER,
            "service_account_impersonation_url": url,
        }
        driver = VertexAIDriver({"project": "p", "credentials": json.dumps(record)})
        replies: list[dict[str, Any]] = [
            {"access_token": "t1"},
            {"accessToken": "t2", "expireTime": "2033-01-01T00:00:00Z"},
        ]
        request, sent = authenticate(driver, replies)
        assert sent[1].url == url
        assert sent[1].headers["authorization"] == "Bearer t1"
        assert request.headers["authorization"] == "Bearer t2"

    def test_objects_of_google_auth(self, private_key: str) -> None:
        from google.oauth2 import credentials
        from google.oauth2 import service_account as accounts

        account = accounts.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            service_account(private_key)
        )
        _, sent = authenticate(VertexAIDriver({"credentials": account}), [{"access_token": "t"}])
        assert b"assertion=" in (sent[0].body or b"")
        person = credentials.Credentials(  # type: ignore[no-untyped-call]
            None,
            refresh_token="r3fresh-r3fresh",
            client_id="c",
            client_secret="s3cret-s3cret",
            token_uri="https://t.example",
        )
        _, sent = authenticate(VertexAIDriver({"project": "p", "credentials": person}), [{"access_token": "t"}])
        assert sent[0].url == "https://t.example"
        held = credentials.Credentials("held-token")  # type: ignore[no-untyped-call]
        held.expiry = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)
        driver = VertexAIDriver({"project": "p", "credentials": held})
        assert (
            authenticate(driver, [], now=datetime.now(UTC).timestamp())[0].headers["authorization"]
            == "Bearer held-token"
        )
        with pytest.raises(ConfigurationError, match="refresh"):
            authenticate(VertexAIDriver({"project": "p", "credentials": held}), [], now=4e9)

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            ({"status": 400, "error": "invalid_grant", "error_description": "Bad signature."}, InvalidCredentialsError),
            ({"status": 200}, InvalidCredentialsError),
            ({"status": 503}, ServerError),
        ],
    )
    def test_a_token_that_is_refused(self, reply: dict[str, Any], kind: type[AIError]) -> None:
        with pytest.raises(kind) as caught:
            authenticate(VertexAIDriver({"project": "p", "credentials": USER}), [reply])
        assert type(caught.value).__name__.startswith("VertexAI")

    @pytest.mark.parametrize(
        "credentials",
        [
            {"type": "external_account"},
            {"type": "service_account"},
            {},
            5,
            {"type": "service_account", "client_email": "x"},
        ],
    )
    def test_credentials_that_cannot_work(self, credentials: Any) -> None:
        with pytest.raises(ConfigurationError):
            VertexAIDriver({"project": "p", "credentials": credentials})

    def test_a_broken_key_and_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="PEM"):
            authenticate(VertexAIDriver({"credentials": service_account("no key")}), [])
        with pytest.raises(ConfigurationError, match="nowhere"):
            VertexAIDriver({"project": "p", "credentials_file": tmp_path / "nowhere.json"})

    def test_secrets_are_masked(self, private_key: str) -> None:
        driver = VertexAIDriver({"credentials": {**service_account(private_key)}})
        shown = f"{driver.get_config()} {driver.config!r} {driver!r} {driver.credentials!r}"
        assert "PRIVATE KEY" not in shown
        assert private_key[100:140] not in shown
        authenticate(driver, [{"access_token": "t1-t1-t1-t1"}])
        pickled = pickle.dumps(driver.config)
        assert b"PRIVATE KEY" not in pickled
        assert b"t1-t1-t1-t1" not in pickled
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(driver)


class Server(HTTPServer):
    """Gives out tokens, and answers those who have one."""

    requests: list[tuple[str, str | None]]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append((self.path, self.headers["authorization"]))
        payload: Any = {"access_token": "t1", "expires_in": 3600} if self.path == "/token" else ANSWER
        body = json.dumps(payload).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.requests = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_through_the_engine_a_token_is_fetched_once(server: Server, private_key: str) -> None:
    root = f"http://127.0.0.1:{server.server_address[1]}"
    driver = VertexAIDriver({"base_url": root, "credentials": service_account(private_key, f"{root}/token")})
    for _ in range(2):
        response = driver.send_message("Hi", model="gemini-2.5-flash")
        assert (response.content, response.finish_reason) == ("Hello", "stop")
    path = "/v1/projects/p-of-account/locations/global/publishers/google/models/gemini-2.5-flash:generateContent"
    assert server.requests == [("/token", None), (path, "Bearer t1"), (path, "Bearer t1")]


class TestClaude:
    def test_requests(self) -> None:
        driver = make(location="us-east5")
        request = driver.build_request(prompt("claude-sonnet-4-5@20250929", max_tokens=5))
        home = (
            "https://us-east5-aiplatform.googleapis.com/v1/projects/p1/locations/us-east5/publishers/anthropic/models"
        )
        assert request.url == f"{home}/claude-sonnet-4-5@20250929:rawPredict"
        body = json.loads(request.body or b"")
        assert body["anthropic_version"] == "vertex-2023-10-16"
        assert body["messages"] == [{"role": "user", "content": "Hi"}]
        assert "model" not in body
        assert request.headers["authorization"] == "Bearer token-1234567890"
        streamed = driver.build_request(prompt("claude-sonnet-4-5@20250929", stream=True))
        assert streamed.url.endswith(":streamRawPredict")

    def test_answers(self) -> None:
        driver = make()
        payload = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5",
            "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "Hello"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 1, "output_tokens": 2},
        }
        asked = prompt("claude-sonnet-4-5")
        got = driver.parse_response(Reply(status=200, body=json.dumps(payload).encode()), asked)
        assert (got.content, got.finish_reason) == ("Hello", "stop")
        thought = got.parts[0]
        assert isinstance(thought, Reasoning)
        assert list(thought.provider_data) == ["anthropic"]
        assert type(driver.decoder(asked)).__name__ == "MessagesDecoder"
        assert type(driver.decoder(prompt())).__name__ == "GenerateContentDecoder"
        back = driver.build_request(Prompt(messages=[AIMessage("Hi"), got.to_message()], model="gemini-2.5-pro"))
        assert json.loads(back.body or b"")["contents"][1]["parts"] == [{"text": "Hello"}]
        assert isinstance(got.parts[1], Text)

    def test_options_of_the_other_wire_are_left_out(self) -> None:
        own = {"safety_settings": [], "speed": "fast", "labels": {"team": "a"}}
        claude, gemini = prompt("claude-sonnet-4-5", options=own), prompt(options=own)
        body = json.loads(make().build_request(claude).body or b"")
        assert "safety_settings" not in body
        assert any("safety_settings" in warning for warning in claude.warnings)
        body = json.loads(make().build_request(gemini).body or b"")
        assert (body["labels"], body["safetySettings"]) == ({"team": "a"}, [])
        assert gemini.warnings == ["vertexai does not support speed with gemini-2.5-flash; it was left out."]

    def test_tokens_are_not_counted(self) -> None:
        with pytest.raises(UnsupportedFeatureError):
            hook(make(), "build_token_count")(prompt("claude-sonnet-4-5"))


class TestOperations:
    def test_token_counts(self) -> None:
        request = hook(make(), "build_token_count")(prompt(max_tokens=5))
        assert request.url.endswith("/gemini-2.5-flash:countTokens")
        assert json.loads(request.body or b"").keys() == {"contents", "generationConfig"}

    def test_embeddings_in_batches(self) -> None:
        def answer(count: int) -> Reply:
            one = {"embeddings": {"values": [0.5], "statistics": {"token_count": 2}}}
            return Reply(status=200, body=json.dumps({"predictions": [one] * count}).encode())

        part = make().operation(EMBED)
        wanted = EmbeddingRequest(model="text-embedding-005", input=["x"] * 251, dimensions=1)
        pieces = split(part, wanted)
        first = part.build_embeddings(pieces[0])
        assert first.url.endswith("/text-embedding-005:predict")
        body = json.loads(first.body or b"")
        assert (len(body["instances"]), body["parameters"]) == (250, {"outputDimensionality": 1})
        found = join([part.parse_embeddings(answer(len(piece.input)), piece) for piece in pieces])
        assert len(found.embeddings) == 251
        assert found.usage is not None
        assert found.usage.input_tokens == 502
        assert len(split(part, EmbeddingRequest(model="gemini-embedding-001", input=["x", "y"]))) == 2

    def test_recorded_embeddings(self, wire_dir: Path) -> None:
        for record in records(wire_dir, "gemini-predict"):
            part = make().operation(EMBED)
            wanted = EmbeddingRequest(model="gemini-embedding-001", input=["x"], input_type="query")
            request = part.build_embeddings(wanted)
            assert json.loads(request.body or b"")["instances"] == [{"content": "x", "task_type": "RETRIEVAL_QUERY"}]
            found = part.parse_embeddings(reply_of(record), wanted)
            assert found.usage.input_tokens == 4
            assert len(found.embedding) > 100

    def test_models(self) -> None:
        driver = make(location="us-central1")
        assert driver.models_request().url == (
            "https://us-central1-aiplatform.googleapis.com/v1beta1/publishers/google/models?pageSize=100"
        )
        page = {"publisherModels": [{"name": "publishers/google/models/gemini-9"}, 5], "nextPageToken": "n"}
        reply = Reply(status=200, body=json.dumps(page).encode())
        assert [model.id for model in driver.parse_models(reply)] == ["gemini-9"]
        following = driver.next_page(reply)
        assert following is not None
        assert following.url.endswith("pageToken=n")
