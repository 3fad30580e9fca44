"""The report of a whole study: every experiment has its section, beside the published figures, honest if we differ."""

import re
import sqlite3
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from storage.database import open_readonly
from storage.errors import NotFoundError
from storage.studies import list_studies
from tests.workbench.report.hostile import HOSTILE
from tests.workbench.report.page import Page
from workbench.cli.common import DONE
from workbench.cli.report import report as report_command
from workbench.report.build import build
from workbench.report.html import to_html
from workbench.report.latex import to_latex
from workbench.report.markdown import to_markdown
from workbench.report.parts import Figure, Mean, Report, Section, StudyReport, Table
from workbench.text import harmless


def _build(path: Path, *names: str) -> Report:
    db = open_readonly(path)
    try:
        return build(db, names)
    finally:
        db.conn.close()


@pytest.fixture(scope="module")
def report(studied: Path) -> Report:
    return _build(studied, "mine")


@pytest.fixture(scope="module")
def study(report: Report) -> StudyReport:
    (only,) = report.studies
    return only


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return to_html(report)


def _section(study: StudyReport, heading: str) -> Section:
    return next(section for section in study.sections if section.heading.startswith(heading))


def _parts(study: StudyReport) -> list[Figure | Table]:
    return [part for section in study.sections for part in (*section.parts, *section.more)]


def test_every_experiment_has_its_section_with_a_plot_and_a_table(study: StudyReport) -> None:
    headings = [section.heading for section in study.sections]
    assert headings == [
        "Headline numbers",
        "Models",
        "Domains: models",
        "Context-free against context-rich",
        "Attribute sensitivity",
        "Attribute sensitivity by domain",
        "Subset choice",
        "Gain per question",
        "Score against questions: abstention",
        "Score against questions: thresholds",
        "Settings: retrieval",
        "Settings: personas",
        "Settings: budget",
        "Searches and their regret",
        "Which attributes are asked for and planned",
    ]
    for section in study.sections:
        assert any(isinstance(part, Figure) for part in section.parts), section.heading
        assert section.tables or "Which attributes" in section.heading


def test_every_figure_says_what_it_is_in_words_and_where_it_comes_from(study: StudyReport) -> None:
    figures = [part for part in _parts(study) if isinstance(part, Figure)]
    assert len(figures) > 20
    for figure in figures:
        svg = ET.fromstring(figure.svg)
        drawn = " ".join(node.text or "" for node in svg.iter("text"))
        assert "surrogate" in drawn
        assert svg.attrib["role"] == "img"
        assert len(svg.findtext("desc") or "") > 20
        assert figure.note
        assert "nothing to show" not in drawn, figure.title


def test_published_figures_stand_beside_ours(study: StudyReport) -> None:
    for heading in ("Headline", "Models", "Domains", "Attribute sensitivity", "Gain per question"):
        figure = next(part for part in _section(study, heading).parts if isinstance(part, Figure))
        assert "published" in figure.svg, heading
    models = next(part for part in _section(study, "Models").parts if isinstance(part, Table))
    assert {models.rows[i][0] for i in models.published} == {"GPT-4o", "LLaMA-3.1-8B", "mean"}
    headline = next(part for part in _section(study, "Headline").parts if isinstance(part, Table))
    assert [row[-2:] for i, row in enumerate(headline.rows) if i in headline.published] == [
        (Mean(43.2, signed=True), None),
        (Mean(31.6, signed=True), 2.7),
    ]


def test_headlines_are_honest_about_the_planner_and_the_calibration(study: StudyReport) -> None:
    says = _section(study, "Headline").says
    assert any(
        re.match(r"\+Planner against \+Agent, .*published \+0.21 \((inside|ours)", sentence) for sentence in says
    )
    assert any("published +43.2 %" in sentence for sentence in says)
    assert any("published +31.6 %" in sentence and "questions, published 2.7" in sentence for sentence in says)
    assert any("calibrated on the published" in sentence for sentence in says)


def test_differences_are_corrected_over_their_table(study: StudyReport) -> None:
    arms, models = _section(study, "Models").tables[1:]
    for table in (arms, models):
        assert {"difference", "p", "p (Holm)"} <= set(table.columns)
        assert table.rows
    place = arms.columns.index("difference")
    assert all(isinstance(row[place], Mean) and row[place].signed for row in arms.rows)  # type: ignore[union-attr]
    assert len(arms.rows) == 10  # five pairs of arms, two models
    assert len(models.rows) == 2  # one pair of models, two arms


def test_the_winners_curse_is_shown(study: StudyReport) -> None:
    first, second, over_k = [part for part in _section(study, "Subset choice").parts if isinstance(part, Figure)]
    for figure, k in ((first, 2), (second, 3)):
        assert figure.title.startswith(f"Which attributes are known, k = {k} ")
        names = [node.text for node in ET.fromstring(figure.svg).iter("text")]
        assert {"random", "static", "planned path", "oracle"} <= set(names)
        assert names.index("judged oracle, as it won") < names.index("judged oracle, judged again")
        won, again = (
            float(found) for found in re.findall(r"scored (\d\.\d\d) when it won and (\d\.\d\d)", figure.note)[0]
        )
        assert won > again
    assert "number of attributes known" in over_k.title


def test_the_first_questions_share_is_said(study: StudyReport) -> None:
    figure = next(part for part in _section(study, "Gain per question").parts if isinstance(part, Figure))
    assert re.search(r"the first question brings \d+ % of the gain after three \(published: 79 %\)", figure.note)


def test_searches_are_told_once_per_setting(study: StudyReport) -> None:
    (table,) = _section(study, "Searches").tables
    assert [row[:2] for row in table.rows] == [
        ("models", None),
        ("models", None),
        ("budget", "rollouts 10"),
        ("budget", "rollouts 200"),
    ]
    figures = [part for part in _section(study, "Searches").parts if isinstance(part, Figure)]
    assert all("surrogate's own table" in figure.note for figure in figures)
    assert sum(figure.svg.count('class="band') for figure in figures) == 4


def test_every_run_of_the_study_is_accounted_for(study: StudyReport, page: str) -> None:
    assert len(study.accounts) == len(study.runs.rows)
    assert {account.run for account in study.accounts} == {row[0] for row in study.runs.rows}
    for column in ("world version", "seed", "failed", "calls", "cached", "cost", "library", "identity", "code"):
        assert column in study.runs.columns
    for account in study.accounts:
        assert f"<summary>{account.label.capitalize()}" in page


def test_the_page_is_whole_and_needs_nothing_but_itself(page: str) -> None:
    parsed = Page(page)
    assert not parsed.open
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & set(parsed.tags)
    assert not re.search(r"@import|url\((?!#)|https?://", page)
    ids = [value for name, value in parsed.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert all(value[1:] in ids for name, value in parsed.attributes if name == "href" and value)
    used = set(re.findall(r"url\(#([\w-]+)\)", page))
    assert used <= set(ids)


def test_the_same_study_gives_the_same_report_by_name_and_by_id(studied: Path, report: Report, page: str) -> None:
    assert to_html(_build(studied, report.studies[0].study[:8])) == page
    assert len(_build(studied, "mine", report.studies[0].study).studies) == 1


def test_a_study_and_a_run_go_into_one_report(studied: Path, study: StudyReport) -> None:
    built = _build(studied, "mine", study.accounts[1].run)
    assert ([s.study for s in built.studies], [r.account.run for r in built.runs]) == (
        [study.study],
        [study.accounts[1].run],
    )
    parsed = Page(to_html(built))
    ids = [value for name, value in parsed.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_scenarios_can_be_asked_for(studied: Path, study: StudyReport) -> None:
    chosen = study.examples.dialogues[0].row["scenario_id"]
    db = open_readonly(studied)
    try:
        built = build(db, ["mine"], scenarios=[chosen[:8]])
        examples = built.studies[0].examples
        assert {dialogue.row["scenario_id"] for dialogue in examples.dialogues} == {chosen}
        assert len(examples.dialogues) == 4  # two models, two arms that ask
        assert len(examples.searches) == 2
        assert examples.choice == "Of the scenarios asked for."
        with pytest.raises(NotFoundError, match="scenario 'zzz'"):
            build(db, ["mine"], scenarios=[chosen, "zzz"])
    finally:
        db.conn.close()


def test_a_study_that_was_cut_off_says_so(studied: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.db"
    path.write_bytes(studied.read_bytes())
    with sqlite3.connect(path) as db:
        db.execute("update study_parts set run = null where position > 3")
    db.close()
    built = _build(path, "mine")
    assert "runs done" in built.studies[0].state
    assert "This study is not finished" in to_html(built)
    with sqlite3.connect(path) as db:
        db.execute("update study_parts set run = null")
    db.close()
    with pytest.raises(NotFoundError, match="has no run yet"):
        _build(path, "mine")


def test_markdown_and_latex_hold_every_table(report: Report, study: StudyReport) -> None:
    tables = [part for part in _parts(study) if isinstance(part, Table)]
    markdown, latex = to_markdown(report), to_latex(report)
    for table in (*tables, study.runs):
        assert f"\\label{{tab:{table.key}}}" in latex
    assert markdown.count("\n#### ") == len(tables)
    for section in study.sections:
        assert f"\n### {section.heading}\n" in markdown.replace("\\", "")
    assert latex.count(r"\begin{table}") == latex.count(r"\end{table}") >= len(tables)
    _check_latex(latex)


def _check_latex(latex: str) -> None:
    """Check what a compiler would stumble over: braces, and as many cells in a row as there are columns."""
    latex = "\n".join(line for line in latex.splitlines() if not line.startswith("%"))
    bare = re.sub(r"\\[\\{}]", "", latex)
    assert bare.count("{") == bare.count("}")
    for columns, body in re.findall(
        r"\\begin\{tabular\}\{((?:[rl]|p\{[^}]*\})+)\}(.*?)\\end\{tabular\}", latex, re.DOTALL
    ):
        number = len(re.findall(r"[rl]|p\{[^}]*\}", columns))
        rows = [line for line in body.splitlines() if line.endswith(r" \\")]
        assert rows
        for row in rows:
            assert len(re.findall(r"(?<!\\)&", row)) == number - 1, row
    assert (
        max(body.count(r" \\") for body in re.findall(r"\\begin\{tabular\}.*?\\end\{tabular\}", latex, re.DOTALL)) <= 31
    )


def test_the_command_takes_studies_and_scenarios(
    studied: Path, study: StudyReport, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = study.examples.dialogues[0].row["scenario_id"]
    how: dict[str, Any] = {"format": None, "dialogues": 1, "searches": 0, "seed": 0, "db": studied}
    target = tmp_path / "report.html"
    assert report_command(names=["mine"], output=target, scenario=[scenario], **how) == DONE
    written = target.read_text("utf-8")
    assert "Of the scenarios asked for." in written
    assert written.count(f"scenario {scenario}") >= 4
    assert "Report of study mine" in capsys.readouterr().err
    with pytest.raises(NotFoundError, match=r"no run 'nonsense'.*show studies"):
        report_command(names=["nonsense"], output=target, scenario=None, **how)


def test_hostile_texts_stay_texts(hostile_study: Path) -> None:
    db = open_readonly(hostile_study)
    try:
        built = build(db, [list_studies(db)[0]["study"]], dialogues=6)
    finally:
        db.conn.close()
    page = to_html(built)
    parsed = Page(page)
    assert not parsed.open
    assert not parsed.comments
    assert not {"script", "img"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on") or name == "src"]
    assert not {"\x1b", "\x00", "\u202e"} & set(page)
    assert "".join(parsed.texts).count(harmless(HOSTILE.encode("utf-8", "replace").decode())) > 50
    for part in _parts(built.studies[0]):
        if isinstance(part, Figure):
            tags = {node.tag for node in ET.fromstring(part.svg).iter()}
            assert tags <= {"svg", "title", "desc", "g", "text", "rect", "line", "path", "defs", "pattern"}
    assert not re.search(r"<script|<img", to_markdown(built))
    _check_latex(to_latex(built))
