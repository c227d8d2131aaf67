"""Nothing is sent, nothing is fetched, and files belong to whom the umask says."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.preloaded import run_python

# Runs in every Python process of a command, before anything else.
LISTENER = """
import os, sys

def listen(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        with open(os.environ["HEARD"], "a") as file:
            file.write(f"{event} {arguments[1:]}\\n")

sys.addaudithook(listen)
"""


def without_network() -> list[str]:
    """Return what runs a command in a network namespace of its own, where that is permitted."""
    for options in (["-n"], ["-r", "-n"]):
        done = subprocess.run(["unshare", *options, "true"], capture_output=True, check=False)
        if done.returncode == 0:
            return ["unshare", *options]
    return []


def run_listening(
    folder: Path, *arguments: object, variables: dict[str, str] | None = None
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run Python with a listener to its sockets; return what it ended with and was heard."""
    (folder / "sitecustomize.py").write_text(LISTENER)
    heard = folder / "heard"
    environment = {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "HEARD": str(heard)}
    done = subprocess.run(
        [*without_network(), sys.executable, *map(str, arguments)],
        cwd=folder,
        env=os.environ | (variables or {}) | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done, heard.read_text() if heard.exists() else ""


@pytest.mark.slow
def test_a_build_works_without_a_network_and_asks_for_none(
    tmp_path: Path, dbt_variables: dict[str, str]
) -> None:
    size = ("--n-users", 20, "--days", 75)
    done, heard = run_listening(
        tmp_path, "-m", "generator", "build", *size, variables=dbt_variables
    )
    assert done.returncode == 0, done.stderr
    assert heard == ""


def test_the_listener_hears(tmp_path: Path) -> None:
    code = "import socket; socket.socket().connect_ex(('127.0.0.1', 9))"
    _, heard = run_listening(tmp_path, "-c", code)
    assert "socket.connect" in heard


def test_dbt_sends_no_usage_statistics() -> None:
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    assert project["flags"]["send_anonymous_usage_stats"] is False


def test_the_engine_fetches_no_extension(tmp_path: Path) -> None:
    code = (
        "import generator.loader.load, duckdb, sys; con = duckdb.connect(); "
        'print([row[0] for row in con.execute("select extension_name from duckdb_extensions()'
        " where loaded and install_mode <> 'STATICALLY_LINKED'\").fetchall()])"
    )
    done, _ = run_listening(tmp_path, "-c", code)
    assert done.stdout == "[]\n", done.stderr


MASKED = """
import os, sys
from generator.cli.app import main
os.umask(int(sys.argv.pop(1)))
main()
"""


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_files_have_the_mode_that_the_umask_says(
    mask: int, tmp_path: Path, dbt_variables: dict[str, str]
) -> None:
    def elearn(*arguments: object) -> None:
        command = ["-c", MASKED, str(mask), *map(str, arguments)]
        assert run_python(command, tmp_path, os.environ | dbt_variables).returncode == 0

    size = ("--n-users", 3, "--days", 3)
    elearn("generate", *size)
    elearn("generate", *size, "--output-dir", "files/deep")
    elearn("generate", *size, "--output-dir", "parquet", "--format", "parquet")
    found = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert found.pop(tmp_path / "warehouse.private.duckdb") == 0o600
    assert len(found) > 8
    for path, mode in found.items():
        assert mode == (0o777 if path.is_dir() else 0o666) & ~mask, path


PIN = re.compile(r"^([A-Za-z0-9._-]+)==([A-Za-z0-9.+!]+)$")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_installed_package_is_pinned_and_at_its_pin() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(map(PIN.match, pins)), "one exact version a line, and no address"
    pinned = {normal(name): version for name, version in (pin.split("==") for pin in pins)}
    installed = {normal(found.metadata["Name"]): found.version for found in distributions()}
    for tool in ("pip", "setuptools", "wheel", "elearn-churn-warehouse"):
        installed.pop(tool, None)
    assert {name: pinned.get(name) for name in installed} == installed
