"""What callers may give to operations, and what is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.data.messages import Audio, Document, Image, Text
from polydriver.data.sniffing import sniff_media_type
from polydriver.drivers.compatible import compatible_driver
from polydriver.drivers.openai import OpenAIDriver
from polydriver.errors import ConfigurationError, UnknownOptionError, UnsupportedFeatureError
from polydriver.operations.inputs import (
    read_audio,
    read_document,
    read_embedding_input,
    read_images,
    read_moderation_input,
    read_upload,
)
from polydriver.operations.kinds import OPERATIONS
from polydriver.operations.requests import BatchRequest, EmbeddingRequest, TranscriptionRequest
from polydriver.provider.preparing import prepare

DRIVER = OpenAIDriver({"api_key": "sk-test-0123456789abcdef"})
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
WAV = b"RIFF\x00\x00\x00\x00WAVEfmt "

ARGUMENTS: dict[str, dict[str, Any]] = {
    "embed": {"input": "a"},
    "moderate": {"input": "a"},
    "generate_image": {"prompt": "a"},
    "edit_image": {"prompt": "a", "images": PNG, "mask": None},
    "speak": {"text": "a"},
    "transcribe": {"audio": WAV},
    "translate": {"audio": WAV},
    "rerank": {"query": "a", "documents": ["b"]},
    "ocr": {"document": "https://example.com/a.pdf"},
    "count_tokens": {"messages": "a"},
    "upload_file": {"file": b"a", "name": "a.txt", "media_type": None, "purpose": None},
    "list_files": {"limit": None},
    "get_file": {"id": "a"},
    "delete_file": {"id": "a"},
    "download_file": {"id": "a"},
    "create_batch": {"prompts": ["a"], "custom_ids": None, "labels": None},
    "get_batch": {"id": "a"},
    "list_batches": {"limit": None},
    "cancel_batch": {"id": "a"},
    "get_batch_results": {"id": "a"},
    "get_response": {"id": "resp_1"},
    "cancel_response": {"id": "resp_1"},
}


@pytest.mark.parametrize("method", OPERATIONS)
def test_a_driver_without_the_hooks_refuses(method: str) -> None:
    driver = compatible_driver("deepseek")({"api_key": "0123456789abcdef"})
    with pytest.raises(UnsupportedFeatureError):
        prepare(driver, OPERATIONS[method], dict(ARGUMENTS[method]), {"model": "m"})


@pytest.mark.parametrize(
    "method", [method for method in OPERATIONS if DRIVER.operation(OPERATIONS[method]) is not None]
)
def test_an_unknown_option_is_refused_with_the_nearest(method: str) -> None:
    with pytest.raises(UnknownOptionError, match="Did you mean 'timeout'"):
        prepare(DRIVER, OPERATIONS[method], dict(ARGUMENTS[method]), {"model": "gpt-4o", "timeot": 3})


@pytest.mark.parametrize("method", ["embed", "generate_image", "edit_image", "speak", "transcribe", "translate"])
def test_the_model_must_be_named(method: str) -> None:
    driver = OpenAIDriver({"api_key": "sk-test-0123456789abcdef", "default_model": "gpt-4o"})
    with pytest.raises(ConfigurationError, match=f"pass model=... to {method}"):
        prepare(driver, OPERATIONS[method], dict(ARGUMENTS[method]), {})


def test_options_are_told_apart() -> None:
    options = {"timeout": 3, "user": "u", "extra": {"a": 1}, "metadata": {"b": 2}, "extra_headers": {"C": "3"}}
    work = prepare(DRIVER, OPERATIONS["embed"], {"input": "x", "model": "m", "dimensions": 0 or None}, options)
    assert isinstance(work.request, EmbeddingRequest)
    assert (work.request.input, work.request.user, work.request.extra) == (["x"], "u", {"a": 1})
    assert work.request.extra_headers == {"C": "3"}
    assert work.limits == {"timeout": 3, "metadata": {"b": 2}}
    assert work.model == "m"


def test_options_of_the_driver_alone_are_kept_apart() -> None:
    work = prepare(
        DRIVER, OPERATIONS["transcribe"], {"audio": WAV, "model": "m"}, {"keywords": ["x"], "temperature": 0}
    )
    assert isinstance(work.request, TranscriptionRequest)
    assert (work.request.options, work.request.temperature) == ({"keywords": ["x"]}, 0)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("embed", {"dimensions": 0}),
        ("embed", {"timeout": "3"}),
        ("embed", {"retry_attempts": 0}),
        ("speak", {"speed": "fast"}),
        ("generate_image", {"n": True}),
        ("generate_image", {"n": 1.5}),
        ("transcribe", {"timestamps": ["sentence"]}),
        ("embed", {"model": 3}),
        ("list_files", {"limit": 0}),
    ],
)
def test_values_that_cannot_work_are_refused(method: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        prepare(
            DRIVER,
            OPERATIONS[method],
            {"model": "m", **ARGUMENTS[method], **options} if method != "list_files" else options,
            {},
        )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        (("a",), ["a"]),
        ([1, 2], [[1, 2]]),
        ([[1], (2, 3)], [[1], [2, 3]]),
    ],
)
def test_embedding_input(value: Any, expected: Any) -> None:
    assert read_embedding_input(value) == expected


@pytest.mark.parametrize("value", [[], b"abc", 3, None, ["a", 3], [True, False], [["a"]], {"a": 1}])
def test_embedding_input_that_is_none(value: Any) -> None:
    with pytest.raises(ConfigurationError):
        read_embedding_input(value)


def test_moderation_input() -> None:
    image = Image.from_bytes(PNG, "image/png")
    assert read_moderation_input("a") == [[Text("a")]]
    assert read_moderation_input(["a", "b"]) == [[Text("a")], [Text("b")]]
    assert read_moderation_input(["a", image]) == [[Text("a"), image]]
    assert read_moderation_input(image) == [[image]]
    for wrong in ([], 3, [3], b"a"):
        with pytest.raises(ConfigurationError):
            read_moderation_input(wrong)


def test_media_are_taken_in_any_form(tmp_path: Path) -> None:
    (tmp_path / "sound").write_bytes(WAV)
    (tmp_path / "scan.png").write_bytes(PNG)
    assert read_audio(WAV).media_type == "audio/wav"
    assert read_audio(tmp_path / "sound").media_type == "audio/wav"
    assert read_audio(str(tmp_path / "sound")).name == "sound"
    sound = Audio.from_bytes(b"x", "audio/mpeg")
    assert read_audio(sound) is sound
    assert [image.media_type for image in read_images([PNG, tmp_path / "scan.png"])] == ["image/png", "image/png"]
    assert isinstance(read_document(tmp_path / "scan.png"), Image)
    assert read_document("https://example.com/a.pdf") == Document.from_url("https://example.com/a.pdf")
    assert read_upload(file=tmp_path / "scan.png", name=None, media_type=None)["name"] == "scan.png"
    with pytest.raises(ConfigurationError, match="name"):
        read_upload(file=b"x", name=None, media_type=None)
    with pytest.raises(ConfigurationError):
        read_audio(3)


@given(st.binary(max_size=20))
def test_sniffing_takes_any_bytes(data: bytes) -> None:
    kind = sniff_media_type(data)
    assert kind is None or "/" in kind


def test_a_batch_has_a_prompt_and_an_id_for_each() -> None:
    fields = {"prompts": ["a", ["b", "c"]], "custom_ids": None, "labels": {"k": "v"}}
    work = prepare(DRIVER, OPERATIONS["create_batch"], fields, {"model": "gpt-4o-mini", "max_tokens": 5})
    assert isinstance(work.request, BatchRequest)
    assert [entry.custom_id for entry in work.request.prompts] == ["prompt-0", "prompt-1"]
    assert [len(entry.prompt.messages) for entry in work.request.prompts] == [1, 2]
    assert {entry.prompt.max_tokens for entry in work.request.prompts} == {5}
    assert work.request.metadata == {"k": "v"}
    for ids in (["x"], ["x", "x"]):
        with pytest.raises(ConfigurationError):
            prepare(DRIVER, OPERATIONS["create_batch"], {**fields, "custom_ids": ids}, {"model": "gpt-4o-mini"})
    with pytest.raises(ConfigurationError):
        prepare(DRIVER, OPERATIONS["create_batch"], {**fields, "prompts": []}, {"model": "gpt-4o-mini"})


def test_capabilities_are_told_by_the_hooks() -> None:
    capabilities = DRIVER.get_capabilities()
    assert capabilities.embeddings
    assert capabilities.image_generation
    for name in ("moderation", "speech", "transcription", "translation", "batches", "files", "token_counting"):
        assert capabilities.supports(name)
    assert not capabilities.supports("rerank")
    none = compatible_driver("deepseek")({"api_key": "0123456789abcdef"}).get_capabilities()
    assert not none.embeddings
    assert not none.operations
