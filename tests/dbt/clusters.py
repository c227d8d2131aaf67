"""Spark as a service on the loopback interface: a standalone cluster, and its two servers."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

LOOPBACK = "127.0.0.1"
SECONDS_TO_START = 120


@contextmanager
def standalone_cluster(folder: Path) -> Iterator[str]:
    """Yield the address of a master with one worker; stop both."""
    port = free_port()
    address = f"spark://{LOOPBACK}:{port}"
    ports = ["--webui-port", "0", "--host", LOOPBACK]
    with ExitStack() as stack:
        master = ["master.Master", "--port", str(port), *ports]
        log = stack.enter_context(daemon(master, folder / "master.log"))
        wait_for_line(log, "Starting Spark master at")
        worker = ["worker.Worker", "--cores", "2", "--memory", "2g", *ports]
        worker += ["--work-dir", str(folder / "work"), address]
        log = stack.enter_context(daemon(worker, folder / "worker.log"))
        wait_for_line(log, "Successfully registered with master")
        yield address


@contextmanager
def connect_server(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the variables that point dbt at a Spark Connect server over a warehouse; stop it."""
    place = ("spark.connect.grpc.binding.address", "spark.connect.grpc.binding.port")
    started = "Spark Connect server started at"
    with server("connect.service.SparkConnectServer", place, started, folder) as port:
        yield {"SPARK_REMOTE": f"sc://{LOOPBACK}:{port}"}


@contextmanager
def thrift_server(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the variables that point dbt at a Thrift server over a warehouse; stop it."""
    hive = "spark.hadoop.hive.server2.thrift"
    place, started = (f"{hive}.bind.host", f"{hive}.port"), "HiveThriftServer2 started"
    with server("hive.thriftserver.HiveThriftServer2", place, started, folder) as port:
        yield {"SPARK_THRIFT_HOST": LOOPBACK, "SPARK_THRIFT_PORT": port}


@contextmanager
def server(name: str, place: tuple[str, str], started: str, folder: Path) -> Iterator[str]:
    """Run one of Spark SQL's servers, its tables and its catalog in a folder; yield its port.

    ``place`` names the options of its address and port, ``started`` is what it logs when it is up.
    """
    port = str(free_port())
    options = dict(zip(place, (LOOPBACK, port), strict=True)) | {
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder}",
        "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:;databaseName=hive;create=true",
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.warehouse.dir": str(folder / "tables"),
        "spark.ui.enabled": "false",
    }
    pairs = [word for item in options.items() for word in ("--conf", "=".join(item))]
    submit = ["SparkSubmit", "--class", f"org.apache.spark.sql.{name}", "--master", "local[2]"]
    folder.mkdir()
    with daemon([*submit, *pairs, "spark-internal"], folder / "server.log") as log:
        wait_for_line(log, started)
        yield port


def free_port() -> int:
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return free.getsockname()[1]


@contextmanager
def daemon(arguments: list[str], log: Path) -> Iterator[Path]:
    """Run one of Spark's own daemons; it logs into a file."""
    import pyspark  # noqa: PLC0415

    home = Path(pyspark.__file__).parent
    command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{arguments[0]}"]
    variables = {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": LOOPBACK}
    with (
        log.open("w") as output,
        subprocess.Popen(
            [*command, *arguments[1:]],
            env=os.environ | variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield log
        finally:
            process.terminate()


def wait_for_line(log: Path, line: str) -> None:
    for _ in range(SECONDS_TO_START * 10):
        if line in log.read_text():
            return
        time.sleep(0.1)
    raise AssertionError(f"never logged: {line}\n{log.read_text()}")
