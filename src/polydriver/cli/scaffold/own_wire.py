"""Replies in the form that the driver of `--wire own` reads."""

from __future__ import annotations

from ...testing.fixtures import WireFixtures

__all__ = ["OWN_FIXTURES"]

OWN_FIXTURES = WireFixtures(
    whole_reply=(
        '{"id": "ans_1", "model": "m-1", "text": "Grüße, 世界 🌍!", "ending": "done",'
        ' "tokens": {"read": 19, "written": 10}}'
    ).encode(),
    stream_reply=(
        'data: {"id": "ans_1", "model": "m-1", "delta": "Grüße, "}\n\n'
        'data: {"id": "ans_1", "model": "m-1", "delta": "世界 🌍!"}\n\n'
        'data: {"id": "ans_1", "model": "m-1", "ending": "done", "tokens": {"read": 19, "written": 10}}\n\n'
    ).encode(),
    models_reply=b'{"data": [{"id": "m-1", "name": "Model 1", "context_length": 32000}]}',
)
