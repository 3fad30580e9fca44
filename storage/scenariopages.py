"""Windows onto many scenarios: which of them fit a filter, and the rows of a few at a time.

`matching` returns the keys of everything that fits (a few milliseconds for 14,000), so that a view knows its length,
can jump anywhere and can select all; `page` then reads what a window of keys shows. `overview` says what there is to
filter by, and `scenario_results` everything that runs found about one scenario.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from storage.errors import NotFoundError

if TYPE_CHECKING:
    from storage.sqlite import Database

Key = int
"""A scenario's row number: scenarios are listed in the order in which they were added."""

_QUERY_CHARACTERS = 300
"""Of a query, in a row: more than the widest line shows."""

_AT_ONCE = 500
"""Keys looked up in one statement; SQLite limits the number of its parameters."""

RESULTS = ("any", "with results", "without results")
MARKS = ("any", "bookmarked", "with note", "tagged")


@dataclass(frozen=True, slots=True)
class ScenarioFilter:
    """Which scenarios are wanted; empty texts and `any` let everything pass.

    Fields:
        search: words that all stand in query or issue, in any order and case; or the beginning of an id.
        domain, source: exactly this one.
        results: one of `RESULTS`, or the name of an arm that is done.
        marks: one of `MARKS`, or a tag.
    """

    search: str = ""
    domain: str = ""
    source: str = ""
    results: str = "any"
    marks: str = "any"


class ScenarioRow(NamedTuple):
    """A scenario as a line shows it.

    Fields:
        key: its place among all. known: number of attributes that have a value (0-10).
        query: the beginning of it, as it was written.
        arms: name -> whether a trial of it is done (else it only failed), over all runs.
        best: the highest score (1-5; mean over judges) of a trial, or None. surrogate: a surrogate gave it.
        bookmarked, noted: what people put on it (a note or a tag).
    """

    key: Key
    id: str
    domain: str
    query: str
    known: int
    arms: Mapping[str, bool]
    best: float | None
    surrogate: bool
    bookmarked: bool
    noted: bool


class Overview(NamedTuple):
    """What there is to filter by.

    Fields:
        total: number of scenarios.
        domains, sources: names with their numbers of scenarios, by name. arms, tags: names in use, by name.
        surrogate: some results are a surrogate's.
    """

    total: int
    domains: tuple[tuple[str, int], ...]
    sources: tuple[tuple[str, int], ...]
    arms: tuple[str, ...]
    tags: tuple[str, ...]
    surrogate: bool


class Result(NamedTuple):
    """What one unit of a run found about a scenario: a search, or one judge's verdict on a trial.

    Fields:
        unit, run, kind, arm, model, state, error: of the unit. world: where it ran, None for imported results.
        judge, score: of the verdict (1-5), None where it failed; for a search its judge and the path's value.
        questions: asked in the dialogue, None where there was none.
    """

    unit: int
    run: str
    world: str | None
    kind: str
    arm: str
    model: str
    state: str
    error: str | None
    judge: str | None
    score: float | None
    questions: int | None


def matching(db: "Database", wanted: ScenarioFilter) -> list[Key]:
    """Return the keys of the scenarios that fit, in order."""
    where, values = _conditions(wanted)
    # Without a condition SQLite walks through the smallest index instead of the rows with their long texts.
    sql = f"select rowid from scenarios where {' and '.join(where) or '1'} order by rowid"  # noqa: S608 - only markers
    return [key for (key,) in db.conn.execute(sql, values)]


def page(db: "Database", keys: Sequence[Key]) -> list[ScenarioRow]:
    """Read the rows of these keys, in key order; keys that are not there are left out."""
    rows: list[ScenarioRow] = []
    for start in range(0, len(keys), _AT_ONCE):
        part = list(keys[start : start + _AT_ONCE])
        marks = ", ".join("?" * len(part))
        arms, best = _results(db, part, marks)
        for key, id_, domain, query, known, bookmarked, noted in db.conn.execute(
            "select rowid, id, domain, substr(query, 1, ?), known, "  # noqa: S608 - only markers
            "exists (select 1 from bookmarks where target = 'scenario/' || id), "
            "exists (select 1 from notes where target = 'scenario/' || id) "
            "or exists (select 1 from tags where target = 'scenario/' || id) "
            f"from scenarios where rowid in ({marks}) order by rowid",
            [_QUERY_CHARACTERS, *part],
        ):
            score, surrogate = best.get(id_, (None, False))
            rows.append(
                ScenarioRow(
                    key,
                    id_,
                    domain,
                    query,
                    known.bit_count(),
                    arms.get(id_, {}),
                    score,
                    surrogate,
                    bool(bookmarked),
                    bool(noted),
                )
            )
    return rows


def overview(db: "Database") -> Overview:
    """Return what there is to filter by."""

    def counted(column: str) -> tuple[tuple[str, int], ...]:
        sql = f"select {column}, count(*) from scenarios where {column} <> '' group by {column} order by {column}"  # noqa: S608
        return tuple((name, count) for name, count in db.conn.execute(sql))

    def names(sql: str) -> tuple[str, ...]:
        return tuple(name for (name,) in db.conn.execute(sql))

    (total,) = db.conn.execute("select count(*) from scenarios").fetchone()
    return Overview(
        total,
        counted("domain"),
        counted("source"),
        names("select distinct arm from units where kind = 'trial' order by arm"),
        names("select distinct tag from tags where target >= 'scenario/' and target < 'scenario0' order by tag"),
        db.conn.execute("select 1 from runs where world = 'surrogate' limit 1").fetchone() is not None,
    )


def key_of(db: "Database", scenario: str) -> Key:
    """Return the key of the scenario with this id.

    Raises:
        NotFoundError: there is none.
    """
    row = db.conn.execute("select rowid from scenarios where id = ?", [scenario]).fetchone()
    if row is None:
        raise NotFoundError(f"there is no scenario {scenario!r}: `workbench scenarios list` shows what there is")
    return int(row[0])


def ids_of(db: "Database", keys: Sequence[Key]) -> list[tuple[str, int]]:
    """Return id and mask of known attributes of each key, in key order."""
    found: list[tuple[str, int]] = []
    for start in range(0, len(keys), _AT_ONCE):
        part = list(keys[start : start + _AT_ONCE])
        sql = f"select id, known from scenarios where rowid in ({', '.join('?' * len(part))}) order by rowid"  # noqa: S608
        found += db.conn.execute(sql, part)
    return found


def scenario_results(db: "Database", scenario: str, *, limit: int = 200) -> list[Result]:
    """Return what runs found about a scenario, the newest unit first, a row per verdict; at most `limit` rows."""
    rows = db.conn.execute(
        "select units.id, units.run, runs.world, units.kind, units.arm, units.model, units.state, "
        "coalesce(verdicts.error, units.error), coalesce(verdicts.judge, searches.judge), "
        "coalesce(verdicts.score, searches.best_q), dialogues.questions "
        "from units join runs on runs.id = units.run "
        "left join verdicts on verdicts.unit = units.id left join searches on searches.unit = units.id "
        "left join dialogues on dialogues.unit = units.id "
        "where units.scenario = ? and units.state <> 'pending' order by units.id desc, verdicts.rowid limit ?",
        [scenario, limit],
    )
    return [Result(*row) for row in rows]


def _conditions(wanted: ScenarioFilter) -> tuple[list[str], list[Any]]:
    where, values = list[str](), list[Any]()
    for word in wanted.search.split():
        escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        where.append("(query like ? escape '\\' or issue like ? escape '\\' or id like ? escape '\\')")
        values += [f"%{escaped}%", f"%{escaped}%", f"{escaped}%"]
    for column, value in (("domain", wanted.domain), ("source", wanted.source)):
        if value:
            where.append(f"{column} = ?")
            values.append(value)
    done = "exists (select 1 from units where scenario = scenarios.id and kind = 'trial' and state = 'done'"
    if wanted.results == "with results":
        where.append(f"{done})")
    elif wanted.results == "without results":
        where.append(f"not {done})")
    elif wanted.results != "any":
        where.append(f"{done} and arm = ?)")
        values.append(wanted.results)
    if wanted.marks == "bookmarked":
        where.append("exists (select 1 from bookmarks where target = 'scenario/' || id)")
    elif wanted.marks == "with note":
        where.append("exists (select 1 from notes where target = 'scenario/' || id)")
    elif wanted.marks == "tagged":
        where.append("exists (select 1 from tags where target = 'scenario/' || id)")
    elif wanted.marks != "any":
        where.append("exists (select 1 from tags where target = 'scenario/' || id and tag = ?)")
        values.append(wanted.marks)
    return where, values


def _results(
    db: "Database", keys: Sequence[Key], marks: str
) -> tuple[dict[str, dict[str, bool]], dict[str, tuple[float, bool]]]:
    """Return scenario -> its arms, and scenario -> its best score and whether a surrogate gave it."""
    arms: dict[str, dict[str, bool]] = {}
    best: dict[str, tuple[float, bool]] = {}
    for scenario, arm, done, score, world in db.conn.execute(
        "select units.scenario, units.arm, units.state = 'done', avg(verdicts.score), runs.world "  # noqa: S608
        "from units join runs on runs.id = units.run left join verdicts on verdicts.unit = units.id "
        f"where units.scenario in (select id from scenarios where rowid in ({marks})) and units.kind = 'trial' "
        "and units.state in ('done', 'failed') group by units.id",
        list(keys),
    ):
        found = arms.setdefault(scenario, {})
        found[arm] = found.get(arm, False) or bool(done)
        if score is not None and (scenario not in best or score > best[scenario][0]):
            best[scenario] = score, world == "surrogate"
    return arms, best
