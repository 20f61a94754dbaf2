"""512 texts to embed: a `step` asks once, as each library does by itself, and looks at the vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import API_KEY

__all__ = ["OpenAISDK", "Polydriver"]

_MODEL = "text-embedding-3-small"
_TEXTS = [f"text {number}" for number in range(512)]


def _check(vectors: list[Any]) -> None:
    last: Sequence[float] = vectors[-1]
    if len(vectors) != len(_TEXTS) or len(last) != 1536 or not -1.0 < last[-1] < 1.0:
        raise AssertionError("wrong vectors")


class OpenAISDK:
    """`openai.OpenAI`."""

    def __init__(self, origin: str) -> None:
        import openai

        self._client = openai.OpenAI(api_key=API_KEY, base_url=f"{origin}/embeddings/v1")

    def step(self) -> None:
        """One call."""
        reply = self._client.embeddings.create(model=_MODEL, input=_TEXTS)
        _check([item.embedding for item in reply.data])


class Polydriver:
    """Through a provider."""

    def __init__(self, origin: str) -> None:
        from polydriver import OpenAIDriver

        self._provider = OpenAIDriver({"api_key": API_KEY, "base_url": f"{origin}/embeddings/v1"})

    def step(self) -> None:
        """One call."""
        _check(self._provider.embed(_TEXTS, model=_MODEL).embeddings)
