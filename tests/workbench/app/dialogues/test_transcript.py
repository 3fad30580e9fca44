"""Dialogues as lines: never wider than the room, never anything that acts on a terminal, badges where they belong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.workbench.app.dialogues.rows import HOSTILE, dialogue, row, turn
from workbench.app.state.blur import blur
from workbench.app.state.dialogues.dialoguelist import DialogueLines, layout
from workbench.app.state.dialogues.dialogues import Column, Replay, column
from workbench.app.state.dialogues.transcript import blocks, known_lines, neighbour_lines, turn_text
from workbench.app.state.spans import MOST_CHARACTERS, text_of, wrapped
from workbench.text import plain


def hide(text: str) -> str:
    return plain(text, lines=True)


def text(replay: Replay, number: int = 0, width: int = 60) -> str:
    return "\n".join(text_of(line) for block in blocks(replay, number, width, hide) for line in block.lines)


def bar(each: Column, said: int, width: int = 70) -> list[str]:
    replay = Replay([each])
    replay.go_to(said)
    return [text_of(line) for line in known_lines(replay, 0, width, lambda _: "s")]


@given(st.text(max_size=200), st.integers(1, 40))
def test_wrapped_lines_fit_and_keep_every_word(words: str, width: int) -> None:
    shown = hide(words)
    lines = wrapped(shown, width)
    assert all(cell_len(line) <= max(2, width) for line in lines)
    assert "".join("".join(lines).split()) == "".join(shown.split())


def test_a_text_without_end_is_cut_and_says_so() -> None:
    lines = wrapped("word " * MOST_CHARACTERS, 40)
    assert "80,000 characters more" in " ".join(lines[-2:])
    assert sum(map(len, lines)) < MOST_CHARACTERS + 200


@pytest.mark.parametrize("width", [20, 34, 58, 120])
def test_no_line_is_wider_than_the_room_and_none_is_hostile(width: int) -> None:
    hostile = dict.fromkeys(("question", "reason", "reply", "known", "truth", "chosen_by"), HOSTILE)
    verdict = {"judge": HOSTILE, "score": None, "error": HOSTILE, "rationale": HOSTILE, "repeats": 1, "failed": 1}
    fine = {"judge": "a", "score": 4.0, "risk_sensitivity": 4.0, "emotional_empathy": 5.0, "user_alignment": 3.0}
    neighbour = {"query": HOSTILE, "path": ["Age", "Gender"], "score": None, "distance": 0.5, "entry": HOSTILE}
    each = column(
        row(
            turn("Emotional State", **hostile),
            query=HOSTILE,
            response=HOSTILE * 3,
            invalid=[HOSTILE],
            persona=HOSTILE,
            verdicts=[verdict, {**fine, "error": None, "rationale": "well said", "repeats": 1, "failed": 0}],
            neighbours=[neighbour] * 5,
            branch={"parent": 7, "step": 0, "change": {"say": HOSTILE}},
        )
    )
    replay = Replay([each, dialogue("Age", unit=2)])
    replay.go_to(1)
    lines = [line for block in blocks(replay, 0, width, hide) for line in block.lines]
    lines += known_lines(replay, 0, width, lambda _: "s") + neighbour_lines(replay, 0, width, hide)
    assert all(cell_len(text_of(line)) <= width for line in lines)
    assert all(span.text.isprintable() for line in lines for span in line)
    assert "[bold]" in "".join(text_of(line) for line in lines)


def test_each_turn_says_who_chose_what_came_of_it_and_from_where() -> None:
    withheld = turn("Gender", status="refused", known=None, truth="Female", reply="I'd rather not say.")
    coarse = turn("Age", status="partial", known="an adult", truth="31")
    forced = turn("Profession", chosen_by="person", said_by="person", known="Teacher", truth="Student")
    shown = text(Replay([column(row(withheld, coarse, forced))]))
    assert "chosen by the model: it helps" in shown
    assert "⟵ Gender: Female  ⊗ refused" in shown
    assert "known as: an adult" in shown
    assert "◐ partial" in shown
    assert "asked for by a person" in shown
    assert "said by a person" in shown
    assert "≉ departs from the truth" in shown
    assert "no value in the profile" in text(
        Replay([column(row(turn("Age", status="unknown", known=None, truth=None)))])
    )


def test_the_end_says_style_ending_and_verdicts() -> None:
    verdict = {"judge": "a", "score": 4.0, "risk_sensitivity": 4.0, "emotional_empathy": 5.0, "user_alignment": 3.0}
    shown = text(Replay([dialogue("Age", verdicts=[{**verdict, "error": None, "rationale": "kind", "repeats": 1}])]))
    assert "instruction prompt" in shown
    assert "ended: what was known was enough" in shown
    assert "judge a ◇ surrogate 4.00" in shown
    assert "risk ●●●●○ 4  empathy ●●●●● 5  fit ●●●○○ 3" in shown
    assert "✘ failed" in text(Replay([dialogue(response=None, error="the server is gone")]))
    assert "▶ running" in text(Replay([dialogue("Age", state="running")]))


def test_a_crisis_is_told_plainly() -> None:
    shown = text(Replay([dialogue(crisis=1, ending="crisis", style="crisis")]))
    assert "‼ crisis" in shown
    assert "may come from somebody in immediate danger" in shown
    assert "ended: immediate danger" in shown


def test_the_bar_fills_in_and_says_where_the_figure_comes_from() -> None:
    each = column(row(turn("Age", completeness=1, score=3.0), turn("Gender", completeness=3, score=3.5)))
    assert bar(each, 0) == [
        "known 0/10 ",
        "completeness ●○○○○ 1/5  stops at 4",
        "score if it stopped now 3.00 ◇ surrogate",
    ]
    assert bar(each, 2)[:2] == ["known 2/10  ● Age ● Gender", "completeness ●●●●○ 4/5  stops at 4 ✔"]
    assert bar(each, 2, 35)[1] == "complete ●●●●○ 4/5  stops at 4 ✔"
    model = column(row(turn("Age", score=None), world="model", score=None))
    assert bar(model, 0)[2] == "score if it stopped now not known: s asks"
    probe = {"step": 0, "judge": "j", "score": 3.5, "error": None}
    asked = column(row(turn("Age", score=None), world="model", score=None, probes=[probe, {**probe, "score": 4.5}]))
    assert bar(asked, 0)[2] == "score if it stopped now 4.00  asked of 2 judges"
    many = dialogue("Emotional State", "Mental Health Status", "Past Self-Harm History", "Marital Status")
    assert bar(many, 4)[0] == "known 4/10  ● Emotional State ● Mental Health ● Past Self-Harm +1"
    evading = column(row(turn("Age", status="evasive", known=None), turn("Gender")))
    assert bar(evading, 2)[0] == "known 1/10  ● Gender ∿ Age"


def test_neighbours_show_what_was_asked_and_where_the_step_is() -> None:
    neighbour = {"query": "Like it?", "path": ["Age", "Gender"], "score": 4.5, "distance": 0.25, "entry": "abc:m"}
    replay = Replay([dialogue("Gender", neighbours=[neighbour])])
    replay.go_to(1)
    first, second = neighbour_lines(replay, 0, 80, hide)
    assert text_of(first) == "1  4.50  distance 0.25  Age > ● Gender"
    assert [span.text for span in first if span.role == "path"] == ["● Gender"]
    assert text_of(second) == "   Like it? · abc:m"
    assert "the agent arm asks without them" in text_of(neighbour_lines(Replay([dialogue()]), 0, 80, hide)[0])


def test_what_is_blurred_keeps_its_shape() -> None:
    replay = Replay([dialogue("Age")])
    clear = blocks(replay, 0, 50, hide)
    covered = blocks(replay, 0, 50, lambda words: blur(hide(words)))
    assert [len(block.lines) for block in clear] == [len(block.lines) for block in covered]
    shown = "\n".join(text_of(line) for block in covered for line in block.lines)
    assert "What about" not in shown
    assert "Take care" not in shown
    assert "Age" in shown


def test_copied_is_what_was_said_at_the_step() -> None:
    replay = Replay([dialogue("Age")])
    said = []
    for step in range(3):
        replay.go_to(step)
        said.append(turn_text(replay, 0))
    assert said == ["What now?", "What about Age?\nMy Age.", "Take care."]


def test_the_list_describes_only_the_pages_that_are_looked_at() -> None:
    from storage.dialogues import Place

    wanted: list[int] = []
    lines = DialogueLines([Place(f"s{i}", i) for i in range(14_000)], 100, hide, wanted.append)
    assert [text_of(line) for line in lines[250:252]] == ["…", "…"]
    assert wanted == [200, 200]
    described = {"scenario_id": "s250", "domain": "Health", "query": HOSTILE, "unit": 250, "model": "m", "arm": "agent"}
    lines.add([{**described, "questions": 2, "ending": "sufficient", "crisis": 0, "score": 3.5}])
    assert "2 · 3.50" in text_of(lines[250])
    assert text_of(lines.heading).endswith("   agent")
    assert "no markup" in text_of(lines[250])
    assert len(wanted) == 2


@pytest.mark.parametrize("width", [20, 40, 78, 118, 160])
@pytest.mark.parametrize("models", [1, 3])
def test_the_list_has_a_column_an_arm_and_fits_its_width(width: int, models: int) -> None:
    from storage.dialogues import Place

    row = {"scenario_id": "s", "domain": "Relationship", "query": "why " * 60, "questions": 9, "ending": "x"}
    kinds = [(arm, f"surrogate/model-{n}") for n in range(models) for arm in ("agent", "planner")]
    lines = DialogueLines([Place("s", 1), Place("t", 9)], width, hide, lambda _: None)
    lines.add(
        [{**row, "unit": n, "arm": a, "model": m, "crisis": n == 1, "score": 4.0} for n, (a, m) in enumerate(kinds)]
    )
    lines.add(
        [{**row, "scenario_id": "t", "unit": 9, "arm": "agent", "model": kinds[0][1], "crisis": 0, "score": None}]
    )
    first, second = map(text_of, lines[:2])
    assert cell_len(first) == cell_len(second) == width
    columns = layout(kinds, width)
    assert len(columns.shown) + columns.more == len(kinds)
    assert first.count("9 · 4.00") == len(columns.shown) >= 1
    assert ("+" in first) == bool(columns.more)
    assert second.count("9 · –") == 1
    assert ("‼" in first, "‼" in second) == (True, False)
    assert ("crisis" in first) == (width > 20)
    if width >= 78:
        assert "planner" in text_of(lines.heading)
