"""Chromium without a window, spoken to through chromedriver: https://www.w3.org/TR/webdriver2/.

Debian's packages are chromium and chromium-driver. Nothing leaves this machine: what Chromium looks up for itself is
switched off, and names other than loopback are not resolved.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Browser", "is_installed", "running_browser"]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


def is_installed() -> bool:
    """Return whether both programs are on the path."""
    return all(map(shutil.which, ("chromium", "chromedriver")))


class Browser:
    """One session of WebDriver: a tab that goes from page to page.

    Args:
        driver: Address of chromedriver, such as `http://127.0.0.1:40123`.
        profile: A fresh folder for Chromium's own files.
    """

    def __init__(self, driver: str, profile: Path) -> None:
        self._address = driver
        options = {"args": [*FLAGS, f"--user-data-dir={profile}"], "binary": shutil.which("chromium")}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options}
        answer = self._ask("/session", {"capabilities": {"alwaysMatch": wanted}})
        self._address += f"/session/{answer['sessionId']}"

    def block(self, *patterns: str) -> None:
        """Load nothing from addresses like these: `*/search.json`."""
        self._devtools("Network.enable", {})
        self._devtools("Network.setBlockedURLs", {"urls": list(patterns)})

    def look(self, *, width: int, height: int, dark: bool) -> None:
        """Set the size of the window in CSS pixels, and which colours the reader prefers."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._devtools("Emulation.setDeviceMetricsOverride", size)
        colours = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._devtools("Emulation.setEmulatedMedia", {"features": [colours]})

    def open(self, address: str) -> None:
        """Go to a page, and return when it is loaded."""
        self._ask("/url", {"url": address})

    def run(self, script: str) -> Any:
        """Return what a function's body in JavaScript returns; a promise is waited for."""
        return self._ask("/execute/sync", {"script": script, "args": []})

    def picture(self, *, whole: bool = False) -> bytes:
        """Return the window, or the whole page, as a PNG."""
        answer = self._devtools("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole})
        return base64.b64decode(answer["data"])

    def close(self) -> None:
        """End the session, and Chromium with it."""
        self._ask("", None, method="DELETE")

    def _devtools(self, command: str, params: dict[str, Any]) -> Any:
        return self._ask("/goog/cdp/execute", {"cmd": command, "params": params})

    def _ask(self, path: str, body: object, method: str = "POST") -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._address + path, data=data, method=method)
        request.add_header("content-type", "application/json")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"chromedriver: {json.load(error)['value']['message']}") from None


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start chromedriver on a free port and Chromium with a fresh profile; end both afterwards."""
    with tempfile.TemporaryDirectory(prefix="docs-browser-") as folder:
        command = ["chromedriver", "--port=0", f"--log-path={folder}/driver.log"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                browser = Browser(f"http://127.0.0.1:{port_of(process)}", Path(folder, "profile"))
                try:
                    yield browser
                finally:
                    browser.close()
            finally:
                process.terminate()


def port_of(process: subprocess.Popen[str]) -> int:
    """Read the port that chromedriver tells when it is ready."""
    assert process.stdout is not None
    for line in process.stdout:
        if "started successfully on port" in line:
            return int(line.rsplit(maxsplit=1)[-1].rstrip("."))
    raise RuntimeError("chromedriver ended before it was ready")
