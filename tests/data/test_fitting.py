"""Fitting a conversation to a driver that reads less than the one before."""

from __future__ import annotations

import pytest

from polydriver.data.fitting import fit_media, reads
from polydriver.data.messages import AIMessage, Audio, Document, Image, Media, Text, ToolResult, Video
from polydriver.data.models import Capabilities

IMAGE = Image.from_bytes(b"\x89PNG", "image/png", name="cat.png")
AUDIO = Audio.from_bytes(b"RIFF", "audio/wav")
PDF = Document.from_bytes(b"%PDF", "application/pdf")
NOTES = Document.from_bytes(b"Hi", "text/markdown")
BLIND = Capabilities()
SEEING = Capabilities(vision=True, audio=True, supported_formats=("text", "image", "audio", "document", "video"))


class RefusedError(Exception):
    """What these tests refuse with."""


def fit(messages: list[AIMessage], capabilities: Capabilities = BLIND) -> tuple[list[AIMessage], list[str]]:
    warnings: list[str] = []
    return fit_media(messages, capabilities, warnings.append, RefusedError), warnings


@pytest.mark.parametrize("part", [IMAGE, AUDIO, PDF, Video.from_url("https://x.example/a.mp4")])
def test_capabilities_say_what_is_read(part: Media) -> None:
    assert reads(SEEING, part)
    assert not reads(BLIND, part)


def test_documents_of_text_are_read_by_all() -> None:
    assert reads(BLIND, NOTES)


def test_what_is_read_stays_as_it_is() -> None:
    messages = [AIMessage.user(["Look.", IMAGE, PDF]), AIMessage.assistant("Yes."), AIMessage("And?")]
    fitted, warnings = fit(messages, SEEING)
    assert all(new is old for new, old in zip(fitted, messages, strict=True))
    assert not warnings
    plain = [AIMessage("Hi")]
    assert fit(plain)[0] is plain


def test_the_newest_turn_is_refused() -> None:
    with pytest.raises(RefusedError, match="image input"):
        fit([AIMessage("Hi"), AIMessage.assistant("Hello."), AIMessage.user([IMAGE]), AIMessage("And?")])


def test_what_was_said_before_becomes_a_note() -> None:
    fitted, warnings = fit([AIMessage.user(["Look.", IMAGE, AUDIO]), AIMessage.assistant("Yes."), AIMessage("And?")])
    assert fitted[0].parts == [Text("Look."), Text("[image left out: cat.png]"), Text("[audio left out]")]
    assert len(warnings) == 2


def test_results_of_tools_are_never_refused() -> None:
    fitted, warnings = fit([AIMessage([ToolResult("call_1", [Text("seen"), IMAGE], "look", True)], "tool")])
    assert fitted[0].parts == [ToolResult("call_1", [Text("seen"), Text("[image left out: cat.png]")], "look", True)]
    assert len(warnings) == 1


def test_answers_are_left_to_the_wire() -> None:
    spoken = AIMessage.assistant([AUDIO])
    assert fit([spoken])[0] == [spoken]


@pytest.mark.parametrize("kind", ["text/plain", "text/markdown", "application/json"])
def test_a_document_of_plain_text_is_text(kind: str) -> None:
    assert Document.from_bytes("Grüße".encode(), kind).plain_text == "Grüße"
    assert Document.from_bytes(b"%PDF-1.4", "application/pdf").plain_text is None
    assert Document.from_url("https://h/a.txt").plain_text is None
