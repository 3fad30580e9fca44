"""Five formats: exact for machines, readable for people, safe for terminals and spreadsheets."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cli.output import FORMATS, Column, Format, emit, emit_one, to_json

ROWS: list[dict[str, object]] = [
    {"id": "s1", "state": "done", "score": 3.14159, "n": 12, "ok": True, "note": None},
    {"id": "s2", "state": "failed", "score": float("nan"), "n": 1200, "ok": False, "note": "a|b"},
]


@pytest.fixture(autouse=True)
def _no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def printed(rows: Any, form: Format = "table", **options: Any) -> str:
    out = io.StringIO()
    emit(rows, form, stream=out, **options)
    return out.getvalue()


def in_a_terminal(code: str, **environment: str) -> str:
    """Run Python code whose stdout is a terminal, and return what it printed there."""
    master, slave = pty.openpty()
    asked = {"COLORTERM", "FORCE_COLOR", "NO_COLOR"}
    env = {k: v for k, v in os.environ.items() if k not in asked} | {"TERM": "xterm-256color"} | environment
    subprocess.run([sys.executable, "-c", code], stdout=slave, env=env, check=True)
    os.close(slave)
    shown = b""
    try:
        while part := os.read(master, 65536):
            shown += part
    except OSError:  # Linux says so at the end of a terminal's output
        pass
    os.close(master)
    return shown.decode()


def test_json_keeps_every_key_and_never_says_nan() -> None:
    found = json.loads(printed(ROWS, "json", columns=["id"]), parse_constant=pytest.fail)
    assert found == [ROWS[0], ROWS[1] | {"score": None}]


def test_json_of_nothing_is_a_list() -> None:
    assert json.loads(printed([], "json")) == []


def test_to_json_knows_numpy_paths_and_nested_values() -> None:
    value = {"mask": np.int64(3), "q": np.float32("nan"), "path": (1, 2), "rewards": np.array([1.5]), 1: Path("x")}
    assert to_json(value) == '{"mask": 3, "q": null, "path": [1, 2], "rewards": [1.5], "1": "x"}'


def test_jsonl_and_csv_stream() -> None:
    for form in ("json", "jsonl", "csv"):
        seen: list[int] = []
        out = io.StringIO()

        def rows(out: io.StringIO = out, seen: list[int] = seen) -> Any:
            for i in range(3):
                seen.append(len(out.getvalue()))
                yield {"i": i}

        emit(rows(), form, stream=out)
        assert seen == sorted(set(seen)), form


def test_csv_is_exact_and_has_every_key() -> None:
    found = list(csv.DictReader(printed(ROWS, "csv", columns=["id"]).splitlines()))
    assert found[0] == {"id": "s1", "state": "done", "score": "3.14159", "n": "12", "ok": "true", "note": ""}
    assert (found[1]["score"], found[1]["note"]) == ("", "a|b")


def test_csv_of_nothing_still_names_its_columns() -> None:
    assert printed([], "csv", columns=["a", Column("b")]) == "a,b\n"
    assert printed([], "csv") == ""


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\tx", "\rx", " =1", "\x1b[0m=1", "\n=1"])
def test_csv_text_is_no_formula(text: str) -> None:
    (_, (cell,)) = csv.reader(io.StringIO(printed([{"q": text}], "csv"), newline=""))
    assert cell.startswith("'")


def test_csv_numbers_and_harmless_text_stay_as_they_are() -> None:
    assert printed([{"a": -1, "b": -1.5, "c": "x = -1", "d": "two\nlines"}], "csv") == (
        'a,b,c,d\n-1,-1.5,x = -1,"two\nlines"\n'
    )


def test_a_later_key_is_not_lost_silently() -> None:
    with pytest.raises(ValueError, match="b"):
        printed([{"a": 1}, {"a": 1, "b": 2}], "csv")


def test_markdown_aligns_numbers_and_escapes_text() -> None:
    rows = [*ROWS, {"note": "`code` *bold* [link](x) <b> a\nb \\"}]
    assert printed(rows, "md", columns=["note", "score", "n", "ok"], title="A | B").splitlines() == [
        "**A \\| B**",
        "",
        "| note | score | n | ok |",
        "|---|---:|---:|---|",
        "| – | 3.14 | 12 | yes |",
        "| a\\|b | – | 1200 | no |",
        "| \\`code\\` \\*bold\\* \\[link\\](x) \\<b> a b \\\\ | – | – | – |",
    ]


def test_table_rounds_aligns_and_names_statuses() -> None:
    columns = [Column("id", "scenario"), Column("state", status=True), "score", "n"]
    lines = printed(ROWS, columns=columns, title="Scores (surrogate)").splitlines()
    assert lines[0] == "Scores (surrogate)"
    assert lines[2].split() == ["scenario", "state", "score", "n"]
    assert lines[4].split() == ["s1", "✔", "done", "3.14", "12"]
    assert lines[5].split() == ["s2", "✘", "failed", "–", "1200"]
    assert len({len(line) for line in lines[4:]}) == 1, "numbers end in the same column"


def test_table_shows_a_status_that_it_does_not_know() -> None:
    assert "strange" in printed([{"state": "strange"}], columns=[Column("state", status=True)])


def test_piped_text_is_whole_unless_columns_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"query": "why " * 100 + "so", "score": 3.0, "n": 14000}]
    assert "why so" in printed(rows)
    monkeypatch.setenv("COLUMNS", "40")
    shown = printed(rows)
    assert "…" in shown
    assert "3.00" in shown
    assert "14000" in shown
    assert max(map(len, shown.splitlines())) <= 40


def test_markup_and_escape_sequences_are_only_text() -> None:
    hostile = "[bold red]x[/] :smile: \x1b[31m\x1b]0;t\x07\u202e"
    for form in ("table", "md", "csv"):
        shown = printed([{"q": hostile}], form, title=None if form == "csv" else "\x1b[2Jt")
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "bold red" in shown
        assert ":smile:" in shown


@given(st.lists(st.fixed_dictionaries({"a": st.text(), "b": st.none() | st.floats() | st.integers() | st.booleans()})))
def test_any_text_can_be_printed_and_machines_read_back_every_row(rows: list[dict[str, Any]]) -> None:
    for form in FORMATS:
        shown = printed(rows, form)
        assert not set(shown) & set(map(chr, (*range(9), *range(14, 32), *range(127, 160)))) - {"\x85"}
        shown.encode()
    read = json.loads(printed(rows, "json"))
    assert [row["a"] for row in read] == [row["a"] for row in rows]
    assert [json.loads(line) for line in printed(rows, "jsonl").splitlines()] == read
    assert len(list(csv.DictReader(io.StringIO(printed(rows, "csv"), newline="")))) == len(rows)


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"'xml'.*jsonl"):
        emit([], "xml")  # type: ignore[arg-type]


def test_one_thing_is_an_object_or_a_field_a_line() -> None:
    shown: dict[Format, str] = {}
    for form in FORMATS:
        out = io.StringIO()
        emit_one({"id": "s1", "q": 4.254}, form, stream=out)
        shown[form] = out.getvalue()
    assert json.loads(shown["json"]) == json.loads(shown["jsonl"]) == {"id": "s1", "q": 4.254}
    assert shown["csv"] == "id,q\ns1,4.254\n"
    assert "| q | 4.25 |" in shown["md"]
    assert shown["table"].splitlines()[-1].split() == ["q", "4.25"]


COLOURED = (
    "from workbench.cli.output import Column, emit; emit([{'state': 'done'}], columns=[Column('state', status=True)])"
)


def test_a_terminal_gets_colours_unless_it_asks_for_none() -> None:
    assert "\x1b[32m✔ done" in in_a_terminal(COLOURED)
    assert "\x1b[32m" not in in_a_terminal(COLOURED, NO_COLOR="1")


def test_a_terminal_cuts_what_does_not_fit() -> None:
    shown = in_a_terminal("from workbench.cli.output import emit; emit([{'q': 'x' * 500, 'n': 77}])", COLUMNS="60")
    assert "x…" in shown
    assert "77" in shown


def test_an_old_encoding_is_no_error() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COLOURED],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert b"+ done" in done.stdout


@pytest.mark.parametrize("form", FORMATS)
def test_a_reader_may_leave_early(form: str) -> None:
    code = (
        "import sys; from workbench.cli.output import emit;"
        f"emit(({{'i': i, 'text': 'x' * 200}} for i in range(2000)), {form!r}); print('more'); sys.exit(3)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 3, "the command goes on and says itself how it ended"


def test_importing_it_imports_nothing_slow() -> None:
    code = (
        "import sys, workbench.cli.output, workbench.cli.progress, workbench.cli.doctor;"
        "print({'rich', 'numpy', 'sqlite_utils', 'textual', 'openai'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_a_column_may_wrap_instead_of_being_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    shown = printed(
        [{"name": "GPUs", "remedy": "only local models need one"}], columns=["name", Column("remedy", wrap=True)]
    )
    assert "…" not in shown
    assert " ".join(shown.split()).endswith("need one")
    assert len(shown.splitlines()) == 4


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd|'x'!A0", "-2+A1", "  =x"])
def test_markdown_text_is_no_formula_to_whoever_copies_it(text: str) -> None:
    (line,) = printed([{"q": text}], "md").splitlines()[2:]
    assert line.startswith("| '")


@pytest.mark.parametrize("text", ["-0.31 ± 0.10", "+1.2 %", "-0.2 [-0.3, -0.1]", "–"])
def test_markdown_figures_keep_their_sign(text: str) -> None:
    (line,) = printed([{"q": text}], "md").splitlines()[2:]
    assert line.startswith(f"| {text[0]}")


def test_people_see_names_and_no_brackets() -> None:
    text = printed([{"given": ["Age", "Gender"], "rest": []}], "md")
    assert text.splitlines()[2:] == ["| Age, Gender | – |"]
