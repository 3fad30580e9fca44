"""The figures of runs, cheap enough to be read several times a second while a batch of 100,000 units is under way.

Counts come from the index over (run, state), and only for runs that may have moved; the ledger is added up from where
the last reading stopped, since calls are only ever appended.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, NamedTuple

from storage.errors import NotFoundError
from storage.runs import Owner
from storage.sqlite import Database
from storage.studies import Membership, memberships
from storage.workers import IsAlive


@dataclass(slots=True)
class CallSums:
    """The ledger of one run, role and model, added up; tokens are those that a server worked on, cache hits excluded.

    Fields:
        calls, hits, failed: calls, those answered from the cache, those that failed.
        prompt_tokens, completion_tokens: tokens.
        latency: seconds, over the `asked` calls that went to a server.
        cost: in the currency of the configured prices; None where no model has a price.
    """

    calls: int = 0
    hits: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency: float = 0.0
    asked: int = 0
    cost: float | None = None

    def add(self, other: "CallSums") -> None:
        """Count what another one counted."""
        for name in ("calls", "hits", "failed", "prompt_tokens", "completion_tokens", "latency", "asked"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.cost is not None:
            self.cost = (self.cost or 0.0) + other.cost

    @property
    def mean_latency(self) -> float | None:
        """Seconds a call that went to a server took, or None where none did."""
        return self.latency / self.asked if self.asked else None

    @property
    def tokens(self) -> int:
        """Tokens of prompts and completions."""
        return self.prompt_tokens + self.completion_tokens


class RoleModel(NamedTuple):
    """Who spoke: agent, judge, planner or user, and by which model."""

    role: str
    model: str


@dataclass(frozen=True, slots=True)
class RunFigures:
    """A run at one moment.

    Fields:
        kind: run, plan, import, branch, build or judge. state: as its process wrote it last; `status` is what it
            really is.
        alive: its process works. paused: it is held; `held` says why, in words after `paused`.
        pending, running, done, failed: units: searches and trials together; of a build its items; of responses that
            are judged again the judgements.
        rejected: items of a build of which nothing was kept.
        study: where it stands in a study, or None.
        error: why it ended early, or None. log: file that a detached process writes to, or None.
        calls: the ledger by role and model.
    """

    run: str
    kind: str
    state: str
    world: str
    created_at: str
    finished_at: str | None
    error: str | None
    log: str | None
    alive: bool
    paused: bool
    pending: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    rejected: int = 0
    held: str = ""
    study: Membership | None = None
    calls: dict[RoleModel, CallSums] = field(default_factory=dict)

    @property
    def units(self) -> int:
        """All units."""
        return self.pending + self.running + self.finished

    @property
    def finished(self) -> int:
        """Units that are through, whatever they came to."""
        return self.done + self.failed + self.rejected

    @property
    def status(self) -> str:
        """Name in the vocabulary: one whose process has died is interrupted, whatever it last wrote."""
        if self.state == "running":
            return "interrupted" if not self.alive else "paused" if self.paused else "running"
        return "failed-units" if self.state == "done" and self.failed else self.state

    @property
    def ledger(self) -> CallSums:
        """The whole ledger."""
        total = CallSums()
        for sums in self.calls.values():
            total.add(sums)
        return total


_UNITS = "select state, count(*) from units where run = ? group by state"

_COUNTS = {
    "build": "select state, count(*) from build_items where run = ? group by state",
    "judge": "select iif(score is null, 'failed', 'done'), count(*) from verdicts where judging = ? group by 1",
}
"""How kinds of runs are counted that have no units of their own."""


class FigureReader:
    """Reads the figures of every run of one database, again and again, from any thread."""

    def __init__(self, is_alive: IsAlive) -> None:
        self._is_alive = is_alive
        self._counts: dict[str, tuple[tuple[Any, ...], Counter[str]]] = {}
        self._calls: dict[str, dict[RoleModel, CallSums]] = {}
        self._call = 0
        self._reading = Lock()

    def read(self, db: Database) -> list[RunFigures]:
        """Return every run, newest first."""
        with self._reading:
            return self._read(db)

    def _read(self, db: Database) -> list[RunFigures]:
        self._read_calls(db)
        rows = db.conn.execute(
            "select id, kind, state, coalesce(world, ''), created_at, finished_at, error, log, paused, owner_host, "
            "owner_pid, owner_started, heartbeat, coalesce(held, ''), "
            # Builds from before the number of items was stored: what is drawn is known, lines of a file are not.
            "case when kind in ('build', 'judge') then coalesce(json_extract(experiment, '$.items'), "
            "json_extract(experiment, '$.profiles'), 0) end "
            "from runs order by rowid desc"
        ).fetchall()
        members = memberships(db)
        return [self._figures(db, row, members.get(row[0])) for row in rows]

    def _figures(self, db: Database, row: tuple[Any, ...], study: Membership | None) -> RunFigures:
        run, kind, state, world, created_at, finished_at, error, log, paused, *owner, heartbeat, held, items = row
        counts = self._read_counts(db, run, kind, state, (state, finished_at, heartbeat), items)
        return RunFigures(
            run=run,
            kind=kind,
            state=state,
            world=world,
            created_at=created_at,
            finished_at=finished_at,
            error=error,
            log=log,
            alive=state == "running" and self._is_alive(Owner(*owner), heartbeat or 0.0),
            paused=bool(paused),
            pending=counts["pending"],
            running=counts["running"],
            done=counts["done"],
            failed=counts["failed"],
            rejected=counts["rejected"],
            held=held,
            study=study,
            calls={who: replace(sums) for who, sums in self._calls.get(run, {}).items()},
        )

    def _read_counts(
        self, db: Database, run: str, kind: str, state: str, version: tuple[Any, ...], items: int | None
    ) -> Counter[str]:
        known = self._counts.get(run)
        if known is not None and known[0] == version and state != "running":
            return known[1]
        counts: Counter[str] = Counter(dict(db.conn.execute(_COUNTS.get(kind, _UNITS), [run]).fetchall()))
        if items is not None:
            counts["pending"] = max(0, items - counts.total())
        self._counts[run] = version, counts
        return counts

    def _read_calls(self, db: Database) -> None:
        (last,) = db.conn.execute("select coalesce(max(id), 0) from calls").fetchone()
        if last == self._call:
            return
        for run, role, model, *sums in db.conn.execute(
            "select run, role, model, count(*), sum(hit), sum(error is not null), "
            "coalesce(sum(case when hit then 0 else prompt_tokens end), 0), "
            "coalesce(sum(case when hit then 0 else completion_tokens end), 0), "
            "coalesce(sum(case when hit then 0 else latency end), 0.0), sum(not hit and latency is not null), "
            "sum(cost) "
            "from calls where id > ? and id <= ? and run is not null group by run, role, model",
            [self._call, last],
        ):
            self._calls.setdefault(run, {}).setdefault(RoleModel(role, model), CallSums()).add(CallSums(*sums))
        self._call = last


class Failure(NamedTuple):
    """Failed units, or judgements of them, that came to nothing for the same reason.

    Fields:
        reason: of the first of them. units: how many. unit, kind, scenario, model, arm: the first.
        dialogue: the first has a dialogue that was stored.
    """

    reason: str
    units: int
    unit: int
    kind: str
    scenario: str
    model: str
    arm: str
    dialogue: bool


DISTINCT_REASONS = 2_000
"""Reasons looked at; beyond, they are surely one that names each unit's own particulars."""

_PARTICULARS = re.compile(r"\d+|'[^']*'|\"[^\"]*\"")


def reason_pattern(reason: str) -> str:
    """Return what reasons have in common that differ in numbers and quoted words only."""
    return _PARTICULARS.sub("#", reason)


_FAILED = """
select id, coalesce(error, '') as reason from units where run = :run and state = 'failed'
union all
select unit, coalesce(error, '') from verdicts where judging = :run and score is null
"""


def failures(db: Database, run: str) -> list[Failure]:
    """Group what failed in a run by reason, most first; numbers and quoted words do not make two reasons of one."""
    groups: dict[str, Failure] = {}
    for row in db.conn.execute(
        # Beside min(), SQLite takes the other columns from the row that has the least id.
        "select reason, count(*), min(units.id), kind, scenario, model, arm, "  # noqa: S608 - words from above
        "exists (select 1 from dialogues where unit = units.id) "
        f"from ({_FAILED}) as failed join units on units.id = failed.id "
        "group by reason order by min(units.id) limit :most",
        {"run": run, "most": DISTINCT_REASONS},
    ):
        found = Failure._make((*row[:-1], bool(row[-1])))
        pattern = reason_pattern(found.reason)
        known = groups.get(pattern)
        groups[pattern] = found if known is None else known._replace(units=known.units + found.units)
    return sorted(groups.values(), key=lambda failure: -failure.units)


@dataclass(frozen=True, slots=True)
class RunStory:
    """What a run is about and where it comes from; none of it changes while it runs, but `library`.

    Fields:
        experiment: as normalised (`Experiment.normalised`); empty for a run that says nothing of it.
        settings: the options that were given.
        arms, models: of its units, in the order first worked on. first: the first unit of each kind.
        judges: whose verdicts its first trials have, later judgements among them.
        library: content hash of its path library, once there is one.
    """

    run: str
    kind: str
    experiment: dict[str, Any]
    settings: dict[str, Any]
    identity: str
    world: str
    world_version: str
    code_version: str
    seed: int | None
    library: str | None
    arms: tuple[str, ...]
    models: tuple[str, ...]
    first: dict[str, int]
    judges: tuple[str, ...] = ()


def run_story(db: Database, run: str) -> RunStory:
    """Read what a run is about.

    Raises:
        NotFoundError: there is no such run.
    """
    row = next(db.query("select * from runs where id = ?", [run]), None)
    if row is None:
        raise NotFoundError(f"there is no run {run!r}: `workbench show runs` lists them")
    # One scenario tells: every scenario has each model and arm, and the index finds it without reading the others.
    kinds = dict(db.conn.execute("select kind, min(id) from units where run = ? group by kind", [run]).fetchall())
    parties = db.conn.execute(
        "select kind, model, arm, id from units where run = ? and scenario in "
        "(select scenario from units where id in (select value from json_each(?))) order by id",
        [run, json.dumps(list(kinds.values()))],
    ).fetchall()
    judges = db.conn.execute(
        "select judge from verdicts where unit in (select value from json_each(?)) group by judge order by min(rowid)",
        [json.dumps([unit for *_, unit in parties])],
    ).fetchall()
    return RunStory(
        run=run,
        kind=row["kind"],
        experiment=json.loads(row["experiment"] or "{}"),
        settings=json.loads(row["settings"] or "{}"),
        identity=row["identity"],
        world=row["world"] or "",
        world_version=row["world_version"] or "",
        code_version=row["code_version"] or "",
        seed=row["seed"],
        library=row["library"],
        arms=tuple(dict.fromkeys(arm for kind, _, arm, _ in parties if kind == "trial")),
        models=tuple(dict.fromkeys(model for _, model, _, _ in parties)),
        first=kinds,
        judges=tuple(judge for (judge,) in judges),
    )
