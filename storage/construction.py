"""Builds in the database: which items are decided, what was kept of them, and why the rest was not.

An item is a post (by the number of its line) or a profile (by its number). Of a post nothing is kept but that number
and its hash; what models replied about posts goes when the build is through.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from simulator.build.making import Made
from storage import runs
from storage.database import transaction
from storage.errors import NotFoundError
from storage.readers import Row, find_run
from storage.runfigures import DISTINCT_REASONS, reason_pattern
from storage.runs import Owner, RunSpec, now
from storage.scenarios import insert_scenarios
from storage.sqlite import Database

LEAKS_TAG = "leaks"
"""The tag of scenarios that were kept though their query gives something of the profile away."""

ItemState = Literal["done", "rejected", "failed"]


@dataclass(frozen=True, slots=True)
class BuildClaim:
    """A build that this process may work on.

    Fields:
        run: its id.
        state: new, resumed, or finished (nothing is to be done).
        decided: the items that are done, rejected or failed.
    """

    run: str
    state: Literal["new", "resumed", "finished"]
    decided: frozenset[int]


class BuildCounts(NamedTuple):
    """How a build stands: scenarios kept; items done, rejected and failed; queries and values dropped."""

    kept: int
    done: int
    rejected: int
    failed: int
    queries: int
    values: int


def claim_build(
    db: Database,
    spec: RunSpec,
    owner: Owner,
    *,
    is_alive: Callable[[Owner, float], bool],
    retry_failed: bool = False,
    log: str | None = None,
) -> BuildClaim:
    """Start a build, or take up the one that was cut off.

    Args:
        is_alive, log: as in `storage.runs.claim`.
        retry_failed: do the failed items of a build again, finished or not.

    Raises:
        OwnedError: a live process works on it.
    """
    if retry_failed:
        with transaction(db):
            _reopen_failed(db, spec.identity)
    claim = runs.claim(db, spec, (), owner, is_alive=is_alive, log=log)
    if claim.state == "resumed":
        with transaction(db):  # the same source, but it may lie elsewhere now
            db.conn.execute("update runs set experiment = ? where id = ?", [spec.experiment, claim.run])
    items = db.conn.execute("select item from build_items where run = ?", [claim.run])
    return BuildClaim(claim.run, claim.state, frozenset(item for (item,) in items))


def _reopen_failed(db: Database, identity: str) -> None:
    failed = "from build_items where state = 'failed' and run in (select id from runs where identity = ?)"
    db.conn.execute(
        f"delete from rejections where (run, item) in (select run, item {failed})",  # noqa: S608 - words from above
        [identity],
    )
    if db.conn.execute(f"delete {failed}", [identity]).rowcount:
        db.conn.execute("update runs set state = 'interrupted' where identity = ? and state = 'done'", [identity])


def save_item(db: Database, run: str, item: int, digest: str | None, made: Made, *, failed: bool = False) -> None:
    """Write everything about one item. To be called inside a transaction: an item is finished or it is not."""
    at = now()
    state: ItemState = "failed" if failed else "done" if made.drafts else "rejected"
    db.conn.execute(
        "insert into build_items (run, item, hash, state, kept, at) values (?, ?, ?, ?, ?, ?)",
        [run, item, digest, state, len(made.drafts), at],
    )
    insert_scenarios(db, [draft.scenario for draft in made.drafts])
    db.conn.executemany(
        "insert or ignore into built_scenarios (scenario, run, item, leaks) values (?, ?, ?, ?)",
        [(draft.scenario.id, run, item, draft.leaks) for draft in made.drafts],
    )
    db.conn.executemany(
        "insert or ignore into tags (target, tag) values (?, ?)",
        [(f"scenario/{draft.scenario.id}", LEAKS_TAG) for draft in made.drafts if draft.leaks],
    )
    db.conn.executemany(
        "insert into rejections (run, item, part, stage, reason, effect, at) values (?, ?, ?, ?, ?, ?, ?)",
        [(run, item, r.part, r.stage, r.reason, r.effect, at) for r in made.rejections],
    )


def forget_replies(db: Database, run: str) -> None:
    """Drop what models replied in a build: replies about posts quote them. Inside a transaction."""
    db.conn.execute(
        "update completions set text = '', reasoning = '', request = null, forgotten = 1 "
        "where key in (select key from calls where run = ?)",
        [run],
    )


def build_counts(db: Database, run: str) -> BuildCounts:
    """Count what became of a build's items."""
    items = db.conn.execute(
        "select coalesce(sum(kept), 0), coalesce(sum(state = 'done'), 0), coalesce(sum(state = 'rejected'), 0), "
        "coalesce(sum(state = 'failed'), 0) from build_items where run = ?",
        [run],
    ).fetchone()
    parts = db.conn.execute(
        "select coalesce(sum(part like 'query %'), 0), coalesce(sum(part not like 'query%'), 0) from rejections "
        "where run = ? and part <> '' and effect = 'rejected'",
        [run],
    ).fetchone()
    return BuildCounts(*items, *parts)


def stages(db: Database, run: str) -> dict[str, int]:
    """Count the items that were rejected by the stage that did it."""
    rows = db.conn.execute(
        "select stage, count(distinct rejections.item) from rejections "
        "join build_items on build_items.run = rejections.run and build_items.item = rejections.item "
        "where rejections.run = ? and state = 'rejected' and effect = 'rejected' "
        "and (part = '' or part like 'query %') group by stage order by 2 desc, 1",
        [run],
    )
    return dict(rows.fetchall())


class LeftOut(NamedTuple):
    """What a build left out, replaced or could not ask about, for one reason.

    Fields:
        stage, effect: as in `simulator.build.making.Rejection`. reason: of the first. times: how often.
    """

    stage: str
    effect: str
    reason: str
    times: int


class BuildStory(NamedTuple):
    """How a build stands.

    Fields:
        run: its id. counts: what became of its items. left_out: by reason, most first.
        first: id of the first scenario that was kept, or None.
    """

    run: str
    counts: BuildCounts
    left_out: tuple[LeftOut, ...]
    first: str | None


def build_story(db: Database, run: str) -> BuildStory:
    """Read how a build stands; numbers and quoted words do not make two reasons of one."""
    groups: dict[tuple[str, str, str], LeftOut] = {}
    for row in db.conn.execute(
        "select stage, effect, reason, count(*) from rejections where run = ? "
        "group by stage, effect, reason order by min(id) limit ?",
        [run, DISTINCT_REASONS],
    ):
        found = LeftOut._make(row)
        key = found.effect, found.stage, reason_pattern(found.reason)
        known = groups.get(key)
        groups[key] = found if known is None else known._replace(times=known.times + found.times)
    first = db.conn.execute(
        "select scenario from built_scenarios where run = ? order by item, rowid limit 1", [run]
    ).fetchone()
    most_first = sorted(groups.values(), key=lambda left: -left.times)
    return BuildStory(run, build_counts(db, run), tuple(most_first), None if first is None else str(first[0]))


def rejection_rows(db: Database, run: str | None = None) -> Iterator[Row]:
    """Stream what a build (by id or its beginning; else the latest one) left out or replaced, in the items' order.

    Raises:
        NotFoundError: there is no such build.
    """
    if run is None:
        found = db.conn.execute("select id from runs where kind = 'build' order by rowid desc limit 1").fetchone()
        if found is None:
            raise NotFoundError("there is no build yet: `workbench scenarios build --help` says how one is made")
        run = str(found[0])
    build = find_run(db, run)
    if build["kind"] != "build":
        raise NotFoundError(f"run {build['run']} built no scenarios: `workbench show runs` names the kinds")
    file = json.loads(build["experiment"]).get("file")
    sql = "select run, item, part, stage, effect, reason, at from rejections where run = ? order by item, id"
    for row in db.query(sql, [build["run"]]):
        item = row.pop("item")
        source = f"{file}:{item}" if file else f"profile {item}"
        yield {"build": row.pop("run"), "source": source, **row}
