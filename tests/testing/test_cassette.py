from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver import MockDriver, OpenAIDriver, errors
from polydriver.data.http import Request, Simulated, TransportConfig
from polydriver.engine.transports import transport_for
from polydriver.testing import Cassette, MockServer, RecordingTransport, ReplayTransport
from polydriver.testing.cassette import UnmatchedRequestError
from polydriver.testing.scrubbing import encode_body, encode_chunks, redactor_for

KEY = "sk-secret-key-0123456789"


def provider(url: str, transport: Any, **settings: Any) -> OpenAIDriver:
    return OpenAIDriver({"api_key": KEY, "base_url": url, **settings}, transport=transport, env={})


def request(body: Any = None, url: str = "http://host/v1/x", **headers: str) -> Request:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    return Request(method="POST", url=url, headers=headers, body=data)


def record(path: Path, *exchanges: tuple[Request, Simulated]) -> None:
    with Cassette(path, "record") as cassette:
        for sent, answer in exchanges:
            cassette.record(sent, answer)


class TestRoundTrip:
    def test_blocking(self, tmp_path: Path) -> None:
        path = tmp_path / "deep" / "tape.jsonl"
        mock = MockDriver(replies=["whole", "a streamed answer"], env={}, chunk_size=3, delay=0.01)
        with MockServer(mock) as url, Cassette(path) as cassette:
            recording = provider(url, cassette)
            assert recording.send_message("one", model="m").content == "whole"
            with recording.send_streaming_message("two", model="m") as stream:
                recorded = [chunk.content for chunk in stream]
            recording.close()
        played = provider(url, Cassette(path))
        assert played.send_message("one", model="m").content == "whole"
        with played.send_streaming_message("two", model="m") as stream:
            assert [chunk.content for chunk in stream] == recorded
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert len(lines[1]["response"]["chunks"]) > 1

    async def test_async_plays_what_blocking_recorded(self, tmp_path: Path) -> None:
        path = tmp_path / "tape.jsonl"
        with MockServer(MockDriver(replies=["one"], env={})) as url, Cassette(path) as cassette:
            recording = provider(url, cassette).asynchronous()
            await recording.send_message("x", model="m")
            async with recording.send_streaming_message("echo", model="m") as stream:
                await stream.until_done()
            await recording.aclose()
        played = provider(url, Cassette(path)).asynchronous()
        assert (await played.send_message("x", model="m")).content == "one"
        async with played.send_streaming_message("echo", model="m") as stream:
            assert (await stream.until_done()).content == "echo"
        blocking = provider(url, ReplayTransport(path))
        assert blocking.send_message("x", model="m").content == "one"

    @pytest.mark.parametrize("kind", ["connection", "timeout", "cut", "stall", "unfinished", "rate_limit"])
    def test_failures_are_played_too(self, tmp_path: Path, kind: str, no_waiting: list[float]) -> None:
        path = tmp_path / "tape.jsonl"

        def fail(client: OpenAIDriver) -> type[errors.AIError]:
            limits = {"model": "m", "retry_attempts": 1, "timeout": 0.2, "idle_timeout": 0.1}
            with (
                pytest.raises(errors.AIError) as caught,
                client.send_streaming_message("x", **limits) as stream,
            ):
                stream.until_done()
            client.close()
            return type(caught.value)

        with MockServer(MockDriver(env={}).fail(kind)) as url:
            live = transport_for("blocking", TransportConfig())
            recorded = fail(provider(url, RecordingTransport(live, path)))
        assert fail(provider(url, ReplayTransport(path))) is recorded


class TestScrubbing:
    def test_no_secret_is_stored(self, tmp_path: Path) -> None:
        path = tmp_path / "tape.jsonl"
        headers = {
            "authorization": f"Bearer {KEY}",
            "x-api-key": "plain-secret-7",
            "cookie": "session=1234567",
        }
        answer = Simulated(
            headers={"set-cookie": "id=abcdefg", "openai-organization": "org-name", "x-request-id": "r"},
            chunks=[b'{"echo": "plain-se', b'cret-7", "key": "sk-other-key-abcdefgh"}'],
        )
        body = {"api_key": "hidden-value", "text": f"my key is {KEY}"}
        record(path, (request(body, "http://host/x?key=abcdef123456", **headers), answer))
        text = path.read_text()
        for secret in (
            KEY,
            "plain-secret-7",
            "1234567",
            "abcdefg",
            "org-name",
            "hidden-value",
            "abcdef123456",
        ):
            assert secret not in text
        assert '"x-request-id":"r"' in text

    def test_a_scrubbed_request_still_matches_with_another_key(self, tmp_path: Path) -> None:
        path = tmp_path / "tape.jsonl"
        record(path, (request({"a": 1}, authorization=f"Bearer {KEY}"), Simulated(chunks=[b"{}"])))
        found = Cassette(path).play(request({"a": 1}, authorization="Bearer sk-another-key-123456"))
        assert found.chunks == [b"{}"]

    @given(st.lists(st.binary(max_size=40), max_size=4))
    def test_any_bytes_come_back_as_they_were(self, chunks: list[bytes]) -> None:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tape.jsonl"
            record(path, (request(), Simulated(chunks=chunks)))
            assert b"".join(Cassette(path).play(request()).chunks) == b"".join(chunks)

    def test_binary_is_stored_as_base64(self, tmp_path: Path) -> None:
        path = tmp_path / "tape.jsonl"
        record(path, (request(b"\xff\x00"), Simulated(chunks=[b"\xfe\x01", "ä".encode()[:1], "ä".encode()[1:]])))
        stored = json.loads(path.read_text())
        assert stored["request"]["body"] == {"base64": base64.b64encode(b"\xff\x00").decode()}
        assert Cassette(path).play(request(b"\xff\x00")).chunks[0] == b"\xfe\x01"


class TestMatching:
    def test_json_counts_by_its_value(self, tmp_path: Path) -> None:
        path = tmp_path / "tape.jsonl"
        record(path, (request(b'{"a": 1, "b": [2]}'), Simulated(status=201)))
        assert Cassette(path).play(request(b'{"b":[2],"a":1}')).status == 201

    def test_multipart_boundaries_do_not_count(self, tmp_path: Path) -> None:
        path = tmp_path / "tape.jsonl"

        def upload(boundary: str) -> Request:
            body = f"--{boundary}\r\n\r\nfile\r\n--{boundary}--\r\n".encode()
            return request(body, **{"content-type": f"multipart/form-data; boundary={boundary}"})

        record(path, (upload("one"), Simulated(status=201)))
        assert Cassette(path).play(upload("other")).status == 201

    def test_each_exchange_is_played_once_in_order(self, tmp_path: Path) -> None:
        path = tmp_path / "tape.jsonl"
        record(path, *((request({"a": 1}), Simulated(status=status)) for status in (429, 200)))
        cassette = Cassette(path)
        assert [cassette.play(request({"a": 1})).status for _ in range(2)] == [429, 200]
        assert cassette.unplayed == 0
        with pytest.raises(UnmatchedRequestError, match="recorded 2 time"):
            cassette.play(request({"a": 1}))

    def test_a_lack_shows_the_difference_to_the_nearest(self, tmp_path: Path) -> None:
        path = tmp_path / "tape.jsonl"
        record(
            path,
            (request({"model": "m", "temperature": 0}), Simulated()),
            (request({"other": "thing"}, "http://host/elsewhere"), Simulated()),
        )
        with pytest.raises(UnmatchedRequestError) as caught:
            Cassette(path).play(request({"model": "m", "temperature": 1}))
        assert '-      "temperature": 0' in str(caught.value)
        assert '+      "temperature": 1' in str(caught.value)
        assert "elsewhere" not in str(caught.value)


class TestModes:
    def test_replay_never_uses_the_network(self, tmp_path: Path) -> None:
        with pytest.raises(errors.ConfigurationError, match="there is no cassette"):
            Cassette(tmp_path / "none.jsonl", "replay")

    def test_record_replaces_what_there_is(self, tmp_path: Path) -> None:
        path = tmp_path / "tape.jsonl"
        record(path, (request({"a": 1}), Simulated()))
        record(path, (request({"b": 1}), Simulated()))
        assert len(path.read_text().splitlines()) == 1

    def test_once_records_only_what_has_no_file(self, tmp_path: Path) -> None:
        path = tmp_path / "tape.jsonl"
        first = Cassette(path)
        assert first.is_recording
        first.record(request(), Simulated())
        first.save()
        assert not Cassette(path).is_recording

    @pytest.mark.parametrize("content", ["no JSON", "[]", '{"request": {}}', '{"request": 1, "response": {}}'])
    def test_a_file_that_is_no_cassette(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "tape.jsonl"
        path.write_text(content)
        with pytest.raises(errors.ConfigurationError, match="line 1"):
            Cassette(path)

    def test_an_unknown_mode(self, tmp_path: Path) -> None:
        with pytest.raises(errors.ConfigurationError, match="'once'"):
            Cassette(tmp_path / "x", "sometimes")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ('{"access_token": "abc.def", "expires_in": 3}', '{"access_token": "***", "expires_in": 3}'),
        ('{"refresh_token":"1//x\\"y","id_token":"e"}', '{"refresh_token":"***","id_token":"***"}'),
        ('{"accessToken":"a","SessionToken":"b","SecretAccessKey":"c"}', None),
        ('{"password":"hunter2","client_secret":"s","apiKey":"k","private_key":"-----BEGIN\\nx"}', None),
        ('{"text":"{\\"access_token\\": \\"abc\\"}"}', '{"text":"{\\"access_token\\": \\"***\\"}"}'),
        ("grant_type=refresh_token&refresh_token=abc&client_secret=def&scope=x", None),
        ("<SessionToken>abc</SessionToken><Expiration>1</Expiration>", None),
        ('{"prompt_tokens":3,"max_tokens":"5","token":"Hello","key":"value","signature":"EqQB"}', "the same"),
        ('{"access_token":"","password":null}', "the same"),
    ],
)
def test_members_are_scrubbed_by_their_names(text: str, scrubbed: str | None) -> None:
    found = encode_body(text.encode(), redactor_for(Request(method="GET", url="https://h/")))
    if scrubbed is None:
        assert "***" in found
        assert not {"abc", "def", "hunter2", "BEGIN"} & set(re.findall(r"\w+", found))
        assert not re.search(r'"[abcsk]"', found)
    else:
        assert found == (text if scrubbed == "the same" else scrubbed)


def test_a_key_that_comes_in_two_pieces_is_scrubbed() -> None:
    key = "key-0123456789-abcdefghij"
    redactor = redactor_for(Request(method="GET", url="https://h/", headers={"authorization": f"Bearer {key}"}))
    for cut in range(4, len(key) - 3):
        pieces = (f'data: {{"delta":"{part}","n":1}}\n\n'.encode() for part in ("Key: " + key[:cut], key[cut:] + "!"))
        found = "".join(encode_chunks(list(pieces), redactor))
        assert found == 'data: {"delta":"Key: ***","n":1}\n\ndata: {"delta":"***!","n":1}\n\n'
