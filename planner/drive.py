"""Answering a planner: what a loop around it has to do, blocking or not.

A loop that awaits its world differs from `plan` only in how it answers a round:

    while requests := planner.ask():
        work = Round(requests, evaluations)
        for mask, ranking in zip(work.states, await gather(map(rank, work.states))):
            planner.tell_ranking(mask, ranking)
        while work.wanted:
            work.add(await gather(evaluate(mask, sample) for mask, sample in work.wanted))
        work.tell(planner)
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from planner.evaluations import Evaluations
from planner.planner import Evaluate, Planner, Rank
from planner.trace import Trace


class Round:
    """The requests of one `ask`. What is independent is answered in any order, and told in the order asked.

    A failed evaluation is tried once more with a new sample (experiments.md, "One evaluation"). Every first try ends
    before the second ones are numbered, so a sample's number never depends on arrival.

    Fields:
        states: masks whose prior is wanted.
        wanted: (mask, sample number) of the samples to take now; empty once every evaluation is settled.
    """

    def __init__(self, requests: Sequence[Rank | Evaluate], evaluations: Evaluations) -> None:
        self.states: list[int] = []
        self.wanted: list[tuple[int, int]] = []
        self._evaluations = evaluations
        self._answers: list[tuple[Evaluate, float | None, bool]] = []
        self._open: list[int] = []
        self._last_try = False
        for request in requests:
            if isinstance(request, Rank):
                self.states.append(request.mask)
                continue
            mean = evaluations.mean(request.mask)
            if mean is None:
                self._open.append(len(self._answers))
                self.wanted.append((request.mask, evaluations.take(request.mask)))
            self._answers.append((request, mean, mean is not None))

    def add(self, rewards: Sequence[float | None]) -> None:
        """Take the rewards of `wanted`, in its order; None = failed."""
        failed = []
        for i, reward in zip(self._open, rewards, strict=True):
            request = self._answers[i][0]
            if reward is None:
                failed.append(i)
            else:
                self._evaluations.add(request.mask, reward)
                self._answers[i] = (request, reward, False)
        self._open = [] if self._last_try else failed
        self._last_try = True
        again = [self._answers[i][0].mask for i in self._open]
        self.wanted = [(mask, self._evaluations.take(mask)) for mask in again]

    def tell(self, planner: Planner) -> None:
        """Tell the planner every evaluation, in the order asked."""
        for request, reward, cached in self._answers:
            planner.tell(request, reward, cached)


def plan(
    planner: Planner,
    evaluate: Callable[[int, int], float | None],
    evaluations: Evaluations,
    *,
    rank: Callable[[int], Sequence[int]] | None = None,
    prior: Callable[[int], Sequence[float]] | None = None,
) -> Trace:
    """Run a search to its end.

    Args:
        planner: what to ask.
        evaluate: the worth (1-5) of a subset by mask and sample number; None = failed.
        evaluations: the policy; counts the samples.
        rank, prior: the prior of a state by mask, as a ranking or as weights; one of them for planners that ask.

    Returns:
        The trace, with the number of evaluations made.

    Raises:
        ValueError: the planner wants a prior and there is neither `rank` nor `prior`.
    """
    while requests := planner.ask():
        work = Round(requests, evaluations)
        for mask in work.states:
            if rank is not None:
                planner.tell_ranking(mask, rank(mask))
            elif prior is not None:
                planner.tell_prior(mask, prior(mask))
            else:
                raise ValueError("this planner needs a prior")
        while work.wanted:
            work.add([evaluate(mask, sample) for mask, sample in work.wanted])
        work.tell(planner)
    return replace(planner.trace, evaluations=evaluations.count)
