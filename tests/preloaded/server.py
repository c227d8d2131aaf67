"""The process that has imported everything and forks for each run.

It has one thread, or a fork could find a lock held by a thread that it does not have.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import pprint
import runpy
import selectors
import shutil
import signal
import socket
import sys
import threading
import time
import types
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import duckdb

from generator.publishing.unit_tests import PASSED, UnitTests
from tests.preloaded import SOCKET
from tests.preloaded.remembering import remember
from tests.preloaded.sparing import spare

MODULES = """
    generator.cli.app generator.cli.build generator.documentation.writing generator.loader.load
    generator.erasing
    generator.publishing.export generator.publishing.publish generator.sinks.daily
    generator.sinks.files generator.sinks.warehouse generator.warehouse.verify
    generator.warehouse.versions generator.report.page
    rich.console rich.progress typer.rich_utils pyarrow.parquet pyarrow.csv
    dbt.cli.main dbt.adapters.duckdb dbt.task.build dbt.task.docs.generate dbt.task.docs
    agate jinja2.ext
"""


TARGET, PARSED = "target", "partial_parse.msgpack"
HANDED_ON = (PARSED, PASSED)


class _Run(NamedTuple):
    """A fork that runs."""

    process: int
    ended: int
    """Can be read once the process has ended."""
    connection: socket.socket


def preload(folder: Path) -> None:
    """Import everything, and let dbt write the code that it writes for itself, by a build."""
    for name in MODULES.split():
        import_module(name)
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415
    from dbt.adapters.factory import reset_adapters  # noqa: PLC0415
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    remember()
    spare()
    parse_for_any_folder_and_vars()
    from generator import Settings  # noqa: PLC0415
    from generator.sinks.warehouse import generate_warehouse  # noqa: PLC0415

    warehouse = folder / "warehouse.duckdb"
    generate_warehouse(warehouse, Settings(n_users=3, days=40), workers=1)
    os.environ["ELEARN_WAREHOUSE"] = str(warehouse)
    places = ["--target-path", str(folder / TARGET), "--log-path", str(folder / "logs")]
    for command in ("build", "parse"):  # the second one reads what the first one parsed
        outcome = dbtRunner().invoke(["--quiet", "--no-use-colors", command, *places])
        assert outcome.success, outcome.exception
        DuckDBConnectionManager.close_all_connections()
        reset_adapters()
    UnitTests(Path.cwd(), folder / TARGET, os.environ).keep()
    duckdb.default_connection().close()  # its threads would be missed when a fork ends
    gc.collect()
    gc.freeze()


def parse_for_any_folder_and_vars() -> None:
    """Let dbt keep what it parsed, which takes two seconds, for another folder and other vars.

    dbt parses anew for another path of the warehouse, and for other vars, as a macro may read them
    while it is parsed. Ours read them when they are compiled.
    """
    from dbt.contracts.files import FileHash  # noqa: PLC0415
    from dbt.parser.manifest import ManifestLoader  # noqa: PLC0415

    state_check = ManifestLoader.build_manifest_state_check

    def without_folder_and_vars(loader: ManifestLoader) -> Any:
        state = state_check(loader)
        connection = dict(loader.root_project.credentials.connection_info())
        connection["path"] = Path(connection.get("path", "")).name
        state.profile_hash = FileHash.from_contents(pprint.pformat(sorted(connection.items())))
        state.vars_hash = FileHash.from_contents("any vars")
        return state

    ManifestLoader.build_manifest_state_check = without_folder_and_vars


def hand_on_what_was_done(folder: Path, environment: dict[str, str]) -> None:
    """Put what the first dbt parsed where one looks for it that has not parsed yet.

    So with what says that this code has passed its unit tests: they take half of a small build.
    """
    if target := environment.get("DBT_TARGET_PATH"):
        for name in HANDED_ON:
            done = Path(target) / name
            if not done.exists():
                with suppress(OSError):  # a test may name a folder that nobody can write
                    done.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(folder / TARGET / name, done)


def serve(folder: Path, at_once: bool) -> dict[str, Any]:
    """Answer until the standard input ends; in a fork, return what to run."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / SOCKET))
    listener.listen()
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.register(listener, selectors.EVENT_READ)
        print("ready", flush=True)
        if at_once:
            preload(folder)
        is_loaded = at_once
        while True:
            (key, _), *_ = selector.select()
            if key.fileobj is listener and not is_loaded:
                preload(folder)
                is_loaded = True
            if key.fileobj is sys.stdin:
                sys.exit()
            elif key.fileobj is listener:
                connection, _ = listener.accept()
                if request := _begin(connection, selector):
                    return request
            elif key.fileobj is key.data.connection:  # the client was killed, and takes it along
                os.kill(key.data.process, signal.SIGKILL)
                selector.unregister(key.data.connection)
            else:
                _end(key.data, selector)


def _begin(connection: socket.socket, selector: selectors.BaseSelector) -> dict[str, Any] | None:
    """Fork for a request; in the fork, take its streams and return it."""
    length, streams, *_ = socket.recv_fds(connection, 4, 3)
    text = connection.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL)
    process = os.fork()
    if process == 0:
        _close_all([connection, *(key.fileobj for key in selector.get_map().values())])
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        return json.loads(text)
    for stream in streams:
        os.close(stream)
    run = _Run(process, os.pidfd_open(process), connection)
    selector.register(run.ended, selectors.EVENT_READ, run)
    selector.register(connection, selectors.EVENT_READ, run)
    return None


def _close_all(handles: list[Any]) -> None:
    for handle in handles:
        if handle is not sys.stdin:
            os.close(handle) if isinstance(handle, int) else handle.close()


def _end(run: _Run, selector: selectors.BaseSelector) -> None:
    """Say how a process ended."""
    _, status = os.waitpid(run.process, 0)
    code = os.waitstatus_to_exitcode(status)
    with suppress(BrokenPipeError):
        run.connection.sendall(code.to_bytes(4, "big", signed=True))
    selector.unregister(run.ended)
    with suppress(KeyError):
        selector.unregister(run.connection)
    os.close(run.ended)
    run.connection.close()


def opened_anew(stream: Any) -> TextIOWrapper:
    """Return a stream to what its number stands for now, such as a pipe in place of a file."""
    return TextIOWrapper(
        os.fdopen(stream.fileno(), "wb", 0 if stream.write_through else -1, closefd=False),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def become(request: dict[str, Any], folder: Path) -> None:
    """Be the Python that a request asks for."""
    gc.set_threshold(200_000)  # to look for cycles takes a tenth of a build
    hand_on_what_was_done(folder, request["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.stdout, sys.stderr = opened_anew(sys.stdout), opened_anew(sys.stderr)
    os.chdir(request["folder"])
    time.tzset()
    option, what, *arguments = request["arguments"]
    sys.argv[:] = [option, *arguments]
    if option == "-m":
        sys.path[0] = request["folder"]
        run_to_the_end(what)
    assert option == "-c", option
    sys.path[0] = ""
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    exec(compile(what, "<string>", "exec"), main.__dict__)


def run_to_the_end(module: str) -> NoReturn:
    """Run a module and end as Python does, but leave what was imported to the system.

    To free it is to copy most of it, as the server has it too: that takes a tenth of a second.
    """
    code: Any = None
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code
        if not isinstance(code, int | None):
            raise  # Python prints it
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit((code or 0) & 0xFF)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the tests end this process
    become(serve(place, at_once="at once" in sys.argv[2:]), place)
