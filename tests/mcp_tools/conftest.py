from __future__ import annotations

import importlib.util
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVER = Path(__file__).with_name("server.py")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[str, list[str], dict[str, object]]]:
    """The test server over stdio: command, arguments, and where it logs."""
    with (tmp_path / "server.log").open("w") as log:
        yield sys.executable, [str(SERVER)], {"log": log}


def serve(app_name: str, port: int = 0) -> Iterator[str]:
    """Serve the test server's app on loopback, in a thread."""
    import uvicorn

    spec = importlib.util.spec_from_file_location("served", SERVER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    listener = socket.create_server(("127.0.0.1", port))
    port = listener.getsockname()[1]
    config = uvicorn.Config(getattr(module.server, app_name)(), log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def http_url() -> Iterator[str]:
    for base in serve("streamable_http_app"):
        yield f"{base}/mcp"


@pytest.fixture(scope="module")
def sse_url() -> Iterator[str]:
    for base in serve("sse_app"):
        yield f"{base}/sse"
