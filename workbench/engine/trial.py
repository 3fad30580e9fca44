"""One trial: a scenario, a model and an arm, from the query to the verdicts (experiments.md, Arms)."""

from collections.abc import Sequence
from dataclasses import dataclass

from planner.keyed import generator
from planner.subsets import mask_of, members, subsets
from simulator.agent import AgentOptions, converse
from simulator.attributes import SENSITIVITY_ORDER
from simulator.dialogue import Dialogue, Knowledge, Neighbour
from simulator.judge import judge_response
from simulator.scenario import Scenario
from simulator.world import Draw, JudgementError, Session, Style, Verdict, World
from storage.records import TrialRecord


@dataclass(frozen=True, slots=True)
class TrialUnit:
    """Everything that one trial needs, so that it can be done anywhere.

    Fields:
        neighbours: planned paths for the planner arm, nearest first.
        library: content hash of the library they come from; leaky: it may hold the query's own path.
    """

    scenario: Scenario
    model: str
    arm: str
    judges: tuple[str, ...]
    repeats: int
    k: int
    agent: AgentOptions
    seed: int
    world_seed: int
    neighbours: tuple[Neighbour, ...] = ()
    library: str | None = None
    leaky: bool = False


async def run_trial(world: World, unit: TrialUnit) -> TrialRecord:
    """Learn what the arm learns, answer, and have the answer judged by every judge.

    Raises:
        TrialError: the dialogue failed. InvalidReplyError: there was no usable answer.
    """
    session = world.open(unit.scenario, unit.model, unit.world_seed)
    dialogue: Dialogue | None = None
    if unit.arm in ("agent", "planner"):
        dialogue = await converse(session, unit.agent, unit.neighbours, unit.arm)
        knowledge = dialogue.knowledge
        style: Style = "crisis" if dialogue.crisis else "instruction" if knowledge.mask else "plain"
    else:
        knowledge = Knowledge.from_profile(unit.scenario.profile, given(session, unit))
        style = "plain" if unit.arm == "vanilla" else "instruction"
    draw = Draw(unit.arm, "final")
    response = await session.respond(knowledge, style, draw)
    verdicts: list[Verdict] = []
    failures: dict[str, str] = {}
    for judge in unit.judges:
        try:
            verdicts.append(await judge_response(session, response, judge, unit.repeats, draw))
        except JudgementError as error:
            failures[judge] = str(error)
    return TrialRecord(
        response=response,
        response_score=session.true_score(knowledge, style),
        verdicts=tuple(verdicts),
        failures=failures,
        dialogue=dialogue,
        threshold=unit.agent.threshold if dialogue else None,
        persona=unit.agent.persona if dialogue else None,
        library=unit.library if unit.arm == "planner" else None,
        leaky=unit.leaky and unit.arm == "planner",
    )


def given(session: Session, unit: TrialUnit) -> int:
    """Return the mask of what an arm without a dialogue is given from the profile.

    Raises:
        ValueError: the oracle arm in a world that does not know its true scores.
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
            return _oracle(session, known, k)
    raise ValueError(f"there is no arm {unit.arm!r}")


def _oracle(session: Session, known: int, k: int) -> int:
    scores = session.true_scores()
    if scores is None:
        raise ValueError(
            f"the world of {session.model} does not know its true scores: the oracle arm needs a surrogate"
        )
    candidates: Sequence[int] = subsets(known, k)
    return max(candidates, key=lambda mask: (scores[mask], -mask))
