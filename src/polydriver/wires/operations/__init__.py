"""Operations beyond chat in OpenAI's form, which many services share: pairs of hooks to put in front of a driver.

Which hooks make which operation is told in `polydriver.operations`. What services do differently is said by class
attributes.
"""

from __future__ import annotations

from .audio import Speech, Transcription, Translation
from .batches import Batches
from .embeddings import Embeddings
from .files import Files
from .images import ImageEditing, ImageGeneration
from .moderation import Moderation
from .ocr import DocumentReading
from .rerank import Reranking
from .tokens import InputTokenCounting

__all__ = [
    "Batches",
    "DocumentReading",
    "Embeddings",
    "Files",
    "ImageEditing",
    "ImageGeneration",
    "InputTokenCounting",
    "Moderation",
    "Reranking",
    "Speech",
    "Transcription",
    "Translation",
]
