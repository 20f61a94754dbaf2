"""Media that a wire cannot send: an error in the newest turn, a note where they belong to what was said before."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.testing.requests_matrix import made_driver

from polydriver.data.json import decode_json, encode_json
from polydriver.data.messages import AIMessage, Audio, Document, Image, Media, ToolCall, ToolResult, Video
from polydriver.errors import UnsupportedFeatureError
from polydriver.prompting import build_prompt
from polydriver.testing.rules import judge_request

MODELS = {
    "openai": "gpt-6-luna", "openai-chat": "gpt-4o", "anthropic": "claude-opus-5", "gemini": "gemini-2.5-flash",
    "bedrock": "amazon.nova-pro-v1:0", "cohere": "command-a-vision-07-2025", "ollama": "llama3.2-vision",
    "perplexity": "sonar", "mistral": "pixtral-large-latest", "openrouter": "openai/gpt-5",
}  # fmt: skip
EPUB = Document.from_bytes(b"PK\x03\x04", "application/epub+zip", name="book.epub")
MEDIA: dict[str, Media] = {
    "image by id": Image.from_id("file-1"),
    "image in S3": Image.from_url("s3://bucket/a.png"),
    "image in Google's storage": Image.from_url("gs://bucket/a.png"),
    "image by URL": Image.from_url("https://a.example/a.png"),
    "image of an odd type": Image.from_bytes(b"BM", "image/bmp"),
    "document by URL": Document.from_url("https://a.example/a.pdf"),
    "document by id": Document.from_id("file-2"),
    "odd document": EPUB,
    "audio by URL": Audio.from_url("https://a.example/a.ogg"),
    "audio": Audio.from_bytes(b"OggS", "audio/ogg"),
    "video": Video.from_url("https://a.example/a.mp4"),
}


def render(driver: str, messages: list[AIMessage]) -> tuple[dict[str, Any], list[str], list[Any]]:
    made = made_driver(driver)
    prompt, _ = build_prompt(made, messages, {"model": MODELS[driver]})
    request = made.build_request(prompt)
    return json.loads(request.body or b""), prompt.warnings, judge_request(made.name, request, MODELS[driver])


@pytest.mark.parametrize("kind", MEDIA)
@pytest.mark.parametrize("driver", MODELS)
def test_nothing_further_back_is_refused(driver: str, kind: str) -> None:
    part = MEDIA[kind]
    before = [AIMessage.user(["Look", part]), AIMessage.assistant("Yes.")]
    called = [
        AIMessage("Find it."),
        AIMessage.assistant("", [ToolCall("call_1", "find", {})]),
        AIMessage([ToolResult("call_1", [part])], "tool"),
        AIMessage.assistant("Found."),
    ]
    body, warnings, broken = render(driver, [*before, *called, AIMessage("And?")])
    assert broken == []
    if _is_refused_now(driver, part):
        assert "left out" in json.dumps(body)
        assert warnings


def _is_refused_now(driver: str, part: Media) -> bool:
    try:
        _, _, broken = render(driver, [AIMessage.user(["Look", part])])
    except UnsupportedFeatureError:
        return True
    assert broken == []
    return False


def test_the_same_part_now_and_before_is_refused() -> None:
    with pytest.raises(UnsupportedFeatureError, match="epub"):
        render("anthropic", [AIMessage.user(["Look", EPUB]), AIMessage.assistant("Yes."), AIMessage.user([EPUB])])


def test_the_prompt_stays_as_it_was() -> None:
    made = made_driver("anthropic")
    messages = [AIMessage.user(["Look", EPUB]), AIMessage.assistant("Yes."), AIMessage("And?")]
    prompt, _ = build_prompt(made, messages, {"model": "claude-opus-5"})
    made.build_request(prompt)
    assert prompt.messages == messages
    assert prompt.warnings == ["document input is not read here; a note took its place in the history."]


@pytest.mark.parametrize("driver", MODELS)
def test_halves_of_characters_do_not_break_a_conversation(driver: str) -> None:
    body, _, _ = render(driver, [AIMessage("a\ud83db"), AIMessage.assistant("\ude00"), AIMessage("c\ud83d\ude00d")])
    text = json.dumps(body, ensure_ascii=False)
    assert "a\ufffdb" in text
    assert "c\U0001f600d" in text


def test_halves_are_mended_as_they_are_read() -> None:
    given = {"a\ud800": ["\ud83d\ude00", ("\udc00", 1.5, None)]}
    assert decode_json(encode_json(given)) == {"a\ufffd": ["\U0001f600", ["\ufffd", 1.5, None]]}


def test_counts_of_a_message_on_bedrock() -> None:
    pages = [Document.from_bytes(b"%PDF-1.7", "application/pdf", name=f"{n}.pdf") for n in range(6)]
    with pytest.raises(UnsupportedFeatureError, match="more than 5 documents"):
        render("bedrock", [AIMessage.user(["Read", *pages])])
    body, _, broken = render("bedrock", [AIMessage.user(["Read", *pages[:5]])])
    assert len(body["messages"][0]["content"]) == 6
    assert broken == []


def test_system_messages_of_chat_completions_are_text() -> None:
    picture = Image.from_bytes(b"\x89PNG\r\n\x1a\n", "image/png")
    body, warnings, broken = render("openai-chat", [AIMessage(["Be kind", picture], "system"), AIMessage("Hi")])
    assert broken == []
    assert body["messages"][0] == {"role": "system", "content": "Be kind"}
    assert "text alone" in warnings[0]


def test_options_that_claude_and_gemini_refuse() -> None:
    made = made_driver("anthropic")
    wanted = {"model": "claude-haiku-4-5", "reasoning_budget": 10**6, "top_k": -1}
    prompt, _ = build_prompt(made, [AIMessage("Hi")], wanted)
    body = json.loads(made.build_request(prompt).body or b"")
    assert body["max_tokens"] == 64_000 > body["thinking"]["budget_tokens"]
    assert "top_k" not in body
    made = made_driver("gemini")
    prompt, _ = build_prompt(made, [AIMessage("Hi")], {"model": "gemini-2.5-flash", "service_tier": "scale"})
    assert "serviceTier" not in json.loads(made.build_request(prompt).body or b"")
