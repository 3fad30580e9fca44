"""`workbench workers`: start, status, logs, drain, stop."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli import options as opt
from workbench.cli.common import (
    DONE,
    FAILED,
    LEFT_OUT,
    DbOption,
    FormatOption,
    database_path,
    narrate,
    reading,
    vllm_arguments,
    writing,
)

if TYPE_CHECKING:
    from storage.sqlite import Database

app = typer.Typer(help="Serve language models on this machine with vLLM, in the background.", rich_markup_mode=None)

NamesArgument = Annotated[list[str] | None, typer.Argument(help="Workers by name; all without.", metavar="NAME")]


@app.command()
def start(
    names: Annotated[
        list[str] | None, typer.Argument(help="Stopped or dead workers to start again.", metavar="NAME")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Preset (LLaMA-3.1-8B, QwQ-32B …), folder, or name on Hugging Face.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What requests call the model; else its own last name.")] = None,
    replicas: Annotated[int, typer.Option(min=1, help="Servers to start.")] = 1,
    gpus: Annotated[str | None, typer.Option(help="GPUs to use, e.g. 0,1; none for a CPU build of vLLM.")] = None,
    tensor_parallel: Annotated[int, typer.Option(min=1, help="GPUs a server.")] = 1,
    max_model_len: Annotated[int | None, typer.Option(min=1, help="Tokens of prompt and reply.")] = None,
    gpu_memory_utilization: Annotated[float | None, typer.Option(help="Share of each GPU's memory, 0-1.")] = None,
    dtype: Annotated[str | None, typer.Option(help="As vLLM takes it: auto, bfloat16, float32 …")] = None,
    reasoning_parser: Annotated[str | None, typer.Option(help="Splits off thoughts, e.g. deepseek_r1.")] = None,
    embedding: Annotated[bool, typer.Option("--embedding", help="Serve embeddings, not chat.")] = False,
    seed: Annotated[int, typer.Option(help="The engine's seed.")] = 0,
    vllm: opt.Vllm = None,
    vllm_args: Annotated[str, typer.Option(help="More for `vllm serve`, quoted as for a shell.")] = "",
    db: DbOption = None,
) -> int:
    """Start workers in the background; return when they are ready."""
    from workbench.engine.errors import UsageError
    from workbench.workers.command import check_model, find_command
    from workbench.workers.detached import add_workers, command_workers
    from workbench.workers.presets import worker_spec
    from workbench.workers.spec import parse_gpus

    path = database_path(db)
    if names and model:
        raise UsageError("either start workers again by NAME, or new ones with --model")
    if names:
        with writing(db) as database:
            for worker in names:
                _named(database, path, [worker])
                error = command_workers(database, path, f"worker:{worker}", "start")
                if error:
                    raise UsageError(f"worker {worker}: {error}: start it with --model")
            return _until_ready(database, path, names)
    if model is None:
        raise UsageError("name a model with --model: a preset such as LLaMA-3.1-8B, a folder, or org/name")
    spec = worker_spec(
        model,
        name=name,
        replicas=replicas,
        gpus=parse_gpus(gpus),
        tensor_parallel=tensor_parallel,
        max_model_len=max_model_len,
        memory_utilization=gpu_memory_utilization,
        dtype=dtype,
        reasoning_parser=reasoning_parser,
        embedding=embedding or None,
        seed=seed,
        arguments=vllm_arguments(vllm_args),
    )
    command = find_command(vllm)
    spec = check_model(spec)
    with writing(db) as database:
        _clean_up(database, path)
        return _until_ready(database, path, add_workers(database, path, [spec], command))


@app.command()
def status(db: DbOption = None, format: FormatOption = "table") -> int:
    """Show every worker: state, model, GPUs, requests, cache, tokens per second, restarts."""
    from storage.workers import list_workers
    from workbench.cli.output import Column, emit
    from workbench.workers.supervisor import supervisor_alive

    with reading(db) as database:
        rows = [_status_row(row) for row in list_workers(database, supervisor_alive)]
    columns = [
        Column("name"),
        Column("state", status=True),
        *map(Column, ("phase", "since", "model", "gpus")),
        Column("memory", "memory GiB"),
        *map(Column, ("running", "waiting", "cache")),
        Column("tokens_per_s", "tokens/s"),
        Column("restarts"),
        Column("reason", wrap=True),
    ]
    emit(rows, format, columns)
    if not rows:
        narrate("no workers: `workbench workers start --model …` starts some")
    return DONE


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="A worker; without, the only one.", metavar="NAME")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the latest.")] = 40,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    db: DbOption = None,
) -> int:
    """Print what a worker's server wrote last."""
    from storage.workers import list_workers
    from workbench.engine.errors import UsageError
    from workbench.workers.logs import LogReader, tail
    from workbench.workers.supervisor import supervisor_alive

    with reading(db) as database:
        found = {row["name"]: Path(row["log"]) for row in list_workers(database, supervisor_alive)}
    if name is None and len(found) == 1:
        (name,) = found
    if name not in found:
        which = f"one of {', '.join(sorted(found))}" if found else "there are none"
        raise UsageError(f"no worker {name}: {which}" if name else f"name a worker: {which}")
    reader = LogReader(found[name])
    for line in tail(found[name], lines):
        _print(line)
    while follow:
        for line in reader.read().splitlines():
            _print(line)
        time.sleep(0.2)
    return DONE


@app.command()
def drain(names: NamesArgument = None, db: DbOption = None) -> int:
    """Let workers finish the requests they have, then stop them; return when they have stopped."""
    return _end(names or [], "drain", db)


@app.command()
def stop(names: NamesArgument = None, db: DbOption = None) -> int:
    """Stop workers at once, and end what a dead supervisor left running; return when they have stopped."""
    return _end(names or [], "stop", db)


def _end(names: Sequence[str], verb: str, option: Path | None) -> int:
    from storage.database import open_readonly
    from workbench.engine.errors import RunError
    from workbench.workers.detached import command_workers, list_detached, wait_for
    from workbench.workers.supervisor import ALL, ENDED

    path = database_path(option)
    open_readonly(path).conn.close()  # says so where there is no database, instead of making one
    with writing(option) as database:
        left = _clean_up(database, path)
        rows = _named(database, path, names)
        if all(row["state"] in ("stopped", "dead") for row in rows):
            if not left:
                narrate("no worker is running")
            return DONE
        for target in [f"worker:{name}" for name in names] or [ALL]:
            error = command_workers(database, path, target, verb)
            if error not in (None, ENDED):
                raise RunError(str(error))
        wait_for(database, path, [row["name"] for row in rows], _settled, _narrator())
        _clean_up(database, path)
        running = [row["name"] for row in list_detached(database, path) if not _settled(row["state"])]
        stuck = [row["name"] for row in rows if row["name"] in running]
        if stuck:
            raise RunError(f"still running: {', '.join(stuck)}")
    return DONE


def _named(database: "Database", path: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of the named workers of the detached supervisor, all for none."""
    from workbench.engine.errors import UsageError
    from workbench.workers.detached import list_detached

    rows = list_detached(database, path)
    missing = [name for name in names if all(row["name"] != name for row in rows)]
    if missing:
        raise UsageError(f"no worker {missing[0]}: `workbench workers status` lists them")
    return [row for row in rows if not names or row["name"] in names]


def _clean_up(database: "Database", path: Path) -> int:
    from workbench.workers.detached import end_abandoned

    return end_abandoned(database, path, narrate)


def _until_ready(database: "Database", path: Path, names: Sequence[str]) -> int:
    """Wait for workers that start; the exit code says how many made it."""
    from workbench.workers.detached import wait_for

    try:
        rows = wait_for(database, path, names, lambda state: state == "ready" or _settled(state), _narrator())
    except KeyboardInterrupt:
        narrate("they go on starting: `workbench workers status` shows them, `workbench workers stop` stops them")
        raise
    ready = [row for row in rows if row["state"] == "ready"]
    for row in rows:
        if row not in ready:
            narrate(f"worker {row['name']} is {row['state']}; its log: `workbench workers logs {row['name']}`")
    return DONE if len(ready) == len(names) else LEFT_OUT if ready else FAILED


def _narrator() -> Callable[[dict[str, Any]], None]:
    """Return what says each worker's state once it is new."""
    from workbench.workers.pool import described

    said: dict[str, str] = {}

    def see(row: dict[str, Any]) -> None:
        line = described(row["state"], row["phase"], row["reason"])
        if said.get(row["name"]) != line:
            said[row["name"]] = line
            narrate(f"worker {row['name']}: {line}")

    return see


def _settled(state: str) -> bool:
    return state in ("stopped", "dead")


def _status_row(row: dict[str, Any]) -> dict[str, Any]:
    import json

    used, total = row["gpu_memory_used"], row["gpu_memory_total"]
    shown = ("name", "state", "phase", "since", "model", "kind")
    figures = ("running", "waiting", "cache", "tokens_per_s", "prompt_tokens_per_s", "prefix_hits", "gpu_use")
    return {
        **{key: row[key] for key in shown},
        "gpus": ",".join(map(str, json.loads(row["gpus"]))) or None,
        "memory": None if total is None else f"{used:.0f}/{total:.0f}",
        **{key: row[key] for key in figures},
        "restarts": row["restarts"],
        "reason": row["reason"],
        "pid": row["pid"],
        "port": row["port"],
        "log": os.fspath(row["log"]),
    }


def _print(line: str) -> None:
    from workbench.text import plain

    typer.echo(plain(line))
