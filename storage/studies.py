"""Studies: several runs that belong together, and their scores in one form.

What writes expects to be called inside `storage.database.transaction`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.errors import NotFoundError
from storage.readers import Row
from storage.runs import now
from storage.sqlite import Database

_MEASURED = """
select units.model as model, units.arm as arm, verdicts.judge as judge, units.scenario as scenario_id,
  scenarios.profile_id as profile_id, scenarios.domain as domain, verdicts.score as score,
  coalesce(dialogues.questions, 0) as questions, choices.naive as naive
from units
join verdicts on verdicts.unit = units.id
join scenarios on scenarios.id = units.scenario
left join dialogues on dialogues.unit = units.id
left join choices on choices.unit = units.id
where units.run = ? and units.kind = 'trial'
order by units.id, verdicts.judge
"""

_STUDIES = """
select studies.id as study, name, studies.world as world, count(*) as runs,
  coalesce(sum(runs.state = 'done'), 0) as done, studies.created_at as created_at, studies.finished_at as finished_at
from studies join study_parts on study = studies.id left join runs on runs.id = study_parts.run
"""


@dataclass(frozen=True, slots=True)
class StoredPart:
    """One run of a study.

    Fields:
        part: the experiment it belongs to. setting: what of its sweep it is.
        tables: what its scores are for. options: JSON of the run's options.
        run: its id, None while it was not begun.
    """

    part: str
    setting: Mapping[str, Any]
    tables: tuple[str, ...]
    options: str
    run: str | None = None

    @property
    def label(self) -> str:
        """What people call it."""
        return part_label(self.part, self.setting)


@dataclass(frozen=True, slots=True)
class Membership:
    """Where a run stands in a study.

    Fields:
        study, name: of the study. finished: whether all of its runs are done.
        part: what the run is of it, in words. position: of `parts` runs, from 1.
    """

    study: str
    name: str
    finished: bool
    part: str
    position: int
    parts: int


def part_label(part: str, setting: Mapping[str, Any]) -> str:
    """Return what people call one run of a study: the experiment, and what of its sweep it is."""
    said = ", ".join(f"{name} {value}" for name, value in setting.items())
    return f"{part} ({said})" if said else part


def begin_study(db: Database, study: str, name: str, world: str, parts: Sequence[StoredPart]) -> None:
    """Write a study down, or take up the one of this id: the runs of its parts stay."""
    if db.conn.execute("select 1 from studies where id = ?", [study]).fetchone() is not None:
        return
    db.conn.execute(
        "insert into studies (id, name, world, created_at) values (?, ?, ?, ?)", [study, name, world, now()]
    )
    db.conn.executemany(
        "insert into study_parts (study, position, part, setting, tables, options) values (?, ?, ?, ?, ?, ?)",
        [
            (study, place, p.part, json.dumps(dict(p.setting)), json.dumps(p.tables), p.options)
            for place, p in enumerate(parts)
        ],
    )


def set_part_run(db: Database, study: str, position: int, run: str) -> None:
    """Note which run is the part of a study at this position (from 0)."""
    db.conn.execute("update study_parts set run = ? where study = ? and position = ?", [run, study, position])


def finish_study(db: Database, study: str) -> None:
    """Note that every part is done."""
    db.conn.execute("update studies set finished_at = ? where id = ?", [now(), study])


def study_finished(db: Database, study: str) -> bool:
    """Tell whether there is a study of this id whose parts are all done, and still there."""
    row = db.conn.execute(
        "select studies.finished_at, sum(runs.id is null or runs.state != 'done') from studies "
        "join study_parts on study = studies.id left join runs on runs.id = study_parts.run where studies.id = ?",
        [study],
    ).fetchone()
    return row[0] is not None and row[1] == 0


def list_studies(db: Database) -> list[Row]:
    """List all studies, newest first, with how many of their runs are done."""
    return list(db.query(_STUDIES + " group by studies.id order by studies.rowid desc"))


def find_study(db: Database, name: str | None = None) -> Row:
    """Return the latest study of a name, the one of an id (or its only beginning), or the latest of all.

    Raises:
        NotFoundError: there is none, or several.
    """
    found = list_studies(db)
    if name is not None:
        named = [row for row in found if row["name"] == name][:1]
        found = named or [row for row in found if name and row["study"].startswith(name)]
        if len(found) > 1:
            raise NotFoundError(f"several studies begin with {name!r}: give more of the id")
    if not found:
        which = "no study yet" if name is None else f"no study {name!r}"
        raise NotFoundError(f"there is {which}: `workbench study` makes one, `workbench show studies` lists them")
    return found[0]


def study_parts(db: Database, study: str) -> list[StoredPart]:
    """Return the parts of a study in order."""
    return [
        StoredPart(
            row["part"], json.loads(row["setting"]), tuple(json.loads(row["tables"])), row["options"], row["run"]
        )
        for row in db.query("select * from study_parts where study = ? order by position", [study])
    ]


def memberships(db: Database) -> dict[str, Membership]:
    """Return in which study each run stands: the newest one, and its first place there."""
    found: dict[str, Membership] = {}
    for run, study, name, finished, part, setting, position, parts in db.conn.execute(
        "select study_parts.run, studies.id, name, finished_at is not null, part, setting, position, "
        "(select count(*) from study_parts as others where others.study = studies.id) "
        "from studies join study_parts on study = studies.id where study_parts.run is not null "
        "order by studies.rowid desc, position"
    ):
        member = Membership(study, name, bool(finished), part_label(part, json.loads(setting)), position + 1, parts)
        found.setdefault(run, member)
    return found


def measured_rows(db: Database, run: str) -> Iterator[Row]:
    """Stream the scores of a run, a row per trial and judge, with only what the tables of a study need.

    Keys: `model, arm, judge, scenario_id, profile_id, domain, score` (1-5, null = failed), `questions`, and `naive`:
    what the oracle's choice was judged when it won, else null.
    """
    yield from db.query(_MEASURED, [run])
