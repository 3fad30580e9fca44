"""What the screen of workers shows: a card for each, and what is missing where none can be started."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from workbench.app.state.spans import (
    ABSENT,
    Line,
    Span,
    cut,
    line,
    moment,
    muted,
    number,
    span_of_time,
    status_span,
    text_of,
    wrapped,
)
from workbench.doctor import Check
from workbench.text import counted, plain
from workbench.workers.presets import PRESETS

CARD_LINES = 4
"""Lines of a card, the last ones empty where little is to be said."""

_BESIDE_MODEL = 58
"""Cells of a card's first line that what stands beside the model may take."""

_DRAINING = "takes no new requests; stops once those under way are answered"

HISTORY = 120
"""Figures kept of each worker; a supervisor writes one a second or so."""

_SPARKS = "▁▂▃▄▅▆▇█"

_WHAT = (
    "A worker is a vLLM server that serves one model on this machine's GPUs; a supervisor starts workers and keeps "
    "them at work."
)

_OTHER_WAYS = {
    "a server that runs already": "vLLM or anything else that speaks OpenAI's chat API, here or elsewhere: set "
    "OPENAI_BASE_URL to its address up to /v1, or give a run --world model --base-url ADDRESS --models NAME",
    "a hosted model": "set OPENAI_API_KEY (and OPENAI_BASE_URL where it is not OpenAI's), then give a run "
    "--world model --models gpt-4o; `workbench config init` writes a file that shows how several endpoints, Azure's "
    "and prices are given",
}

Row = Mapping[str, Any]
Verb = Literal["drain", "stop", "start"]


class WorkersState:
    """Eats rows of workers; says what is shown.

    Fields:
        rows: as `storage.workers.list_workers` returns them, in the order they were added.
        supervised: whether a detached supervisor lives.
        checks: what `workbench.doctor` found of what local models need; empty while it has not looked.
    """

    def __init__(self) -> None:
        self.rows: Sequence[Row] = ()
        self.supervised = False
        self.checks: Sequence[Check] = ()
        self._chosen: str | None = None
        self._history: dict[str, deque[tuple[float, float]]] = {}

    @property
    def known(self) -> frozenset[str]:
        """Ids of the workers whose earlier figures are known."""
        return frozenset(self._history)

    def eat(self, rows: Sequence[Row], supervised: bool, earlier: Mapping[str, Iterable[Row]] = {}) -> None:
        """Take every worker with its latest figures, and of those that are not `known` the earlier ones."""
        self.rows, self.supervised = rows, supervised
        for worker, figures in earlier.items():
            self._history[worker] = deque(
                ((row["at"], row["tokens_per_s"]) for row in figures if row["tokens_per_s"] is not None), HISTORY
            )
        for row in rows:
            history = self._history.setdefault(row["id"], deque(maxlen=HISTORY))
            if row["tokens_per_s"] is not None and (not history or row["at"] > history[-1][0]):
                history.append((row["at"], row["tokens_per_s"]))
        ids = {row["id"] for row in rows}
        self._history = {worker: history for worker, history in self._history.items() if worker in ids}
        if self.chosen is None:
            self._chosen = rows[0]["name"] if rows else None

    @property
    def chosen(self) -> Row | None:
        """The worker under the cursor."""
        return next((row for row in self.rows if row["name"] == self._chosen), None)

    @property
    def cursor(self) -> int:
        """Where the chosen worker stands in `rows`; 0 where there is none."""
        return next((i for i, row in enumerate(self.rows) if row["name"] == self._chosen), 0)

    def choose(self, name: str) -> bool:
        """Put the cursor on a worker; tell whether there is one of this name."""
        if any(row["name"] == name for row in self.rows):
            self._chosen = name
            return True
        return False

    @property
    def at_work(self) -> Sequence[Row]:
        """The workers of the detached supervisor that have not ended."""
        return [row for row in self.rows if row["kind"] == "detached" and row["state"] not in ("stopped", "dead")]

    def refusal(self, verb: Verb, key: Callable[[str], str]) -> str | None:
        """Say why the chosen worker can't be told this, or None where it can; `key` returns a binding's by its id."""
        row = self.chosen
        if row is None:
            return f"there is no worker: {key('workers.start')} starts some"
        name = plain(row["name"])
        if row["kind"] != "detached":
            return f"worker {name} belongs to a run, which stops it when it ends"
        ended = row["state"] in ("stopped", "dead")
        if verb == "start":
            return None if ended else f"worker {name} is {row['state']} already"
        if ended and (verb == "drain" or row["state"] == "stopped"):
            return f"worker {name} is {row['state']}"
        if verb == "drain" and row["state"] == "draining":
            return f"worker {name} is draining already"
        return None

    def cards(self, width: int, now: float, draw: Callable[[float, int], str]) -> list[Line]:
        """Return `CARD_LINES` lines a worker.

        Args:
            width: cells of a line.
            now: the time of day (seconds since the epoch).
            draw: makes a bar of a share 0-1 and a width.
        """
        return [part for row in self.rows for part in self._card(row, width, now, draw)]

    def heading(self) -> str:
        """Return in a few words how things stand."""
        if not self.rows:
            return "no supervisor runs" if not self.supervised else "supervisor runs · no workers"
        states: dict[str, int] = {}
        for row in self.rows:
            states[row["state"]] = states.get(row["state"], 0) + 1
        told = ", ".join(f"{count} {state}" for state, count in states.items())
        return told if self.supervised else f"no supervisor runs · {told}"

    def advice(self, width: int, key: Callable[[str], str]) -> list[Line]:
        """Return what local models need, what of it is missing, and the other ways to reach a model.

        Args:
            width: cells that a line may take before it is broken.
            key: returns the key of a binding by its id.
        """
        lines: list[Line] = [line(Span("No worker is here.", bold=True))]
        lines += [*(line(muted(text)) for text in wrapped(_WHAT, width)), ()]
        if self.checks:
            lines.append(line(Span("Serving models on this machine needs", "accent", bold=True)))
            for check in self.checks:
                lines.append(
                    line("  ", status_span(check.state), Span(f"  {plain(check.name)}: {plain(check.detail)}"))
                )
                if check.remedy:
                    lines += [line(muted(f"      {text}")) for text in wrapped(plain(check.remedy), width - 6)]
            if all(check.state == "ok" for check in self.checks):
                lines.append(line(Span(f"  everything is there: {key('workers.start')} starts a worker", "success")))
        else:
            lines.append(line(muted("looking at this machine …")))
        lines += [(), line(Span("Two other ways to reach a model", "accent", bold=True))]
        for title, text in _OTHER_WAYS.items():
            lines.append(line(Span(f"  {title}", bold=True)))
            lines += [line(f"    {part}") for part in wrapped(text, width - 4)]
        lines += [(), line(muted("The surrogate needs no model at all: every screen works with it."))]
        return lines

    def summary(self) -> str:
        """Return every worker's latest figures as JSON."""
        shown = [{key: value for key, value in row.items() if key != "spec"} for row in self.rows]
        return json.dumps({"supervisor": self.supervised, "workers": shown}, indent=2, ensure_ascii=False)

    def _card(self, row: Row, width: int, now: float, draw: Callable[[float, int], str]) -> list[Line]:
        gpus = ", ".join(map(str, json.loads(row["gpus"] or "[]")))
        head = [
            line(status_span(row["state"])),
            line(Span(plain(row["name"]), bold=True)),
            line(muted(f"({row['phase']})")) if row["phase"] and row["state"] not in ("stopped", "dead") else (),
            line(Span(cut(plain(row["model"]), max(16, width - _BESIDE_MODEL)))),
            line(Span(f"GPU {gpus}" if gpus else "CPU")),
            line(muted(f"since {_since(row['since'], now)}")),
            line(Span(counted(row["restarts"], "restart"), "warning")) if row["restarts"] else (),
            line(muted("of a run")) if row["kind"] != "detached" else (),
        ]
        lines = [
            _fitted(head, width),
            _fitted(self._work(row, draw), width),
            _fitted(_machine(row, draw), width),
        ]
        said = [part for part in lines if part]
        if row["state"] == "draining" and not row["phase"]:
            said.append(line(muted(f"  {cut(_DRAINING, width - 2)}")))
        if row["reason"]:
            room = CARD_LINES - len(said)
            reasons = wrapped(plain(row["reason"]), width - 2)
            if len(reasons) > room:
                reasons = [*reasons[: room - 1], cut(" ".join(reasons[room - 1 :]), width - 2)]
            said += [line(Span(f"  {text}", "warning")) for text in reasons]
        return said + [()] * (CARD_LINES - len(said))

    def _work(self, row: Row, draw: Callable[[float, int], str]) -> list[Line]:
        if row["state"] in ("stopped", "dead"):
            return []
        if row["running"] is None:
            return [line(muted("  no requests are served now"))]
        rate = row["tokens_per_s"]
        return [
            line(muted("  requests "), f"{row['running']} running", muted(" · "), f"{row['waiting']} waiting"),
            line(muted("tokens/s "), f"{ABSENT if rate is None else number(rate):>5} ", self._spark(row["id"])),
            line(muted("cache "), Span(draw(row["cache"] or 0.0, 8), "active"), f" {row['cache'] or 0.0:.0%}"),
        ]

    def _spark(self, worker: str) -> Span:
        return Span(sparkline([rate for _, rate in self._history.get(worker, ())], 16), "success")


def sparkline(values: Sequence[float], width: int) -> str:
    """Return the last `width` values as columns, zero-based, the highest one full; newest at the right."""
    shown = list(values)[-width:]
    highest = max(shown, default=0.0)
    steps = [0 if highest <= 0 else round(max(0.0, value) / highest * (len(_SPARKS) - 1)) for value in shown]
    return "".join(_SPARKS[step] for step in steps).rjust(width)


def endpoint(row: Row) -> str | None:
    """Return where a worker answers, without its key; None where it has no port yet."""
    return None if row["port"] is None else f"http://127.0.0.1:{row['port']}/v1"


def presets() -> list[tuple[str, str]]:
    """Return the models that can be started by a known name: (what is shown, name)."""
    return [
        (f"{preset.name}  {preset.model} · {preset.memory:.0f} GiB", preset.name)
        for preset in PRESETS.values()
        if not preset.hosted
    ]


def _machine(row: Row, draw: Callable[[float, int], str]) -> list[Line]:
    parts: list[Line] = []
    if row["state"] in ("stopped", "dead"):
        return parts  # its last figures are those of a process that is gone
    if row["gpu_memory_total"]:
        used, total = row["gpu_memory_used"], row["gpu_memory_total"]
        bar = Span(draw(used / total, 10), "warning" if used / total > 0.95 else "active")
        parts.append(line(muted("  memory "), bar, f" {used:.0f}/{total:.0f} GiB"))
        if row["gpu_use"] is not None:
            parts.append(line(muted("use "), Span(draw(row["gpu_use"], 6), "active"), f" {row['gpu_use']:.0%}"))
    address = endpoint(row)
    if address:
        parts.append(line(muted("at " if parts else "  at "), address))
    return parts


def _since(iso: str, now: float) -> str:
    ago = max(0.0, now - datetime.fromisoformat(iso).timestamp())
    return f"{moment(iso, now=now)} ({span_of_time(ago)})"


def _fitted(parts: Sequence[Line], width: int) -> Line:
    """Join what has room, in order, three spaces between."""
    joined: Line = ()
    for part in parts:
        longer = (*joined, Span("   "), *part) if joined and part else joined or part
        if joined and len(text_of(longer)) > width:
            continue
        joined = longer
    return joined
