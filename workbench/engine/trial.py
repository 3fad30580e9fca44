"""One trial: a scenario, a model and an arm, from the query to the verdicts (experiments.md, Arms)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import anyio

from planner.keyed import generator
from planner.subsets import mask_of, members, subsets
from simulator.agent import AgentOptions, TrialError, converse, dialogue_style, response_style
from simulator.attributes import SENSITIVITY_ORDER
from simulator.dialogue import Dialogue, Knowledge, Neighbour
from simulator.judge import judge_response
from simulator.scenario import Scenario
from simulator.world import Draw, InvalidReplyError, JudgementError, Response, Session, Style, Verdict, World
from storage.records import Choice, TrialRecord
from workbench.arms import family, follows_path, holds_dialogue, number, only_attribute


@dataclass(frozen=True, slots=True)
class TrialUnit:
    """Everything that one trial needs, so that it can be done anywhere.

    Fields:
        search_judge: who judges what only serves to choose (the oracle where the truth is not known).
        path: what was planned for the scenario itself, for the arms that follow it; None where nothing was.
        neighbours: planned paths for the planner arm, nearest first.
        library: content hash of the library they come from; leaky: it may hold the query's own path.
    """

    scenario: Scenario
    model: str
    arm: str
    judges: tuple[str, ...]
    search_judge: str
    repeats: int
    k: int
    agent: AgentOptions
    seed: int
    world_seed: int
    path: tuple[int, ...] | None = None
    neighbours: tuple[Neighbour, ...] = ()
    library: str | None = None
    leaky: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A response with what became of it.

    Fields:
        response: the answer; score: its true mean score (1-5), where the world knows it.
        verdicts: one per judge that gave one, in the order of the judges. failures: judge -> why there is none.
    """

    response: Response
    score: float | None
    verdicts: tuple[Verdict, ...]
    failures: dict[str, str]


async def run_trial(world: World, unit: TrialUnit) -> TrialRecord:
    """Learn what the arm learns, answer, and have the answer judged by every judge.

    Raises:
        TrialError: the dialogue failed. InvalidReplyError: there was no usable answer.
    """
    session = world.open(unit.scenario, unit.model, unit.world_seed)
    dialogue: Dialogue | None = None
    choice: Choice | None = None
    if holds_dialogue(unit.arm):
        dialogue = await converse(session, unit.agent, unit.neighbours, unit.arm)
        knowledge, style = dialogue.knowledge, dialogue_style(dialogue)
    else:
        mask, choice = await given(session, unit)
        knowledge = Knowledge.from_profile(unit.scenario.profile, mask)
        style = response_style(knowledge) if follows_path(unit.arm) else _style(unit.arm)
    answered = await answer(session, knowledge, style, unit.arm, unit.judges, unit.repeats)
    planned = unit.arm == "planner"
    record = trial_record(answered, dialogue, unit.agent, unit.library if planned else None, unit.leaky and planned)
    return replace(record, choice=choice)


def trial_record(
    answered: Answer, dialogue: Dialogue | None, agent: AgentOptions, library: str | None, leaky: bool
) -> TrialRecord:
    """Put together what is stored of a trial."""
    return TrialRecord(
        response=answered.response,
        response_score=answered.score,
        verdicts=answered.verdicts,
        failures=answered.failures,
        dialogue=dialogue,
        threshold=agent.enough if dialogue else None,
        persona=agent.persona if dialogue else None,
        library=library,
        leaky=leaky,
    )


async def answer(
    session: Session, knowledge: Knowledge, style: Style, owner: str, judges: Sequence[str], repeats: int
) -> Answer:
    """Answer from what is known, as the final response of an arm (`owner`), and have every judge see it.

    Raises:
        InvalidReplyError: there was no usable answer.
    """
    response = await session.respond(knowledge, style, Draw(owner, "final"))
    verdicts: dict[str, Verdict] = {}
    failures: dict[str, str] = {}

    async def judge_by(judge: str) -> None:
        try:
            verdicts[judge] = await judge_response(session, response, judge, repeats, response.draw)
        except JudgementError as error:
            failures[judge] = str(error)

    async with anyio.create_task_group() as tasks:
        for judge in judges:
            tasks.start_soon(judge_by, judge)
    return Answer(
        response=response,
        score=session.true_score(knowledge, style),
        verdicts=tuple(verdicts[judge] for judge in judges if judge in verdicts),
        failures={judge: failures[judge] for judge in judges if judge in failures},
    )


async def given(session: Session, unit: TrialUnit) -> tuple[int, Choice | None]:
    """Return the mask of what an arm without a dialogue is given from the profile, and how it was chosen by judging.

    Raises:
        TrialError: the oracle arm could judge no subset, or there is no path to follow.
    """
    known = unit.scenario.profile.known
    k = min(unit.k, known.bit_count())
    match family(unit.arm):
        case "vanilla" | "control":
            return 0, None
        case "full":
            return known, None
        case "only":
            attribute = only_attribute(unit.arm)
            assert attribute is not None
            return known & 1 << attribute, None
        case "static":
            return mask_of([i for i in SENSITIVITY_ORDER if known >> i & 1][:k]), None
        case "random":
            draw = number(unit.arm)
            again = () if draw is None else (draw,)
            rng = generator(unit.seed, unit.scenario.id, unit.model, "random", "final", *again)
            return mask_of(rng.permutation(members(known))[:k].tolist()), None
        case "path":
            if unit.path is None:
                raise TrialError("no path was planned for this scenario and model")
            length = number(unit.arm)
            return known & mask_of(unit.path[: k if length is None else length]), None
        case "oracle":
            truth = session.true_scores()
            candidates = subsets(known, k)
            if truth is not None:
                return max(candidates, key=lambda mask: (truth[mask], -mask)), None
            return await _judged_best(session, unit, candidates)
        case "oracle-judged":
            return await _judged_best(session, unit, subsets(known, k))
    raise ValueError(f"there is no arm {unit.arm!r}")


def _style(arm: str) -> Style:
    return "plain" if arm == "vanilla" else "instruction"


async def _judged_best(session: Session, unit: TrialUnit, candidates: Sequence[int]) -> tuple[int, Choice]:
    """Return the subset that was judged best, ties to smaller masks.

    What is judged best of many is judged too well (the winner's curse). The trial judges it again, on samples of its
    own, and what won is kept beside it.
    """
    found: dict[int, float] = {}

    async def judge(mask: int) -> None:
        try:
            found[mask] = (await session.evaluate(mask, unit.search_judge, Draw(unit.arm, "search"))).score
        except (InvalidReplyError, JudgementError):
            return  # left out, as in a search

    async with anyio.create_task_group() as tasks:
        for mask in candidates:
            tasks.start_soon(judge, mask)
    if not found:
        raise TrialError("oracle: none of the subsets could be judged")
    best = max(found, key=lambda mask: (found[mask], -mask))
    return best, Choice(unit.search_judge, len(candidates), len(found), found[best])
