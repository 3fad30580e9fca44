"""The tables of migration step 4: what a choice among judged subsets rested on, and studies made of several runs."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.sqlite import Database


def create_study_tables(db: "Database") -> None:
    """Add choices (the oracle's winner as it was judged when it won), studies and their parts."""
    db.table("choices").create(
        {
            "unit": int,
            "judge": str,
            "candidates": int,  # subsets that there were
            "judged": int,  # those of them that could be judged
            "naive": float,  # 1-5: the winner's own judgement, before it is judged again
        },
        pk="unit",
        foreign_keys=[("unit", "units", "id")],
    )
    db.table("studies").create(
        {
            "id": str,  # SHA-256 of name and parts
            "name": str,
            "world": str,
            "created_at": str,
            "finished_at": str,
        },
        pk="id",
        not_null={"name", "world", "created_at"},
    )
    db.table("study_parts").create(
        {
            "study": str,
            "position": int,
            "part": str,  # the experiment that it belongs to
            "setting": str,  # JSON object: what of a sweep it is, option -> value
            "tables": str,  # JSON array: names of the tables it is for
            "options": str,  # JSON object: of the run
            "run": str,  # null until it was begun
        },
        pk=("study", "position"),
        foreign_keys=[("study", "studies", "id")],
    )
