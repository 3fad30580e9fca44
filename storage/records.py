"""What the engine hands over to be stored: the results of a unit, in the words of planner and simulator."""

from dataclasses import dataclass, field

from planner.planner import Best
from planner.trace import Trace
from simulator.dialogue import Dialogue
from simulator.world import Response, Verdict


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """A search that came to its end.

    Fields:
        planner, rule: what searched, and by which selection rule.
        judge: who judged the rewards.
        best: what the search returned.
        trace: everything that happened, in order.
    """

    planner: str
    rule: str
    judge: str
    best: Best
    trace: Trace


@dataclass(frozen=True, slots=True)
class Choice:
    """What a choice among judged subsets rested on (the oracle where the truth is not known, or is not used).

    Fields:
        judge: who judged them.
        candidates, judged: subsets that there were, and those that could be judged.
        naive: 1-5, the winner's single judgement. The greatest of many is too great: the trial judges it again.
    """

    judge: str
    candidates: int
    judged: int
    naive: float


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """A trial: what was said, answered and judged.

    Fields:
        response: the answer.
        response_score: its true mean score (1-5), where the world knows it.
        verdicts: one per judge that gave one.
        failures: judge -> why there is no verdict.
        dialogue: what was said before; None for arms without a dialogue.
        threshold, persona, library, leaky: the dialogue's circumstances.
        choice: where the arm chose by judging.
    """

    response: Response
    response_score: float | None
    verdicts: tuple[Verdict, ...]
    failures: dict[str, str] = field(default_factory=dict)
    dialogue: Dialogue | None = None
    threshold: int | None = None
    persona: str | None = None
    library: str | None = None
    leaky: bool = False
    choice: Choice | None = None

    @property
    def error(self) -> str | None:
        """Why the trial counts as failed: every judge that gave no verdict, or None."""
        return "; ".join(f"judge {judge}: {why}" for judge, why in self.failures.items()) or None
