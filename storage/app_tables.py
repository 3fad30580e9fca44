"""What people add in the terminal app (migration step 3), and what rows of runs and verdicts have said since."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.sqlite import Database


def create_app_tables(db: "Database") -> None:
    """Add notes, tags, bookmarks, human ratings, branches and probes, and what a run's row says about control."""
    db.conn.execute("alter table runs add column paused integer not null default 0")  # 1 = held by a command
    db.conn.execute("alter table runs add column log text")  # the log file of a detached run
    db.conn.execute("alter table turns add column said_by text")  # user | person; null = nobody yet, or not stated
    # A target is scenario/ID, dialogue/UNIT, search/UNIT or run/ID, as in deep links.
    db.table("notes").create({"target": str, "text": str, "updated_at": str}, pk="target", not_null={"text"})
    db.table("tags").create({"target": str, "tag": str}, pk=("target", "tag"))
    db.table("tags").create_index(["tag"])
    db.table("bookmarks").create({"target": str, "created_at": str}, pk="target")
    db.table("human_ratings").create(
        {
            "unit": int,
            "rater": str,
            "risk_sensitivity": float,
            "emotional_empathy": float,
            "user_alignment": float,
            "score": float,  # mean of the three; a file may give this alone
            "comment": str,
            "source": str,  # app, or the name of the imported file
            "at": str,
        },
        pk=("unit", "rater"),
        not_null={"score"},
        foreign_keys=[("unit", "units", "id")],
    )
    db.table("branches").create(
        {
            "unit": int,  # the trial that the branch is
            "parent": int,  # the trial it leaves
            "step": int,  # turns taken over from the parent
            "change": str,  # JSON: what was changed there
            "created_at": str,
        },
        pk="unit",
        foreign_keys=[("unit", "units", "id"), ("parent", "units", "id")],
    )
    db.table("branches").create_index(["parent"])
    db.table("probes").create(
        {
            "unit": int,
            "step": int,  # answered before this question
            "judge": str,
            "response": str,
            "dimensions": str,  # JSON array of three
            "score": float,  # null where the judgement failed
            "rationale": str,
            "error": str,
            "at": str,
        },
        pk=("unit", "step", "judge"),
        foreign_keys=[("unit", "units", "id")],
    )


def add_held(db: "Database") -> None:
    """Add why a run is held (migration step 6)."""
    db.conn.execute("alter table runs add column held text")  # words after `paused`; null while it is not


def add_judging(db: "Database") -> None:
    """Add which run judged a stored response again (migration step 7), and the index that counts what it has done."""
    db.conn.execute("alter table verdicts add column judging text references runs (id)")  # null = the unit's own run
    db.conn.execute("create index idx_verdicts_judging on verdicts (judging, score) where judging is not null")


def add_breakpoints(db: "Database") -> None:
    """Add where a run is to stop (migration step 8)."""
    db.conn.execute("alter table runs add column breakpoints text")  # as the command `break` takes them; null = none
