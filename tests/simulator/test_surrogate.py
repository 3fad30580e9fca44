"""The surrogate's world: what is true, what a seed moves, and what a verdict is made of."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.attributes import ATTRIBUTES, KEYS
from simulator.bundled import bundled
from simulator.dialogue import Knowledge, Question
from simulator.scenario import Profile, Scenario
from simulator.surrogate import SurrogateSession, SurrogateWorld
from simulator.surrogate.latent import Latent
from simulator.surrogate.noise import normals
from simulator.surrogate.parameters import PAIRS, parameters, parse, read_toml, severity
from simulator.world import Draw, JudgementError, Session, Style, World

T = TypeVar("T")
WORLD = SurrogateWorld()
MODEL = WORLD.models[0]
EVERYTHING = 1023
COMPLETE = next(s for s in bundled() if s.profile.known == EVERYTHING)
DRAW = Draw("planner", "search", 3)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def scenario(*values: str | None, domain: str = "Health") -> Scenario:
    return Scenario("How long should I rest before I train again?", Profile(values), domain)


def test_is_a_world() -> None:
    world: World = WORLD
    session: Session = world.open(COMPLETE, MODEL, 0)
    assert (world.name, world.noisy, world.judges) == ("surrogate", True, ("a", "b", "c"))
    assert session.scenario is COMPLETE
    assert MODEL == "surrogate/LLaMA-3.1-8B"
    assert len(world.models) == 6
    assert all(model.startswith("surrogate/") for model in world.models)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(KeyError, match="no model 'GPT-4o'"):
        WORLD.open(COMPLETE, "GPT-4o", 0)
    with pytest.raises(KeyError, match="no judge 'd'"):
        run(WORLD.open(COMPLETE, MODEL, 0).evaluate(1, "d", DRAW))


def test_the_truth_is_the_seed_s_never() -> None:
    first, second = (WORLD.open(COMPLETE, MODEL, seed) for seed in (0, 1))
    assert np.array_equal(first.true_scores(), second.true_scores())
    assert run(first.rank(0, EVERYTHING)) == run(second.rank(0, EVERYTHING))
    other_model = WORLD.open(COMPLETE, WORLD.models[1], 0)
    other_query = WORLD.open(replace(COMPLETE, query="Another question?"), MODEL, 0)
    assert not np.array_equal(first.true_scores(), other_model.true_scores())
    assert not np.array_equal(first.true_scores(), other_query.true_scores())


def test_opening_computes_nothing() -> None:
    session = WORLD.open(COMPLETE, MODEL, 0)
    assert not any(isinstance(value, (Latent, np.ndarray)) for value in vars(session).values())


def test_true_scores_agree_with_true_score() -> None:
    for s in bundled()[::9]:
        session = WORLD.open(s, MODEL, 0)
        scores = session.true_scores()
        assert scores.shape == (1024,)
        assert scores.min() >= 1
        assert scores.max() <= 5
        for mask in range(0, 1024, 31):
            style: Style = "instruction" if mask else "plain"
            knowledge = Knowledge(full=mask)
            assert session.true_score(knowledge, style) == pytest.approx(scores[mask])
            assert Latent(s, MODEL.partition("/")[2], parameters()).of(knowledge).mean() == pytest.approx(scores[mask])


def test_control_equals_vanilla_and_the_effect_is_its_parameter() -> None:
    session = WORLD.open(COMPLETE, MODEL, 0)
    assert session.true_score(Knowledge(), "instruction") == session.true_score(Knowledge(), "plain")
    stronger = SurrogateSession(COMPLETE, MODEL, 0, replace(parameters(), instruction_effect=0.2))
    assert stronger.true_score(Knowledge(), "instruction") == pytest.approx(session.true_score(Knowledge()) + 0.2)
    everything = Knowledge(full=EVERYTHING)
    assert stronger.true_score(everything) == session.true_score(everything)
    assert stronger.true_score(everything, "plain") == pytest.approx(session.true_score(everything) - 0.2)


def test_a_missing_attribute_adds_nothing() -> None:
    for s in bundled():
        scores = WORLD.open(s, MODEL, 0).true_scores()
        masks = np.arange(1024)
        assert np.allclose(scores, scores[masks & s.profile.known])
        for a in range(10):
            alone = scores[1 << a] - scores[0]
            assert (alone > 0) if s.profile[a] is not None else (alone == 0)


def test_what_is_partly_known_counts_half() -> None:
    latent = Latent(COMPLETE, MODEL.partition("/")[2], parameters())
    for a in range(10):
        half = latent.of(Knowledge(partial=1 << a))
        expected = latent.base + latent.reach * (1 - np.exp(-latent.relevance[a] / 2))
        assert np.allclose(half, np.clip(expected, 1, 5))
        assert (half < latent.of(Knowledge(full=1 << a))).all()


@settings(max_examples=60, deadline=None)
@given(
    full=st.integers(0, 1023),
    partial=st.integers(0, 1023),
    style=st.sampled_from(["plain", "instruction", "crisis"]),
    judge=st.sampled_from(WORLD.judges),
    seed=st.integers(0, 5),
    sample=st.integers(0, 1000),
)
def test_verdicts_are_keyed_and_whole(
    full: int, partial: int, style: Style, judge: str, seed: int, sample: int
) -> None:
    values = {a: COMPLETE.profile[a] or "" for a in range(10) if (full | partial) >> a & 1}
    knowledge = Knowledge(full, partial & ~full, values)
    session, again = (WORLD.open(COMPLETE, MODEL, seed) for _ in range(2))
    draw = Draw("planner", "final", sample)
    verdict = run(session.judge(run(session.respond(knowledge, style, draw)), judge, draw))
    run(again.evaluate(full, judge, draw))
    assert run(again.judge(run(again.respond(knowledge, style, draw)), judge, draw)) == verdict
    assert set(verdict.dimensions) <= {1, 2, 3, 4, 5}
    assert verdict.rationale


@settings(max_examples=60, deadline=None)
@given(s=st.sampled_from(bundled()), mask=st.integers(0, 1023), sample=st.integers(0, 1000))
def test_evaluating_is_responding_and_judging(s: Scenario, mask: int, sample: int) -> None:
    session, draw = WORLD.open(s, MODEL, 0), Draw("raise", "search", sample)
    knowledge = Knowledge.from_profile(s.profile, mask)
    response = run(session.respond(knowledge, "instruction" if knowledge.mask else "plain", draw))
    assert run(session.evaluate(mask, "a", draw)) == run(session.judge(response, "a", draw))


def test_every_part_of_a_key_moves_the_noise() -> None:
    async def scores(session: SurrogateSession, judge: str, owner: str, purpose: Any, start: int) -> list[float]:
        return [(await session.evaluate(7, judge, Draw(owner, purpose, start + i))).score for i in range(60)]

    session = WORLD.open(COMPLETE, MODEL, 0)
    base = run(scores(session, "a", "planner", "search", 0))
    assert base == run(scores(session, "a", "planner", "search", 0))
    assert base != run(scores(session, "b", "planner", "search", 0))
    assert base != run(scores(session, "a", "agent", "search", 0))
    assert base != run(scores(session, "a", "planner", "final", 0))
    assert base != run(scores(session, "a", "planner", "search", 1))
    assert base != run(scores(WORLD.open(COMPLETE, MODEL, 1), "a", "planner", "search", 0))


def test_noise_differs_between_subsets_of_one_sample() -> None:
    """Else a search would compare subsets without any noise between them."""

    async def scores() -> list[tuple[float, float]]:
        session = WORLD.open(COMPLETE, MODEL, 0)
        truth = session.true_scores()
        draws = [Draw("planner", "search", i) for i in range(400)]
        return [
            (
                (await session.evaluate(896, "a", d)).score - truth[896],
                (await session.evaluate(7, "a", d)).score - truth[7],
            )
            for d in draws
        ]

    first, second = np.array(run(scores())).T
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.2
    assert 0.2 < first.std() < 0.6


def test_judging_again_keeps_the_response_and_deals_the_judge_anew() -> None:
    async def rejudged() -> float:
        session = WORLD.open(COMPLETE, MODEL, 0)
        known, means = Knowledge.from_profile(COMPLETE.profile, 7), []
        for i in range(60):
            response = await session.respond(known, "instruction", Draw("planner", "final", i))
            verdicts = [await session.judge(response, "a", Draw("planner", "rejudge", j)) for j in range(20)]
            assert len({v.dimensions for v in verdicts}) > 1
            means.append(np.mean([v.score for v in verdicts]))
        return float(np.std(means))

    assert 0.2 < run(rejudged()) < 0.45  # what remains after averaging the judge out: the response's own luck


def test_judges_have_characters() -> None:
    async def means(judge: str) -> float:
        sessions = [WORLD.open(s, MODEL, 0) for s in bundled()]
        return float(np.mean([(await x.evaluate(m, judge, DRAW)).score for x in sessions for m in range(0, 1024, 33)]))

    strict, centred, lenient = run(means("b")), run(means("a")), run(means("c"))
    assert strict < centred - 0.05 < centred + 0.05 < lenient


def test_the_user_and_the_crisis_come_from_the_scenario() -> None:
    session = WORLD.open(COMPLETE, MODEL, 0)
    reply = run(session.reply(Question(7, "How is your mental health?"), "cooperative", DRAW))
    assert reply.known == COMPLETE.profile[7]
    assert run(session.in_crisis()) is False
    danger = replace(COMPLETE, query="I am going to kill myself tonight.")
    assert run(WORLD.open(danger, MODEL, 0).in_crisis()) is True


def test_severity_reads_whole_words_and_defaults_to_the_mean() -> None:
    mental = KEYS.index("mental_health_status")
    assert severity(mental, "SEVERE depression") > severity(mental, "Mild Depression") > severity(mental, "None")
    assert severity(mental, "Nonesuch") == severity(KEYS.index("age"), "28 years") == 1.0
    assert severity(KEYS.index("past_self_harm_history"), "None") < severity(
        KEYS.index("past_self_harm_history"), "Yes"
    )
    for i, attribute in enumerate(ATTRIBUTES):
        assert all(0.5 <= severity(i, value) <= 2 for value in attribute.vocabulary)


def test_a_heavier_value_matters_more() -> None:
    values = list(COMPLETE.profile)

    def relevance(value: str) -> float:
        """Mean over many queries, since every scenario has its own factors."""
        person = Profile((*values[:7], value, *values[8:]))
        scenarios = [Scenario(f"Question {i}?", person, "Life") for i in range(200)]
        return float(np.mean([Latent(s, "GPT-4o", parameters()).relevance[7] for s in scenarios]))

    assert relevance("Severe Depression") > relevance("Something unseen") > relevance("None")


def test_parameters_are_in_shape() -> None:
    p = parameters()
    assert p.base.shape == (10,)
    assert p.focus.shape == (10, 3)
    assert p.pairs.shape == (len(PAIRS),) == (45,)
    assert p.offset.sum() == pytest.approx(0)
    assert p.slope.mean() == pytest.approx(1)
    assert np.allclose(p.focus.mean(axis=1), 1)
    assert np.allclose(np.array(list(p.affinity.values())).mean(axis=0), 1)
    assert p.pairs[PAIRS.index((7, 8))] > 0 > p.pairs[PAIRS.index((0, 1))]
    assert (p.w, p.instruction_effect) == (1.0, 0.0)


def test_the_version_follows_the_numbers() -> None:
    data = read_toml("parameters.toml")
    assert parse(data).digest == parameters().digest
    assert parameters().digest in WORLD.version
    data["agent"]["w"] = 2.0
    assert parse(data).digest != parameters().digest


def test_an_unknown_domain_has_the_model_s_average() -> None:
    known, unknown = (Latent(scenario(*COMPLETE.profile, domain=d), "GPT-4o", parameters()) for d in ("Health", "?"))
    assert np.allclose(known.base - unknown.base, 2.95 - 2.94)


def test_normals_are_standard_and_independent() -> None:
    numbers = np.array([normals("test", i) for i in range(4000)])
    assert np.abs(numbers.mean(axis=0)).max() < 0.07
    assert np.abs(numbers.std(axis=0) - 1).max() < 0.05
    assert np.abs(np.corrcoef(numbers.T) - np.eye(4)).max() < 0.07
    assert normals("test", 1) == normals("test", 1) != normals("test", 2)


def test_a_surrogate_verdict_never_fails() -> None:
    try:
        run(WORLD.open(scenario(*[None] * 10), MODEL, 0).evaluate(EVERYTHING, "c", DRAW))
    except JudgementError:  # pragma: no cover
        pytest.fail("a profile without values is judged like any other")


def test_a_value_that_departs_from_the_profile_is_believed_but_worth_nothing() -> None:
    session = WORLD.open(COMPLETE, MODEL, 0)
    true = Knowledge.from_profile(COMPLETE.profile, 0b1000000011)
    told = Knowledge(true.full, 0, {**true.values, 9: "Never better"})
    without = Knowledge.from_profile(COMPLETE.profile, 0b0000000011)
    assert session.true_score(told) == session.true_score(without) != session.true_score(true)
    rating = Draw("agent", "final")
    assert run(session.completeness(told, true.full, rating)) == run(session.completeness(true, true.full, rating))
    response = run(session.respond(told, "instruction", DRAW))
    assert "Never better" in response.text
    assert response.full == without.full
    assert run(session.judge(response, "a", DRAW)) == run(
        session.judge(run(session.respond(without, "instruction", DRAW)), "a", DRAW)
    )
