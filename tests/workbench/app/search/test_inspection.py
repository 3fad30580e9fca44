"""What the inspector says, as lines: every width, every kind of search, and texts that may be blurred or hostile."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from planner.inspection import Decision, Term, inspect, why_not
from planner.settings import PLANNERS, PlannerSettings
from planner.tree import ActionScore
from simulator.attributes import NAMES
from simulator.world import Verdict
from tests.planner.games import Game, run
from tests.workbench.app.search.small import state
from workbench.app.state.blur import blur
from workbench.app.state.search.difference import Side
from workbench.app.state.search.inspection import InspectorState, wrapped
from workbench.app.state.spans import Line, Span, text_of
from workbench.engine.revisit.evidence import Evidence, Sample
from workbench.explain import (
    decision_words,
    evidence_words,
    passage_words,
    ranking_words,
    short_names,
    why_not_words,
)
from workbench.text import plain


def texts(lines: list[Line]) -> list[str]:
    return [text_of(line) for line in lines]


def as_it_is(text: str) -> str:
    return plain(text, lines=True)


def evidence(rollout: int, **more: Any) -> Evidence:
    verdict = Verdict("a", (4, 5, 4), rationale="strongest on empathy")
    samples = (Sample(0, "first\nsecond \x1b[31mline", verdict),)
    found = Evidence(7, rollout, 0b111, "surrogate", "a", 13 / 3, cached=False, samples=samples, true_score=4.21)
    return replace(found, **more)


def test_a_line_for_every_action_best_first_with_numbers_below_each_other() -> None:
    search, inspector = state(), InspectorState()
    search.cursor = (int(search.trace.path[-1, 0]),)
    inspector.look(search)
    page = inspector.page(45, as_it_is)
    seen = inspector.inspection
    assert seen is not None
    assert len(seen.actions) == 9
    lines = texts(page.lines)[:9]
    assert {cell_len(line) for line in lines} == {44}
    scores = [float(line[-7:-1]) for line in lines]
    assert scores == sorted(scores, reverse=True)
    assert [line.endswith("◀") for line in lines].count(True) == 1
    assert "score" in text_of(page.heading)
    assert any("(" in line and a.first_play for line, a in zip(lines, seen.actions, strict=True))
    assert inspector.title(60).startswith("{")
    assert "· N " in inspector.title(60)
    assert cell_len(inspector.title(24)) <= 24
    assert "… · N " in inspector.title(24)


@pytest.mark.parametrize("width", [30, 45, 56, 60, 78, 100])
@pytest.mark.parametrize("side", ["left", "right"])
def test_two_searches_stand_beside_each_other_in_every_row(width: int, side: Side) -> None:
    left, right = state(), state(PlannerSettings(rollouts=60, depth=3, c=3.0))
    left.cursor = right.cursor = (int(left.trace.path[-1, 0]),)
    inspector = InspectorState()
    inspector.look(*((left, right) if side == "left" else (right, left)), side)
    page = inspector.page(width, as_it_is)
    seen, other = inspector.inspection, inspector.beside
    assert seen is not None
    assert other is not None
    both = (seen, other) if side == "left" else (other, seen)
    rows = texts(page.lines)[: len(seen.actions)]
    assert {cell_len(row) for row in rows} == {cell_len(text_of(page.heading))}
    assert all(row.count("│") == 1 for row in (*rows, text_of(page.heading)))
    if width >= 45:  # else there is no room for figures beside names
        assert cell_len(rows[0]) <= width
    for action, row in zip(seen.actions, rows, strict=True):
        for stands, part in zip(both, (row.split("│")[0], row.split("│")[1]), strict=True):
            one = stands.action(action.attribute)
            figures = [f"{one.visits} ", f"{stands.rule.shown(one.q):.2f}"] + [f"{one.score:.3f}"] * (width >= 56)
            assert all(figure in part for figure in figures)
            assert ("◀" in part) == (stands.taken == action.attribute)
    assert f"N {both[0].visits} | {both[1].visits} · Q {both[0].q:.2f} | {both[1].q:.2f}" in inspector.title(80)
    assert inspector.wanted == (seen.passage and seen.passage.rollout)


def test_what_the_search_beside_it_can_not_have_is_left_empty() -> None:
    left, right = state(), state()
    right.load(run(Game(n=10, seed=3), PlannerSettings(rollouts=60, depth=3), available=0b111111), running=False)
    inspector = InspectorState()
    inspector.look(left, right)
    assert inspector.inspection is not None
    rows = texts(inspector.page(60, as_it_is).lines)
    for action, row in zip(inspector.inspection.actions, rows, strict=False):
        assert (row.split("│")[1].split() == ["–"]) == (action.attribute >= 6)
    left.cursor = (9,)
    inspector.look(left, right)
    assert inspector.beside is None
    assert "|" not in inspector.title(60)


def test_the_sentences_are_about_the_action_under_the_cursor() -> None:
    search, inspector = state(), InspectorState()
    inspector.look(search)
    first = "\n".join(texts(inspector.page(60, as_it_is).lines))
    assert "it is next" in first
    inspector.point(3)
    seen = inspector.inspection
    assert seen is not None
    assert (inspector.cursor, inspector.attribute) == (3, seen.actions[3].attribute)
    again = "\n".join(texts(inspector.page(60, as_it_is).lines))
    assert f"why not {short_names(NAMES)[seen.actions[3].attribute]}?" in again or "why not" in again
    assert "last choice rollout 60 took" in again
    assert "ranking asked at rollout 1:" in again
    assert "Q + bonus on 0-1" in again


def test_the_cursor_keeps_to_its_attribute_while_the_position_moves() -> None:
    search, inspector = state(), InspectorState()
    inspector.look(search)
    inspector.point(5)
    attribute = inspector.attribute
    for t in (3, 20, 41, 60):
        search.move_to(t)
        inspector.look(search)
        assert inspector.inspection is not None
        assert inspector.inspection.actions[inspector.cursor].attribute == attribute


@pytest.mark.parametrize("planner", PLANNERS)
@pytest.mark.parametrize("rule", ["raise", "raise-literal"])
@pytest.mark.parametrize("width", [20, 41, 45, 78, 140])
def test_every_state_of_every_planner_at_every_width(planner: str, rule: str, width: int) -> None:
    settings = PlannerSettings(planner=planner, rule=rule, rollouts=12, depth=2)
    search = state(settings, Game(n=4, seed=2, broken=frozenset({0b11})), NAMES[:4])
    inspector = InspectorState()
    for t in (0, 1, search.trace.rollouts):
        search.move_to(t)
        for cursor in ((), (0,), (0, 1), (2, 3)):
            search.cursor = cursor
            inspector.look(search)
            page = inspector.page(width, as_it_is)
            if width > 40:
                assert all(cell_len(text_of(line)) <= width for line in (page.heading, *page.lines))
    inspector.look(None)
    assert "Move to a node" in text_of(inspector.page(width, as_it_is).lines[0])


def test_the_reward_and_what_stands_behind_it() -> None:
    search, inspector = state(), InspectorState()
    inspector.look(search)
    assert inspector.wanted == 60
    page = inspector.page(60, as_it_is)
    assert page.reward is not None
    assert texts(page.lines)[page.reward].endswith("…")
    inspector.evidence = evidence(60)
    page = inspector.page(60, as_it_is)
    assert page.reward is not None
    told = " ".join(" ".join(texts(page.lines[page.reward :])).split())
    assert "= risk 4, empathy 5, fit 4 (judge a) · surrogate, true 4.21" in told
    assert "second" not in told
    inspector.opened = True
    told = "\n".join(texts(inspector.page(60, as_it_is).lines))
    assert "sample 0 · 4.33\nfirst\nsecond line\njudge strongest on empathy" in told


def test_texts_of_a_person_are_blurred_and_hostile_ones_harmless() -> None:
    search, inspector = state(), InspectorState(opened=True)
    inspector.look(search)
    inspector.evidence = evidence(60)
    told = "\n".join(texts(inspector.page(60, lambda text: blur(as_it_is(text))).lines))
    assert "first" not in told.partition("sample 0")[2]
    assert "▒▒▒▒▒" in told
    assert "\x1b" not in told


def test_evidence_of_another_rollout_or_search_is_dropped() -> None:
    search, inspector = state(), InspectorState()
    inspector.look(search)
    inspector.evidence = evidence(60)
    kept = []
    for t in (60, 59):
        search.move_to(t)
        inspector.look(search)
        kept.append(inspector.evidence is not None)
    assert kept == [True, False]
    assert not inspector.takes(evidence(60))
    assert not inspector.takes(evidence(59, unit=8))
    assert inspector.takes(evidence(59))


def test_evidence_in_words() -> None:
    assert evidence_words(evidence(3, missing="not kept: gone", samples=())) == "not kept: gone"
    failed = (Sample(0, "", None, "no verdict"), Sample(1, "", None, "cut short"))
    assert evidence_words(evidence(3, samples=failed)) == "2 tries failed: cut short"
    both = (Sample(0, "", Verdict("a", (4, 5, 4))), Sample(1, "", Verdict("a", (5, 5, 4))))
    assert evidence_words(evidence(3, samples=both, true_score=None)) == (
        "risk 4.50, empathy 5, fit 4, mean of 2 samples (judge a)"
    )


def action(attribute: int, q: float, prior: float, bonus: float, **more: bool) -> ActionScore:
    return ActionScore(
        attribute, 1 << attribute, 3, q, prior, bonus, q + bonus, more.get("first_play", False), more.get("out", False)
    )


def test_a_decision_in_words() -> None:
    one, two = action(0, 0.8, 0.3, 0.1), action(1, 0.7, 0.3, 0.1)
    terms: dict[Term, float] = {"value": 0.1, "prior": -0.0001, "exploration": 0.0}
    told = Decision(12, one, two, 0.1, terms, (), untried=False)
    assert decision_words(told, NAMES) == (
        "rollout 12 took Age before Gender by 0.100, thanks to value (value +0.100, prior ±0, exploration ±0)"
    )
    assert decision_words(told._replace(runner_up=None), NAMES) == "rollout 12 took Age: nothing else was left"
    tied = told._replace(margin=0.0, tied=(0, 1))
    assert (
        decision_words(tied, NAMES) == "rollout 12 took Age, level with Gender at 0.900: the attributes' order decided"
    )
    tied = tied._replace(winner=one._replace(prior=0.4))
    assert decision_words(tied, NAMES).endswith("the higher prior decided")
    fresh = told._replace(untried=True)
    assert "the priors are equal" in decision_words(fresh, NAMES)
    assert "the prior decided (Gender came next)" in decision_words(
        fresh._replace(winner=one._replace(prior=0.4)), NAMES
    )


def test_why_not_in_words() -> None:
    search = state()
    seen = inspect(search.trace, 0)
    best, second = seen.actions[:2]
    assert why_not_words(why_not(seen, best.attribute), seen, NAMES).startswith("it is next, ")
    told = why_not(seen, second.attribute)
    assert "more rollout" in why_not_words(told, seen, NAMES)
    assert why_not_words(told._replace(rollouts=1), seen, NAMES).endswith("about 1 more rollout here while Q stays")
    assert "never while Q stays" in why_not_words(told._replace(never=True, rollouts=None), seen, NAMES)
    assert "more than 10,000" in why_not_words(told._replace(rollouts=None), seen, NAMES)
    out = told._replace(action=second._replace(left_out=True))
    assert why_not_words(out, seen, NAMES) == "it is left out, since evaluations failed"
    assert "level with" in why_not_words(told._replace(gap=0.0), seen, NAMES)


def test_rankings_and_rewards_in_words() -> None:
    search = state()
    assert ranking_words(inspect(search.trace, 0, 0), NAMES) == "no ranking was asked here yet"
    leaf = sum(1 << int(a) for a in search.trace.path[-1])
    assert ranking_words(inspect(search.trace, leaf), NAMES) == "nothing is left to choose here"
    assert passage_words(inspect(search.trace, 0, 0)) == "no rollout came through here"
    seen = inspect(search.trace, 0)
    assert seen.passage is not None
    failed = replace(seen, passage=seen.passage._replace(reward=math.nan))
    assert passage_words(failed) == "reward 60: the evaluation failed"
    weights = replace(seen, ranked=False)
    assert ranking_words(weights, NAMES).startswith("prior asked at rollout 1: ")


def test_short_names_stay_different() -> None:
    assert short_names(NAMES)[7:] == ("Mental Health", "Self-Harm", "Emotional")
    assert short_names(("Health Status", "Health", "Status")) == ("Health Status", "Health", "Status")
    assert short_names(("A Level", "A State")) == ("A Level", "A State")


@settings(max_examples=200)
@given(st.lists(st.text("ab ▁世é", max_size=30), max_size=5), st.integers(4, 30), st.integers(0, 2))
def test_wrapping_loses_nothing_but_spaces_and_keeps_within_the_width(
    parts: list[str], width: int, indent: int
) -> None:
    spans = [Span(part, role) for part, role in zip(parts, ("prior", "path") * 3, strict=False)]
    lines = wrapped(spans, width, indent)
    assert all(cell_len(text_of(line)) <= width for line in lines)
    for role in ("prior", "path"):
        before = "".join(span.text for span in spans if span.role == role).replace(" ", "")
        after = "".join(span.text for line in lines for span in line if span.role == role).replace(" ", "")
        assert before == after
