"""`workbench report`: which runs, which file, which form."""

from pathlib import Path
from typing import Any

import pytest

from storage.errors import NotFoundError
from workbench.cli.common import DONE
from workbench.cli.report import report
from workbench.engine.errors import UsageError


def _report(prepared: Path, **options: Any) -> int:
    given = {
        "names": None,
        "scenario": None,
        "output": None,
        "format": None,
        "dialogues": 1,
        "searches": 1,
        "seed": 0,
        **options,
    }
    return report(db=prepared, **given)


@pytest.mark.parametrize(
    ("name", "form", "beginning"),
    [
        ("report.html", None, "<!DOCTYPE html>"),
        ("report", None, "<!DOCTYPE html>"),
        ("report.md", None, "# Report of run "),
        ("report.TEX", None, "% needs "),
        ("report.md", "latex", "% needs "),
        ("report.txt", "md", "# Report of run "),
    ],
)
def test_a_file_is_written_in_the_form_asked_for(
    prepared: Path, tmp_path: Path, name: str, form: str | None, beginning: str
) -> None:
    target = tmp_path / name
    assert _report(prepared, output=target, format=form) == DONE
    text = target.read_text("utf-8")
    assert text.startswith(beginning)
    assert "surrogate" in text
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_form_that_there_is_not_is_said_and_nothing_is_written(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"report\.pdf: a report ends in \.html, \.md or \.tex"):
        _report(prepared, output=tmp_path / "report.pdf")
    assert list(tmp_path.iterdir()) == []


def test_without_a_file_the_report_is_data_on_stdout(prepared: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert _report(prepared, format="md") == DONE
    out, err = capfdbinary.readouterr()
    assert out.startswith(b"# Report of run ")
    assert err.startswith(b"stdout: Report of run ")
    assert err.count(b"\n") == 1


def test_a_run_that_is_not_there_is_said_and_nothing_is_written(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no run 'zzz'"):
        _report(prepared, names=["zzz"], output=tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []
