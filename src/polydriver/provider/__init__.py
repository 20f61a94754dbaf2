"""The interface that users call: fourteen methods, of which seven wait and seven never do, and their companions.

`Provider` is blocking, `AsyncProvider` its async twin with the same names. Both run the same pipeline.
"""

from __future__ import annotations

from .answers import Answers, Message
from .asynchronous import AsyncProvider
from .blocking import Provider

__all__ = ["Answers", "AsyncProvider", "Message", "Provider"]
