"""Workers written into a database as a supervisor would, without a server behind them."""

import time
from pathlib import Path

from storage.database import open_writable, transaction
from storage.runs import now
from storage.workers import add_metrics, add_worker, claim_supervisor
from workbench.engine.steering.owner import this_process
from workbench.workers.supervisor import supervisor_alive


def add(path: Path, folder: Path, name: str, state: str, **values: object) -> None:
    """Write a worker as a supervisor in this process would, its log in a folder; figures of 40 s if it serves."""
    log = folder / f"{name}.log"
    log.write_text(
        "INFO Starting to load model\nINFO Application startup complete.\n\x1b[32mINFO\x1b[0m [b]ready[/b]\n"
    )
    db = open_writable(path)
    with transaction(db):
        if db.conn.execute("select count(*) from supervisors").fetchone() == (0,):
            claim_supervisor(db, "s", "detached", this_process(), supervisor_alive)
        row = {
            "id": name,
            "supervisor": "s",
            "name": name,
            "model": "LLaMA-3.1-8B",
            "state": state,
            "since": now(),
            "port": 8000,
            "gpus": "[0]",
            "restarts": 0,
            "log": str(log),
            "spec": "{}",
        }
        add_worker(db, row | values)
        for second in range(40 if state in ("ready", "draining") else 0):
            figures = {"running": 12, "waiting": 3, "cache": 0.4, "tokens_per_s": 900.0 + 40 * (second % 8)}
            memory = {"gpu_memory_used": 66.0, "gpu_memory_total": 80.0, "gpu_use": 0.93}
            add_metrics(db, {"worker": name, "at": time.time() - 40 + second, **figures, **memory})
    db.conn.close()
