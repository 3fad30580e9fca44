"""What a report needs of one run, read from the database in few passes; what is many is summed as it streams by."""

import heapq
import json
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from planner.keyed import digest
from planner.trace import Trace
from simulator.scenario import Scenario
from storage.calls import call_rows
from storage.readers import dialogue_rows, find_scored, score_rows, search_rows, search_trace, unit_rows
from storage.scenarios import scenarios_by_id
from storage.sqlite import Database
from workbench.statistics.scores import ScoreTable, score_table

Row = dict[str, Any]


class Group(NamedTuple):
    """What is drawn together: an arm of a model."""

    model: str
    arm: str


class Failure(NamedTuple):
    """What failed, and why; `what` is search, trial or a judgement."""

    what: str
    model: str
    arm: str
    reason: str


@dataclass(slots=True)
class RunData:
    """Everything read of one run.

    Fields:
        row: of `find_scored`. experiment, settings: what the run stored, may be empty.
        table: scores by arm and domain.
        scores: (model, judge) -> arm -> every score, 1-5.
        given: group -> number of attributes that a response was given -> trials.
        planned: (model, domain) -> attribute -> searches whose returned path holds it.
        searched: (model, domain) -> searches that returned a path.
        asked: group -> domain -> attribute -> dialogues that asked for it.
        dialogues: group -> domain -> dialogues.
        gains: group -> (profile, true scores after 0, 1, … questions) of each dialogue whose scores are known.
        failures: reason -> how often.
        ledger: of `call_rows`. judges: their names.
        chosen_dialogues: rows, each with its `verdicts`. chosen_searches: rows, each with its trace.
        scenarios: of what was chosen, by id.
    """

    row: Row
    experiment: Mapping[str, Any]
    settings: Mapping[str, Any]
    table: ScoreTable = field(default_factory=lambda: ScoreTable(()))
    scores: dict[tuple[str, str], dict[str, list[float]]] = field(default_factory=lambda: defaultdict(dict))
    given: dict[Group, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    asked: dict[Group, dict[str, Counter[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Counter))
    )
    dialogues: dict[Group, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    planned: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    searched: Counter[tuple[str, str]] = field(default_factory=Counter)
    gains: dict[Group, list[tuple[str, list[float]]]] = field(default_factory=lambda: defaultdict(list))
    failures: Counter[Failure] = field(default_factory=Counter)
    ledger: list[Row] = field(default_factory=list)
    judges: tuple[str, ...] = ()
    chosen_dialogues: list[Row] = field(default_factory=list)
    chosen_searches: list[tuple[Row, Trace]] = field(default_factory=list)
    scenarios: dict[str, Scenario] = field(default_factory=dict)

    @property
    def world(self) -> str:
        """The name of the run's world."""
        return str(self.row["world"] or "not stated")

    @property
    def surrogate(self) -> bool:
        """Whether results of the surrogate are in it, imported ones included."""
        return "surrogate" in self.world


def read_run(
    db: Database, run: str | None, *, dialogues: int, searches: int, seed: int, scenarios: Collection[str] = ()
) -> RunData:
    """Read a run (its id, an id's beginning, or None for the latest one).

    Dialogues and searches are chosen by a keyed draw, never by their scores.

    Args:
        dialogues, searches: how many to choose.
        seed: of the choice.
        scenarios: ids or their beginnings: all dialogues and searches of these, and no others.

    Raises:
        NotFoundError: there is no such run.
    """
    data = _opened(db, run)
    row = data.row
    profiles: dict[int, str] = {}
    data.table = score_table(_scores(db, data, profiles))

    def lot(item: Mapping[str, Any]) -> int:
        key = (str(item["scenario_id"]), str(item["model"]), str(item.get("arm") or item.get("planner")))
        return digest("report", seed, str(row["identity"]), *key)

    def chosen(rows: Iterator[Row], count: int) -> list[Row]:
        if scenarios:
            return [one for one in rows if str(one["scenario_id"]).startswith(tuple(scenarios))]
        picked = heapq.nsmallest(count, rows, key=lot)
        deque(rows, maxlen=0)  # nothing is left, unless `count` was 0; reading on is what counts them
        return picked

    data.chosen_dialogues = chosen(_dialogues(db, data, profiles), dialogues)
    for dialogue in data.chosen_dialogues:
        verdicts = score_rows(db, row["run"], dialogue["scenario_id"])
        dialogue["verdicts"] = tuple(verdict for verdict in verdicts if verdict["unit"] == dialogue["unit"])
    picked = chosen(_searches(db, data), searches)
    data.chosen_searches = [(search, search_trace(db, search["unit"])) for search in picked]
    wanted = {one["scenario_id"] for one in (*data.chosen_dialogues, *picked)}
    data.scenarios = scenarios_by_id(db, sorted(wanted))
    return data


def read_account(db: Database, run: str | None) -> RunData:
    """Read of a run what it took and what failed, but none of its results.

    Raises:
        NotFoundError: there is no such run.
    """
    data = _opened(db, run)
    deque(_scores(db, data, {}), maxlen=0)
    return data


def _opened(db: Database, run: str | None) -> RunData:
    row = find_scored(db, run)
    data = RunData(row, _object(row["experiment"]), _object(row["settings"]))
    for unit in unit_rows(db, row["run"], state="failed"):
        data.failures[Failure(unit["kind"], unit["model"], unit["arm"], unit["error"] or "not stated")] += 1
    data.ledger = list(call_rows(db, row["run"]))
    return data


def _scores(db: Database, data: RunData, profiles: dict[int, str]) -> Iterator[Row]:
    """Stream the verdicts, and note on the way what else is needed of them."""
    judges: dict[str, None] = {}
    for row in score_rows(db, data.row["run"]):
        judges[row["judge"]] = None
        first = row["unit"] not in profiles
        profiles[row["unit"]] = row["profile_id"]
        if first and row["given"] is not None:
            data.given[Group(row["model"], row["arm"])][row["given"]] += 1
        if row["failed"]:
            what = f"judgement by {row['judge']}"
            data.failures[Failure(what, row["model"], row["arm"], row["error"] or "not stated")] += 1
        else:
            data.scores[row["model"], row["judge"]].setdefault(row["arm"], []).append(row["score"])
        yield row
    data.judges = tuple(sorted(judges))


def _dialogues(db: Database, data: RunData, profiles: Mapping[int, str]) -> Iterator[Row]:
    """Stream the dialogues, and count on the way what they asked for and gained."""
    for row in dialogue_rows(db, data.row["run"]):
        group = Group(row["model"], row["arm"])
        data.dialogues[group][row["domain"]] += 1
        data.asked[group][row["domain"]].update({turn["attribute"] for turn in row["turns"]})
        path = [*(turn["score"] for turn in row["turns"]), row["score"]]
        if not row["crisis"] and None not in path:
            data.gains[group].append((profiles.get(row["unit"], row["scenario_id"]), path))
        yield row


def _searches(db: Database, data: RunData) -> Iterator[Row]:
    """Stream the searches, and count on the way what their paths hold."""
    for row in search_rows(db, data.row["run"]):
        place = (row["model"], row["domain"])
        if row["best_path"]:
            data.searched[place] += 1
            data.planned[place].update(row["best_path"])
        yield row


def _object(text: str | None) -> Mapping[str, Any]:
    found = json.loads(text or "{}")
    return found if isinstance(found, dict) else {}
