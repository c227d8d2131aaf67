"""A real headless Chromium, driven over its DevTools protocol.

Debian's ``chromium`` is the only thing needed: with ``--remote-debugging-pipe`` it speaks the
protocol as JSON, each message ended by a zero byte, over two pipes. That takes no driver program,
no port and no further package, and shows what ``--dump-dom`` cannot: every console message, every
request and every exception, at any width of the screen.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)

PATIENCE = 60
"""Seconds that a page may take to draw; a shared machine may be slow."""


class Browser:
    """One tab; remembers what it was told of while pages loaded."""

    def __init__(self, reading: int, writing: int) -> None:
        self._replies, self._commands = reading, writing
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result; events on the way are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (reply := self._read()).get("id") != self._number:
            self._keep(reply)
        assert "error" not in reply, reply["error"]
        return reply["result"]

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        done = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def open(self, page: Path, width: int) -> None:
        """Load a file on a screen of some width, and wait for every chart of the page."""
        self.call("Page.navigate", url="about:blank")
        self.settle()
        self.requests.clear()
        self.complaints.clear()
        self.resize(width)
        self.call("Page.navigate", url=page.resolve().as_uri())
        waiting = "document.querySelectorAll('.chart:not(:has(svg))').length"
        deadline = time.monotonic() + PATIENCE
        while self.run("document.readyState") != "complete" or self.run(waiting):
            assert not self.complaints, self.complaints
            assert time.monotonic() < deadline, f"{self.run(waiting)} charts were not drawn"
            time.sleep(0.1)
        self.settle()

    def resize(self, width: int) -> None:
        """Change the width of the screen."""
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **screen)

    def settle(self) -> None:
        """Wait until what was drawn is laid out."""
        self.run("new Promise(done => requestAnimationFrame(() => setTimeout(done, 200)))")

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            more = os.read(self._replies, 1 << 16)
            assert more, "chromium ended"
            self._unread += more
        message, self._unread = self._unread.split(b"\0", 1)
        return json.loads(message)

    def _keep(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "warning", "assert"):
                self.complaints.append(str(parameters["args"]))
            case "Runtime.exceptionThrown":
                self.complaints.append(str(parameters["exceptionDetails"]))
            case "Log.entryAdded" if parameters["entry"]["level"] in ("error", "warning"):
                self.complaints.append(parameters["entry"]["text"])


AnyBrowser = TypeVar("AnyBrowser", bound=Browser)


@contextmanager
def started(kind: Callable[[int, int], AnyBrowser] = Browser) -> Iterator[AnyBrowser]:
    """Run a Chromium of its own; without one, fail under CI and skip elsewhere."""
    program = shutil.which("chromium")
    if program is None:
        assert not os.environ.get("CI"), "chromium is not installed"
        pytest.skip("chromium is not installed; it is a package of Debian")
    commands_out, commands_in = os.pipe()
    replies_out, replies_in = os.pipe()
    # Chromium reads commands from 3 and answers on 4; a shell can put the pipes there.
    wiring = f'exec "$@" 3<&{commands_out} 4>&{replies_in}'
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            ["bash", "-c", wiring, "bash", program, *FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(commands_out, replies_in),
            stderr=subprocess.DEVNULL,
        )
        os.close(commands_out)
        os.close(replies_in)
        try:
            yield kind(replies_out, commands_in)
        finally:
            process.kill()
            process.wait()
            os.close(commands_in)
            os.close(replies_out)
