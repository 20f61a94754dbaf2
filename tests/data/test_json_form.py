"""Values go to JSON and back by their types, unchanged: what is stored or sent elsewhere can be read again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver import (
    AIChunk,
    AIMessage,
    AIModel,
    AIResponse,
    Audio,
    Batch,
    Capabilities,
    Choice,
    Cost,
    CredentialReport,
    Document,
    EmbeddingResponse,
    HealthReport,
    Image,
    ModelPricing,
    ModerationResponse,
    ModerationResult,
    OCRPage,
    OCRResponse,
    ProviderPart,
    Reasoning,
    Refusal,
    RerankResponse,
    RerankResult,
    SpeechResponse,
    StoredFile,
    SyncReport,
    Text,
    TokenCount,
    TokenUsage,
    ToolCall,
    ToolResult,
    Transcript,
    TranscriptSegment,
    TranscriptWord,
    Vector,
    Video,
)
from polydriver.data.messages import Part

MOMENT = datetime(2025, 7, 1, 12, 30, tzinfo=UTC)

texts = st.text(max_size=20)
maybe_texts = st.none() | texts
integers = st.integers(-(2**63), 2**63 - 1)
scalars = st.none() | st.booleans() | integers | st.floats(allow_nan=False, allow_infinity=False) | texts
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
json_objects = st.dictionaries(texts, json_values, max_size=3)
provider_data = st.dictionaries(texts, json_objects, max_size=2)
media = {
    "data": st.none() | st.binary(max_size=20),
    "url": maybe_texts,
    "file_id": maybe_texts,
    "media_type": maybe_texts,
    "name": maybe_texts,
    "provider_data": provider_data,
}
leaves: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, texts, citations=st.lists(json_objects, max_size=2), provider_data=provider_data),
    st.builds(Image, **media, detail=maybe_texts),
    st.builds(Audio, **media, transcript=maybe_texts),
    st.builds(Video, **media),
    st.builds(Document, **media, title=maybe_texts, context=maybe_texts, citations=st.booleans()),
    st.builds(Reasoning, texts, provider_data),
    st.builds(Refusal, texts, provider_data),
    st.builds(ToolCall, texts, texts, st.none() | json_objects, maybe_texts, provider_data),
    st.builds(ProviderPart, texts, texts, json_objects),
)
parts: st.SearchStrategy[Part] = leaves | st.builds(
    ToolResult, texts, texts | st.lists(leaves, max_size=3), maybe_texts, st.booleans(), provider_data
)
messages = st.builds(
    AIMessage,
    texts | st.lists(parts, max_size=4),
    st.sampled_from(["system", "developer", "user", "assistant", "tool"]),
    maybe_texts,
    provider_data,
)
counts = st.none() | st.integers(0, 10**9)
usages = st.builds(TokenUsage, counts, counts, counts, counts, total_tokens=counts, raw=st.none() | json_objects)
amounts = st.decimals(allow_nan=False, allow_infinity=False)
costs = st.builds(
    Cost, amounts, items=st.dictionaries(texts, amounts, max_size=2), effective_date=st.none() | st.dates()
)
choice = {"parts": st.lists(parts, max_size=3), "finish_reason": st.none() | st.sampled_from(["stop", "tool_calls"])}
responses = st.builds(
    AIResponse,
    **choice,
    alternatives=st.lists(st.builds(Choice, index=st.integers(0, 9), **choice), max_size=2),
    usage=st.none() | usages,
    cost=st.none() | costs,
    model=maybe_texts,
    response_time=st.none() | st.floats(0, 100),
    warnings=st.lists(texts, max_size=2),
    logprobs=json_values,
    parsed=json_values,
    raw=json_values,
    provider_data=provider_data,
)
chunks = st.builds(AIChunk, content=texts, tool_calls=st.just([ToolCall("1", "f")]), usage=st.none() | usages)


def there_and_back(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value), type=type(value))


@given(messages)
def test_messages(message: AIMessage) -> None:
    assert there_and_back(message) == message


@given(responses)
def test_responses(response: AIResponse) -> None:
    assert there_and_back(response) == response
    assert there_and_back(response.to_message()) == response.to_message()


@given(chunks)
def test_chunks(chunk: AIChunk) -> None:
    assert there_and_back(chunk) == chunk


@given(messages)
def test_messages_in_message_pack(message: AIMessage) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=AIMessage) == message


@pytest.mark.parametrize(
    "value",
    [
        AIModel(id="m", created=MOMENT, input_modalities=["text"], raw={"x": [1]}),
        Capabilities(operations=frozenset({"rerank"}), rate_limits={"requests_per_minute": 3}),
        SyncReport(status="success", added=["m"], synced_at=MOMENT),
        CredentialReport(valid=False, errors=["no"]),
        HealthReport(status="healthy", latency=0.2, checked_at=MOMENT),
        ModelPricing(input=Decimal("0.15"), output=Decimal("0.6"), effective_date=date(2025, 7, 1)),
        ModerationResponse(results=[ModerationResult(flagged=True, scores={"hate": 0.9})]),
        SpeechResponse(audio=Audio(data=b"\0\xff", media_type="audio/wav")),
        Transcript(text="a", segments=[TranscriptSegment(text="a", start=0.5)], words=[TranscriptWord(word="a")]),
        RerankResponse(results=[RerankResult(index=1, score=0.5, document="a")]),
        OCRResponse(pages=[OCRPage(index=0, markdown="# a", images=[Image(data=b"x")])]),
        TokenCount(input_tokens=3),
        StoredFile(id="f", size=3, created=MOMENT),
        Batch(id="b", status="running", created=MOMENT),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_values(value: Any) -> None:
    assert there_and_back(value) == value


def test_vectors() -> None:
    value = EmbeddingResponse(
        embeddings=[Vector([0.5, 1.0])], cost=Cost(Decimal("0.0001")), units={"pages": Decimal("1.5")}
    )
    again = msgspec.json.decode(msgspec.json.encode(value, enc_hook=list), type=EmbeddingResponse)
    assert again == value
    assert type(again.embedding) is Vector
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"embeddings": [["a"]]}', type=EmbeddingResponse)


def test_the_form_is_short_and_says_what_each_part_is() -> None:
    message = AIMessage.tool("call_1", ["It is:", Image(url="https://example.org/a.png")])
    assert msgspec.json.decode(msgspec.json.encode(message)) == {
        "role": "tool",
        "content": [
            {
                "type": "tool_result",
                "tool_call_id": "call_1",
                "content": [
                    {"type": "text", "text": "It is:"},
                    {"type": "image", "url": "https://example.org/a.png"},
                ],
            }
        ],
    }
