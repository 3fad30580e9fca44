"""Repeats are averaged where enough could be read; otherwise the judgement fails and says why."""

from math import nan

import anyio
import pytest

from simulator.judge import judge_response
from simulator.world import Draw, JudgementError, Response, Session, Verdict
from tests.simulator.fakes import FakeSession

RESPONSE = Response("An answer.", "plain", 0, 0, Draw("vanilla", "final"))


def judge(session: Session, repeats: int = 1, sample: int = 0) -> Verdict:
    return anyio.run(judge_response, session, RESPONSE, "a", repeats, Draw("vanilla", "final", sample))


def test_one_judgement_is_passed_through() -> None:
    verdict = judge(FakeSession(verdicts=[(1, 3, 5)]))
    assert (verdict.judge, verdict.dimensions, verdict.repeats, verdict.valid) == ("a", (1, 3, 5), 1, 1)
    assert verdict.score == 3


def test_repeats_are_averaged_by_dimension() -> None:
    session = FakeSession(verdicts=[(1, 3, 5), (2, 3, 4), (3, 3, 3), (4, 5, 5)])
    verdict = judge(session, repeats=4, sample=2)
    assert verdict.dimensions == (2.5, 3.5, 4.25)
    assert (verdict.repeats, verdict.valid) == (4, 4)
    assert sorted(draw.sample for _, draw in session.draws) == [8, 9, 10, 11]
    assert {draw._replace(sample=0) for _, draw in session.draws} == {Draw("vanilla", "final")}


def test_samples_of_two_draws_never_meet() -> None:
    session = FakeSession(verdicts=[(3, 3, 3)])
    for sample in range(3):
        judge(session, repeats=3, sample=sample)
    assert len({draw for _, draw in session.draws}) == 9


def test_half_of_the_repeats_suffice() -> None:
    failed = JudgementError("cut short")
    verdict = judge(FakeSession(verdicts=[failed, (2, 2, 2), failed, (4, 4, 4)]), repeats=4)
    assert (verdict.dimensions, verdict.repeats, verdict.valid) == ((3, 3, 3), 4, 2)
    assert verdict.rationale == "sample 1"


def test_less_than_half_is_a_failure_that_says_why() -> None:
    session = FakeSession(verdicts=[JudgementError("cut short"), (4, 4, 4), JudgementError("no JSON")])
    with pytest.raises(JudgementError, match=r"1 of 3 .* by a .* 2 are needed: cut short; no JSON"):
        judge(session, repeats=3)


@pytest.mark.parametrize("dimensions", [(0.33, 3, 3), (3, 6, 3), (3, 3, nan)])
def test_a_number_off_the_scale_is_a_failure(dimensions: tuple[float, float, float]) -> None:
    with pytest.raises(JudgementError, match="is not 1 to 5"):
        judge(FakeSession(verdicts=[dimensions]))


def test_no_repeats_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least once"):
        judge(FakeSession(verdicts=[(3, 3, 3)]), repeats=0)
