"""A simulation on Apache Spark: the same blocks, drawn by many workers into one lake.

Spark hands out numbers of parts and collects what each part came to. A worker draws the users of
its part and writes their files itself, with the writer of one machine, so that a part has the same
bytes wherever it was drawn. All workers must see the output folder under the same path and have
this package installed. pyspark is imported only when it is asked for.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from generator.atomic_files import file_hash, write_manifest, written_whole
from generator.errors import ElearnError, UsageError
from generator.extras import pip_install
from generator.settings import Settings
from generator.simulation import simulate_blocks
from generator.simulation.streams import BLOCK_USERS
from generator.sinks.files import FilesReport, about_files, move_to_layout, tables_of, write_batches
from generator.sinks.tally import Tally
from generator.sinks.warehouse import batches
from generator.warehouse.versions import ContentSum, added

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ENGINES = ("local", "spark")

PART_USER_DAYS = 1_500_000
"""User-days of a part: about two million events, a Parquet file of some 25 megabytes."""

ATTEMPT = ".attempt-"
"""Begins the name of the folder in which a task writes, until its files are whole."""

QUIET = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
EMBEDDED = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # It only hands out numbers of parts, so compiling it well does not pay.
    "spark.driver.defaultJavaOptions": "-XX:TieredStopAtLevel=1",
}

Batches = Iterator[pa.RecordBatch]


def generate_lake(
    settings: Settings,
    output_dir: Path,
    *,
    layout: str = "flat",
    parts: int | None = None,
) -> FilesReport:
    """Simulate on Spark into Parquet files of users and events, and a manifest beside them.

    Parameters
    ----------
    settings
        What to simulate.
    output_dir
        Folder for the files, the same one on every worker; made when missing.
    layout
        As in :func:`generator.sinks.files.generate_files`.
    parts
        Number of parts, each a task of Spark and a file of each table; from the settings alone
        when None, so that the files do not depend on the cluster either.

    Raises
    ------
    UsageError
        pyspark or Java is missing.
    ElearnError
        A worker failed; old files stay.
    """
    users = users_of_parts(settings, parts)
    with spark_session() as session, written_whole(output_dir) as folder:
        folder.chmod(0o777)  # workers may run under another user
        write = part_writer(settings, users, folder.resolve())
        reports = _run(session, len(users), write)
        for attempt in folder.glob(ATTEMPT + "*"):  # of a task that Spark gave up, or ran twice
            shutil.rmtree(attempt, ignore_errors=True)
        sums = [
            {name: ContentSum(*found) for name, found in report["sums"].items()}
            for report in reports
        ]
        files = {name: digest for report in reports for name, digest in report["files"].items()}
        manifest = write_manifest(folder, about_files(settings, reduce(added, sums)), files)
        return FilesReport(move_to_layout(folder, output_dir, layout, manifest), manifest)


def users_of_parts(settings: Settings, parts: int | None = None) -> list[range]:
    """Return the users of each part: whole blocks, so that none is drawn twice."""
    blocks = -(-settings.n_users // BLOCK_USERS)
    wanted = parts or -(-settings.n_users * settings.days // PART_USER_DAYS)
    count = min(wanted, blocks)
    ends = [blocks * number // count * BLOCK_USERS for number in range(count + 1)]
    last = settings.n_users
    return [range(ends[n] + 1, min(ends[n + 1], last) + 1) for n in range(count)]


def part_writer(
    settings: Settings, users: list[range], folder: Path
) -> Callable[[Batches], Batches]:
    """Return what Spark runs on a worker: numbers of parts in, reports of their files out."""

    def write_parts(numbers: Batches) -> Batches:
        for batch in numbers:
            reports = [
                json.dumps(write_part(settings, number, users[number], folder))
                for number in batch.column(0).to_pylist()
            ]
            yield pa.RecordBatch.from_pydict({"report": pa.array(reports, pa.string())})

    return write_parts


def write_part(settings: Settings, number: int, users: range, folder: Path) -> dict[str, Any]:
    """Write the files of one part; return their content sums and hashes.

    They get their names when they are whole: Spark may run a part again, or twice at once, and
    every run writes the same bytes.
    """
    attempt = Path(tempfile.mkdtemp(prefix=ATTEMPT, dir=folder))
    try:
        content = Tally()
        rows = batches(simulate_blocks(settings, 1, users, content.add))
        write_batches(rows, attempt, "parquet", tables_of(settings))
        files = {}
        for path in sorted(attempt.iterdir()):
            name = f"{path.stem}-{number:05}.parquet"
            files[name] = file_hash(path)
            path.replace(folder / name)
    finally:
        shutil.rmtree(attempt, ignore_errors=True)
    return {"sums": content.sums, "files": files}


def _run(
    session: SparkSession, count: int, write: Callable[[Batches], Batches]
) -> list[dict[str, Any]]:
    try:
        numbers = session.range(0, count, 1, count)
        return [
            json.loads(row.report) for row in numbers.mapInArrow(write, "report string").collect()
        ]
    except Exception as error:  # py4j, pyspark and Spark Connect each have errors of their own
        raise ElearnError(f"engine: Spark failed: {_cause(error)}") from error


@contextmanager
def spark_session() -> Iterator[SparkSession]:
    """Yield a session on what SPARK_MASTER or SPARK_REMOTE names, embedded without; then stop it.

    Raises
    ------
    UsageError
        pyspark or Java is missing, or Spark does not start.
    """
    is_remote = bool(os.environ.get("SPARK_REMOTE"))
    if not is_remote and not has_java():
        raise UsageError(
            "spark needs Java 17 or newer; there is none (JAVA_HOME or PATH)", "engine"
        )
    if find_spec("pyspark") is None:
        raise UsageError(f"spark needs pyspark; run `{pip_install('spark')}`", "engine")
    stop_signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        session = _start({} if is_remote else local_options())
    except Exception as error:
        raise UsageError(f"Spark does not start: {_cause(error)}", "engine") from error
    finally:
        for number, handler in stop_signals.items():  # pyspark puts its own in their place
            signal.signal(number, handler)
    try:
        yield session
    finally:
        session.stop()


def local_options() -> dict[str, str]:
    """Return the options of a session that this process drives itself."""
    master = os.environ.get("SPARK_MASTER", "local[*]")
    options = {"spark.master": master, "spark.log.level": "ERROR", **QUIET}
    return options | (EMBEDDED if master.startswith("local") else {})


def has_java() -> bool:
    """Tell whether Spark will find a Java."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(str(Path(home, "bin", "java")) if home else "java") is not None


def _start(options: dict[str, str]) -> SparkSession:
    # of pandas only the newest release is installed, and no frame of pandas is used here
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    from pyspark.sql import SparkSession  # noqa: PLC0415

    # the workers' Python must be one that has this package
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("elearn generate")
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _cause(error: BaseException) -> str:
    """Return the line of a worker's traceback that names the error, or the first line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if line.startswith("generator.errors.")]
    return (named or lines or [type(error).__name__])[0]
