"""A finished run in whose texts everything is hostile."""

import json
import shutil
import sqlite3
from pathlib import Path

MARK = "zqx"
"""Stands in every hostile text, to be found again."""

HOSTILE = (
    f"""{MARK}"'><script>document.title="{MARK}"</script><img src=x onerror=alert(1)>"""
    "</svg></title></style></details><!-- {{ 7*7 }} {% raw %} ]]>&amp;\x1b[31m"
    "\x00\u202e\ud800 $(x) `y` | \\end{table} %"
)


def poison(prepared: Path, folder: Path) -> Path:
    """Return a copy of a database with one run where every text from data, models or files is hostile."""
    path = folder / "hostile.db"
    shutil.copy(prepared, path)
    with sqlite3.connect(path) as db:
        hostile = HOSTILE.encode("utf-8", "replace").decode()
        for table, columns in {
            "scenarios": ("query", "issue", "source"),
            "responses": ("text",),
            "turns": ("question", "reason", "reply", "known", "truth", "status", "chosen_by"),
            "dialogues": ("ending", "persona"),
            "searches": ("planner", "rule", "judge"),
        }.items():
            for column in columns:
                db.execute(f"update {table} set {column} = ?", [hostile])
        profile = json.dumps(dict.fromkeys(("Age", "Emotional State", "Past Self-Harm History"), hostile))
        db.execute("update scenarios set profile = ?", [profile])
        db.execute("update scenarios set domain = ? where domain = 'Life'", [hostile])
        db.execute("update units set model = model || ?, arm = case arm when 'full' then ? else arm end", [hostile] * 2)
        db.execute("update verdicts set judge = judge || ?, rationale = ?", [hostile, hostile])
        db.execute("update verdicts set score = null, error = ? where unit % 5 = 0", [hostile])
        db.execute("update units set state = 'failed', error = ? where id % 7 = 0", [hostile])
        (experiment,) = db.execute("select experiment from runs").fetchone()
        settings = {**json.loads(experiment), "models": [hostile], "prompts": {hostile: hostile}, hostile: hostile}
        db.execute(
            "update runs set experiment = ?, world_version = ?, code_version = ?, library = ?, error = ?, identity = ?",
            [json.dumps(settings), *[hostile] * 5],
        )
        db.execute(
            "insert into calls (run, unit, role, model, endpoint, key, hit, prompt_tokens, cached_tokens, "
            "completion_tokens, reasoning_tokens, latency, queue, retries, cost, error, at) "
            "select id, null, ?, ?, '', '', 0, 10, 0, 5, 0, 0.1, 0, 0, 0.5, null, '' from runs",
            [hostile, hostile],
        )
    db.close()
    return path
