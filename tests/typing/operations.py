"""Operations beyond chat, blocking and async."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from polydriver import (
    AIError,
    AIResponse,
    AsyncProvider,
    Audio,
    Batch,
    BatchItem,
    BatchResults,
    Cost,
    DeletedFile,
    Document,
    EmbeddingResponse,
    FileContent,
    Image,
    ImageResponse,
    ModerationResponse,
    OCRResponse,
    Provider,
    RerankResponse,
    SpeechResponse,
    StoredFile,
    TokenCount,
    TokenUsage,
    Transcript,
    Vector,
)


def blocking(provider: Provider) -> None:
    assert_type(provider.embed(["a", "b"], model="e", dimensions=3), EmbeddingResponse)
    assert_type(provider.embed("a", model="e").embedding, Vector)
    assert_type(provider.moderate(["a", Image.from_url("https://example.org/a.png")]), ModerationResponse)
    assert_type(provider.generate_image("A fox", size="1024x1024"), ImageResponse)
    assert_type(provider.edit_image("Bluer", [Path("a.png"), "b.png", b"..."]), ImageResponse)
    assert_type(provider.speak("Hello", voice="alloy").audio, Audio)
    assert_type(provider.transcribe("a.wav"), Transcript)
    assert_type(provider.translate(Audio.from_path("a.wav")), Transcript)
    assert_type(provider.rerank("a?", ["a", "b"], top_n=1), RerankResponse)
    assert_type(provider.ocr(Document.from_path("a.pdf")), OCRResponse)
    assert_type(provider.count_tokens("Hi", model="m"), TokenCount)


def files(provider: Provider) -> None:
    assert_type(provider.upload_file("a.pdf", purpose="user_data"), StoredFile)
    assert_type(provider.list_files(limit=5), list[StoredFile])
    assert_type(provider.get_file("f"), StoredFile)
    assert_type(provider.delete_file("f"), DeletedFile)
    assert_type(provider.download_file("f"), FileContent)


def batches(provider: Provider) -> None:
    assert_type(provider.create_batch(["a", ["b", "c"]], model="m"), Batch)
    assert_type(provider.run_batch(["a"], custom_ids=["x"], state="night", model="m"), BatchResults)
    assert_type(provider.get_batch("b"), Batch)
    assert_type(provider.list_batches(), list[Batch])
    assert_type(provider.cancel_batch("b"), Batch)
    results = provider.get_batch_results("b")
    assert_type(results, BatchResults)
    assert_type(results["prompt-0"], BatchItem)
    assert_type(results["prompt-0"].response, AIResponse | None)
    assert_type(results["prompt-0"].error, AIError | None)


def results(response: EmbeddingResponse) -> None:
    assert_type(response.usage, TokenUsage | None)
    assert_type(response.cost, Cost | None)
    assert_type(response.warnings, list[str])


async def awaited(provider: AsyncProvider) -> None:
    assert_type(await provider.embed("a", model="e"), EmbeddingResponse)
    assert_type(await provider.moderate("a"), ModerationResponse)
    assert_type(await provider.generate_image("A fox"), ImageResponse)
    assert_type(await provider.edit_image("Bluer", "a.png"), ImageResponse)
    assert_type(await provider.speak("Hello"), SpeechResponse)
    assert_type(await provider.transcribe(b"..."), Transcript)
    assert_type(await provider.translate("a.wav"), Transcript)
    assert_type(await provider.rerank("a?", ["a"]), RerankResponse)
    assert_type(await provider.ocr("https://example.org/a.pdf"), OCRResponse)
    assert_type(await provider.count_tokens(["Hi"]), TokenCount)
    assert_type(await provider.upload_file("a.pdf"), StoredFile)
    assert_type(await provider.list_files(), list[StoredFile])
    assert_type(await provider.get_file("f"), StoredFile)
    assert_type(await provider.delete_file("f"), DeletedFile)
    assert_type(await provider.download_file("f"), FileContent)
    assert_type(await provider.create_batch(["a"]), Batch)
    assert_type(await provider.run_batch(["a"], on_progress=print), BatchResults)
    assert_type(await provider.get_batch("b"), Batch)
    assert_type(await provider.list_batches(), list[Batch])
    assert_type(await provider.cancel_batch("b"), Batch)
    assert_type(await provider.get_batch_results("b"), BatchResults)
    assert_type(await provider.get_response("r"), AIResponse)
    assert_type(await provider.cancel_response("r"), AIResponse)
