"""Answers of the response cache, beside what is to be done for every call: building the prompt.

A `step` does one of them.
"""

from __future__ import annotations

from typing import Any

from polydriver import MockDriver
from polydriver.prompting import build_prompt

from .storing import new_folder

__all__ = ["Hit", "HitOfDatabase", "Prompt", "StreamedHit"]

_QUESTION = (
    "What is it that a cache remembers, and that everybody else has forgotten by the time it is asked for again?"
)
_OPTIONS: dict[str, Any] = {"model": "mock", "temperature": 0.5, "max_tokens": 100}


class _Asking:
    def __init__(self, _origin: str) -> None:
        self.driver = MockDriver(default=_QUESTION, cache=self.settings(), logging={"enabled": False})
        self.attach()
        self.step()

    def settings(self) -> dict[str, Any]:
        """The table `cache` of the connection."""
        return {"enabled": True}

    def attach(self) -> None:
        """Give the driver its storage, if it has one."""

    def step(self) -> None:
        """One unit of work."""
        self.driver.send_message(_QUESTION, **_OPTIONS)


class Prompt(_Asking):
    """Reads and checks what the caller gives."""

    def step(self) -> None:
        """One unit of work."""
        build_prompt(self.driver, [_QUESTION], _OPTIONS)


class Hit(_Asking):
    """A whole call that is answered from memory."""


class StreamedHit(_Asking):
    """The same for a stream."""

    def step(self) -> None:
        """One unit of work."""
        self.driver.send_streaming_message(_QUESTION, **_OPTIONS).until_done()


class HitOfDatabase(_Asking):
    """A whole call that is answered from SQLite, without a ledger."""

    def settings(self) -> dict[str, Any]:
        """The table `cache` of the connection."""
        return {"enabled": True, "store": "database", "timeout": 60.0}

    def attach(self) -> None:
        """Give the driver its storage."""
        from polydriver.config.storage import StorageConfig
        from polydriver.storage import Storage

        self.storage = Storage(StorageConfig(url=f"sqlite:///{new_folder() / 'ai.db'}", ledger="off"))
        self.storage.attach(self.driver.connection)
