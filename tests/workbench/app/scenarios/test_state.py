"""The scenarios screen's state, without an event loop."""

from rich.cells import cell_len

from simulator.attributes import NAMES
from simulator.scenario import Profile, Scenario
from storage.notes import Annotations
from storage.scenariopages import Overview, Result, ScenarioRow
from workbench.app.state.blur import blur
from workbench.app.state.scenarios.scenario import ScenarioDetail, detail_lines
from workbench.app.state.scenarios.scenarios import AROUND, ScenarioLines, ScenarioList, Window
from workbench.app.state.spans import Line, text_of
from workbench.text import plain

ABOUT = Overview(1000, (("Career", 1000),), (("synthetic", 1000),), ("vanilla", "planner", "oracle"), (), True)


def row(key: int, **values: object) -> ScenarioRow:
    fields: dict[str, object] = {
        "id": f"{key:016x}",
        "domain": "Career",
        "query": f"question {key}",
        "known": 9,
        "arms": {},
        "best": None,
        "surrogate": False,
        "bookmarked": False,
        "noted": False,
    }
    return ScenarioRow(key, **(fields | values))  # type: ignore[arg-type]  # what a test leaves out is above


def listed(*keys: int, read: int = 1000) -> ScenarioList:
    state = ScenarioList()
    state.update(list(keys), 0, [row(key) for key in keys[:read]], ABOUT)
    return state


def texts(lines: list[Line]) -> list[str]:
    return [text_of(line).rstrip() for line in lines]


def test_nothing_is_empty_before_it_was_read() -> None:
    state = ScenarioList()
    assert (state.empty, state.current) == (False, None)
    state.update([], 0, [], ABOUT._replace(total=0))
    assert (state.empty, state.wanted()) == (True, [])


def test_the_title_says_how_many_are_shown_and_chosen() -> None:
    state = listed(*range(1, 1001))
    assert state.title == "1,000"
    state.update([4, 5, 6], 0, [], ABOUT)
    state.toggle()
    assert state.title == "1,000 · 3 shown · 1 selected"


def test_the_cursor_stays_on_its_scenario_while_others_come_and_go() -> None:
    state = listed(10, 20, 30)
    state.cursor = 1
    assert state.place([5, 10, 15, 20, 30]) == 3
    assert state.place([10, 30]) == 1  # gone: near by
    assert state.place([]) == 0
    assert state.place([10, 20, 30], 30) == 2


def test_choosing_one_all_and_none() -> None:
    state = listed(1, 2, 3)
    assert state.wanted() == [1]  # under the cursor
    state.toggle()
    state.cursor = 2
    state.toggle()
    assert state.wanted() == [1, 3]
    state.toggle_all()
    assert state.chosen == {1, 2, 3}
    state.toggle_all()
    assert state.chosen == set()


def test_what_was_chosen_stays_chosen_while_it_is_not_shown() -> None:
    state = listed(1, 2, 3)
    state.toggle()
    state.update([2, 3], 0, [], ABOUT)
    state.toggle_all()
    assert state.chosen == {1, 2, 3}


def test_only_the_window_and_what_surrounds_it_is_read() -> None:
    state = listed(*range(1, 1001), read=50)
    assert state.missing(Window(0, 30)) == []
    missing = state.missing(Window(500, 30))
    assert (missing[0], missing[-1]) == (501 - AROUND, 530 + AROUND)
    state.add(map(row, missing))
    assert state.missing(Window(500, 30)) == []
    assert state.missing(Window(490, 30)) == []


def test_a_line_has_the_width_of_the_list_whatever_stands_in_it() -> None:
    state = ScenarioList()
    arms = {"planner": True, "oracle": False, "vanilla": True}
    rows = [
        row(1),
        row(2, query="問" * 200, arms=arms, best=4.214, surrogate=True, bookmarked=True, noted=True),
        row(3, query="\x1b[31mred\x1b[0m [bold]text[/] \u202e" * 9, domain="A domain that is far too long", known=10),
    ]
    state.update([1, 2, 3], 0, rows, ABOUT)
    state.toggle()
    lines = ScenarioLines(state, 90, plain)
    assert {cell_len(text_of(line)) for line in (lines.heading, lines[0], lines[1], lines[2])} == {89}  # and the mark
    shown = text_of(lines[1])
    assert "★✎" in shown
    assert "✔vp✘" in shown
    assert "4.21◇" in shown
    assert text_of(lines[0]).startswith("✓ ")
    hostile = text_of(lines[2])
    assert "\x1b" not in hostile
    assert "\u202e" not in hostile
    assert "[bold]text[/]" in hostile


def test_a_row_that_was_not_read_is_a_line_that_waits() -> None:
    state = listed(1, 2, read=1)
    assert text_of(ScenarioLines(state, 80, plain)[1]).strip() == "…"


def test_the_preview_shows_all_ten_attributes_and_says_which_are_unknown() -> None:
    values: list[str | None] = [None] * 10
    values[0], values[9] = "45-54", "Feels cornered, has slept badly for weeks and does not know whom to tell"
    lines = texts(detail_lines(detail(Profile(tuple(values))), 40, plain, lambda _: "p"))
    for number, name in enumerate(NAMES):
        (shown,) = [text for text in lines if text.startswith(f"{name} ")]
        assert ("? unknown" in shown) == (number not in (0, 9))
    assert "Profile  2 of 10 known" in lines
    assert max(map(len, lines)) <= 40
    assert "none yet: p plans, p starts a run" in lines


def test_the_preview_lists_results_by_run_arm_and_judge_and_says_surrogate() -> None:
    results = (
        Result(9, "beef", "surrogate", "trial", "agent", "m", "done", None, "a", 4.0, 2),
        Result(9, "beef", "surrogate", "trial", "agent", "m", "done", None, "b", None, 2),
        Result(8, "beef", "surrogate", "search", "search", "m", "done", None, "a", 4.5, None),
        Result(3, "cafe", None, "trial", "full", "m", "failed", "why", None, None, None),
    )
    lines = texts(detail_lines(detail(results=results), 60, plain, lambda _: "p"))
    start = lines.index("Results so far")
    assert lines[start + 1 :] == [
        "run beef  ◇ surrogate",
        " ✔ agent    a 4.00  b ✘  2 asked",
        " ✔ search   Q 4.50",
        "run cafe  imported",
        " ✘ full     failed",
    ]


def test_notes_tags_and_bookmark_stand_in_the_preview() -> None:
    lines = texts(
        detail_lines(detail(notes=Annotations("look\nagain", ("dark", "odd"), True)), 60, plain, lambda _: "p")
    )
    assert "★ bookmarked" in lines
    assert "#dark #odd" in lines
    assert "✎ look again" in lines


def test_blurred_texts_can_not_be_read() -> None:
    values = ("45-54", *[None] * 8, "Feels cornered")
    lines = "\n".join(texts(detail_lines(detail(Profile(values)), 60, lambda text: blur(plain(text)), lambda _: "p")))
    assert "cornered" not in lines
    assert "notice" not in lines
    assert "45-54" not in lines
    assert "Emotional State" in lines


def test_the_newest_finished_search_and_dialogue_are_found() -> None:
    results = (
        Result(9, "r", "surrogate", "trial", "agent", "m", "failed", "x", None, None, 2),
        Result(8, "r", "surrogate", "trial", "full", "m", "done", None, "a", 4.0, None),
        Result(7, "r", "surrogate", "trial", "planner", "m", "done", None, "a", 4.0, 0),
        Result(6, "r", "surrogate", "search", "search", "m", "done", None, "a", 4.0, None),
    )
    found = detail(results=results)
    assert (found.latest("dialogue"), found.latest("search")) == (7, 6)
    assert detail().latest("dialogue") is None


def detail(
    profile: Profile | None = None, results: tuple[Result, ...] = (), notes: Annotations | None = None
) -> ScenarioDetail:
    scenario = Scenario("Should I hand in my notice?", profile or Profile((None,) * 10), "Career", "Burnout", "real")
    return ScenarioDetail(scenario, results, notes or Annotations())
