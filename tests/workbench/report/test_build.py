"""Whole reports of real runs: what stands in them, and that nothing from data gets out of its place."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from storage.database import open_readonly
from tests.workbench.engine.running import FailingWorld, options, work
from tests.workbench.report.hostile import HOSTILE, MARK, poison
from tests.workbench.report.page import Page
from workbench.report.build import build
from workbench.report.html import to_html
from workbench.report.latex import to_latex
from workbench.report.markdown import to_markdown
from workbench.report.parts import Mean, Report
from workbench.text import harmless


def _build(path: Path, *runs: str, **how: Any) -> Report:
    db = open_readonly(path)
    try:
        return build(db, runs or [None], **how)
    finally:
        db.conn.close()


@pytest.fixture(scope="module")
def report(prepared: Path) -> Report:
    return _build(prepared)


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return to_html(report)


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    parsed = Page(page)
    assert not parsed.open
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & set(parsed.tags)
    assert all(value is None or value.startswith("#") for name, value in parsed.attributes if name in ("href", "src"))
    assert not re.search(r"@import|url\((?!#)|https?://", page)
    assert "default-src 'none'" in page
    ids = [value for name, value in parsed.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert all(value[1:] in ids for name, value in parsed.attributes if name == "href" and value)


def test_the_word_surrogate_stands_at_the_title_and_every_table_and_plot(report: Report, page: str) -> None:
    (run,) = report.runs
    assert "surrogate" in report.title
    assert "<title>Report of run" in page
    assert all("surrogate" in table.title for table in run.tables)
    figures = [*run.figures, *(figure for search in run.examples.searches for figure in search.figures)]
    assert figures
    for figure in figures:
        svg = ET.fromstring(figure.svg)
        drawn = " ".join(node.text or "" for node in svg.iter("text"))
        assert "surrogate" in drawn
        assert "surrogate" in (svg.findtext("title") or "")
        assert svg.findtext("desc")
    headings = re.findall(r"<h4>(.*?)</h4>", page)
    assert headings
    assert all("surrogate" in heading for heading in headings)


def test_every_plot_that_is_asked_for_is_there(report: Report) -> None:
    (run,) = report.runs
    for kind in (
        "Score by domain",
        "Spread of scores",
        "Gain per question",
        "Attributes asked for",
        "Size of the subset",
    ):
        assert any(figure.title.startswith(kind) for figure in run.figures), kind
    assert [figure.title.split(" ·")[0] for figure in run.examples.searches[0].figures] == [
        "Best so far",
        "Search tree",
    ]


def test_the_papers_rows_are_marked_as_published(report: Report, page: str) -> None:
    table = report.runs[0].scores[0]
    assert table.published
    assert all((row[1] == "published") == (i in table.published) for i, row in enumerate(table.rows))
    assert page.count('<tr class="published">') == len(table.published)
    ours = next(row for row in table.rows if row[0] == "agent")
    average = ours[table.columns.index("Avg")]
    assert isinstance(average, Mean)
    assert average.low is not None
    assert f"{average.value:.2f}" in page


def test_tables_have_captions_and_scopes(page: str) -> None:
    assert page.count("<table") == page.count("<caption>")
    assert "<th>" not in page
    for row in re.findall(r"<tbody>(.*?)</tbody>", page, re.DOTALL):
        assert row.count("<tr") == row.count('<th scope="row">')


def test_the_regret_is_drawn_where_the_world_knows_the_truth(report: Report) -> None:
    curve = report.runs[0].examples.searches[0].figures[0]
    names = [node.text or "" for node in ET.fromstring(curve.svg).iter("text")]
    assert {name.rsplit(" ", 1)[0] for name in names} >= {"mean Q", "true", "optimum"}
    told = {name.rsplit(" ", 1)[0]: name.rsplit(" ", 1)[1] for name in names if " " in name}
    assert float(told["true"]) <= float(told["optimum"])


def test_the_same_database_gives_the_same_report_and_the_seed_another_choice(prepared: Path, page: str) -> None:
    assert to_html(_build(prepared)) == page

    def chosen(seed: int) -> list[str]:
        run = _build(prepared, dialogues=4, seed=seed).runs[0]
        return [str(dialogue.row["scenario_id"]) for dialogue in run.examples.dialogues]

    assert len({tuple(chosen(seed)) for seed in range(4)}) > 1


def test_the_number_of_dialogues_and_searches_is_as_asked(prepared: Path) -> None:
    run = _build(prepared, dialogues=5, searches=1).runs[0]
    assert (len(run.examples.dialogues), len(run.examples.searches)) == (5, 1)
    bare = _build(prepared, dialogues=0, searches=0)
    assert (bare.runs[0].examples.dialogues, bare.runs[0].examples.searches) == ((), ())
    assert "no dialogues to show" in to_html(bare)


def test_texts_that_speak_of_self_harm_are_folded(prepared: Path) -> None:
    built = _build(prepared, dialogues=100)
    folded = [dialogue for dialogue in built.runs[0].examples.dialogues if dialogue.folded]
    assert 0 < len(folded) < len(built.runs[0].examples.dialogues)
    page = to_html(built)
    assert page.count("<summary>Dialogue folded away") == len(folded)
    assert "<details open" not in page
    outside = re.sub(r'<details class="sensitive">.*?</ol>\s*</details>', "", page, flags=re.DOTALL)
    for dialogue in folded:
        for turn in dialogue.row["turns"]:
            if turn["attribute"] == "Past Self-Harm History":
                assert turn["reply"] not in outside


def test_provenance_says_where_everything_comes_from(report: Report) -> None:
    fields = {str(row[0]): row[1] for row in report.runs[0].account.provenance.rows}
    assert len(str(fields["identity (SHA-256)"])) == 64
    assert fields["judges"] == "a, b"
    assert str(fields["models"]).startswith("surrogate/")
    assert fields["cost"] == "none"
    assert len(str(fields["path library (hash)"])) == 64


@pytest.mark.parametrize("seed", [0, 1])
def test_hostile_texts_stay_texts(prepared: Path, tmp_path: Path, seed: int) -> None:
    built = _build(poison(prepared, tmp_path), dialogues=6, searches=3, seed=seed)
    page = to_html(built)
    parsed = Page(page)
    assert not parsed.open
    assert not parsed.comments
    assert not {"script", "img"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on") or name == "src"]
    assert "\x1b" not in page
    assert "\x00" not in page
    assert "\u202e" not in page
    assert "49" not in re.findall(rf"{MARK}.*?\{{\{{ (.*?) \}}\}}", page)
    whole = harmless(HOSTILE.encode("utf-8", "replace").decode())
    texts = "".join(parsed.texts)
    assert texts.count(whole) > 50
    for run in built.runs:
        for figure in (*run.figures, *(figure for search in run.examples.searches for figure in search.figures)):
            tags = {node.tag for node in ET.fromstring(figure.svg).iter()}
            assert tags <= {"svg", "title", "desc", "g", "text", "rect", "line", "path", "defs", "pattern"}
    latex = to_latex(built)
    assert latex.count("\\end{table}") == latex.count("\\begin{table}")
    markdown = to_markdown(built)
    assert "<script" not in markdown
    assert "<img" not in markdown


def test_failures_stand_with_their_reasons(tmp_path: Path) -> None:
    path = tmp_path / "workbench.db"
    world = FailingWorld(
        judging=lambda scenario, judge, draw: ValueError("no <verdict> today") if judge == "b" else None,
        responding=lambda scenario, draw: None,
    )
    work(path, options(synthetic=3, arms=("vanilla", "agent"), judges=("a", "b")), world)
    built = _build(path)
    reasons = [str(row[-1]) for row in built.runs[0].account.failures.rows]
    assert any("no <verdict> today" in reason for reason in reasons)
    assert "no &lt;verdict&gt; today" in to_html(built)


def test_a_run_with_nothing_in_it_is_reported_too(tmp_path: Path) -> None:
    path = tmp_path / "workbench.db"
    work(path, options(synthetic=2, arms=("vanilla",)))
    built = _build(path)
    assert built.runs[0].examples.searches == ()
    page = to_html(built)
    assert "There are no searches to show." in page
    assert "Gain per question" not in page


def test_several_runs_stand_below_each_other_with_an_overview(tmp_path: Path) -> None:
    path = tmp_path / "workbench.db"
    outcomes = [work(path, options(synthetic=2, seed=seed, arms=("vanilla", "full"))) for seed in (1, 2)]
    ids = [outcome.run for outcome in outcomes]
    built = _build(path, *ids, ids[0])
    assert [run.account.run for run in built.runs] == ids
    assert built.overview is not None
    assert len(built.overview.rows) == 4
    assert "different scenarios" in built.overview.note
    parsed = Page(to_html(built))
    named = [value for name, value in parsed.attributes if name == "id"]
    assert len(named) == len(set(named))
    assert "All runs" in parsed.texts
