"""Where a report is written, and what it says where it cannot be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from generator.errors import UsageError
from generator.report import write_report
from tests.conftest import ROOT, Elearn


def test_missing_marts_are_named_with_the_command_that_makes_them_and_an_old_page_stays(
    elearn: Elearn, tmp_path: Path
) -> None:
    elearn("generate", "--n-users", 5, "--days", 5)
    (tmp_path / "report.html").write_text("old")
    done = elearn("report", check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "Error: warehouse.duckdb: main.user_daily is not there; run `elearn build` first\n"
    )
    assert (tmp_path / "report.html").read_text() == "old"


def test_without_a_warehouse_it_says_which_command_to_run(elearn: Elearn, tmp_path: Path) -> None:
    done = elearn("report", check=False)
    assert done.returncode == 1
    assert "run `elearn generate` or `elearn load` first" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("library", ["altair", "vl_convert"])
def test_without_the_extra_it_says_what_to_install(library: str, copied: Path) -> None:
    code = (
        f"import sys; sys.modules[{library!r}] = None; sys.argv[1:] = ['report'];"
        "from generator.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=copied.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    packages = "'altair>=6' 'jinja2>=3.1' 'vl-convert-python>=1.9'"
    assert done.stderr == f"Error: the report needs more libraries: pip install {packages}\n"


def test_the_other_commands_do_not_import_the_extra() -> None:
    code = (
        "import sys; import generator.cli;"
        "sys.exit(not {'altair', 'vl_convert', 'jinja2'}.isdisjoint(sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("option", ["--output", "--png"])
@pytest.mark.parametrize("path", ["file/in/it", "x" * 300])
def test_a_place_that_cannot_be_written_gets_one_line(
    option: str, path: str, elearn: Elearn, copied: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    done = elearn("report", option, path, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: {option}: '{path[:200]}' is not allowed; give a f")
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"


def test_a_bad_output_is_refused_before_a_picture_is_drawn(copied: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match=r"^output: "):
        write_report(copied, tmp_path / "file/page.html", png=tmp_path / "pictures")
    assert not (tmp_path / "pictures").exists()


def test_a_folder_and_the_warehouse_itself_are_refused_as_output(
    copied: Path, tmp_path: Path
) -> None:
    before = copied.read_bytes()
    (link := tmp_path / "link.html").symlink_to(copied)
    for output in (tmp_path, copied, link):
        with pytest.raises(UsageError, match=r"^output: .* is not allowed; give a file"):
            write_report(copied, output)
    assert copied.read_bytes() == before


def test_an_old_page_is_replaced_whole_and_nothing_is_left_beside_it(
    simulated: Path, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    page.write_text("old")
    with page.open() as reader:
        write_report(simulated, page)
        assert reader.read() == "old"  # another file took its place
    assert page.read_text().endswith("</html>\n")
    assert list(tmp_path.iterdir()) == [page]


def test_a_full_disk_leaves_the_old_page(simulated: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("old")
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000));"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"sys.argv[1:] = ['report', '--warehouse', {str(simulated)!r}];"
        "from generator.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "File too large" in done.stderr
    assert page.read_text() == "old"
    assert list(tmp_path.iterdir()) == [page]
