"""The paper's figures, checked against each other."""

import statistics

import pytest

from workbench.statistics.published import MEAN, figures, published

ARMS = ["vanilla", "agent", "planner", "full"]


def test_six_models_with_four_arms_and_their_mean() -> None:
    models = list(dict.fromkeys(row.model for row in figures()))
    assert len(models) == 7
    assert models[-1] == MEAN
    for model in models:
        assert [row.arm for row in published(model)] == ARMS


def test_a_surrogate_stands_beside_the_model_it_imitates() -> None:
    assert published("surrogate/LLaMA-3.1-8B") == published("llama-3.1-8b") != ()
    (planner,) = published("surrogate/LLaMA-3.1-8B", "planner")
    assert (planner.average, planner.questions, planner.label) == (4.06, 2.06, "published")


def test_an_unknown_model_or_arm_has_no_rows() -> None:
    assert published("surrogate/Nobody-1B") == ()
    assert published("GPT-4o", "oracle") == ()


def test_averages_agree_with_the_domains() -> None:
    for row in figures():
        if row.domains is not None:
            assert len(row.domains) == 7
            assert row.average == pytest.approx(statistics.fmean(row.domains), abs=0.03)


@pytest.mark.parametrize("arm", ARMS)
def test_means_agree_with_the_models(arm: str) -> None:
    of_models = [row for row in figures() if row.arm == arm and row.model != MEAN]
    (mean,) = published(MEAN, arm)
    assert mean.average == pytest.approx(statistics.fmean(row.average for row in of_models), abs=0.006)
    if mean.questions is not None:
        questions = [row.questions for row in of_models if row.questions is not None]
        assert mean.questions == pytest.approx(statistics.fmean(questions), abs=0.006)


def test_digitised_figures_say_so() -> None:
    assert all("digitised" in row.source for row in figures() if row.arm == "full")
