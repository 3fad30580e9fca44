"""The calls behind a unit as text: the exact messages, the raw reply, and the call as curl without its key."""

import json
import shlex
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.text import plain


def print_calls(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print calls (rows of `storage.calls.unit_calls`) for people."""
    for number, row in enumerate(rows, 1):
        where = "cache" if row["hit"] else row["endpoint"] or "no endpoint"
        tokens = f"{row['prompt_tokens']} + {row['completion_tokens']} tokens"
        took = f"{row['latency']:.2f} s · {row['retries']} retries"
        lines = ["", f"── call {number} · {row['role']} · {row['model']} · {where} · {tokens} · {took} ──"]
        if row["error"]:
            lines.append(f"failed: {row['error']}")
        if row["request"] is not None:
            for message in row["request"]["messages"]:
                lines += [f"[{message['role']}]", message["content"], ""]
            if row["reasoning"]:
                lines += ["[reasoning]", row["reasoning"], ""]
            lines += [f"[reply, {row['finish_reason']}]", row["text"], "", curl(row["model"], row["request"])]
        for line in lines:
            sys.stdout.write(plain(line, lines=True) + "\n")


def curl(model: str, request: Mapping[str, Any]) -> str:
    """Return a stored request as a curl command; base URL and key are the reader's, from the environment."""
    body: dict[str, Any] = {"model": model, "messages": request["messages"], **request["sampling"]}
    body["seed"] = request["seed"]
    if request["schema"] is not None:
        schema = {"name": request["schema"]["name"], "schema": request["schema"]["json"], "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    data = shlex.quote(json.dumps(body, ensure_ascii=False))
    return (
        'curl "$OPENAI_BASE_URL/chat/completions" -H "Authorization: Bearer $OPENAI_API_KEY" '
        f'-H "Content-Type: application/json" -d {data}'
    )
