"""What the answers of our fixtures mean: the same on all wires."""

from __future__ import annotations

from ...data.usage import TokenUsage
from ..replies import ExpectedAnswer

__all__ = ["expected_answers"]


def expected_answers(
    used: TokenUsage,
    used_with_calls: TokenUsage,
    *,
    end: tuple[str | None, str | None],
    model: str | None = None,
    id: str | None = None,
    ids: tuple[str, ...] | None = None,
) -> dict[str, ExpectedAnswer]:
    """What they are read as. `end` are the wire's words for the end of a text and of calls, `ids` are of the calls."""
    text = ExpectedAnswer(
        content="Grüße, 世界 🌍!", raw_finish_reason=end[0], usage=used, model=model, id=id, provider_data=()
    )
    calls = ExpectedAnswer(
        tool_calls=[("get_weather", {"city": "Paris"}), ("get_time", {})],
        call_ids=ids,
        finish_reason="tool_calls",
        raw_finish_reason=end[1],
        usage=used_with_calls,
        model=model,
        id=id,
    )
    return {"whole_reply": text, "stream_reply": text, "tool_reply": calls, "tool_stream_reply": calls}
