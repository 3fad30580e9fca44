"""What was answered to one scenario: two responses of it beside each other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator.scenario import Scenario
from workbench.app.state.scores.textdiff import Piece, compare_words
from workbench.report.reading import Group
from workbench.statistics.scores import arm_place
from workbench.text import plain

if TYPE_CHECKING:
    from storage.sqlite import Database


class Whose(NamedTuple):
    """Which response of a scenario: the run and the arm it came from."""

    run: str
    group: Group

    def label(self, *, run: bool, model: bool) -> str:
        """Name the arm, after the run and the model (without who made it) where these have to be told apart."""
        names = [self.run] * run + [short_model(self.group.model)] * model + [self.group.arm]
        return plain(" ".join(names))


class Answers:
    """The responses to one scenario, two of which are shown.

    Fields:
        scenario: what was asked, and by whom.
        rows: of `storage.judgements.scenario_responses`, from knowing nothing to knowing everything.
        left, right: places in `rows`.
    """

    def __init__(self, scenario: Scenario, rows: Sequence[dict[str, Any]], first: Whose, second: Whose) -> None:
        self.scenario = scenario
        self.rows = sorted(rows, key=lambda row: (row["model"], *arm_place(row["arm"]), row["run"] != first.run))
        self.left, self.right = self._place(first, 0), self._place(second, len(self.rows) - 1)
        self._pieces: dict[tuple[int, int], tuple[tuple[Piece, ...], tuple[Piece, ...]]] = {}

    @property
    def sides(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The two rows shown.

        Raises:
            IndexError: there is no response.
        """
        return self.rows[self.left], self.rows[self.right]

    def whose(self) -> tuple[Whose, Whose]:
        """Return which two are shown."""
        left, right = (Whose(row["run"], Group(row["model"], row["arm"])) for row in self.sides)
        return left, right

    def pieces(self) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
        """Return both responses, safe to show, cut into what both have and what only one has."""
        if (self.left, self.right) not in self._pieces:
            left, right = (plain(row["text"] or "", lines=True) for row in self.sides)
            self._pieces[self.left, self.right] = compare_words(left, right)
        return self._pieces[self.left, self.right]

    def title(self, place: int) -> str:
        """Name a response: its arm and questions, run and model only where there are several."""
        row = self.rows[place]
        runs, models = (len({other[name] for other in self.rows}) > 1 for name in ("run", "model"))
        named = Whose(row["run"], Group(row["model"], row["arm"])).label(run=runs, model=models)
        return f"{named} · {row['questions']} asked"

    def turn(self, left: int, right: int) -> None:
        """Show another arm: so many places further on one side. After the last comes the first; never both the same."""
        self.left, self.right = turned((self.left, self.right), (left, right), len(self.rows))

    def profile(self) -> str:
        """Return what is known of the person, in a line."""
        known = [f"{name} {value}" for name, value in self.scenario.profile.to_mapping().items() if value is not None]
        return " · ".join(known) or "nothing is known"

    def _place(self, whose: Whose, default: int) -> int:
        for i, row in enumerate(self.rows):
            if (row["run"], row["model"], row["arm"]) == (whose.run, *whose.group):
                return i
        return max(0, default)


def short_model(model: str) -> str:
    """Return a model's name without who made or serves it."""
    return model.rpartition("/")[2]


def turned(places: tuple[int, int], by: tuple[int, int], count: int) -> tuple[int, int]:
    """Move one of two different places in a ring of `count`, past the other one."""
    if count < 2:
        return places
    left, right = (places[0] + by[0]) % count, (places[1] + by[1]) % count
    return turned((left, right), by, count) if left == right and any(by) else (left, right)


def read_answers(db: "Database", scenario: str, first: Whose, second: Whose) -> Answers:
    """Read a scenario with the responses of one or two runs.

    Raises:
        NotFoundError: there is no such scenario.
    """
    from storage.judgements import scenario_responses
    from storage.scenarios import find_scenario

    found = find_scenario(db, scenario)
    rows = scenario_responses(db, list(dict.fromkeys((first.run, second.run))), found.id)
    return Answers(found, rows, first, second)
