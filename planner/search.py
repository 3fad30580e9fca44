"""The tree search over subsets, Algorithm 1 by ask and tell (raise.md, sections 6 and 8)."""

from collections.abc import Callable, Sequence
from math import inf, isfinite, sqrt
from operator import itemgetter
from typing import Any, NamedTuple

from planner.planner import Best, Evaluate, Rank
from planner.recommend import best
from planner.recorder import Recorder
from planner.rules import Rule, rank_probabilities, weight_probabilities
from planner.subsets import members
from planner.trace import Recommend, Trace
from planner.tree import parents


class _State(NamedTuple):
    """What selection needs to know of a state: the actions that can be taken, in the order that breaks ties.

    Fields:
        fetch: takes the entries of the subsets that the actions lead to out of a list indexed by mask.
        attributes: what each action acquires.
        bonuses: c * pi0 of each.
        lost: visits of the actions that are left out, a constant: they still count in sum_b N(U + b).
        prior: (attribute, pi0) of all actions, in canonical order.
    """

    fetch: Callable[[list[Any]], tuple[Any, ...]]
    attributes: list[int]
    bonuses: list[float]
    lost: int
    prior: list[tuple[int, float]]


class SearchPlanner:
    """Grows the tree of subsets, one leaf at a time. N, W and Q belong to the set, shared by every order of it.

    Tables are lists indexed by mask (2^n entries), the quickest known in pure Python. Subsets whose evaluation failed
    are never selected again, nor states that have no other action; their earlier visits still count.
    """

    def __init__(
        self,
        available: int,
        *,
        n: int,
        rule: Rule,
        rollouts: int,
        depth: int,
        c: float = 0.5,
        decay: float = 0.3,
        recommend: Recommend = "q",
    ) -> None:
        self.available = available
        self.depth = min(depth, available.bit_count())
        self._recorder = Recorder(
            "search",
            available,
            n=n,
            depth=self.depth,
            rule=rule.name,
            backup="path",
            recommend=recommend,
            c=c,
            decay=decay,
        )
        self._n, self._rule, self._rollouts, self._c, self._decay = n, rule, rollouts, c, decay
        self._visits = [0] * (1 << n)
        self._totals = [0.0] * (1 << n)
        self._q = [rule.start] * (1 << n)
        self._first_play = rule.first_play
        self._states: list[_State | None] = [None] * (1 << n)
        self._left_out: set[int] = set()
        self._masks = [0]
        self._path: list[int] = []
        self._wanted: Rank | Evaluate | None = None

    def ask(self) -> Sequence[Rank | Evaluate]:
        """Walk from where the rollout stands to the next unknown prior, or to a leaf; see `Planner.ask`."""
        if self._wanted is not None:
            return [self._wanted]
        if len(self._recorder) >= self._rollouts or 0 in self._left_out:
            return []
        masks, path, q, visits, states = self._masks, self._path, self._q, self._visits, self._states
        mask = masks[-1]
        while len(path) < self.depth:
            state = states[mask]
            if state is None:
                self._wanted = Rank(mask)
                return [self._wanted]
            fetch, attributes, bonuses, lost, _ = state
            counts = fetch(visits)
            chosen = attributes[0]  # while no action was taken all are worth the same, so the prior decides
            if total := sum(counts) + lost:
                root = sqrt(total)
                fresh = q[mask] if self._first_play is None else self._first_play
                highest = -inf
                for attribute, bonus, count, value in zip(attributes, bonuses, counts, fetch(q), strict=True):
                    score = value + bonus * root / (1 + count) if count else fresh + bonus * root
                    if score > highest:
                        highest, chosen = score, attribute
            mask |= 1 << chosen
            masks.append(mask)
            path.append(chosen)
        self._wanted = Evaluate(mask, tuple(path))
        return [self._wanted]

    def tell_ranking(self, mask: int, ranking: Sequence[int]) -> None:
        """See `Planner.tell_ranking`."""
        left = self._asked(mask)
        if sorted(ranking) != list(left):
            raise ValueError(f"a ranking of {list(left)} is wanted, not {list(ranking)}")
        self._recorder.ranking(ranking)
        by_rank = rank_probabilities(len(left), self._decay)
        self._states[mask] = self._state(mask, sorted(zip(ranking, by_rank, strict=True)))
        self._wanted = None

    def tell_prior(self, mask: int, weights: Sequence[float]) -> None:
        """See `Planner.tell_prior`."""
        left = self._asked(mask)
        weights = list(map(float, weights))
        if len(weights) != self._n or not (isfinite(sum(weights)) and min(weights) >= 0):
            raise ValueError(f"a prior has {self._n} finite weights >= 0")
        self._recorder.weights(weights)
        self._states[mask] = self._state(mask, list(zip(left, weight_probabilities(weights, left), strict=True)))
        self._wanted = None

    def tell(self, request: Evaluate, reward: float | None, cached: bool = False) -> None:
        """Count a reward for every state on the path, the empty set included; see `Planner.tell`."""
        if self._wanted is None or request != self._wanted:
            raise ValueError(f"{request} was not asked for")
        if reward is None:
            self._recorder.rollout(request.path, None, cached)
            self._leave_out(request.mask)
        else:
            reward = float(reward)
            if not isfinite(reward):
                raise ValueError(f"a reward is a number from 1 to 5, not {reward}")
            self._recorder.rollout(request.path, reward, cached)
            value = self._rule.scaled(reward)
            visits, totals, q = self._visits, self._totals, self._q
            for mask in self._masks:
                visits[mask] = count = visits[mask] + 1
                totals[mask] = total = totals[mask] + value
                q[mask] = total / count
        self._masks = [0]
        self._path = []
        self._wanted = None

    def best(self) -> Best:
        """See `Planner.best`."""
        return best(self.trace)

    @property
    def trace(self) -> Trace:
        """See `Planner.trace`."""
        return self._recorder.snapshot()

    def value(self, mask: int) -> tuple[int, float]:
        """Return N and Q of a subset as they stand, Q on the rule's scale (its start while N = 0)."""
        return self._visits[mask], self._q[mask]

    def _asked(self, mask: int) -> tuple[int, ...]:
        if not isinstance(self._wanted, Rank) or self._wanted.mask != mask:
            raise ValueError(f"the prior of {mask} was not asked for")
        return members(self.available & ~mask)

    def _state(self, mask: int, prior: list[tuple[int, float]]) -> _State:
        order = sorted(prior, key=itemgetter(1), reverse=True)  # stable: ties stay in canonical order
        lost = 0
        if self._left_out:
            lost = sum(self._visits[mask | 1 << a] for a, _ in order if mask | 1 << a in self._left_out)
            order = [(a, p) for a, p in order if mask | 1 << a not in self._left_out]
        fetch = _fetch([mask | 1 << a for a, _ in order])
        return _State(fetch, [a for a, _ in order], [self._c * p for _, p in order], lost, prior)

    def _leave_out(self, mask: int) -> None:
        """Close a subset, and every state that has no other action."""
        self._left_out.add(mask)
        for parent in parents(mask):
            if all(parent | 1 << a in self._left_out for a in members(self.available & ~parent)):
                self._leave_out(parent)
            elif (state := self._states[parent]) is not None:
                self._states[parent] = self._state(parent, state.prior)


def _fetch(masks: list[int]) -> Callable[[list[Any]], tuple[Any, ...]]:
    """Return what takes the entries of several masks out of a list; `itemgetter` of one key gives no tuple."""
    if len(masks) == 1:
        only = masks[0]
        return lambda table: (table[only],)
    return itemgetter(*masks)
