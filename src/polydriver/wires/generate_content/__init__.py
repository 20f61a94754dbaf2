"""The generateContent wire: Gemini's, on Google AI Studio and on Vertex AI.

https://ai.google.dev/api/generate-content, https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
"""

from __future__ import annotations

from .wire import GenerateContent

__all__ = ["GenerateContent"]
