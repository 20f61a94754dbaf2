"""Recorded exchanges as the transport of a driver."""

from __future__ import annotations

from typing import Literal

from ..data.http import TransportConfig
from ..engine.transports import AsyncTransport, BlockingTransport, transport_for
from .exchanges import CassetteMode, Exchanges, UnmatchedRequestError
from .recording import AsyncRecordingTransport, AsyncReplayTransport, RecordingTransport, ReplayTransport

__all__ = ["Cassette", "CassetteMode", "UnmatchedRequestError"]


class Cassette(Exchanges):
    """One file of recorded exchanges.

    Give it to a driver as its transport, for blocking and async callers: `OpenAIDriver({...},
    transport=Cassette(path))`. Each exchange is played once, in the order of the file among those that match.
    A request matches by method, URL and body, where JSON counts by its value; secrets are scrubbed from both
    first. Recording needs `save()` at the end, or a `with`; that writes the file whole, so that a failed run
    leaves no half of one. Safe in many threads.
    """

    def __call__(
        self, kind: Literal["blocking", "async"], config: TransportConfig
    ) -> BlockingTransport | AsyncTransport:
        """The transport for one kind of caller, over the usual HTTP client when"""
        if kind == "blocking":
            if self.is_recording:
                return RecordingTransport(transport_for("blocking", config), self)
            return ReplayTransport(self)
        if self.is_recording:
            return AsyncRecordingTransport(transport_for("async", config), self)
        return AsyncReplayTransport(self)
