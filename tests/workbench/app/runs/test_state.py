"""What the screen of runs shows, without a screen."""

import json
from typing import Any

import pytest
from rich.cells import cell_len

from storage.construction import BuildCounts, BuildStory, LeftOut
from storage.runfigures import CallSums, Failure, RoleModel, RunFigures, RunStory
from storage.studies import Membership, StoredPart
from workbench.app.look import bar
from workbench.app.state.links import Link
from workbench.app.state.logtail import folded
from workbench.app.state.runs.rundetail import Told
from workbench.app.state.runs.runs import Pace, RunsState, Verb
from workbench.app.state.spans import Column, Span, layout, moment, number, span_of_time, table_line, text_of

AT = "2026-05-04T10:00:00.000+00:00"


def figures(run: str, status: str = "done", **values: Any) -> RunFigures:
    """Return a run of this status; `values` are its fields."""
    alive = status in ("running", "paused")
    state = "running" if alive or status == "interrupted" else status
    fields = {"world": "surrogate", "kind": "run", "finished_at": None, "error": None, "log": None} | values
    return RunFigures(run=run, state=state, created_at=AT, alive=alive, paused=status == "paused", **fields)


def story(run: str, **values: Any) -> RunStory:
    fields: dict[str, Any] = {
        "kind": "run",
        "experiment": {
            "scenarios": ["a", "b", "c"],
            "judges": ["a", "b"],
            "planner": {"planner": "search", "rule": "raise", "rollouts": 300, "depth": 5, "c": 0.5, "decay": 0.3,
                        "evaluations": "cache:1"},
        },
        "settings": {},
        "identity": "0123456789abcdef0123",
        "world": "surrogate",
        "world_version": "1-x",
        "code_version": "0.1.0",
        "seed": 7,
        "library": None,
        "arms": ("vanilla", "planner"),
        "models": ("m",),
        "first": {"search": 1, "trial": 4},
    }  # fmt: skip
    return RunStory(run=run, **(fields | values))


def shown(state: RunsState, width: int = 118) -> list[str]:
    heading, rows = state.table(width, 0.0, bar)
    return [text_of(line) for line in (heading, *rows)]


def told(state: RunsState, width: int = 70) -> str:
    return "\n".join(text_of(row.spans) for row in state.details(width, str))


def test_those_at_work_come_first() -> None:
    state = RunsState()
    state.eat([figures("new"), figures("live", "running"), figures("held", "paused"), figures("old")], 0.0)
    assert [run.run for run in state.runs] == ["live", "held", "new", "old"]
    assert state.chosen is not None
    assert state.chosen.run == "live"


def test_the_cursor_stays_on_its_run() -> None:
    state = RunsState()
    state.eat([figures("b"), figures("a")], 0.0)
    assert state.choose("a")
    state.eat([figures("c", "running"), figures("b"), figures("a")], 1.0)
    assert (state.cursor, state.chosen and state.chosen.run) == (2, "a")
    assert not state.choose("x")
    assert state.choose("c")


def test_a_run_whose_id_begins_like_another_one_can_be_chosen() -> None:
    state = RunsState()
    state.eat([figures("a-2"), figures("a")], 0.0)
    for run in ("a", "a-2", "a"):
        assert state.choose(run)
        assert state.chosen is not None
        assert state.chosen.run == run


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    pace = Pace()
    for second in range(120):
        pace.see(second, second if second < 60 else 60 + 10 * (second - 60))
    assert pace.rate == pytest.approx(10.0)


def test_too_early_to_say_a_rate_and_again_after_units_were_made_pending() -> None:
    pace = Pace()
    pace.see(0.0, 5)
    pace.see(1.0, 9)
    assert pace.rate is None
    pace.see(3.0, 20)
    assert pace.rate == pytest.approx(5.0)
    pace.see(3.5, 2)
    assert pace.rate is None


def test_what_is_left_is_an_estimate() -> None:
    state = RunsState()
    for second in range(11):
        state.eat([figures("a", "running", pending=2000 - 10 * second, done=10 * second)], float(second))
    (run,) = state.runs
    assert state.rate(run) == pytest.approx(10.0)
    assert state.left(run) == pytest.approx(190.0)
    heading, row = shown(state)
    assert "≈ left" in heading
    assert "10/s" in row
    assert "≈ 3 min 10 s" in row
    assert "(estimate)" in told(state)


def test_a_paused_run_has_no_rate() -> None:
    state = RunsState()
    state.eat([figures("a", "running", pending=9)], 0.0)
    state.eat([figures("a", "running", pending=5, done=4)], 4.0)
    state.eat([figures("a", "paused", pending=5, done=4)], 5.0)
    assert state.rate(state.runs[0]) is None


def test_surrogate_stands_in_the_line_at_every_width() -> None:
    state = RunsState()
    state.eat([figures("a" * 8, "running", pending=55_990, done=10)], 0.0)
    for width in (50, 60, 76, 118, 200):
        heading, row = shown(state, width)
        assert "◇ surrogate" in row
        assert "10/56,000" in row
        assert max(map(len, (heading, row))) <= max(width, 62)


def test_calls_tokens_and_cost_where_there_are_any() -> None:
    calls = {
        RoleModel("judge", "m"): CallSums(1500, 500, 2, 2_000_000, 30_000, 500.0, 1000, 1.25),
        RoleModel("agent", "m"): CallSums(10, 0, 0, 1000, 100, 1.0, 10, None),
    }
    state = RunsState()
    state.eat([figures("a", world="model", calls=calls, done=1)], 0.0)
    _, row = shown(state, 140)
    assert {"1.5k", "2.0M", "1.25"} <= set(row.split())
    text = told(state)
    assert "0.50 s" in text
    assert text.index("agent") < text.index("judge")
    state.eat([figures("b", done=1)], 0.0)
    assert "tokens" not in shown(state)[0]


def test_the_experiment_stands_there_in_words() -> None:
    state = RunsState()
    state.eat([figures("a", done=6)], 0.0)
    state.told = Told(story("a"))
    text = told(state)
    for part in (
        "arms         vanilla, planner",
        "judges       a, b",
        "scenarios    3",
        "300 rollouts",
        "rule raise",
        "seed         7",
    ):
        assert part in text
    assert "surrogate 1-x" in text
    state.told = Told(story("another"))
    assert "vanilla" not in told(state)


@pytest.mark.parametrize(("kind", "said"), [("build", True), ("branch", False)])
@pytest.mark.parametrize("status", ["interrupted", "failed"])
def test_only_what_can_be_taken_up_names_the_key_that_does_it(kind: str, status: str, said: bool) -> None:
    state = RunsState()
    state.eat([figures("a", status, kind=kind, done=1, pending=2)], 0.0)
    assert ("runs.again takes it up where it was" in told(state)) is said
    assert (state.refusal("again", str) is None) is said


def test_no_figure_is_cut_on_a_tiny_terminal() -> None:
    state = RunsState()
    state.eat([figures("0123abcd", "interrupted", done=350, pending=2)], 0.0)
    heading, (row,) = state.table(44, 0.0, bar)
    assert "progress" not in text_of(heading)
    assert text_of(row).endswith("350/352")


def test_failures_open_their_first_unit() -> None:
    state = RunsState()
    state.eat([figures("a", done=6, failed=9)], 0.0)
    found = [
        Failure("no \x1b[31mJSON", 5, 17, "trial", "s1", "m", "agent", True),
        Failure("none", 1, 18, "trial", "s3", "m", "full", False),
        Failure("gone", 1, 3, "search", "s2", "m", "search", False),
    ]
    state.told = Told(story("a"), found)
    rows = state.details(70, str)
    text = "\n".join(text_of(row.spans) for row in rows)
    assert "5 × no JSON" in text
    assert "2 more: workbench show failures --run a" in text
    (heading,) = [row for row in rows if "list.open opens the first" in text_of(row.spans)]
    assert heading.link == Link("dialogue", "17")
    assert {row.link for row in rows if row.link} == {
        Link("dialogue", "17"),
        Link("search", "3"),
        Link("scores", "a", "scenario=s3"),
    }
    assert "\x1b" not in text


def test_enter_opens_scores_or_the_search_or_the_dialogue() -> None:
    state = RunsState()
    assert state.opens() is None
    for kind, link in (("run", Link("scores", "a")), ("plan", Link("search", "1")), ("branch", Link("dialogue", "4"))):
        state.eat([figures("a", kind=kind)], 0.0)
        state.told = Told(story("a", kind=kind))
        assert state.opens() == link


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        ("running", {"pause", "resume", "cancel"}),
        ("paused", {"pause", "resume", "cancel"}),
        ("interrupted", {"again", "retry"}),
        ("failed", {"again", "retry"}),
        ("done", {"retry"}),
    ],
)
def test_what_can_be_done_when(status: str, allowed: set[str]) -> None:
    state = RunsState()
    state.eat([figures("a", status, failed=1, done=1)], 0.0)
    verbs: tuple[Verb, ...] = ("pause", "resume", "cancel", "again", "retry")
    assert {verb for verb in verbs if state.refusal(verb, str) is None} == allowed


def test_refusals_say_why() -> None:
    state = RunsState()
    assert state.refusal("pause", str) == "there is no run yet"
    state.eat([figures("a", done=1)], 0.0)
    assert state.refusal("retry", str) == "run a has no failed units"
    assert state.refusal("again", str) == "run a is finished"
    state.eat([figures("a", "interrupted", done=1)], 0.0)
    assert "runs.again takes it up" in (state.refusal("cancel", str) or "")
    state.eat([figures("a", kind="import", failed=1)], 0.0)
    assert "of kind import" in (state.refusal("retry", str) or "")
    state.eat([figures("a", "interrupted", kind="plan")], 0.0)
    assert state.refusal("again", str) is None


def test_a_judging_counts_judgements_and_opens_the_scores_of_the_run_it_judges() -> None:
    state = RunsState()
    for second, done in enumerate((2, 6)):
        state.eat([figures("j", "running", kind="judge", pending=9 - done, done=done, failed=1)], 10.0 * second)
    assert "7/10" in shown(state)[1]
    about = {"run": "r1", "judges": ["a", "b"], "rounds": {"a": 1, "b": 0}, "repeats": 3}
    failure = Failure("no", 1, 7, "trial", "s1", "m", "full", False)
    state.told = Told(story("j", kind="judge", experiment=about, arms=(), models=(), first={}), (failure,))
    text = told(state)
    for part in (
        "6 judgements done · 1 failed · 3 to do",
        "0.4 judgements a second",
        "those of run r1",
        "a#2, b",
        "repeats",
    ):
        assert part in text
    assert state.opens() == Link("scores", "r1")
    rows = state.details(70, str)
    assert Link("scores", "r1", "scenario=s1") in [row.link for row in rows]
    assert state.refusal("pause", str) is None
    state.eat([figures("j", kind="judge", done=9, failed=1)], 20.0)
    assert state.refusal("retry", str) is None


def test_a_build_says_what_it_kept_and_why_not_more() -> None:
    state = RunsState()
    state.eat([figures("a", "running", kind="build", world="model", pending=5, done=3, rejected=2, failed=1)], 0.0)
    assert "6/11" in shown(state)[1]
    about = {"profiles": 11, "queries": 3, "missing": 0.1, "leaks": "reject", "model": "m"}
    left_out = (
        LeftOut("leak", "rejected", "the query tells \x1b[31mAge", 2),
        LeftOut("model", "failed", "no reply " * 20, 1),
    )
    build = BuildStory("a", BuildCounts(7, 3, 2, 1, 1, 4), left_out, "s1")
    state.told = Told(story("a", kind="build", experiment=about, arms=(), models=(), first={}), build=build)
    text = told(state)
    for part in (
        "3 items done · 2 rejected · 1 failed · 5 to do",
        "7 scenarios kept · 1 more query rejected · 4 values dropped",
        "2 × leak, rejected: the query tells Age",
        "each: workbench scenarios rejected a",
        "11 profiles, 3 queries each, 10% unknown",
    ):
        assert part in text
    assert max(map(len, text.splitlines())) <= 70
    assert state.opens() == Link("scenario", "s1")
    assert json.loads(state.summary())["build"]["first"] == "s1"
    assert {verb for verb in ("pause", "resume", "cancel") if state.refusal(verb, str) is None} == {
        "pause",
        "resume",
        "cancel",
    }


def test_a_study_shows_its_runs_and_goes_on_as_a_whole() -> None:
    def member(position: int) -> Membership:
        return Membership("0f", "budget", False, f"budget (rollouts {position}0)", position, 3)

    state = RunsState()
    first, second = figures("a", study=member(1), done=2), figures("b", "interrupted", study=member(2), pending=2)
    state.eat([second, first], 0.0)
    assert "budget 2/3" in shown(state, 140)[1]
    parts = [StoredPart("budget", {"rollouts": 10 * n}, (), "{}", run) for n, run in ((1, "a"), (2, "b"), (3, None))]
    state.told = Told(story("b"), parts=parts)
    text = told(state)
    assert "run 2 of 3 of study budget: rollouts 20" in text
    assert "runs.again goes on with the study" in text
    assert "study budget  1 of 3 runs done" in text
    assert "○ budget (rollouts 30)" in text
    assert [row.link for row in state.details(70, str) if row.link] == [Link("run", "a")]
    assert state.refusal("again", str) is None
    state.choose("a")
    assert state.refusal("again", str) is None  # it is done, but the study is not
    state.told = Told(story("a"), parts=parts)
    assert "runs.again goes on with it where it was" in told(state)
    state.eat([figures("b", "running", study=member(2)), first], 1.0)
    assert state.refusal("again", str) == "study budget is at run b"
    assert "runs.again goes on" not in told(state)


def test_a_branch_says_what_it_left_and_a_paused_run_why() -> None:
    state = RunsState()
    state.eat([figures("a", "paused", kind="branch", pending=1, held="by a command")], 0.0)
    left = {"parent": 7, "step": 2, "change": {"say": "\x1b[31mno"}}
    state.told = Told(story("a", kind="branch"), branch=left)
    assert "leaves unit 7 after turn 2: said “no”" in told(state)
    assert "paused by a command" in told(state)
    assert Link("dialogue", "7", "step=2") in [row.link for row in state.details(70, str)]


def test_the_summary_is_json() -> None:
    state = RunsState()
    assert json.loads(state.summary()) is None
    state.eat([figures("a", done=6, failed=1)], 0.0)
    state.told = Told(story("a"), [Failure("no", 1, 2, "trial", "s", "m", "agent", True)])
    summary = json.loads(state.summary())
    assert summary["status"] == "failed-units"
    assert summary["units"] == {"all": 7, "done": 6, "failed": 1, "rejected": 0, "pending": 0}
    assert summary["failures"][0]["unit"] == 2
    assert summary["experiment"]["scenarios"] == ["a", "b", "c"]


def test_columns_go_by_rank_until_the_rest_fits() -> None:
    columns = (Column("a"), Column("bb", rank=2), Column("c", right=True, rank=1), Column("none", rank=1))
    rows = [{"a": Span("first"), "bb": Span("second"), "c": Span("3"), "none": Span("–")}]
    assert layout(columns, rows, 40) == {"a": 5, "bb": 6, "c": 1}
    assert layout(columns, rows, 10) == {"a": 5, "c": 1}
    assert layout(columns, rows, 3) == {"a": 5}
    assert text_of(table_line(columns, rows[0], {"a": 4, "c": 3})) == "fir…   3"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (999, "999"), (1000, "1.0k"), (12_345, "12.3k"), (123_456, "123k"), (2.5e6, "2.5M")]
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59, "59 s"), (61, "1 min 01 s"), (3599, "59 min"), (7500, "2 h 05 min"), (180_000, "2 d 2 h")],
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert span_of_time(seconds) == text


def test_moments() -> None:
    assert moment(None) == "–"
    assert moment(AT, now=0.0) == "2026-05-04"
    assert len(moment(AT, form="long")) == 19


def test_lines_of_a_log_are_folded_and_lose_nothing() -> None:
    assert folded("", 10) == ("",)
    assert folded("  as it is", 10) == ("  as it is",)
    assert folded("ten of ten, and more of it", 10) == ("ten of ten", "  , and mo", "  re of it")
    wide = folded("日本語" * 9, 10)
    assert "".join(part.strip() for part in wide) == "日本語" * 9
    assert all(cell_len(part) <= 10 for part in wide)
    assert folded("no room", 2) == ("no room",)
