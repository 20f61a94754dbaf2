"""Requests and replies as plain values: what a driver builds and reads, and a transport carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, Protocol
from urllib.parse import unquote

import msgspec

from .sealed import MASK, Headers, SealedText, any_looks_secret, looks_secret
from .usage import TokenUsage

__all__ = [
    "Interruptible",
    "Reply",
    "Request",
    "Simulated",
    "Timeouts",
    "TransportConfig",
    "has_dot_segment",
    "request_id_in",
]


def has_dot_segment(url: str) -> bool:
    """Whether a URL's path has `.` or `..` as a segment, escaped or not: servers and proxies would resolve it."""
    if "/." not in url and "%" not in url and "\\" not in url:
        return False
    path = unquote(re.split(r"[?#]", url, maxsplit=1)[0]).replace("\\", "/")
    return any(segment in (".", "..") for segment in path.split("/"))


_MANY = 2_000
_UNPRINTABLE = re.compile(r"[^ -~]")


def request_id_in(headers: Mapping[str, str]) -> str | None:
    """The provider's id of a request, from the headers of a reply that are in use for it: printable, for terminals."""
    for name in _REQUEST_ID_HEADERS:
        if value := headers.get(name):
            return _UNPRINTABLE.sub("", value[:200]) or None
    return None


class Request(msgspec.Struct, kw_only=True):
    """One HTTP request.

    `url` is absolute; `headers` has lower-case names; `body` is bytes or `None`; `stream` tells the transport
    that the reply will be read as it comes. `repr` shows no header and no body, since both can hold secrets;
    the values of headers such as `authorization`, and a URL with a key in its query, don't show anywhere
    (`data.sealed`).
    """

    method: str
    url: str
    headers: dict[str, str] = {}
    body: bytes | None = None
    stream: bool = False

    def __post_init__(self) -> None:
        self.headers = Headers(self.headers)
        if "?" in self.url and any(looks_secret(pair.partition("=")[0]) for pair in re.split("[?&]", self.url)[1:]):
            self.url = SealedText(self.url)

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url.split('?', 1)[0]}>"

    def __rich_repr__(self) -> Any:
        yield self.method
        yield self.url.split("?", 1)[0]


class Reply(msgspec.Struct, kw_only=True):
    """One whole HTTP reply. `headers` has lower-case names; `body` is decoded from its content encoding.

    `redialed`: the server had closed the kept connection that the request first went out on, so it went out again on a
    new one. `request` is what it answers, without headers. `request_id`: the provider's id of it (`request_id_in`).
    `usage`: what it used, which an operation notes for the cost of each exchange, also of one whose reply cannot be
    read. The values of headers such as `set-cookie` don't show.
    """

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""
    redialed: bool = False
    request: Request | None = None
    request_id: str | None = None
    usage: TokenUsage | None = None

    def __post_init__(self) -> None:
        if type(self.headers) is not Headers:
            names = tuple(self.headers)
            if sum(map(len, names)) > _MANY or any_looks_secret(names):  # it remembers what it is asked
                self.headers = Headers(self.headers)
        if self.request_id is None:
            self.request_id = request_id_in(self.headers)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def __repr__(self) -> str:
        return f"<Reply {self.status}, {len(self.body)} bytes>"

    def __rich_repr__(self) -> Any:
        yield self.status
        yield f"{len(self.body)} bytes"


class Interruptible(Protocol):
    """What a thread waits for."""

    def interrupt(self) -> None:
        """Have that thread stop waiting at once; from any thread, and at any time."""
        ...


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one attempt: `connect` and `silence` in seconds, `expires` and `deadline` as readings of
    `time.monotonic()`.

    `expires` is when the attempt is over if nothing is heard. Each sign of life (a place in the pool and a connection
    were got, a part of the request was taken, bytes came) moves it: `silence` seconds from then on, but not beyond
    `deadline`. All this up to the end of a whole reply, or up to the headers of a streamed one. `max_bytes` bounds
    the decoded body. `stop` is told what a blocking caller waits for, by
    `watch`, to stop it from another thread.
    """

    connect: float
    expires: float
    silence: float = 0.0
    deadline: float = float("inf")
    max_bytes: int = 64 * 1024 * 1024
    stop: Any = None

    def after(self, now: float) -> float:
        """When the attempt is over, given a sign of life at `now` (a reading of `time.monotonic()`)."""
        return max(self.expires, min(now + self.silence, self.deadline))


class TransportConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How connections are made and kept: one record for each connection of a manager.

    `proxy` is an `http://` or `https://` URL that all requests go through; without it, and with `trust_env`,
    the usual `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` decide. `ca_file` is a PEM file that
    replaces the system's certificate authorities; `client_cert` is a PEM file with certificate and key, or
    the two files; `verify=False` accepts any certificate. `max_connections` counts for each host; `keepalive`
    is how long, in seconds, an idle connection is kept. `max_header_bytes` and `max_headers` bound the head
    of a reply. `http_client` names the client: `None` is the default of each colour (urllib3, aiohttp),
    "httpx2" serves both.
    """

    proxy: str | None = None
    trust_env: bool = True
    ca_file: str | None = None
    client_cert: str | tuple[str, str] | None = None
    verify: bool = True
    max_connections: int = 1000
    keepalive: float = 60.0
    max_header_bytes: int = 64 * 1024
    max_headers: int = 256
    http_client: Literal["aiohttp", "urllib3", "httpx2"] | None = None

    def __post_init__(self) -> None:
        if self.proxy is not None and "@" in self.proxy and f":{MASK}@" not in self.proxy:
            msgspec.structs.force_setattr(self, "proxy", SealedText(self.proxy))

    def __repr__(self) -> str:
        return f"<TransportConfig {self.http_client or 'default'}, proxy {'set' if self.proxy else 'not set'}>"


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that an offline driver makes up: what a server would have sent, and how it ends.

    `chunks` arrive one by one, each after its delay (seconds; one number means the same for all). `end` is
    "clean", "cut" (the connection breaks after the last chunk), "stall" (nothing more comes, until the time
    is over), "refuse" (no connection at all) or "timeout" (not even headers).
    """

    status: int = 200
    headers: dict[str, str] = {}
    chunks: list[bytes] = []
    delays: list[float] | float = 0.0
    end: Literal["clean", "cut", "stall", "refuse", "timeout"] = "clean"


_REQUEST_ID_HEADERS = (
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "x-ms-request-id",
    "apim-request-id",
    "x-goog-request-id",
    "x-debug-trace-id",
    "cf-ray",
)
