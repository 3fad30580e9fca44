"""Notes, tags and bookmarks that people put on scenarios, dialogues, searches and runs.

A target is written as in deep links: `scenario/ID`, `dialogue/UNIT`, `search/UNIT`, `run/ID`. What writes expects to be
called inside `storage.database.transaction`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from storage.clock import now

if TYPE_CHECKING:
    from storage.sqlite import Database


class Annotations(NamedTuple):
    """What people put on one target."""

    text: str = ""
    tags: tuple[str, ...] = ()
    bookmarked: bool = False


def annotations(db: "Database", target: str) -> Annotations:
    """Return what there is on a target."""
    note = db.conn.execute("select text from notes where target = ?", [target]).fetchone()
    tags = db.conn.execute("select tag from tags where target = ? order by tag", [target]).fetchall()
    bookmark = db.conn.execute("select 1 from bookmarks where target = ?", [target]).fetchone()
    return Annotations(note[0] if note else "", tuple(tag for (tag,) in tags), bookmark is not None)


def set_note(db: "Database", target: str, text: str) -> None:
    """Replace the note; an empty text removes it."""
    if not text.strip():
        db.conn.execute("delete from notes where target = ?", [target])
        return
    db.conn.execute("insert or replace into notes (target, text, updated_at) values (?, ?, ?)", [target, text, now()])


def set_tags(db: "Database", target: str, tags: Iterable[str]) -> None:
    """Replace the tags; white space around them and repetitions are dropped."""
    db.conn.execute("delete from tags where target = ?", [target])
    wanted = sorted({tag.strip() for tag in tags} - {""})
    db.conn.executemany("insert into tags (target, tag) values (?, ?)", [(target, tag) for tag in wanted])


def set_bookmark(db: "Database", target: str, on: bool) -> None:
    """Put a bookmark on a target or take it off."""
    if on:
        db.conn.execute("insert or ignore into bookmarks (target, created_at) values (?, ?)", [target, now()])
    else:
        db.conn.execute("delete from bookmarks where target = ?", [target])


def bookmarks(db: "Database") -> list[str]:
    """List the bookmarked targets, newest first."""
    return [row[0] for row in db.conn.execute("select target from bookmarks order by created_at desc, target")]


def find_marked(db: "Database", text: str, limit: int) -> list[tuple[str, str]]:
    """Find notes and tags that hold a text, in any case: what each is on, and the note, or the tag behind a #.

    The tags come first, then the newest notes; `limit` at most.
    """
    rows = db.conn.execute(
        """
        select target, '#' || tag, 0, '' from tags where instr(lower('#' || tag), lower(:text))
        union all
        select target, text, 1, updated_at from notes where instr(lower(text), lower(:text))
        order by 3, 4 desc, 1 limit :limit
        """,
        {"text": text, "limit": limit},
    )
    return [(row[0], row[1]) for row in rows]
