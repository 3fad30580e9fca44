"""The tables of workers and commands; a step of the migrations calls this (so it imports none of their users)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.sqlite import Database


def create_worker_tables(db: "Database") -> None:
    """Create the tables that `storage.workers` and `storage.commands` write and read."""
    db.table("supervisors").create(
        {
            "id": str,
            "kind": str,  # run (owned by `workbench run`, for its length) | detached (`workbench workers start`)
            "state": str,  # running | ended
            "owner_host": str,
            "owner_pid": int,
            "owner_started": str,
            "heartbeat": float,  # seconds since the epoch
            "created_at": str,
        },
        pk="id",
        not_null={"kind", "state", "owner_host", "owner_pid", "owner_started", "heartbeat"},
    )
    db.table("workers").create(
        {
            "id": str,  # the marker in its processes' environment
            "supervisor": str,
            "name": str,
            "model": str,  # what requests call it
            "state": str,  # starting | ready | draining | restarting | stopped | dead
            "phase": str,  # of a start: launching, loading, compiling
            "since": str,  # when it came to this state
            "reason": str,  # why it is restarting, stopped or dead
            "pid": int,
            "port": int,
            "gpus": str,  # JSON array of indices
            "restarts": int,
            "log": str,  # path
            "spec": str,  # JSON of the WorkerSpec
        },
        pk="id",
        not_null={"supervisor", "name", "model", "state", "since"},
        foreign_keys=[("supervisor", "supervisors", "id")],
    )
    db.table("workers").create_index(["name"], unique=True)
    db.table("worker_metrics").create(
        {
            "worker": str,
            "at": float,  # seconds since the epoch
            "running": int,  # requests
            "waiting": int,
            "cache": float,  # share of the key-value cache in use, 0-1
            "tokens_per_s": float,  # generated; null where there is no rate yet
            "prompt_tokens_per_s": float,
            "prefix_hits": float,  # share of prompt tokens found in the prefix cache, 0-1
            "gpu_memory_used": float,  # GiB, over all its GPUs, everybody's use; null without a GPU
            "gpu_memory_total": float,
            "gpu_use": float,  # 0-1, mean over its GPUs
        },
        pk=("worker", "at"),
        foreign_keys=[("worker", "workers", "id")],
    )
    db.table("commands").create(
        {
            "id": int,
            "target": str,  # workers | worker:NAME | run:ID …
            "verb": str,
            "argument": str,
            "issued": float,  # seconds since the epoch
            "acknowledged": float,  # null until someone took it
            "error": str,  # why it was refused; null if it was not
        },
        pk="id",
        not_null={"target", "verb", "issued"},
    )
    db.table("commands").create_index(["acknowledged", "target"])
