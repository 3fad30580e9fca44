"""The tables of migration step 5: scenarios that language models built, and why others were not.

A build is a row of `runs` of the kind `build`. Of a post nothing is kept but the number of its line and its hash.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.sqlite import Database


def create_build_tables(db: "Database") -> None:
    """Add the items of builds, where built scenarios come from, and rejections."""
    db.table("build_items").create(
        {
            "run": str,
            "item": int,  # the line of a post, from 1; the number of a profile, from 0
            "hash": str,  # of the post; null for a profile
            "state": str,  # done | rejected (nothing of it was kept) | failed (a model could not be asked)
            "kept": int,  # scenarios
            "at": str,
        },
        pk=("run", "item"),
        not_null={"state", "kept", "at"},
        foreign_keys=[("run", "runs", "id")],
    )
    db.table("built_scenarios").create(
        {
            "scenario": str,
            "run": str,
            "item": int,
            "leaks": int,  # mask of the attributes that its query gives away
        },
        pk="scenario",
        not_null={"run", "item", "leaks"},
        foreign_keys=[("scenario", "scenarios", "id"), ("run", "runs", "id")],
    )
    db.table("rejections").create(
        {
            "id": int,
            "run": str,
            "item": int,
            "part": str,  # empty = the item; else the query or the value that was dropped
            "stage": str,
            "reason": str,
            "effect": str,  # rejected | replaced (by a neutral phrase) | failed
            "at": str,
        },
        pk="id",
        not_null={"run", "item", "part", "stage", "reason", "effect", "at"},
        foreign_keys=[("run", "runs", "id")],
    )
    db.table("rejections").create_index(["run", "item"])
