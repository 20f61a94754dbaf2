"""What the mock server has beyond chat, asked by our own drivers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.testing.server.services import connect

from polydriver import Audio, Document, Image, MockDriver, Provider, errors
from polydriver.data.multipart import FormFile, encode_form
from polydriver.testing import MockServer
from polydriver.testing.server.multipart import parse_parts

Start = Callable[..., Provider]
KEEPERS = ["openai", "anthropic", "gemini"]
PROMPTERS = {"openai": "chat", "anthropic": None}
PNG = b"\x89PNG\r\n\x1a\n picture"


@pytest.fixture
def driver() -> MockDriver:
    return MockDriver(env={})


@pytest.fixture
def start(driver: MockDriver) -> Iterator[Start]:
    """Makes providers by their names that talk to one server."""
    server = MockServer(driver)
    server.start()
    made: list[Provider] = []

    def begin(name: str, **settings: Any) -> Provider:
        made.append(connect(name, server.root if name in ("anthropic", "gemini") else server.url, **settings))
        return made[-1]

    yield begin
    for provider in made:
        provider.close()
    server.stop()


@pytest.mark.parametrize("name", ["openai", "gemini"])
class TestMedia:
    def test_embeddings(self, start: Start, name: str) -> None:
        provider = start(name)
        one, two, again = provider.embed(["one", "two", "one"], model="mock-embedding").embeddings
        assert one == again != two
        assert len(provider.embed("x", model="mock-embedding", dimensions=5).embedding) == 5

    def test_pictures(self, start: Start, name: str) -> None:
        provider = start(name)
        [picture] = provider.generate_image("a cat", model="mock").images
        [changed] = provider.edit_image("a dog", Image.from_bytes(PNG, "image/png"), model="mock").images
        assert picture.data is not None
        assert picture.data.startswith(b"\x89PNG")
        assert changed.data not in (None, picture.data)

    def test_speech(self, start: Start, name: str) -> None:
        spoken = start(name).speak("Hello there.", model="mock", voice="x")
        assert spoken.audio.data is not None
        assert spoken.audio.data.startswith(b"RIFF")


def test_imagen(start: Start) -> None:
    assert len(start("gemini").generate_image("a cat", model="imagen-4", n=3).images) == 3


class TestTranscripts:
    sound = Audio.from_bytes(b"ID3 sound", "audio/mpeg", name="talk.mp3")

    @pytest.mark.parametrize("form", ["json", "text", "srt", "vtt", "verbose_json"])
    def test_formats(self, start: Start, driver: MockDriver, form: str) -> None:
        driver.reply("Good morning to you.")
        said = start("openai").transcribe(self.sound, model="whisper-1", response_format=form)
        assert "Good morning to you." in said.text
        assert bool(said.segments) == (form == "verbose_json")
        assert "talk.mp3" in start("openai").transcribe(self.sound, model="whisper-1", response_format=form).text

    def test_times_of_words(self, start: Start, driver: MockDriver) -> None:
        driver.when("talk.mp3", "Good morning")
        said = start("openai").transcribe(self.sound, model="whisper-1", timestamps=["word"])
        assert [word.word for word in said.words] == ["Good", "morning"]

    def test_translation(self, start: Start) -> None:
        assert "talk.mp3" in start("openai").translate(self.sound, model="whisper-1").text

    def test_a_failure(self, start: Start) -> None:
        with pytest.raises(errors.RateLimitError):
            start("openai").transcribe(self.sound, model="mock-error-rate-limit", retry_attempts=1)


def test_moderation(start: Start) -> None:
    assert not start("openai").moderate(["a", "b"], model="mock").results[1].flagged


def test_reranking(start: Start) -> None:
    found = start("together").rerank("where cats sleep", ["Dogs bark.", "Cats sleep here."], model="mock", top_n=1)
    assert [result.document for result in found.results] == ["Cats sleep here."]


def test_documents(start: Start) -> None:
    read = start("mistral").ocr(Document.from_bytes(b"%PDF", "application/pdf"), model="mock", pages=[0, 2])
    assert [page.index for page in read.pages] == [0, 2]


@pytest.mark.parametrize("name", KEEPERS)
class TestFiles:
    def test_the_life_of_a_file(self, start: Start, name: str) -> None:
        provider = start(name)
        first = provider.upload_file(b"one\r\n--x\r\n\x00\xff", name="one.bin")
        second = provider.upload_file(b"two", name="two.txt")
        assert (first.name, first.size) == ("one.bin", 12)
        assert [file.id for file in provider.list_files(limit=1)] == [second.id]
        assert provider.get_file(first.id).name == "one.bin"
        if name != "gemini":
            assert provider.download_file(first.id).data == b"one\r\n--x\r\n\x00\xff"
        assert provider.delete_file(first.id)
        with pytest.raises(errors.InvalidRequestError):
            provider.get_file(first.id)

    def test_lists_come_in_pages(self, start: Start, name: str) -> None:
        provider = start(name)
        ids = [provider.upload_file(b"x", name=f"{number}.txt").id for number in range(23)]
        assert [file.id for file in provider.list_files()] == ids[::-1]

    def test_a_failure(self, start: Start, name: str) -> None:
        headers = {"x-mock-script": "unavailable"}
        with pytest.raises(errors.ServerError):
            start(name).list_files(extra_headers=headers, retry_attempts=1)


@pytest.mark.parametrize(("name", "api"), [("openai", "chat"), ("openai", "responses"), ("anthropic", None)])
class TestBatches:
    def provider(self, start: Start, name: str, api: str | None) -> Provider:
        return start(name, **({"api": api} if api else {}))

    def test_the_life_of_a_batch(self, start: Start, driver: MockDriver, name: str, api: str | None) -> None:
        driver.when("2", "4").when("bad", errors.InvalidRequestError("no"))
        provider = self.provider(start, name, api)
        made = provider.create_batch(["2 + 2", "bad"], custom_ids=["sum", "odd"], model="mock")
        assert not made.done
        batch = provider.get_batch(made.id)
        assert (batch.status, batch.counts.completed, batch.counts.failed) == ("completed", 1, 1)
        odd, total = sorted(provider.get_batch_results(made.id).items, key=lambda item: item.custom_id)
        assert total.response is not None
        assert total.response.content == "4"
        assert isinstance(odd.error, errors.InvalidRequestError)
        assert [found.id for found in provider.list_batches()] == [made.id]

    def test_cancelling(self, start: Start, name: str, api: str | None) -> None:
        provider = self.provider(start, name, api)
        made = provider.create_batch(["x"], model="mock")
        assert provider.cancel_batch(made.id).status == "cancelling"
        assert provider.get_batch(made.id).done
        with pytest.raises(errors.InvalidRequestError):
            provider.get_batch("batch_unknown")


def test_a_batch_whose_file_is_not_valid(start: Start) -> None:
    import json
    import urllib.request

    provider = start("openai")
    stored = provider.upload_file(b"{]\n", name="x.jsonl", purpose="batch")
    body = json.dumps({"input_file_id": stored.id, "endpoint": "/v1/chat/completions"}).encode()
    asked = urllib.request.Request(f"{provider.get_config()['base_url']}/batches", body)
    with urllib.request.urlopen(asked, timeout=10) as reply:
        made = json.load(reply)["id"]
    assert provider.get_batch(made).status == "failed"
    with pytest.raises(errors.InvalidRequestError, match="line 1"):
        provider.get_batch_results(made)


contents = st.binary(max_size=60)


@given(contents, contents)
def test_forms_are_read_as_they_are_written(one: bytes, two: bytes) -> None:
    files = [("a", FormFile(one, "one.bin", "x/y")), ("b", FormFile(two, 'tw"o', "x/z"))]
    kind, body = encode_form([*files, ("plain", "gr\u00fcn")])
    parts = parse_parts(kind, body)
    assert [(part.name, part.data) for part in parts] == [("a", one), ("b", two), ("plain", "gr\u00fcn".encode())]
    assert [part.media_type for part in parts[:2]] == ["x/y", "x/z"]
    assert parts[2].text == "gr\u00fcn"


@given(st.text(max_size=40), contents)
def test_what_is_no_form_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_parts(kind, body)
