"""Blind rating: what is rated next, how far a person has come, and nothing that says which arm it was."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from planner.keyed import digest
from simulator.world import DIMENSIONS
from storage.ratings import Rating


@dataclass
class RatingSession:
    """One person rating the responses of one run, in an order of their own.

    The order depends on run and rater alone: whoever stops goes on where they stopped, and what a run adds later
    falls somewhere in between without changing the order of the rest.

    Fields:
        run, rater: whose order this is.
        order: `[m]`, every unit with a response, shuffled.
        rated: unit -> its rating; only what has been stored.
        at: position in `order` of the response shown.
        values: `[3]`, what has been chosen for it so far, 1-5 or None.
        dimension: which of the three the next key sets.
        comment: what was written beside it.
    """

    run: str
    rater: str
    order: tuple[int, ...]
    rated: dict[int, Rating]
    at: int = 0
    values: list[int | None] = field(default_factory=lambda: [None] * len(DIMENSIONS))
    dimension: int = 0
    comment: str = ""

    @classmethod
    def begin(cls, run: str, rater: str, units: Iterable[int], rated: Mapping[int, Rating]) -> "RatingSession":
        """Shuffle the units, and go to the first that this person has not rated."""
        order = tuple(sorted(units, key=lambda unit: (digest("blind rating", run, rater, unit), unit)))
        session = cls(run, rater, order, {unit: rating for unit, rating in rated.items() if unit in set(order)})
        session._go(session._next(-1))
        return session

    @property
    def unit(self) -> int | None:
        """The response that is shown; None where there is none."""
        return self.order[self.at] if self.order else None

    @property
    def finished(self) -> bool:
        """Whether everything is rated."""
        return len(self.rated) == len(self.order)

    @property
    def complete(self) -> bool:
        """Whether all three dimensions have a value."""
        return all(value is not None for value in self.values)

    @property
    def progress(self) -> str:
        """How far this person has come."""
        return f"{len(self.rated):,} of {len(self.order):,} rated"

    def rate(self, value: int) -> None:
        """Set the dimension that has its turn, and go to the next one that has no value.

        Raises:
            ValueError: the value is not 1-5.
        """
        if not 1 <= value <= 5:
            raise ValueError(f"a rating is 1 to 5, not {value}")
        self.values[self.dimension] = value
        following = [(self.dimension + step) % len(DIMENSIONS) for step in range(1, len(DIMENSIONS))]
        self.dimension = next((i for i in following if self.values[i] is None), self.dimension)

    def move(self, step: int) -> None:
        """Choose the dimension that the next value is for."""
        self.dimension = (self.dimension + step) % len(DIMENSIONS)

    def rating(self) -> Rating:
        """Return what is to be stored.

        Raises:
            ValueError: a dimension has no value yet.
        """
        chosen = tuple(float(value) for value in self.values if value is not None)
        if self.unit is None or len(chosen) != len(DIMENSIONS):
            missing = [name.replace("_", " ") for name, v in zip(DIMENSIONS, self.values, strict=True) if v is None]
            raise ValueError(f"not rated yet: {', '.join(missing)}")
        one, two, three = chosen
        return Rating(self.unit, self.rater, (one, two, three), sum(chosen) / 3, self.comment.strip())

    def stored(self, rating: Rating) -> None:
        """Note that a rating is in the store, and go to the next response without one."""
        self.rated[rating.unit] = rating
        self._go(self._next(self.at))

    def skip(self) -> None:
        """Leave this response for later: the next unrated one comes, after the last the first."""
        self._go(self._next(self.at))

    def back(self) -> None:
        """Go to the response before this one, rated or not."""
        self._go(max(0, self.at - 1))

    def _next(self, after: int) -> int:
        places: Sequence[int] = [*range(after + 1, len(self.order)), *range(max(0, after + 1))]
        return next((i for i in places if self.order[i] not in self.rated), max(0, after))

    def _go(self, at: int) -> None:
        self.at, self.dimension = at, 0
        known = self.rated.get(self.order[at]) if self.order else None
        if known is not None and known.dimensions is not None:
            self.values = [round(value) for value in known.dimensions]
        else:
            self.values = [None] * len(DIMENSIONS)
        self.comment = known.comment if known is not None else ""
