"""What a planner is: it only decides. It asks for what it wants to know and is told (design.md, One picture)."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from planner.trace import Trace


class Rank(NamedTuple):
    """The prior of a state is wanted, on its first visit."""

    mask: int


class Evaluate(NamedTuple):
    """The worth of a subset is wanted; `path` is the order in which it was acquired."""

    mask: int
    path: tuple[int, ...]


class Best(NamedTuple):
    """What a planner returns.

    Fields:
        mask: the subset.
        path: its attributes in acquisition order (raise.md, section 8).
        q: mean reward, 1-5.
        visits: rollouts that this mean is over.
    """

    mask: int
    path: tuple[int, ...]
    q: float
    visits: int


class Planner(Protocol):
    """One search by ask and tell.

    Fields:
        available: mask of the attributes that can be asked.
        depth: size of the subsets wanted, never more than there are available.
    """

    available: int
    depth: int

    def ask(self) -> Sequence[Rank | Evaluate]:
        """Return what is wanted next: requests independent of each other, all to be told before the next ask.

        Nothing = the search has ended. Asking again before everything is told returns what is still open.
        """
        ...

    def tell_ranking(self, mask: int, ranking: Sequence[int]) -> None:
        """Answer `Rank` with the attributes of `available & ~mask`, best first: pi0 falls by exp(-decay) a rank.

        Raises:
            ValueError: this prior was not asked for, or the ranking does not hold exactly those attributes.
        """
        ...

    def tell_prior(self, mask: int, weights: Sequence[float]) -> None:
        """Answer `Rank` with `[n]` weights >= 0, renormalised over what is left; all zero = uniform.

        Raises:
            ValueError: this prior was not asked for, or the weights are not n finite numbers >= 0.
        """
        ...

    def tell(self, request: Evaluate, reward: float | None, cached: bool = False) -> None:
        """Answer `Evaluate`, in the order asked.

        Args:
            request: what was asked.
            reward: 1-5; None = the evaluation failed: no visit is counted and the subset is left out from then on.
            cached: the reward is the mean of earlier samples, not a new one.

        Raises:
            ValueError: something else was asked for, or the reward is not finite.
        """
        ...

    def best(self) -> Best:
        """Return the subset to ask for, as found so far.

        Raises:
            ValueError: no subset of the wanted size was evaluated.
        """
        ...

    @property
    def trace(self) -> Trace:
        """What has happened so far; cheap, so it can be taken at any time."""
        ...
