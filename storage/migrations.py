"""The schema, a numbered step at a time. A step that has been released is never changed; add another.

Every row says where it came from: runs carry world, versions, seed and code version, and everything else hangs on a
run through its unit.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from storage.app_tables import add_breakpoints, add_held, add_judging, create_app_tables
from storage.build_tables import create_build_tables
from storage.study_tables import create_study_tables
from storage.worker_tables import create_worker_tables

if TYPE_CHECKING:
    from storage.sqlite import Database


def _first_schema(db: "Database") -> None:
    db.table("scenarios").create(
        {
            "id": str,
            "query": str,
            "domain": str,
            "issue": str,
            "source": str,
            "profile_id": str,
            "profile": str,  # JSON object, Title Case keys, null = unknown
            "known": int,  # bit mask of the attributes that have a value
            "collected": int,  # 1 = imported or built to be used; 0 = a run brought it along
        },
        pk="id",
        not_null={"query", "domain", "profile_id", "profile", "known"},
    )
    db.table("scenarios").create_index(["domain"])
    db.table("scenarios").create_index(["profile_id"])

    db.table("runs").create(
        {
            "id": str,
            "identity": str,  # SHA-256 of the normalised experiment, or of an imported file
            "kind": str,  # run | import
            "state": str,  # running | interrupted | done | failed
            "world": str,
            "world_version": str,
            "seed": int,
            "experiment": str,  # JSON
            "settings": str,  # JSON: what does not belong to the identity but explains the run
            "code_version": str,
            "library": str,  # content hash of the path library, once there is one
            "created_at": str,
            "finished_at": str,
            "owner_host": str,
            "owner_pid": int,
            "owner_started": str,
            "heartbeat": float,  # seconds since the epoch
            "error": str,
        },
        pk="id",
        not_null={"identity", "kind", "state", "created_at"},
    )
    db.table("runs").create_index(["identity"])

    db.table("units").create(
        {
            "id": int,
            "run": str,
            "kind": str,  # search | trial
            "scenario": str,
            "model": str,
            "arm": str,  # the planner's name for a search
            "state": str,  # pending | running | done | failed
            "error": str,
            "seconds": float,
            "finished_at": str,
        },
        pk="id",
        not_null={"run", "kind", "scenario", "model", "arm", "state"},
        foreign_keys=[("run", "runs", "id"), ("scenario", "scenarios", "id")],
    )
    db.table("units").create_index(["run", "kind", "scenario", "model", "arm"], unique=True)
    db.table("units").create_index(["run", "state"])
    db.table("units").create_index(["scenario"])

    db.table("searches").create(
        {
            "unit": int,
            "planner": str,
            "rule": str,
            "judge": str,
            "available": int,
            "depth": int,
            "rollouts": int,
            "failed_rollouts": int,
            "evaluations": int,
            "rankings": int,
            "best_mask": int,
            "best_path": str,  # JSON array of attribute indices
            "best_q": float,  # 1-5
            "best_visits": int,
            "trace": bytes,  # planner.trace.pack
        },
        pk="unit",
        foreign_keys=[("unit", "units", "id")],
    )
    db.table("dialogues").create(
        {
            "unit": int,
            "crisis": int,
            "questions": int,
            "ending": str,
            "completeness": int,  # the last rating, before answering
            "threshold": int,
            "persona": str,
            "neighbours": str,  # JSON array, nearest first
            "library": str,  # content hash of the library it was shown
            "leaky": int,
            "invalid": str,  # JSON array of lines
            "score": float,  # true mean score of answering now, where the world knows it
        },
        pk="unit",
        foreign_keys=[("unit", "units", "id")],
    )
    db.table("turns").create(
        {
            "unit": int,
            "step": int,
            "completeness": int,
            "attribute": int,
            "question": str,
            "reason": str,
            "chosen_by": str,
            "status": str,
            "reply": str,
            "known": str,
            "truth": str,
            "score": float,
        },
        pk=("unit", "step"),
        foreign_keys=[("unit", "units", "id")],
    )
    db.table("responses").create(
        {
            "unit": int,
            "text": str,
            "style": str,
            "full": int,  # masks of what the prompt gave
            "partial": int,
            "owner": str,  # the draw it is
            "purpose": str,
            "sample": int,
            "score": float,  # true mean score, where the world knows it
        },
        pk="unit",
        foreign_keys=[("unit", "units", "id")],
    )
    db.table("verdicts").create(
        {
            "unit": int,
            "judge": str,
            "risk_sensitivity": float,
            "emotional_empathy": float,
            "user_alignment": float,
            "score": float,  # null where the judgement failed
            "repeats": int,
            "valid": int,
            "rationale": str,
            "error": str,
        },
        pk=("unit", "judge"),
        foreign_keys=[("unit", "units", "id")],
    )
    db.table("libraries").create(
        {"id": str, "name": str, "published": int, "created_at": str},
        pk="id",
    )
    db.table("library_entries").create(
        {
            "library": str,
            "position": int,
            "query": str,
            "path": str,  # JSON array of attribute indices
            "score": float,
            "scenario": str,
            "profile_id": str,
            "model": str,
        },
        pk=("library", "position"),
        foreign_keys=[("library", "libraries", "id")],
    )


def _language_models(db: "Database") -> None:
    db.table("completions").create(
        {
            "key": str,  # ChatRequest.key
            "model": str,
            "request": bytes,  # zlib JSON: messages, sampling, seed, sample, schema
            "text": str,
            "reasoning": str,
            "finish_reason": str,
            "prompt_tokens": int,
            "cached_tokens": int,
            "completion_tokens": int,
            "reasoning_tokens": int,
            "forgotten": int,  # 1: of no use, so the next request like it goes to a server
            "created_at": str,
        },
        pk="key",
    )
    db.table("calls").create(
        {
            "id": int,
            "run": str,
            "unit": int,
            "role": str,
            "model": str,
            "endpoint": str,
            "key": str,
            "hit": int,
            "prompt_tokens": int,
            "cached_tokens": int,
            "completion_tokens": int,
            "reasoning_tokens": int,
            "latency": float,  # seconds
            "queue": float,
            "retries": int,
            "cost": float,  # in the currency of the configured prices, null where there is none
            "error": str,
            "at": str,
        },
        pk="id",
        foreign_keys=[("run", "runs", "id"), ("unit", "units", "id")],
    )
    db.table("calls").create_index(["unit"])
    db.table("calls").create_index(["run"])
    create_worker_tables(db)


MIGRATIONS: tuple[Callable[["Database"], None], ...] = (
    _first_schema,
    _language_models,
    create_app_tables,
    create_study_tables,
    create_build_tables,
    add_held,
    add_judging,
    add_breakpoints,
)
"""Step n brings a database from version n to n + 1; the version stands in `PRAGMA user_version`."""

SCHEMA_VERSION = len(MIGRATIONS)
