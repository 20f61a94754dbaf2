"""OpenAI's operations beyond chat against recorded traffic, and against the description of the API."""

from __future__ import annotations

import base64
import contextlib
import json
import random
import struct
from collections.abc import Callable
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hooks import hook
from tests.wires.replay import Record, records, reply_of
from tests.wires.specs import validate_request

from polydriver.data.http import Reply, Request
from polydriver.data.messages import Audio, Document, Image
from polydriver.data.prompt import Prompt
from polydriver.driver import Driver
from polydriver.drivers.compatible import compatible_driver, openai_compatible
from polydriver.drivers.openai import OpenAIDriver
from polydriver.errors import AIError, InvalidResponseError, UnsupportedFeatureError
from polydriver.operations.kinds import OPERATIONS
from polydriver.operations.requests import (
    EmbeddingRequest,
    FileUpload,
    ImageRequest,
    ItemRequest,
    ModerationRequest,
    OCRRequest,
    PageRequest,
    RerankRequest,
    SpeechRequest,
    TranscriptionRequest,
)
from polydriver.operations.results import EmbeddingResponse
from polydriver.provider.preparing import prepare
from polydriver.wires.operations import DocumentReading, Embeddings, Reranking, Transcription

OPENAI = OpenAIDriver({"api_key": "sk-test-0123456789abcdef"})
EVERYTHING: Any = openai_compatible(
    "everything", "https://llm.example/v1", operations=(DocumentReading, Embeddings, Reranking, Transcription)
)({"api_key": "0123456789abcdef"})
GROQ: Any = compatible_driver("groq")({"api_key": "0123456789abcdef"})
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
WAV = b"RIFF\x00\x00\x00\x00WAVEfmt "
SOUND = TranscriptionRequest(model="whisper-1", audio=Audio.from_bytes(WAV, "audio/wav"))


def errors_of(driver: Driver, wire_dir: Path, api: str) -> list[Record]:
    """Return the records of failures, each of them read as expected."""
    failed = [record for record in records(wire_dir, api) if (record["expected"] or {}).get("error")]
    for record in failed:
        error, expected = driver.map_error(reply_of(record)), record["expected"]["error"]
        found = (error.status, error.code, error.type, error.message)
        assert found == (expected["status"], expected["code"], expected["type"], expected["message"]), record["id"]
    return failed


def test_recorded_embeddings(wire_dir: Path) -> None:
    found = records(wire_dir, "openai-embeddings")
    failed = errors_of(OPENAI, wire_dir, "openai-embeddings")
    assert found
    for record in [record for record in found if record not in failed]:
        driver: Any = OPENAI if record["provider"].startswith("openai") else EVERYTHING
        expected = record["expected"]
        sent = (record["request"] or {}).get("body") or {"input": ["a"] * expected["embeddings"]["n"]}
        response = hook(driver, "parse_embeddings")(reply_of(record), EmbeddingRequest(model="m", input=sent["input"]))
        shape = {
            "n": len(response.embeddings),
            "dims": len(response.embedding),
            "head": pytest.approx(response.embedding[:3], abs=1e-9),
        }
        assert shape == expected["embeddings"], record["id"]
        assert not response.warnings
        assert response.usage is not None
        counted = (response.usage.input_tokens, response.usage.output_tokens, response.usage.total_tokens)
        usage = expected["usage"]
        assert counted == (usage["input_total"], usage["output_total"], usage["total"]), record["id"]
        assert (response.model, response.id) == (expected["model"], expected["response_id"])


def test_recorded_models(wire_dir: Path) -> None:
    found = records(wire_dir, "openai-models")
    assert found
    for record in found:
        expected = record["expected"]
        if expected.get("error"):
            error = EVERYTHING.map_error(reply_of(record))
            assert (error.status, error.message) == (expected["error"]["status"], expected["error"]["message"])
        else:
            models = EVERYTHING.parse_models(reply_of(record))
            assert [model.id for model in models] == expected["models"]["ids"]


def test_recorded_moderations(wire_dir: Path) -> None:
    found = records(wire_dir, "openai-moderations")
    assert found
    for record in found:
        response = hook(OPENAI, "parse_moderation")(reply_of(record), ModerationRequest(input=[]))
        judged = [{"flagged": one.flagged, "categories": one.flagged_categories} for one in response.results]
        assert judged == record["expected"]["moderation"]
        assert (response.model, response.id) == (record["expected"]["model"], record["expected"]["response_id"])
        assert response.results[0].scores


def test_recorded_images(wire_dir: Path) -> None:
    found = records(wire_dir, "openai-images")
    assert found
    assert errors_of(OPENAI, wire_dir, "openai-images") == found


def test_recorded_transcripts(wire_dir: Path) -> None:
    found = records(wire_dir, "openai-audio")
    assert found
    for record in found:
        driver: Any = {"openai-audio": OPENAI, "groq": GROQ}.get(record["provider"], EVERYTHING)
        transcript = hook(driver, "parse_transcription")(reply_of(record), SOUND)
        expected = record["expected"]
        found_facts = (transcript.text, transcript.duration, transcript.language)
        assert found_facts == (expected["transcript"], expected["duration"], expected["language"])
        words = json.loads(record["response"]["body"]).get("words", [])
        assert [(word.word, word.start, word.end) for word in transcript.words] == [
            (word["word"], word["start"], word["end"]) for word in words
        ]


def test_recorded_documents(wire_dir: Path) -> None:
    found = records(wire_dir, "ocr")
    assert found
    for record in found:
        request = OCRRequest(model="m", document=Document.from_url("https://example.com/a.pdf"))
        response = hook(EVERYTHING, "parse_ocr")(reply_of(record), request)
        body = json.loads(record["response"]["body"])
        assert [page.markdown for page in response.pages] == [page["markdown"] for page in body["pages"]]
        assert response.units == {"pages": body["usage_info"]["pages_processed"]}


def test_recorded_files(wire_dir: Path) -> None:
    found = [record for record in records(wire_dir, "openai-files") if "vector_stores" not in record["request"]["url"]]
    assert found
    for record in found:
        if record["request"]["method"] == "DELETE":
            assert hook(OPENAI, "parse_file_deletion")(reply_of(record), ItemRequest(id="x"))
        else:
            stored = hook(OPENAI, "parse_file_upload")(reply_of(record), FileUpload(data=b"", name="x"))
            body = json.loads(body) if isinstance(body := record["response"]["body"], str) else body
            assert (stored.id, stored.name, stored.size) == (body["id"], body["filename"], body["bytes"])


def test_a_recorded_ranking(wire_dir: Path) -> None:
    found = records(wire_dir, "cohere-rerank")
    assert found
    for record in found:
        sent = record["request"]["body"]
        request = RerankRequest(model=sent["model"], query=sent["query"], documents=sent["documents"])
        response = hook(EVERYTHING, "parse_rerank")(reply_of(record), request)
        assert [{"index": one.index, "score": one.score} for one in response.results] == record["expected"]["rerank"]
        assert response.results[0].document == sent["documents"][response.results[0].index]


def form_of(request: Request) -> dict[str, Any]:
    """Read a form back as an object: `a[]` is a list, `a[b]` an object, files are strings, digits are numbers."""
    raw = b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n" + (request.body or b"")
    read: dict[str, Any] = {}
    for part in BytesParser(policy=policy.HTTP).parsebytes(raw).iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        value: Any = cast(bytes, part.get_payload(decode=True)).decode("latin-1")
        if name in ("n", "temperature", "output_compression") or name.endswith("[seconds]"):
            value = json.loads(value)
        if name.endswith("[]"):
            read.setdefault(name[:-2], []).append(value)
        elif name.endswith("]"):
            outer, _, inner = name[:-1].partition("[")
            read.setdefault(outer, {})[inner] = value
        else:
            read[name] = value
    return read


CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("embed", "CreateEmbeddingRequest", {"input": "a"}, {}),
    ("embed", "CreateEmbeddingRequest", {"input": ["a", "b"], "dimensions": 8}, {"user": "u"}),
    ("embed", "CreateEmbeddingRequest", {"input": [[1, 2], [3]]}, {"input_type": "query"}),
    ("moderate", "CreateModerationRequest", {"input": ["a", "b"]}, {}),
    ("moderate", "CreateModerationRequest", {"input": ["a", Image.from_bytes(PNG, "image/png")]}, {}),
    ("generate_image", "CreateImageRequest", {"prompt": "a", "n": 2, "size": "1024x1024", "quality": "low"}, {}),
    (
        "generate_image",
        "CreateImageRequest",
        {"prompt": "a"},
        {"format": "webp", "background": "opaque", "moderation": "low", "output_compression": 0, "seed": 1},
    ),
    ("edit_image", "CreateImageEditRequest", {"prompt": "a", "images": PNG, "mask": None}, {}),
    (
        "edit_image",
        "CreateImageEditRequest",
        {"prompt": "a", "images": [PNG, PNG], "mask": PNG, "n": 1, "size": "auto"},
        {"input_fidelity": "high", "output_compression": 50},
    ),
    (
        "edit_image",
        "EditImageBodyJsonParam",
        {"prompt": "a", "images": [Image.from_id("file-1"), Image.from_url("https://example.com/a.png")], "mask": PNG},
        {"format": "png"},
    ),
    ("speak", "CreateSpeechRequest", {"text": "a"}, {}),
    (
        "speak",
        "CreateSpeechRequest",
        {"text": "a", "voice": "nova", "format": "wav", "speed": 0.5, "instructions": "softly"},
        {},
    ),
    ("transcribe", "CreateTranscriptionRequest", {"audio": WAV}, {}),
    (
        "transcribe",
        "CreateTranscriptionRequest",
        {"audio": WAV, "language": "en", "prompt": "p", "timestamps": ["word", "segment"]},
        {"temperature": 0, "include": ["logprobs"], "keywords": ["a"], "chunking_strategy": "auto"},
    ),
    ("translate", "CreateTranslationRequest", {"audio": WAV, "response_format": "srt"}, {"temperature": 0.5}),
    (
        "upload_file",
        "CreateFileRequest",
        {"file": b"a", "name": "a.txt", "media_type": None, "purpose": None},
        {"expires_after": {"anchor": "created_at", "seconds": 3600}},
    ),
    ("count_tokens", "TokenCountsBody", {"messages": "a"}, {"max_tokens": 5, "reasoning_effort": "low"}),
]


@pytest.mark.parametrize(("method", "schema", "fields", "options"), CASES)
def test_requests_are_valid(method: str, schema: str, fields: dict[str, Any], options: dict[str, Any]) -> None:
    named = {"model": "gpt-5-mini"} if method == "count_tokens" else {}
    if method not in ("upload_file", "count_tokens"):
        fields = {"model": "some-model", **fields}
    work = prepare(OPENAI, OPERATIONS[method], dict(fields), {**options, **named})
    request = hook(OPENAI, work.kind.build)(work.request)
    is_form = request.headers["content-type"].startswith("multipart/form-data")
    body = form_of(request) if is_form else json.loads(request.body)
    validate_request("openai/openapi.yaml", schema, body)
    assert request.headers["authorization"] == "Bearer sk-test-0123456789abcdef"


def test_a_batch_is_valid() -> None:
    fields = {"prompts": ["a"], "custom_ids": None, "labels": {"k": "v"}}
    expiry = {"anchor": "created_at", "seconds": 3600}
    work = prepare(OPENAI, OPERATIONS["create_batch"], fields, {"model": "gpt-5-mini", "output_expires_after": expiry})
    flow = hook(OPENAI, "batch_flow")(work.request)  # type: ignore[arg-type]
    spec = "openai/openapi.yaml"
    upload = form_of(next(flow))
    validate_request(spec, "CreateFileRequest", upload)
    line = json.loads(upload["file"])
    assert line["url"] == "/v1/responses"
    validate_request(spec, "CreateResponse", line["body"])
    created = flow.send(Reply(status=200, body=b'{"id": "file-1"}'))
    validate_request(spec, "CreateBatchRequest", json.loads(created.body or b""))


def test_extra_wins_and_headers_are_added() -> None:
    request = EmbeddingRequest(model="m", input=["a"], extra={"encoding_format": "float"}, extra_headers={"X-A": "b"})
    built = hook(OPENAI, "build_embeddings")(request)
    assert json.loads(built.body or b"")["encoding_format"] == "float"
    assert built.headers["x-a"] == "b"
    form = hook(OPENAI, "build_transcription")(
        TranscriptionRequest(
            model="m", audio=Audio.from_bytes(WAV, "audio/wav"), extra={"a": True}, extra_headers={"X": "y"}
        )
    )
    assert form_of(form)["a"] == "true"
    assert form.headers["x"] == "y"
    assert hook(OPENAI, "build_file_list")(PageRequest(options={"purpose": "batch"}, after="f", limit=3)).url.endswith(
        "/files?after=f&limit=3&purpose=batch"
    )


@given(
    st.lists(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=5), min_size=1, max_size=5),
    st.randoms(),
)
def test_vectors_in_base64_and_in_any_order(vectors: list[list[float]], chance: random.Random) -> None:
    items = []
    for index, vector in enumerate(vectors):
        packed = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        items.append({"index": index, "embedding": packed})
    chance.shuffle(items)
    reply = Reply(status=200, body=json.dumps({"data": items}).encode())
    response = hook(OPENAI, "parse_embeddings")(reply, EmbeddingRequest(model="m", input=["a"] * len(vectors)))
    assert response.embeddings == vectors


@pytest.mark.parametrize("vector", ["!!", "AAA=", [], ["1"], [None], [True], None, 3, {"float": "x"}])
def test_what_is_no_vector(vector: Any) -> None:
    reply = Reply(status=200, body=json.dumps({"data": [{"embedding": vector}]}).encode())
    with pytest.raises(InvalidResponseError):
        hook(OPENAI, "parse_embeddings")(reply, EmbeddingRequest(model="m", input=["a"]))


def test_a_missing_vector_is_an_error() -> None:
    reply = Reply(status=200, body=b'{"data": [{"embedding": [0.5]}]}')
    with pytest.raises(InvalidResponseError, match="2 inputs came back as 1"):
        hook(OPENAI, "parse_embeddings")(reply, EmbeddingRequest(model="m", input=["a", "b"]))


def test_a_cost_that_the_service_reports() -> None:
    body = {"data": [{"embedding": [0.5]}], "usage": {"prompt_tokens": 8, "total_tokens": 8, "cost": 1.6e-7}}
    reply = Reply(status=200, body=json.dumps(body).encode())
    response: EmbeddingResponse = hook(EVERYTHING, "parse_embeddings")(reply, EmbeddingRequest(model="m", input=["a"]))
    assert response.cost is not None
    assert str(response.cost) == "$0.00000016"


def test_pictures_as_bytes_and_as_urls() -> None:
    request = ImageRequest(model="gpt-image-1", prompt="a")
    usage = {
        "input_tokens": 30,
        "output_tokens": 200,
        "total_tokens": 230,
        "input_tokens_details": {"text_tokens": 10, "image_tokens": 20},
    }
    items = [{"b64_json": base64.b64encode(PNG).decode(), "revised_prompt": "b"}, {"url": "https://example.com/a.png"}]
    body = {"data": items, "usage": usage, "output_format": "webp"}
    response = hook(OPENAI, "parse_image")(Reply(status=200, body=json.dumps(body).encode()), request)
    assert (response.images[0].data, response.images[0].media_type) == (PNG, "image/png")
    assert response.images[1].url == "https://example.com/a.png"
    assert response.revised_prompt == "b"
    assert response.units == {"input_image_tokens": 20, "output_image_tokens": 200}
    for item in ({}, {"b64_json": "!"}, {"url": "data:image/png;base64,!"}, 3):
        with pytest.raises(InvalidResponseError):
            hook(OPENAI, "parse_image")(Reply(status=200, body=json.dumps({"data": [item]}).encode()), request)


@pytest.mark.parametrize(
    ("wanted", "body", "text"),
    [
        ("text", b"hello\n", "hello"),
        ("srt", b"1\n00:00:00,000 --> 00:00:01,000\nhello\n\n", "1\n00:00:00,000 --> 00:00:01,000\nhello\n\n"),
        ("vtt", b"WEBVTT\n\n00:00 --> 00:01\nhello\n", "WEBVTT\n\n00:00 --> 00:01\nhello\n"),
        ("text", b"\xff", "\ufffd"),
        (None, b'"hello"', "hello"),
        ("json", b'{"text": ""}', ""),
    ],
)
def test_transcripts_of_any_form(wanted: str | None, body: bytes, text: str) -> None:
    request = TranscriptionRequest(model="m", audio=Audio.from_bytes(WAV, "audio/wav"), response_format=wanted)
    assert hook(OPENAI, "parse_transcription")(Reply(status=200, body=body), request).text == text


def test_a_transcript_with_speakers_and_tokens() -> None:
    body = {
        "text": "hi",
        "segments": [{"id": "seg_0", "start": 0, "end": "1.5", "text": "hi", "speaker": "A"}, {"id": 3}, None],
        "usage": {
            "type": "tokens",
            "input_tokens": 14,
            "input_token_details": {"audio_tokens": 10},
            "output_tokens": 45,
        },
    }
    transcript = hook(OPENAI, "parse_transcription")(Reply(status=200, body=json.dumps(body).encode()), SOUND)
    segment = transcript.segments[0]
    assert (segment.id, segment.start, segment.end, segment.speaker) == ("seg_0", 0.0, 1.5, "A")
    assert transcript.segments[1].id == "3"
    assert transcript.usage is not None
    assert (transcript.usage.input_audio_tokens, transcript.usage.output_tokens) == (10, 45)
    assert transcript.units == {}


def test_sound_without_bytes_cannot_be_sent() -> None:
    request = TranscriptionRequest(model="m", audio=Audio.from_url("https://example.com/a.mp3"))
    with pytest.raises(UnsupportedFeatureError):
        hook(OPENAI, "build_transcription")(request)


def test_an_error_in_place_of_sound() -> None:
    reply = Reply(status=200, headers={"content-type": "application/json"}, body=b'{"error": {"message": "no"}}')
    with pytest.raises(AIError, match="no"):
        hook(OPENAI, "parse_speech")(reply, SpeechRequest(model="m", text="a"))
    with pytest.raises(InvalidResponseError):
        hook(OPENAI, "parse_speech")(Reply(status=200), SpeechRequest(model="m", text="a"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
GOOD: dict[str, tuple[Callable[[Reply], object], dict[str, Any]]] = {
    "embeddings": (
        lambda reply: hook(OPENAI, "parse_embeddings")(reply, EmbeddingRequest(model="m", input=["a"])),
        {"data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 1, "cost": 1}, "model": "m", "id": "x"},
    ),
    "moderation": (
        lambda reply: hook(OPENAI, "parse_moderation")(reply, ModerationRequest(input=[])),
        {"results": [{"flagged": True, "categories": {"a": True}, "category_scores": {"a": 0.5}}]},
    ),
    "image": (
        lambda reply: hook(OPENAI, "parse_image")(reply, ImageRequest(model="m", prompt="a")),
        {"data": [{"url": "https://a"}], "usage": {"input_tokens": 1, "input_tokens_details": {"image_tokens": 1}}},
    ),
    "transcription": (
        lambda reply: hook(OPENAI, "parse_transcription")(reply, SOUND),
        {
            "text": "a",
            "words": [{"word": "a", "start": 1}],
            "segments": [{"id": 1}],
            "usage": {"seconds": 1},
            "duration": 1,
        },
    ),
    "file": (
        lambda reply: hook(OPENAI, "parse_file")(reply, ItemRequest(id="x")),
        {"id": "a", "bytes": 1, "filename": "b", "created_at": 1},
    ),
    "files": (
        lambda reply: hook(OPENAI, "parse_file_list")(reply, PageRequest()),
        {"data": [{"id": "a"}], "has_more": True, "last_id": "a"},
    ),
    "batch": (
        lambda reply: hook(OPENAI, "parse_batch_status")(reply, ItemRequest(id="x")),
        {
            "id": "a",
            "status": "failed",
            "request_counts": {"total": 1},
            "created_at": 1,
            "failed_at": 2,
            "metadata": {},
        },
    ),
    "batches": (
        lambda reply: hook(OPENAI, "parse_batch_list")(reply, PageRequest()),
        {"data": [{"id": "a"}], "has_more": False},
    ),
    "count": (
        lambda reply: hook(OPENAI, "parse_token_count")(reply, Prompt(messages=[], model="m")),
        {"input_tokens": 1},
    ),
    "rerank": (
        lambda reply: hook(EVERYTHING, "parse_rerank")(reply, RerankRequest(query="a", documents=["b"])),
        {"results": [{"index": 0, "relevance_score": 0.5}], "usage": {"total_tokens": 1}},
    ),
    "ocr": (
        lambda reply: hook(EVERYTHING, "parse_ocr")(
            reply, OCRRequest(document=Document.from_url("https://example.com/a.pdf"))
        ),
        {"pages": [{"index": 0, "markdown": "a", "images": [{"id": "i", "image_base64": "AAAA"}]}], "usage_info": {}},
    ),
}


def mutate(value: Any, chance: random.Random, odd: Any) -> Any:
    """Return the value with one of its nodes replaced."""
    if not isinstance(value, dict | list) or not value or chance.random() < 0.2:
        return odd
    key = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
    changed: Any = value.copy()
    changed[key] = mutate(value[key], chance, odd)
    return changed


@pytest.mark.parametrize("name", GOOD)
@given(st.randoms(), JSON)
def test_wrong_types_anywhere_are_errors_of_ours(name: str, chance: random.Random, odd: Any) -> None:
    parse, good = GOOD[name]
    body = json.dumps(mutate(good, chance, odd), allow_nan=False) if _is_json(odd) else b'{"data": NaN}'
    with contextlib.suppress(AIError):
        parse(Reply(status=200, body=body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")))


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True
