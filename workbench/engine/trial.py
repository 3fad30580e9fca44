"""One trial: a scenario, a model and an arm, from the query to the verdicts (experiments.md, Arms)."""

from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from planner.keyed import generator
from planner.subsets import mask_of, members, subsets
from simulator.agent import AgentOptions, TrialError, converse, dialogue_style
from simulator.attributes import SENSITIVITY_ORDER
from simulator.dialogue import Dialogue, Knowledge, Neighbour
from simulator.judge import judge_response
from simulator.scenario import Scenario
from simulator.world import Draw, InvalidReplyError, JudgementError, Response, Session, Style, Verdict, World
from storage.records import TrialRecord


@dataclass(frozen=True, slots=True)
class TrialUnit:
    """Everything that one trial needs, so that it can be done anywhere.

    Fields:
        search_judge: who judges what only serves to choose (the oracle where the truth is not known).
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
    if unit.arm in ("agent", "planner"):
        dialogue = await converse(session, unit.agent, unit.neighbours, unit.arm)
        knowledge, style = dialogue.knowledge, dialogue_style(dialogue)
    else:
        knowledge = Knowledge.from_profile(unit.scenario.profile, await given(session, unit))
        style = "plain" if unit.arm == "vanilla" else "instruction"
    answered = await answer(session, knowledge, style, unit.arm, unit.judges, unit.repeats)
    planned = unit.arm == "planner"
    return trial_record(answered, dialogue, unit.agent, unit.library if planned else None, unit.leaky and planned)


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
        threshold=agent.threshold if dialogue else None,
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


async def given(session: Session, unit: TrialUnit) -> int:
    """Return the mask of what an arm without a dialogue is given from the profile.

    Raises:
        TrialError: the oracle arm could judge no subset.
    """
    known = unit.scenario.profile.known
    k = min(unit.k, known.bit_count())
    match unit.arm:
        case "vanilla" | "control":
            return 0
        case "full":
            return known
        case "static":
            return mask_of([i for i in SENSITIVITY_ORDER if known >> i & 1][:k])
        case "random":
            rng = generator(unit.seed, unit.scenario.id, unit.model, "random", "final")
            return mask_of(rng.permutation(members(known))[:k].tolist())
        case "oracle":
            return await _oracle(session, unit, subsets(known, k))
    raise ValueError(f"there is no arm {unit.arm!r}")


async def _oracle(session: Session, unit: TrialUnit, candidates: Sequence[int]) -> int:
    """Return the truly best subset where the world knows it, else the one that was judged best; ties to smaller masks.

    What is judged best of many is judged too well. The trial judges it again, on samples of its own.
    """
    truth = session.true_scores()
    if truth is not None:
        return max(candidates, key=lambda mask: (truth[mask], -mask))
    found: dict[int, float] = {}

    async def judge(mask: int) -> None:
        try:
            found[mask] = (await session.evaluate(mask, unit.search_judge, Draw("oracle", "search"))).score
        except (InvalidReplyError, JudgementError):
            return  # left out, as in a search

    async with anyio.create_task_group() as tasks:
        for mask in candidates:
            tasks.start_soon(judge, mask)
    if not found:
        raise TrialError("oracle: none of the subsets could be judged")
    return max(found, key=lambda mask: (found[mask], -mask))
