"""elearn init lays the dbt project out, or says in one line why it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.publishing.project import PARTS, project_folder
from tests.conftest import ROOT, Elearn


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_init_lays_out_the_project_of_the_clone_and_it_is_used_there(
    elearn: Elearn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert elearn("init", "made/churn").stdout == f"{'dbt project':<28}made/churn\n"
    laid_out = content(tmp_path / "made" / "churn")
    assert {Path(name).parts[0] for name in laid_out} == set(PARTS)
    assert all((ROOT / name).read_bytes() == text for name, text in laid_out.items())
    monkeypatch.chdir(tmp_path)
    assert project_folder() == ROOT
    monkeypatch.chdir(tmp_path / "made" / "churn")
    assert project_folder() == tmp_path / "made" / "churn"


@pytest.mark.parametrize("name", ["full", "notes.txt", "notes.txt/churn", "n" * 300])
def test_init_refuses_what_is_no_empty_folder(name: str, elearn: Elearn, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.sql").write_text("select 1")
    (tmp_path / "notes.txt").write_text("mine")
    before = content(tmp_path)
    done = elearn("init", name, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: DIR: '{name[:200]}' is not allowed; give a")
    assert done.stderr.count("\n") == 1
    assert content(tmp_path) == before
