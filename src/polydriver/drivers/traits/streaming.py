"""HandlesStreaming: a decoder of the driver's own kind for each stream, for drivers that are their own wire."""

from __future__ import annotations

from typing import Any, ClassVar

from ...contract import StreamDecoder
from ...data.prompt import Prompt
from .base import TraitBase

__all__ = ["HandlesStreaming", "StreamDecoder"]


class HandlesStreaming(TraitBase):
    """Gives each stream a decoder of the wire's own kind, named by `decoder_class`."""

    decoder_class: ClassVar[type[StreamDecoder[Any]]]

    def decoder(self, prompt: Prompt) -> StreamDecoder[Any]:
        """A new decoder for one stream."""
        return self.decoder_class(self, prompt)
