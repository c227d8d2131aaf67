"""A Superset that serves the bundle, as `make superset` starts it, and its API."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

EXAMPLE = ROOT / "examples/superset"
BUNDLE = EXAMPLE / "bundle"
PATIENCE = 300
"""Seconds that Superset may take to start on a shared machine; its tables take most of them."""

Rows = list[dict[str, Any]]


@dataclass
class Superset:
    """A running server, and the folder whose published file it reads."""

    folder: Path
    address: str
    password: str
    headers: dict[str, str] = field(default_factory=dict)
    opener: urllib.request.OpenerDirector = field(
        default_factory=lambda: urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    )

    @property
    def published(self) -> Path:
        return self.folder / "published/elearn.duckdb"

    def sign_in(self) -> None:
        """Let the API know who asks."""
        account = {"username": "admin", "password": self.password, "provider": "db"}
        token = self.ask("security/login", account)["access_token"]
        self.headers["Authorization"] = f"Bearer {token}"
        self.headers["X-CSRFToken"] = self.ask("security/csrf_token/")["result"]

    def ask(self, path: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
        return json.loads(self.fetch(path, content))

    def fetch(self, path: str, content: dict[str, Any] | None = None) -> bytes:
        if content is None:
            return self.send(path, None, {})
        return self.send(path, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def send(
        self, path: str, body: bytes | None, headers: dict[str, str], method: str | None = None
    ) -> bytes:
        address = f"{self.address}/api/v1/{path}"
        request = urllib.request.Request(address, body, self.headers | headers, method=method)
        try:
            with self.opener.open(request, timeout=PATIENCE) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read().decode()}") from error

    def charts(self) -> dict[str, int]:
        """Return the id of each chart by its name."""
        found = self.ask("chart/?q=(page_size:100)")["result"]
        return {chart["slice_name"]: chart["id"] for chart in found}

    def data(self, chart: int) -> Rows:
        """Return the rows of a chart, asked for as the chart was saved."""
        [answer] = self.ask(f"chart/{chart}/data/")["result"]
        return answer["data"]

    def exported(self) -> dict[str, str]:
        """Return the files of the dashboard as Superset's own export packs them."""
        with zipfile.ZipFile(io.BytesIO(self.fetch("dashboard/export/?q=!(1)"))) as bundle:
            return {name.split("/", 1)[1]: bundle.read(name).decode() for name in bundle.namelist()}

    def change(self, path: str, content: dict[str, Any]) -> None:
        """Change a part of something that stands in Superset."""
        headers = {"Content-Type": "application/json"}
        self.send(path, json.dumps(content).encode(), headers, method="PUT")

    def upload(self, files: dict[str, str]) -> None:
        """Import a dashboard over what is there, as a person does with its zip file."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as bundle:
            for name, text in files.items():
                bundle.writestr(f"bundle/{name}", text)
        head = 'Content-Disposition: form-data; name="'
        body = (
            f'--part\r\n{head}overwrite"\r\n\r\ntrue\r\n'
            f'--part\r\n{head}formData"; filename="bundle.zip"\r\n\r\n'
        )
        self.send(
            "dashboard/import/",
            body.encode() + packed.getvalue() + b"\r\n--part--\r\n",
            {"Content-Type": "multipart/form-data; boundary=part"},
        )


def in_order(text: str) -> dict[str, Any]:
    """Return what a file says; Superset exports columns and metrics in any order."""
    content = yaml.safe_load(text)
    for part in ("columns", "metrics"):
        content.get(part, []).sort(key=str)
    return content


def bundle_files(folder: Path = BUNDLE) -> dict[str, str]:
    """Return the text of each file of the bundle by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.yaml")
    }


@contextmanager
def serving(python: str, folder: Path) -> Iterator[Superset]:
    """Start Superset in a folder that holds a published file, with empty tables of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "superset.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [python, EXAMPLE / "bundle.py", "serve", "--port", str(port)],
            cwd=folder,
            env=without_path(),
            stdout=output,
            stderr=output,
        )
    try:
        await_health(process, f"http://127.0.0.1:{port}/health", log)
        password = (folder / "target/superset/password").read_text()
        server = Superset(folder, f"http://127.0.0.1:{port}", password)
        assert f"{server.address}/superset/dashboard/churn/" in log.read_text()
        assert f"user admin, password {password}" in log.read_text()
        server.sign_in()
        yield server
    finally:
        process.terminate()
        process.wait(timeout=60)


def without_path() -> dict[str, str]:
    """Return the environment for a Python with packages of its own."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def await_health(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=10):
                return
        except OSError:
            time.sleep(0.5)


def read_bundle(folder: str) -> list[dict[str, Any]]:
    """Return the documents of one folder of the bundle."""
    return [yaml.safe_load(path.read_text()) for path in sorted((BUNDLE / folder).rglob("*.yaml"))]
