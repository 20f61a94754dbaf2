"""What the documentation's examples find in their environment: every provider at the mock server."""

from __future__ import annotations

__all__ = ["PIXEL", "SETTINGS", "environment"]

SETTINGS = ("OPENAI", "GROQ", "ANTHROPIC", "GEMINI", "MISTRAL", "DEEPSEEK", "TOGETHER", "OPENROUTER")
"""The prefixes of the providers that a user of the examples has keys for."""

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def environment(url: str) -> dict[str, str]:
    """The variables with which every provider is found at `url`, which ends in /v1."""
    root = url.removesuffix("/v1")
    keys = {f"{name}_API_KEY": f"sk-{name.lower()}-for-the-examples" for name in SETTINGS}
    return {**keys, **{f"{name}_BASE_URL": root if name in ("ANTHROPIC", "GEMINI") else url for name in SETTINGS}}
