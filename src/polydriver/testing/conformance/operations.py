"""An example of a call of each operation beyond chat."""

from __future__ import annotations

from typing import Any

import msgspec

from ...data.messages import Audio, Document, Image

__all__ = ["EXAMPLES", "OperationExample"]

_PIXELS = b"\x89PNG\r\n\x1a\n conformance image"


class OperationExample(msgspec.Struct, frozen=True):
    """What a method of `Provider` is called with: the first argument, and whether a model is named."""

    given: tuple[Any, ...] = ()
    options: dict[str, Any] = {}
    needs_model: bool = True

    def call(self, driver: Any, method: str, model: str) -> Any:
        """Call it."""
        named = {"model": model} if self.needs_model else {}
        return getattr(driver, method)(*self.given, **self.options, **named)


_SOUND = Audio.from_bytes(b"RIFF conformance", "audio/wav", name="sound.wav")
_IMAGE = Image.from_bytes(_PIXELS, "image/png", name="image.png")
_BY_ID = OperationExample(("conformance-id",), {}, False)
_LIST = OperationExample((), {}, False)

EXAMPLES: dict[str, OperationExample] = {
    "embed": OperationExample((["one text", "another"],)),
    "moderate": OperationExample(("a text",)),
    "generate_image": OperationExample(("a house",)),
    "edit_image": OperationExample(("with a door", _IMAGE)),
    "speak": OperationExample(("a text",), {"voice": "alloy"}),
    "transcribe": OperationExample((_SOUND,)),
    "translate": OperationExample((_SOUND,)),
    "rerank": OperationExample(("a question", ["one", "another"])),
    "ocr": OperationExample((Document.from_bytes(b"%PDF-1.4", "application/pdf", name="a.pdf"),)),
    "count_tokens": OperationExample(("a text",)),
    "upload_file": OperationExample((b"{}",), {"purpose": "batch", "name": "a.jsonl"}, False),
    "list_files": _LIST,
    "get_file": _BY_ID,
    "delete_file": _BY_ID,
    "download_file": _BY_ID,
    "create_batch": OperationExample((["a text", "another"],)),
    "get_batch": _BY_ID,
    "list_batches": _LIST,
    "cancel_batch": _BY_ID,
    "get_batch_results": _BY_ID,
    "get_response": _BY_ID,
    "cancel_response": _BY_ID,
}
"""By the method's name."""
