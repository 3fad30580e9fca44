"""What was run and how, in sentences, from the normalised experiment that a run stores."""

from collections.abc import Iterator, Mapping
from typing import Any

ARMS = {
    "vanilla": "the query alone, under the plain prompt",
    "control": "the query alone, under the prompt that also asks to work out what the user needs",
    "full": "every known attribute, without a dialogue",
    "static": "a fixed choice of k attributes, straight from the profile",
    "random": "k attributes drawn at random, straight from the profile",
    "oracle": "the best k attributes as far as they are known, straight from the profile",
    "agent": "what a dialogue learned, the model choosing what to ask",
    "planner": "what a dialogue learned, the model choosing what to ask with planned paths of similar queries in view",
}

_SCORES = (
    "Scores are the mean of three dimensions (risk sensitivity, emotional empathy, user-specific alignment), each on "
    "1-5, given by a judge that sees the whole profile. Avg is the mean over all scenarios. Intervals are 95 % "
    "percentile bootstrap intervals that resample whole profiles. What failed is in no mean and is counted."
)

STATISTICS = (
    f"{_SCORES} Intervals that overlap do not show that two arms are alike: paired differences do that (workbench "
    "compare)."
)

READING: tuple[str, ...] = (
    (
        f"{_SCORES} Differences between arms, models and settings are paired: taken scenario by scenario, so that what "
        "scenarios differ in cancels. Where a table has p (Holm), it says which of them are told apart."
    ),
    (
        "Rows and diamonds marked published are the paper's own figures, shown as they were published: they were "
        "measured on other scenarios, models and judges, most of them without an interval."
    ),
)
"""How a study's figures are made and read."""


def describe(run: Mapping[str, Any], experiment: Mapping[str, Any]) -> tuple[str, ...]:
    """Say in sentences what a run did.

    Args:
        run: a row of `storage.readers.find_run`.
        experiment: what it stored, `Experiment.normalised`; of an imported run its file and format.
    """
    return (*_sentences(run, experiment), STATISTICS)


def flat(experiment: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield every setting of an experiment as (name, value); scenarios are counted, prompts left out."""
    for name, value in experiment.items():
        if isinstance(value, Mapping):
            if name != "prompts":
                yield from flat(value, f"{prefix}{name}.")
        elif name == "scenarios" and isinstance(value, list):
            yield "scenarios", f"{len(value)}"
        else:
            words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield f"{prefix}{name}", {"None": "not set", "True": "yes", "False": "no"}.get(words, words)


def _sentences(run: Mapping[str, Any], experiment: Mapping[str, Any]) -> Iterator[str]:
    if run["kind"] == "import":
        yield (
            f"Results imported from the file {experiment.get('file', 'not stated')} "
            f"({experiment.get('format', 'format not stated')}): nothing here was run by this program."
        )
        return
    yield _world(run)
    models, judges = _list(experiment.get("models")), _list(experiment.get("judges"))
    repeats = experiment.get("repeats", 1)
    scenarios = experiment.get("scenarios")
    count = len(scenarios) if isinstance(scenarios, list) else run["scenarios"]
    yield (
        f"{count:,} scenarios were answered by {', '.join(models) or 'no model'}; every response was judged by "
        f"{', '.join(judges) or 'no judge'}, {'once' if repeats == 1 else f'{repeats} times'} each."
    )
    arms = sorted(_list(experiment.get("arms")), key=lambda arm: list(ARMS).index(arm) if arm in ARMS else len(ARMS))
    if arms:
        yield (
            "What the response was given, by arm: "
            + "; ".join(f"{arm}: {ARMS.get(arm, 'as named')}" for arm in arms)
            + "."
        )
    if "k" in experiment:
        yield f"Subsets that come straight from the profile have k = {experiment['k']} attributes."
    agent = _mapping(experiment.get("agent"))
    if agent:
        crisis = "on" if agent.get("crisis") else "off"
        yield (
            f"Dialogues: the simulated user is {agent.get('persona', 'not stated')}; the agent rates from 0 to 5 how "
            f"complete its knowledge is, stops at {agent.get('threshold')}, and asks at most "
            f"{agent.get('max_questions')} questions, each attribute once. Help at once for queries in immediate "
            f"danger: {crisis}."
        )
    planner = _mapping(experiment.get("planner"))
    if planner:
        yield (
            f"Paths were planned by {planner.get('planner')} (rule {planner.get('rule')}, "
            f"{planner.get('rollouts')} rollouts, {planner.get('depth')} attributes per path, c = {planner.get('c')}, "
            f"prior falling by exp(-{planner.get('decay')} rank), recommendation by {planner.get('recommend')}), each "
            f"subset valued by judge {planner.get('judge')} (samples: {planner.get('evaluations')})."
        )
    library = _mapping(experiment.get("library"))
    if library:
        index = library.get("index")
        origin = f"the library {index}" if index else "the paths planned in this run"
        leaky = (
            " A query may find its own path (leaky index, as published)."
            if library.get("leaky")
            else " Paths of the same person or the same query are never shown."
        )
        yield (
            f"The planner arm sees {library.get('neighbours')} paths of similar queries (embedder "
            f"{library.get('embedder')}) from {origin}.{leaky}"
        )


def _world(run: Mapping[str, Any]) -> str:
    if "surrogate" in str(run["world"]):
        return (
            "World: surrogate, an offline simulation calibrated on the paper's figures. No language model wrote or "
            "judged anything here; these figures say how the method behaves in the simulation, not how safe a model is."
        )
    return f"World: {run['world'] or 'not stated'}."


def _list(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
